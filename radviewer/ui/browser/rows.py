"""What the study browser lists, row by row, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from radviewer.app.shown import Shown
from radviewer.domain.study import NotAnImage, ScanResult, Stack, StackKind, Study
from radviewer.render.annotations import Density, age_text, date_text, person_name
from radviewer.ui.labels import count

_UNKNOWN = "Patient without a name"


@dataclass(frozen=True, slots=True)
class PatientRow:
    """Heading above the studies of one patient."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """Heading above the series of one study."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class StackRow:
    """One stack of a series: can be shown."""

    shown: Shown

    @property
    def title(self) -> str:
        """Modality and series number."""
        series = self.shown.series
        number = "" if series.number is None else f" {series.number}"
        return f"{series.modality or 'Unknown modality'}{number}"

    @property
    def description(self) -> str:
        """Series description, or the body part."""
        series = self.shown.series
        return _line(series.description) or _line(series.body_part) or "No description"

    @property
    def detail(self) -> str:
        """Number and size of the images."""
        return images_of(self.shown.stack)


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """A DICOM object without an image: SEG, SR, PR, KOS, PDF, RT."""

    found: NotAnImage
    named: bool = True  # False: neither description nor file name, which can tell who it is

    @property
    def title(self) -> str:
        """What kind of object it is."""
        return self.found.sop_class.removesuffix(" Storage")

    @property
    def detail(self) -> str:
        """Description, or the file's name."""
        if not self.named:
            return ""
        return _line(self.found.description) or _line(self.found.location.name)


Row = PatientRow | StudyRow | StackRow | ObjectRow


def images_of(stack: Stack) -> str:
    """Number and size of a stack's images: ``"99 slices, 512 × 512"``."""
    images, rows, columns = stack.shape
    noun = {StackKind.VOLUME: "slice", StackKind.CINE: "frame", StackKind.IMAGES: "image"}[stack.kind]
    return f"{count(images, noun)}, {columns} × {rows}"


def patient_of(study: Study) -> tuple[str, str]:
    """What tells patients apart: number and name."""
    return (study.patient_id or "", study.patient_name or "")


def rows_of(result: ScanResult, density: Density) -> Iterator[Row]:
    """All rows in order; patients are headed, and named only at full density."""
    patients: dict[tuple[str, str], list[Study]] = {}
    for study in result.studies:
        patients.setdefault(patient_of(study), []).append(study)
    full = density is Density.FULL
    listed: set[NotAnImage] = set()
    for number, studies in enumerate(patients.values(), 1):
        yield _patient_row(studies[0], number, density)
        for place, study in enumerate(studies, 1):
            yield _study_row(study, place, density)
            for series in study.series:
                yield from (StackRow(Shown(study, series, stack)) for stack in series.stacks)
            of_study = [n for n in result.not_images if n.study_uid == study.study_uid and n not in listed]
            listed.update(of_study)
            yield from (ObjectRow(found, full) for found in of_study)
    rest = [n for n in result.not_images if n not in listed]
    if rest:
        yield StudyRow("Other objects", "Without images to show")
        yield from (ObjectRow(found, full) for found in rest)


def _patient_row(study: Study, number: int, density: Density) -> PatientRow:
    if density is not Density.FULL:
        return PatientRow(f"Patient {number}", "")
    born, age = date_text(study.patient_birth_date), age_text(study.patient_age)
    about = [study.patient_id, born, study.patient_sex, age]
    return PatientRow(_line(person_name(study.patient_name)) or _UNKNOWN, " · ".join(_line(t) for t in about if t))


def _study_row(study: Study, number: int, density: Density) -> StudyRow:
    if density is not Density.FULL:
        return StudyRow(f"Study {number}", "")  # dates and descriptions can tell who it is
    return StudyRow(_line(study.description) or "Study", _line(date_text(study.date)) or "No date")


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
