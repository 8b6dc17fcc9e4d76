"""The frames of one series → stacks: what scrolls together belongs together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from radviewer.dicom.ordering import arrange
from radviewer.dicom.records import FrameRecord, ImageRecord
from radviewer.dicom.repeats import separate_repeats, time_order
from radviewer.dicom.spacing import PROJECTIONS
from radviewer.dicom.traits import ALWAYS, Part, split
from radviewer.domain.study import Stack, StackKind

_CROSS_SECTIONAL = frozenset({"CT", "MR", "PT"})
_MOVING = frozenset({"US", "IVUS", "XA", "RF", "NM", "ES", "GM", "OPT", "XC"})
"""Modalities whose multi-frame images are loops even if no frame time is given."""


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
            f"The images name {len(uids)} different frames of reference: their positions may not be comparable."
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
    ordered = sorted(images, key=lambda i: _by_number(i.frames[0]))
    stacks = []
    for image in ordered:
        time = image.frames[0].frame_time_ms
        moving = time is not None or modality in _MOVING
        number = image.frames[0].frame.instance_number
        stacks.append(
            Stack(
                kind=StackKind.CINE if moving else StackKind.IMAGES,
                frames=tuple(r.frame for r in image.frames),
                label=f"image {number}" if len(images) > 1 and number is not None else "",
                frame_time_ms=time,
                frame_of_reference_uid=image.frames[0].frame_of_reference or None,
            )
        )
    return stacks


def _flat_images(flat: list[FrameRecord], modality: str) -> list[Stack]:
    """Films are a stack each; other images without geometry share one when their pixels are alike."""
    groups: dict[object, list[FrameRecord]] = defaultdict(list)
    for record in sorted(flat, key=_by_number):
        film = modality in PROJECTIONS
        groups[record.frame.file.location.name if film else record.frame.file.format].append(record)
    stacks = []
    for records in groups.values():
        warnings: tuple[str, ...] = ()
        if modality in _CROSS_SECTIONAL:
            warnings = ("The header gives no position and orientation: the images are in the order of their numbers.",)
        stacks.append(
            Stack(
                kind=StackKind.IMAGES,
                frames=tuple(r.frame for r in records),
                label=_film_label(records[0]) if len(groups) > 1 else "",
                frame_of_reference_uid=records[0].frame_of_reference or None,
                warnings=warnings,
            )
        )
    return stacks


def _film_label(record: FrameRecord) -> str:
    form = record.frame.file.format
    return record.frame.label or f"{form.rows} × {form.columns}"


def _by_number(record: FrameRecord) -> tuple[bool, int, str]:
    number = record.frame.instance_number
    return (number is None, number or 0, record.frame.file.location.name)
