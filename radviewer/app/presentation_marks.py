"""Presentation states that lie beside the images, applied when the reader asks: a window, and marks."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radviewer.app.shown import Shown, reference_of
from radviewer.dicom.presentations import GRAYSCALE_PRESENTATION, Graphic, PresentationState, read_presentation
from radviewer.domain.measurement import POINTS_OF, Mark, MarkKind, Point
from radviewer.domain.study import NotAnImage, ScanResult
from radviewer.domain.window import Window
from radviewer.progress import Progress

_OURS = "radviewer:"
_STEPS = 48  # corners of a turned ellipse
_TAIL = 12.0  # pixels from the tip of an arrow that stands for a text


@dataclass(frozen=True, slots=True)
class Applied:
    """What a presentation state comes to: a window, marks, and how many graphics have no counterpart."""

    window: Window | None
    marks: tuple[Mark, ...]
    left_out: int


def presentations_of(result: ScanResult) -> tuple[NotAnImage, ...]:
    """Presentation states that a scan found."""
    return tuple(found for found in result.not_images if found.sop_class_uid == GRAYSCALE_PRESENTATION)


def read_presentations(files: Sequence[NotAnImage], shown: Shown, progress: Progress) -> Applied | None:
    """All that is said of a stack, the last window winning; None when nothing is.

    Raises
    ------
    UnreadableImage, Cancelled

    """
    states = []
    for number, file in enumerate(files):
        progress.report(number, len(files), "Reading presentation states")
        state = read_presentation(file.location, shown.stack)
        if state is not None:
            states.append(state)
    if not states:
        return None
    windows = [state.window for state in states if state.window is not None]
    marks = {mark.mark_id: mark for state in states for mark in _marks(state, shown)}
    drawn = sum(len(_grouped(state)) for state in states)
    return Applied(windows[-1] if windows else None, tuple(marks.values()), drawn - len(marks))


def _grouped(state: PresentationState) -> dict[tuple[int, str], list[Graphic]]:
    """Graphics by slice and mark: one mark may have several."""
    groups: dict[tuple[int, str], list[Graphic]] = {}
    for number, graphic in enumerate(state.graphics):
        ours = graphic.tracking_id.startswith(_OURS)
        key = graphic.tracking_id if ours else f"{state.sop_instance_uid} {number}"
        groups.setdefault((graphic.index, key), []).append(graphic)
    return groups


def _marks(state: PresentationState, shown: Shown) -> Iterator[Mark]:
    for (index, key), graphics in _grouped(state).items():
        mark = _our_mark(key, graphics, shown) if key.startswith(_OURS) else None
        mark = mark or _other_mark(f"{key} {index}", graphics[0], shown)
        if mark is not None:
            yield mark


def _our_mark(key: str, graphics: list[Graphic], shown: Shown) -> Mark | None:
    """The mark that radviewer wrote."""
    try:
        _, word, mark_id = key.split(":")
        kind = MarkKind(word)
    except ValueError:
        return None
    points = [point for graphic in graphics for point in graphic.points]
    if kind in (MarkKind.RECTANGLE, MarkKind.ELLIPSE):
        points = _corners(points)
    elif kind is MarkKind.FREEHAND:
        points = points[:-1]
    text = graphics[0].text if kind is MarkKind.ARROW else ""
    return _mark(kind, points, text, mark_id[:64], graphics[0].index, shown)


def _other_mark(key: str, graphic: Graphic, shown: Shown) -> Mark | None:
    """The mark that comes nearest to what another program drew."""
    mark_id = uuid.uuid5(uuid.NAMESPACE_OID, key).hex
    points = list(graphic.points)
    closed = len(points) > 3 and math.dist(points[0], points[-1]) < 1e-3
    match graphic.kind:
        case "CIRCLE" if len(points) == 2:
            (row, column), radius = points[0], math.dist(*points)
            found = MarkKind.ELLIPSE, [(row - radius, column - radius), (row + radius, column + radius)]
        case "ELLIPSE" if len(points) == 4:
            found = MarkKind.FREEHAND, list(_ellipse(points))
        case "POLYLINE" | "INTERPOLATED" if closed:
            found = MarkKind.FREEHAND, points[:-1]
        case "POLYLINE" if len(points) == 2:
            found = MarkKind.ARROW, points
        case "TEXT" | "POINT":
            row, column = points[0]
            found = MarkKind.ARROW, [(row, column), (row - _TAIL, column - _TAIL)]
        case _:
            return None
    return _mark(*found, graphic.text, mark_id, graphic.index, shown)


def _mark(kind: MarkKind, points: Sequence[Point], text: str, mark_id: str, index: int, shown: Shown) -> Mark | None:
    fewest, most = POINTS_OF[kind]
    if not fewest <= len(points) <= most:
        return None
    return Mark(kind, reference_of(shown, index), tuple(points), text, mark_id)


def _corners(points: Sequence[Point]) -> list[Point]:
    rows, columns = [p[0] for p in points], [p[1] for p in points]
    return [(min(rows), min(columns)), (max(rows), max(columns))]


def _ellipse(points: Sequence[Point]) -> Iterator[Point]:
    """Corners of an ellipse given by the ends of its axes, however it is turned."""
    (r0, c0), (r1, c1), (r2, c2), (r3, c3) = points
    row, column = (r0 + r1) / 2, (c0 + c1) / 2
    for step in range(_STEPS):
        angle = 2 * math.pi * step / _STEPS
        along, across = math.cos(angle) / 2, math.sin(angle) / 2
        yield (row + along * (r1 - r0) + across * (r3 - r2), column + along * (c1 - c0) + across * (c3 - c2))
