"""What tells the stacks of one series apart, as a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom import attributes as a
from radviewer.dicom.ordering import normal_of
from radviewer.dicom.records import Directions, FrameRecord

_SAME_DIRECTION = 0.005  # largest difference of a cosine: about 0.3°
_SAME_SPACING = 1e-3  # relative
_MOST_ORIENTATIONS = 200

PRIVATE_B_VALUES = (
    (a.SIEMENS_B_VALUE, a.SIEMENS_CREATOR, "SIEMENS MR HEADER"),
    (a.GE_B_VALUE, a.GE_CREATOR, "GEMS_PARM_01"),
    (a.PHILIPS_B_VALUE, a.PHILIPS_CREATOR, "Philips Imaging DD 001"),
    (a.UIH_B_VALUE, a.UIH_CREATOR, "Image Private Header"),
)
"""Private b-value, its private creator element and what that must say."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Frames that still belong together, and what told them from the others.

    `one_place` marks frames that all lie at one position: a series in time.
    """

    records: Sequence[FrameRecord]
    labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    one_place: bool = False

    @property
    def label(self) -> str:
        """Labels as the reader sees them."""
        return ", ".join(label for label in self.labels if label)


@dataclass(frozen=True, slots=True, eq=False)
class Trait:
    """One way in which frames differ.

    Attributes
    ----------
    keys : callable
        Frames → one hashable key each; equal keys belong together.
    label : callable
        ``(a frame of the group, its 1-based place among the groups)`` → text.
    by_key : bool
        Groups are ordered by key (a number), otherwise by their first image.

    """

    name: str
    keys: Callable[[Sequence[FrameRecord]], Sequence[Hashable]]
    label: Callable[[FrameRecord, int], str]
    by_key: bool = False


def split(part: Part, trait: Trait) -> list[Part]:
    """Split by a trait; the part itself when all its frames agree."""
    groups = grouped(part.records, trait)
    if len(groups) == 1:
        return [part]
    return [
        Part(group, (*part.labels, trait.label(group[0], place)), part.warnings)
        for place, group in enumerate(groups, start=1)
    ]


def grouped(records: Sequence[FrameRecord], trait: Trait) -> list[list[FrameRecord]]:
    """Groups of frames with equal keys, in a stable order."""
    groups: dict[Hashable, list[FrameRecord]] = {}
    for record, key in zip(records, trait.keys(records), strict=True):
        groups.setdefault(key, []).append(record)
    if len(groups) == 1:
        return [list(records)]
    if trait.by_key:
        return [groups[key] for key in sorted(groups, key=_sortable)]
    return sorted(groups.values(), key=lambda group: min(map(by_number, group)))


def _sortable(key: Hashable) -> tuple[bool, float, str]:
    if isinstance(key, (int, float)):
        return (False, float(key), "")
    return (True, 0.0, "" if key is None else str(key))


def by_number(record: FrameRecord) -> tuple[bool, int, str, int]:
    """Order by instance number, then name, then frame."""
    number = record.frame.instance_number
    return (number is None, number or 0, record.frame.file.location.name, record.frame.index)


def each(key: Callable[[FrameRecord], Hashable]) -> Callable[[Sequence[FrameRecord]], list[Hashable]]:
    """Keys that depend on one frame at a time."""
    return lambda records: [key(record) for record in records]


def near(
    number: Callable[[FrameRecord], float | None], relative: float, absolute: float
) -> Callable[[Sequence[FrameRecord]], list[Hashable]]:
    """Keys of numbers that scatter: values closer than the tolerance share the smallest of them."""

    def keys(records: Sequence[FrameRecord]) -> list[Hashable]:
        found = [number(record) for record in records]
        key_of: dict[float, float] = {}
        previous = start = None
        for value in sorted({v for v in found if v is not None}):
            if previous is None or value - previous > max(absolute, relative * abs(value)):
                start = value
            key_of[value] = start if start is not None else value
            previous = value
        return [None if value is None else key_of[value] for value in found]

    return keys


# --- keys -----------------------------------------------------------------------------------------------------------


def _format(record: FrameRecord) -> Hashable:
    form = record.frame.file.format
    return (
        form.rows,
        form.columns,
        form.samples_per_pixel,
        form.photometric_interpretation if form.samples_per_pixel == 1 else "",
        form.bits_allocated,
        form.bits_stored,
        form.signed,
        form.is_float,
    )


def _format_label(record: FrameRecord, _place: int) -> str:
    form = record.frame.file.format
    colour = " colour" if form.samples_per_pixel > 1 else ""
    return f"{form.columns} × {form.rows}{colour}"


def _orientations(records: Sequence[FrameRecord]) -> list[Hashable]:
    """Number of the first orientation that is the same within the tolerance."""
    known: NDArray[np.float64] = np.empty((_MOST_ORIENTATIONS, 2, 3))
    count = 0
    keys: dict[Directions | None, Hashable] = {None: -1}
    for record in records:
        directions = record.directions
        if directions in keys or directions is None:
            continue
        same = (np.abs(known[:count] - directions) <= _SAME_DIRECTION).all(axis=(1, 2))
        if same.any():
            keys[directions] = int(same.argmax())
        elif count < _MOST_ORIENTATIONS:
            known[count] = directions
            keys[directions] = count
            count += 1
        else:  # nobody's series: only the time this takes matters
            keys[directions] = tuple(round(v, 2) for direction in directions for v in direction)
    return [keys[record.directions] for record in records]


def _orientation_label(record: FrameRecord, _place: int) -> str:
    assert record.directions is not None
    parts = [abs(v) for v in normal_of(record.directions)]
    largest = max(parts)
    return ("sagittal", "coronal", "axial")[parts.index(largest)] if largest > 0.8 else "oblique"


def _row_spacing(record: FrameRecord) -> float | None:
    return record.frame.spacing.row if record.frame.spacing else None


def _column_spacing(record: FrameRecord) -> float | None:
    return record.frame.spacing.column if record.frame.spacing else None


def _spacing_label(record: FrameRecord, _place: int) -> str:
    spacing = record.frame.spacing
    return f"{spacing.row:.3g} mm pixels" if spacing else "no pixel spacing"


def _image_type(record: FrameRecord) -> tuple[str, str]:
    """ORIGINAL or DERIVED, and what the image is (LOCALIZER, M, P, …): values 1 and 3."""
    kinds = record.trait_texts(a.FRAME_TYPE) or record.trait_texts(a.IMAGE_TYPE)
    return (kinds[0] if kinds else "", kinds[2] if len(kinds) > 2 else "")


def _image_type_label(record: FrameRecord, _place: int) -> str:
    return " ".join(word.lower() for word in _image_type(record) if word)


def _frames_of_reference(records: Sequence[FrameRecord]) -> list[Hashable]:
    """FrameOfReferenceUID, unless it differs from image to image, which is a mistake and no split."""
    uids = [record.frame_of_reference for record in records]
    return list(uids) if len(set(uids)) * 2 <= len(uids) else [""] * len(uids)


def _echo_number(record: FrameRecord) -> Hashable:
    return record.trait_number(a.ECHO_NUMBERS)


def _echo_time(record: FrameRecord) -> float | None:
    effective = record.trait_number(a.EFFECTIVE_ECHO_TIME)
    return effective if effective is not None else record.trait_number(a.ECHO_TIME)


def _echo_label(record: FrameRecord, place: int) -> str:
    number = record.trait_number(a.ECHO_NUMBERS)
    return f"echo {place if number is None else number:g}"


def b_value(record: FrameRecord) -> float | None:
    """Diffusion b-value in s/mm², from the standard attribute or the vendor's own."""
    value = record.trait_number(a.DIFFUSION_B_VALUE)
    for tag, creator_tag, creator in PRIVATE_B_VALUES:
        if value is None and record.trait_text(creator_tag) == creator:
            value = record.trait_number(tag)
            if tag == a.GE_B_VALUE and value is not None:  # newer software adds 10⁹
                value %= 100_000
    return value if value is not None and 0 <= value < 1e6 else None


