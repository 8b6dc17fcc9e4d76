"""The frames of one series → stacks: what scrolls together belongs together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from radviewer.dicom.ordering import arrange
from radviewer.dicom.records import FrameRecord, ImageRecord
from radviewer.dicom.repeats import separate_repeats, time_order
from radviewer.dicom.traits import ALWAYS, ORIENTATION, Part, by_number, split
from radviewer.domain.study import Stack, StackKind

_CROSS_SECTIONAL = frozenset({"CT", "MR", "PT"})
_MOVING = frozenset({"US", "IVUS", "XA", "RF", "NM", "ES", "GM", "OPT", "XC"})
"""Modalities whose multi-frame images are loops even if no frame time is given."""
_FILMS = frozenset({"CR", "DX", "MG", "IO", "PX", "RG", "RTIMAGE"})
"""Modalities whose images are hung side by side, not scrolled."""
_FEWEST_VIEWS = 6  # from here on, images that all look from another direction are a rotation
_NO_PLACE = "The header gives no usable position and orientation: the images are in the order of their numbers."


def make_stacks(images: Sequence[ImageRecord], modality: str, warnings: tuple[str, ...]) -> tuple[Stack, ...]:
    """Split a series; every frame ends in exactly one stack.

    Frames with position and orientation become volumes (or a cine, when one place
    was imaged again and again), multi-frame files without become a cine each, and
    the rest are single images.
    """
    placed: list[FrameRecord] = []
    loops: list[ImageRecord] = []
    flat: list[FrameRecord] = []
    for image in images:
        if all(r.position is not None for r in image.frames):
            placed.extend(image.frames)
        elif len(image.frames) > 1:
            loops.append(image)
        else:
            flat.extend(image.frames)
    if _is_rotation(placed):
        placed, flat = [], [*flat, *placed]
    file_warnings = {id(i.file): tuple(f"{i.file.location.name}: {w}" for w in i.warnings) for i in images}
    stacks = [*_volumes(placed, modality), *_loops(loops, modality), *_flat_images(flat, modality)]
    return tuple(_with_warnings(stack, warnings, file_warnings) for stack in _distinct_labels(stacks))


def _with_warnings(stack: Stack, common: tuple[str, ...], of_files: dict[int, tuple[str, ...]]) -> Stack:
    files = {id(frame.file): frame.file for frame in stack.frames}
    added = [warning for key in files for warning in of_files[key]]
    return replace(stack, warnings=(*common, *stack.warnings, *added)) if common or added else stack


def _distinct_labels(stacks: list[Stack]) -> list[Stack]:
    """Number labels that several stacks share."""
    shared = {label for label, count in Counter(s.label for s in stacks).items() if count > 1}
    seen: Counter[str] = Counter()
    named = []
    for stack in stacks:
        seen[stack.label] += 1
        numbered = f"{stack.label} ({seen[stack.label]})".strip()
        named.append(replace(stack, label=numbered) if stack.label in shared else stack)
    return named


def _is_rotation(placed: list[FrameRecord]) -> bool:
    """Whether every image looks from a direction of its own, like projections around an axis."""
    return len(placed) >= _FEWEST_VIEWS and len(set(ORIENTATION.keys(placed))) == len(placed)


def _volumes(placed: list[FrameRecord], modality: str) -> list[Stack]:
    if not placed:
        return []
    parts = [Part(placed)]
    for trait in ALWAYS:
        parts = [piece for part in parts for piece in split(part, trait)]
    parts = [piece for part in parts for piece in separate_repeats(part)]
    return [_volume(part, modality) for part in parts]


def _volume(part: Part, modality: str) -> Stack:
    records = part.records
    form = records[0].frame.file.format
    uids = {r.frame_of_reference for r in records}
    warnings = list(part.warnings)
    if len(uids) > 1:
        warnings.append(
            f"The images name {len(uids)} different frames of reference, so other series cannot be linked by position."
        )
    if part.one_place:
        return _time_series(part, tuple(warnings))
    made = arrange(records, (form.rows, form.columns), modality)
    if records[0].frame.spacing is None:
        warnings.append("The images give no pixel spacing: measurements are in pixels.")
    return Stack(
        kind=StackKind.VOLUME,
        frames=tuple(r.frame for r in made.records),
        geometry=made.geometry,
        label=part.label,
        frame_of_reference_uid=uids.pop() or None if len(uids) == 1 else None,
        warnings=(*warnings, *made.warnings),
        first_shown=len(records) // 2,
    )


def _time_series(part: Part, warnings: tuple[str, ...]) -> Stack:
    """One place imaged several times: a loop in time."""
    ordered, frame_time = time_order(part.records)
    return Stack(
        kind=StackKind.CINE if len(ordered) > 2 or frame_time is not None else StackKind.IMAGES,
        frames=tuple(r.frame for r in ordered),
        label=part.label,
        frame_time_ms=frame_time,
        frame_of_reference_uid=part.records[0].frame_of_reference or None,
        warnings=warnings,
    )


def _loops(images: list[ImageRecord], modality: str) -> list[Stack]:
    """Each multi-frame file without positions is a stack of its own."""
    ordered = sorted(images, key=lambda i: by_number(i.frames[0]))
    return [_loop(image, modality, several=len(images) > 1) for image in ordered]


def _loop(image: ImageRecord, modality: str, *, several: bool) -> Stack:
    first = image.frames[0]
    number = first.frame.instance_number
    moving = first.frame_time_ms is not None or (modality in _MOVING and not image.static)
    warnings: tuple[str, ...] = ()
    if any(r.position is not None for r in image.frames):
        warnings = ("Some frames have no position and orientation: the frames are in the order of the file.",)
    elif modality in _CROSS_SECTIONAL:
        warnings = (_NO_PLACE,)
    return Stack(
        kind=StackKind.CINE if moving else StackKind.IMAGES,
        frames=tuple(r.frame for r in image.frames),
        label=f"image {number}" if several and number is not None else "",
        frame_time_ms=first.frame_time_ms,
        frame_of_reference_uid=first.frame_of_reference or None,
        warnings=warnings,
    )


def _flat_images(flat: list[FrameRecord], modality: str) -> list[Stack]:
    """Films are a stack each; other images without common geometry share one when their pixels are alike."""
    groups: dict[object, list[FrameRecord]] = defaultdict(list)
    for record in sorted(flat, key=by_number):
        groups[record.frame.file.location.name if modality in _FILMS else record.frame.file.format].append(record)
    return [
        Stack(
            kind=StackKind.IMAGES,
            frames=tuple(r.frame for r in records),
            label=_film_label(records[0]) if len(groups) > 1 else "",
            frame_of_reference_uid=records[0].frame_of_reference or None,
            warnings=(_NO_PLACE,) if modality in _CROSS_SECTIONAL and records[0].position is None else (),
        )
        for records in groups.values()
    ]


def _film_label(record: FrameRecord) -> str:
    form = record.frame.file.format
    return record.frame.label or f"{form.columns} × {form.rows}"
