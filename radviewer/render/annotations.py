"""What the corners of a viewport say, as plain lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from radviewer.domain.geometry import ImagePlane, direction_letters
from radviewer.domain.study import Series, Stack, StackKind, Study
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction
from radviewer.render.mark_text import number
from radviewer.render.presentation import Interpolation, Presentation
from radviewer.render.view import ViewTransform
from radviewer.render.windowing import effective_voi


class Density(Enum):
    """How much is written; the value is what settings store."""

    FULL = "full"
    ANONYMOUS = "anonymous"  # nothing that names the patient, the study, the place or the day
    NONE = "none"
    INITIALS = "initials"  # of pictures: as anonymous, with the patient's initials

    @property
    def following(self) -> Density:
        """The next one when the reader cycles."""
        order = (Density.FULL, Density.ANONYMOUS, Density.NONE)
        if self not in order:
            return Density.FULL
        return order[(order.index(self) + 1) % len(order)]


@dataclass(frozen=True, slots=True)
class CornerTexts:
    """Lines for the four corners, read from top to bottom; the first lines matter most."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()


def corner_texts(
    study: Study,
    series: Series,
    stack: Stack,
    index: int,
    image: SliceImage | None,
    presentation: Presentation,
    transform: ViewTransform | None,
    density: Density = Density.FULL,
    *,
    key_image: bool = False,
    notes: tuple[str, ...] = (),
) -> CornerTexts:
    """What the corners say about slice `index` of a stack (image None: not readable or not yet loaded).

    `notes` are said below the slice's place: what it is linked to, what lies over it.
    """
    if density is Density.NONE:
        return CornerTexts()
    full = density is Density.FULL
    patient = _patient(study) if full else [initials(study.patient_name)] if density is Density.INITIALS else []
    return CornerTexts(
        _lines(patient),
        _lines(_series(study, series, stack, full)),
        _lines([*_slice(stack, index), *notes, "★ Key image" if key_image else ""]),
        _lines(_display(image, presentation, transform)),
    )


def _lines(texts: list[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text.strip())


def _patient(study: Study) -> list[str]:
    birth = date_text(study.patient_birth_date)
    person = (f"*{birth}" if birth else "", study.patient_sex or "", age_text(study.patient_age))
    return [
        person_name(study.patient_name) or "Patient without a name",
        f"ID {study.patient_id}" if study.patient_id else "",
        "  ".join(part for part in person if part),
        f"Acc {study.accession_number}" if study.accession_number else "",
    ]


def _series(study: Study, series: Series, stack: Stack, full: bool) -> list[str]:
    number_ = "" if series.number is None else f"Series {series.number}"
    region = (series.body_part, series.view_position, series.laterality)
    lines = [
        (study.description or "") if full else "",
        " · ".join(part for part in (number_, series.modality, series.description) if part),
        " ".join(part for part in region if part),
        stack.label,
    ]
    when = f"{date_text(study.date)} {time_text(study.time)}".strip()
    return [*lines, when, study.institution or ""] if full else lines


def _slice(stack: Stack, index: int) -> list[str]:
    frame = stack.frames[index]
    word = "Frame" if stack.kind is StackKind.CINE else "Image"
    step = "" if stack.geometry is None or len(stack.frames) < 2 else f"Step {stack.geometry.spacing[0]:.2f} mm"
    return [f"{word} {index + 1} / {len(stack.frames)}", frame.label, position(frame.plane), step]


def _display(image: SliceImage | None, presentation: Presentation, transform: ViewTransform | None) -> list[str]:
    if image is None:
        return []
    return [
        window_text(image, presentation),
        "" if transform is None else f"Zoom {transform.zoom * 100:.0f} %",
        ", ".join(step.name for step in presentation.steps),
        "inverted" if presentation.inverted else "",
        "pixels as squares" if presentation.interpolation is Interpolation.NEAREST else "",
    ]


def window_text(image: SliceImage, presentation: Presentation) -> str:
    """Window in numbers: ``"W 400  L 40"``; colour images have none until the reader sets one."""
    if image.is_colour and presentation.voi is None:
        return ""
    voi = effective_voi(image, presentation)
    if isinstance(voi, LookupTable):
        return f"VOI LUT {voi.explanation}".strip()
    own = presentation.voi is None and not image.vois
    notes = [
        "auto" if own else "",
        "sigmoid" if voi.function is VoiFunction.SIGMOID else "",
    ]
    text = f"W {number(voi.width)}  L {number(voi.center)}"
    return "  ".join([text, *(note for note in notes if note)])


def position(plane: ImagePlane | None) -> str:
    """Distance of a plane from the patient's origin, with the side it lies on: ``"S 45.2 mm"``."""
    if plane is None:
        return ""
    sign = 1 if plane.depth >= 0 else -1
    x, y, z = (sign * v for v in plane.normal)
    return f"{direction_letters((x, y, z))} {abs(plane.depth):.1f} mm"


def initials(value: str | None) -> str:
    """First letters of family and given names: ``"Doe^John"`` → ``"D. J."``."""
    group = next((group for group in (value or "").split("=") if group.strip(" ^")), "")
    return " ".join(f"{word[0].upper()}." for word in re.split(r"[\W_]+", group) if word)


def person_name(value: str | None) -> str:
    """Person Name (PS3.5 6.2) as it is read: ``"Doe^John"`` → ``"Doe, John"``."""
    groups = []
    for group in (value or "").split("="):
        family, *others = [part.strip() for part in group.split("^")]
        given = " ".join(part for part in others if part)
        groups.append(", ".join(part for part in (family, given) if part))
    first, *rest = groups
    extra = [group for group in rest if group]
    return f"{first} ({', '.join(extra)})" if first and extra else first or ", ".join(extra)


def date_text(value: str | None) -> str:
    """``"20261123"`` → ``"2026-11-23"``; what is no date stays as it is."""
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", value or "")
    return "-".join(match.groups()) if match else value or ""


def time_text(value: str | None) -> str:
    """``"142501.5"`` → ``"14:25"``; what is no time stays as it is."""
    match = re.match(r"(\d\d)(\d\d)", value or "")
    return ":".join(match.groups()) if match else value or ""


def age_text(value: str | None) -> str:
    """``"045Y"`` → ``"45 y"``, months, weeks and days likewise."""
    match = re.fullmatch(r"(\d{3})([DWMY])", value or "")
    return f"{int(match[1])} {match[2].lower()}" if match else value or ""