def _b_label(record: FrameRecord, _place: int) -> str:
    value = b_value(record)
    return "no b-value" if value is None else f"b {value:.0f}"


def numbered(word: str) -> Callable[[FrameRecord, int], str]:
    """Labels "echo 1", "echo 2", … in the order of the groups."""
    return lambda _record, place: f"{word} {place}"


ORIENTATION = Trait("orientation", _orientations, _orientation_label)

ALWAYS: tuple[Trait, ...] = (
    Trait("pixels", each(_format), _format_label),
    ORIENTATION,
    Trait("row spacing", near(_row_spacing, _SAME_SPACING, 1e-6), _spacing_label),
    Trait("column spacing", near(_column_spacing, _SAME_SPACING, 1e-6), _spacing_label),
    Trait("image type", each(_image_type), _image_type_label),
    Trait("frame of reference", _frames_of_reference, numbered("frame of reference")),
    Trait("stack", each(lambda r: r.trait_text(a.STACK_ID)), numbered("stack")),
    Trait("echo number", each(_echo_number), _echo_label, by_key=True),
    Trait("echo time", near(_echo_time, 0.02, 0.05), numbered("echo"), by_key=True),
    Trait("b-value", near(b_value, 0.02, 5), _b_label, by_key=True),
)
"""Images that differ in one of these never scroll together."""
