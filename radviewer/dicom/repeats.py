"""Several images at one position: find the attribute that tells them apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from radviewer.dicom import attributes as a
from radviewer.dicom.ordering import SAME_POSITION_MM, depth_of, normal_of
from radviewer.dicom.records import FrameRecord
from radviewer.dicom.traits import Part, Trait, by_number, each, grouped, near, numbered, split


def _place_in_plane(record: FrameRecord) -> Hashable:
    """Position within the plane, to the millimetre: side by side is not one above the other."""
    assert record.position is not None
    assert record.directions is not None
    return tuple(
        round(sum(p * d for p, d in zip(record.position, direction, strict=True))) for direction in record.directions
    )


def _image_type(record: FrameRecord) -> tuple[str, ...]:
    return record.trait_texts(a.FRAME_TYPE) or record.trait_texts(a.IMAGE_TYPE)


def _word(tag: int) -> Trait:
    return Trait(
        f"{tag:08X}",
        each(lambda r: r.trait_text(tag)),
        lambda r, place: r.trait_text(tag).replace("\\", " ").strip()[:40] or f"group {place}",
    )


def _number(tag: int, word: str, unit: str = "") -> Trait:
    def label(record: FrameRecord, place: int) -> str:
        value = record.trait_number(tag)
        return f"{word} {place}" if value is None else f"{word} {value:g}{unit}"

    return Trait(f"{tag:08X}", each(lambda r: r.trait_number(tag)), label, by_key=True)


KINDS: tuple[Trait, ...] = (
    Trait("frame type", each(_image_type), lambda r, place: " ".join(_image_type(r)[3:]).lower() or f"type {place}"),
    _word(a.COMPLEX_IMAGE_COMPONENT),
    _word(a.SERIES_DESCRIPTION),
    _word(a.CONVOLUTION_KERNEL),
    _word(a.CONTRAST_BOLUS_AGENT),
    Trait("frame of reference", each(lambda r: r.frame_of_reference), numbered("frame of reference")),
    Trait("thickness", near(lambda r: r.thickness, 0.01, 0.001), lambda r, _: f"{r.thickness or 0:g} mm slices", True),
    Trait("place in the plane", each(_place_in_plane), numbered("place")),
    _number(a.KVP, "tube voltage", " kV"),
    _number(a.INVERSION_TIME, "inversion time", " ms"),
    _number(a.FLIP_ANGLE, "flip angle", "°"),
    Trait(
        "diffusion direction",
        each(lambda r: r.trait_numbers(a.DIFFUSION_GRADIENT_ORIENTATION)),
        numbered("direction"),
    ),
)
"""Different kinds of image, in the order they are tried."""

TIMES: tuple[Trait, ...] = (
    Trait("temporal position", each(lambda r: r.trait_number(a.TEMPORAL_POSITION_IDENTIFIER)), numbered("time"), True),
    Trait("temporal index", each(lambda r: r.trait_number(a.TEMPORAL_POSITION_INDEX)), numbered("time"), True),
    Trait("trigger delay", each(lambda r: r.trait_number(a.CARDIAC_TRIGGER_DELAY)), numbered("time"), True),
    Trait("trigger time", near(lambda r: r.trait_number(a.TRIGGER_TIME), 0, 1), numbered("time"), True),
    Trait("acquisition", each(lambda r: r.trait_number(a.ACQUISITION_NUMBER)), numbered("time"), True),
)
"""The same kind of image at another time."""


def separate_repeats(part: Part) -> list[Part]:
    """Split a part until no position occurs twice in a stack.

    First by kind of image, then by time; where nothing in the header separates,
    the first image of every position makes the first stack, and so on.
    """
    places = positions(part.records)
    most = _most(part.records, places)
    if most == 1:
        return [part]
    kind = _best(part.records, KINDS, places, most, 2 * most)
    if kind is not None:
        return [piece for half in split(part, kind) for piece in separate_repeats(half)]
    if len(set(places.values())) == 1:
        return [Part(part.records, part.labels, part.warnings, one_place=True)]
    time = _best(part.records, TIMES, places, most, most, complete=True)
    return split(part, time) if time is not None else _by_rank(part, places)


def positions(records: Sequence[FrameRecord]) -> dict[int, int]:
    """``id(record)`` → number of its position along the normal."""
    directions = records[0].directions
    assert directions is not None
    normal = normal_of(directions)
    tolerance = min([SAME_POSITION_MM, *(r.thickness / 10 for r in records if r.thickness)])
    places: dict[int, int] = {}
    place, previous = -1, None
    for depth, record in sorted(((depth_of(r, normal), r) for r in records), key=lambda pair: pair[0]):
        if previous is None or depth - previous > tolerance:
            place += 1
        places[id(record)] = place
        previous = depth
    return places


def _most(records: Sequence[FrameRecord], places: dict[int, int]) -> int:
    return max(Counter(places[id(record)] for record in records).values())


def _best(
    records: Sequence[FrameRecord],
    traits: Sequence[Trait],
    places: dict[int, int],
    most: int,
    limit: int,
    *,
    complete: bool = False,
) -> Trait | None:
    """First trait that leaves no position twice; else (unless `complete`) the one that helps most."""
    best: tuple[int, Trait] | None = None
    for trait in traits:
        groups = grouped(records, trait)
        if not 1 < len(groups) <= limit:
            continue
        left = max(_most(group, places) for group in groups)
        if left == 1:
            return trait
        if left < most and (best is None or left < best[0]):
            best = (left, trait)
    return None if best is None or complete else best[1]


def _rank_key(record: FrameRecord) -> tuple[float, float, str, str, float, tuple[bool, int, str, int]]:
    return (
        _or_zero(record, a.TEMPORAL_POSITION_IDENTIFIER, a.TEMPORAL_POSITION_INDEX),
        _or_zero(record, a.TRIGGER_TIME, a.CARDIAC_TRIGGER_DELAY),
        record.trait_text(a.ACQUISITION_DATE) + record.trait_text(a.ACQUISITION_TIME),
        record.trait_text(a.ACQUISITION_DATE_TIME) + record.trait_text(a.CONTENT_TIME),
        _or_zero(record, a.ACQUISITION_NUMBER),
        by_number(record),
    )


def _or_zero(record: FrameRecord, *tags: int) -> float:
    return next((v for v in (record.trait_number(tag) for tag in tags) if v is not None), 0.0)


def _by_rank(part: Part, places: dict[int, int]) -> list[Part]:
    """The k-th image of every position, in the order of time and number, makes stack k."""
    word = "time" if len({_rank_key(record)[:-1] for record in part.records}) > 1 else "set"
    at: dict[int, list[FrameRecord]] = defaultdict(list)
    for record in part.records:
        at[places[id(record)]].append(record)
    ranks: dict[int, list[FrameRecord]] = defaultdict(list)
    for repeated in at.values():
        for rank, record in enumerate(sorted(repeated, key=_rank_key)):
            ranks[rank].append(record)
    return [Part(ranks[rank], (*part.labels, f"{word} {rank + 1}"), part.warnings) for rank in sorted(ranks)]


def time_order(records: Sequence[FrameRecord]) -> tuple[list[FrameRecord], float | None]:
    """Frames of one place in the order of time, and the milliseconds between them if known."""
    ordered = sorted(records, key=_rank_key)
    times = [r.trait_number(a.TRIGGER_TIME) for r in ordered]
    known = [t for t in times if t is not None]
    if len(known) == len(ordered) and len(known) > 1:
        between = float(np.median(np.diff(known)))
        if between > 0:
            return ordered, between
    seconds = [_seconds(r.trait_text(a.ACQUISITION_TIME)) for r in ordered]
    measured = [s for s in seconds if s is not None]
    if len(measured) == len(ordered) and len(measured) > 1:
        between = float(np.median(np.diff(measured))) * 1000
        if 1 <= between <= 3_600_000:
            return ordered, between
    return ordered, None


def _seconds(time: str) -> float | None:
    """TM in seconds since midnight."""
    try:
        return int(time[:2]) * 3600 + int(time[2:4]) * 60 + float(time[4:] or 0)
    except ValueError:
        return None
