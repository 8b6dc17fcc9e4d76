"""What the study browser lists, row by row, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from radviewer.app.viewport import Shown
from radviewer.domain.study import NotAnImage, ScanResult, Stack, StackKind, Study
from radviewer.render.annotations import Density
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
        return " ".join((series.description or series.body_part or "No description").split())

    @property
    def detail(self) -> str:
        """Number and size of the images."""
        return images_of(self.shown.stack)


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """A DICOM object without an image: SEG, SR, PR, KOS, PDF, RT."""

    found: NotAnImage

    @property
    def title(self) -> str:
        """What kind of object it is."""
        return self.found.sop_class.removesuffix(" Storage")

    @property
    def detail(self) -> str:
        """Description, or the file's name."""
        return " ".join((self.found.description or self.found.location.name).split())


Row = PatientRow | StudyRow | StackRow | ObjectRow


def images_of(stack: Stack) -> str:
    """Number and size of a stack's images: ``"99 slices, 512 × 512"``."""
    images, rows, columns = stack.shape
    noun = {StackKind.VOLUME: "slice", StackKind.CINE: "frame", StackKind.IMAGES: "image"}[stack.kind]
    return f"{count(images, noun)}, {columns} × {rows}"


def patient_of(study: Study) -> tuple[str, str]:
    """What tells patients apart: number and name."""
    return (study.patient_id or "", study.patient_name or "")


def readable_name(name: str) -> str:
    """A person's name as it is read: ``"Doe^Jane^M"`` → ``"Doe, Jane M"`` (PS3.5 6.2.1.2)."""
    family, _, rest = name.split("=")[0].partition("^")
    given = " ".join(part for part in rest.split("^") if part.strip())
    return ", ".join(part for part in (" ".join(family.split()), " ".join(given.split())) if part)


def readable_date(date: str | None) -> str:
    """``"20040312"`` → ``"2004-03-12"``; anything else as it is."""
    text = (date or "").strip()
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def rows_of(result: ScanResult, density: Density) -> Iterator[Row]:
    """All rows in order; patients are headed, and named only at full density."""
    patients: dict[tuple[str, str], list[Study]] = {}
    for study in result.studies:
        patients.setdefault(patient_of(study), []).append(study)
    listed: set[NotAnImage] = set()
    for number, studies in enumerate(patients.values(), 1):
        yield _patient_row(studies[0], number, density)
        for study in studies:
            yield _study_row(study)
            for series in study.series:
                yield from (StackRow(Shown(study, series, stack)) for stack in series.stacks)
            of_study = [n for n in result.not_images if n.study_uid == study.study_uid and n not in listed]
            listed.update(of_study)
            yield from map(ObjectRow, of_study)
    rest = [n for n in result.not_images if n not in listed]
    if rest:
        yield StudyRow("Other objects", "Without images to show")
        yield from map(ObjectRow, rest)


def _patient_row(study: Study, number: int, density: Density) -> PatientRow:
    about = [study.patient_sex, study.patient_age]
    if density is not Density.FULL:
        return PatientRow(f"Patient {number}", "")
    about = [study.patient_id, readable_date(study.patient_birth_date), *about]
    name = readable_name(study.patient_name or "") or _UNKNOWN
    return PatientRow(name, " · ".join(text for text in about if text))


def _study_row(study: Study) -> StudyRow:
    description = " ".join((study.description or "").split())
    date = readable_date(study.date)
    return StudyRow(description or "Study", date or "No date")
