"""How the images of an MR series were made, as far as the header tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MrSequence:
    """Acquisition of an MR series (PS3.3 C.8.3.1; enhanced objects C.8.13); None or empty is unknown.

    Attributes
    ----------
    repetition_time_ms, echo_time_ms, inversion_time_ms : float or None
        RepetitionTime, EchoTime or EffectiveEchoTime, InversionTime or the first of InversionTimes; > 0.
    flip_angle : float or None
        FlipAngle in degrees.
    scanning_sequence, sequence_variant : tuple of str
        ScanningSequence ("SE", "IR", "GR", "EP", "RM") and SequenceVariant, upper case.
    sequence_name, protocol_name : str or None
        SequenceName or PulseSequenceName, and ProtocolName, as written.  Some scanners name the whole
        examination in ProtocolName.
    image_type : tuple of str
        ImageType, upper case.
    contrast_agent : bool
        The header names a contrast agent.
    acquisition_contrast : str or None
        AcquisitionContrast of enhanced objects ("FLUID_ATTENUATED", "T1", …), upper case.

    """

    repetition_time_ms: float | None = None
    echo_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle: float | None = None
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    sequence_name: str | None = None
    protocol_name: str | None = None
    image_type: tuple[str, ...] = ()
    contrast_agent: bool = False
    acquisition_contrast: str | None = None
