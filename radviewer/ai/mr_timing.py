"""What the times of an MR acquisition say about its weighting."""

from __future__ import annotations

from radviewer.ai.mr_words import Kind, Verdict
from radviewer.domain.mr_sequence import MrSequence

# Milliseconds.  Fluid's longitudinal magnetisation passes zero near 0.69 × T1 (about 4 s), sooner where TR is short.
_FLUID_NULLED = (1600, 3000)
_MAY_BE_FLUID = (1300, 3500)
_FAT_NULLED = (100, 300)
_T1_BELOW = 1300
_LONG_ECHO, _SHORT_ECHO = 60, 40
_FLAIR_REPETITION, _SHORTEST_FLAIR_REPETITION = 4000, 2500


def fluid_nulled(sequence: MrSequence) -> bool:
    """Whether InversionTime is a FLAIR's."""
    time = sequence.inversion_time_ms
    return time is not None and _FLUID_NULLED[0] <= time <= _FLUID_NULLED[1]


def timing(sequence: MrSequence) -> Verdict | None:
    """Weighting by InversionTime, EchoTime and RepetitionTime; None where they do not settle it."""
    repetition, echo, inversion = sequence.repetition_time_ms, sequence.echo_time_ms, sequence.inversion_time_ms
    if echo is None:
        return None
    if inversion is None:
        return _spin_echo(sequence, repetition, echo)
    why = f"InversionTime {inversion:.0f} ms with EchoTime {echo:.0f} ms"
    if fluid_nulled(sequence):
        long = echo >= _LONG_ECHO and repetition is not None and repetition >= _FLAIR_REPETITION
        return Verdict(Kind.FLAIR, why) if long else None
    if _FAT_NULLED[0] <= inversion <= _FAT_NULLED[1] and echo >= 10:
        return Verdict(Kind.OTHER, f"{why}, as in STIR")
    return Verdict(Kind.T1, why) if inversion < _T1_BELOW and echo < _SHORT_ECHO else None


def _spin_echo(sequence: MrSequence, repetition: float | None, echo: float) -> Verdict | None:
    """Of a spin echo without inversion; gradient echoes and echo planar images say too little by their times."""
    made = set(sequence.scanning_sequence)
    if repetition is None or "SE" not in made or made & {"GR", "EP", "IR"}:
        return None
    why = f"RepetitionTime {repetition:.0f} ms with EchoTime {echo:.0f} ms"
    if echo >= _LONG_ECHO and repetition >= 2000:
        return Verdict(Kind.T2, why)
    if echo <= 30 and repetition <= 1200:
        return Verdict(Kind.T1, why)
    return Verdict(Kind.PROTON_DENSITY, why) if echo <= _SHORT_ECHO and repetition >= 1800 else None


def against_flair(sequence: MrSequence) -> str | None:
    """Return the time with which no FLAIR is made, or None."""
    repetition, echo, inversion = sequence.repetition_time_ms, sequence.echo_time_ms, sequence.inversion_time_ms
    if inversion is not None and not _MAY_BE_FLUID[0] <= inversion <= _MAY_BE_FLUID[1]:
        return f"InversionTime {inversion:.0f} ms does not suppress fluid"
    if echo is not None and echo < _SHORT_ECHO:
        return f"EchoTime {echo:.0f} ms is too short for a FLAIR"
    if repetition is not None and repetition < _SHORTEST_FLAIR_REPETITION:
        return f"RepetitionTime {repetition:.0f} ms is too short for a FLAIR"
    return None
