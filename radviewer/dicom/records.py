"""What a scan keeps of each image until studies, series and stacks are made."""

from __future__ import annotations

from dataclasses import dataclass

from radviewer.dicom import values
from radviewer.dicom.elements import Value
from radviewer.domain.geometry import Vector
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.study import Frame, ImageFile

Directions = tuple[Vector, Vector]
"""Unit row direction (of increasing column) and column direction (of increasing row), LPS."""


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """Attributes of the patient and the study as one file gives them; "" when absent."""

    study_uid: str
    date: str
    time: str
    description: str
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    patient_age: str
    accession_number: str
    institution: str


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """Attributes of the series as one file gives them; "" when absent."""

    series_uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    laterality: str
    view_position: str


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecord:
    """One frame and all that decides which stack it joins and where.

    Attributes
    ----------
    position : Vector or None
        ImagePositionPatient, also where the spacing (and so `frame.plane`) is unknown.
    directions : tuple of Vector or None
        Unit vectors of ImageOrientationPatient.
    thickness : float or None
        SliceThickness in mm.
    frame_of_reference : str
    traits : dict
        Elements that may tell stacks of one series apart, undecoded.
    big_endian : bool
        Byte order of binary values in `traits`.
    frame_time_ms : float or None
        Between frames of a multi-frame image with time.

    """

    frame: Frame
    position: Vector | None
    directions: Directions | None
    thickness: float | None
    frame_of_reference: str
    traits: dict[int, Value]
    big_endian: bool = False
    frame_time_ms: float | None = None

    def trait_numbers(self, tag: int) -> tuple[float | None, ...]:
        """Numeric values of a trait, () when absent."""
        value = self.traits.get(tag)
        if value is None:
            return ()
        return values.numbers(tag, value[0], value[1], big_endian=self.big_endian)

    def trait_number(self, tag: int) -> float | None:
        """First numeric value of a trait."""
        found = self.trait_numbers(tag)
        return found[0] if found else None

    def trait_texts(self, tag: int) -> tuple[str, ...]:
        """Text values of a trait, () when absent."""
        value = self.traits.get(tag)
        return values.texts(value[1]) if value else ()

    def trait_text(self, tag: int) -> str:
        """A trait as one text, "" when absent."""
        value = self.traits.get(tag)
        return values.text(value[1]) if value else ""


@dataclass(frozen=True, slots=True, eq=False)
class ImageRecord:
    """One file with pixels.

    Attributes
    ----------
    size : int
        Bytes of the file, to tell copies from other images.
    warnings : tuple of str
        What is wrong with this file but does not keep it from being shown.
    static : bool
        The frames are views (detectors, energies), not moments.
    sequence : MrSequence or None
        How an MR image was acquired; None for other modalities.

    """

    study: StudyInfo
    series: SeriesInfo
    file: ImageFile
    frames: tuple[FrameRecord, ...]
    size: int
    warnings: tuple[str, ...] = ()
    static: bool = False
    sequence: MrSequence | None = None
