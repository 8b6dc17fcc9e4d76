"""Which mark lies under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from radviewer.domain.measurement import Mark
from radviewer.render.outline import handles, moved, moved_handle, polylines
from radviewer.render.view import ViewTransform

__all__ = ["HANDLE_REACH", "LINE_REACH", "Hit", "distance_to", "hit", "moved", "moved_handle"]

LINE_REACH = 6.0
HANDLE_REACH = 9.0
"""Logical pixels within which a line or a handle is met."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A mark under the pointer; `handle` is the index of the point, or None for its outline.

    For rectangles and ellipses the handles 0–3 are the four corners of the box
    (see `moved_handle`).
    """

    mark: Mark
    handle: int | None


def hit(marks: Sequence[Mark], transform: ViewTransform, x: float, y: float, selected: str | None = None) -> Hit | None:
    """Mark within reach of a device point, or None.

    The selected mark's handles come first, then the other marks' handles, then lines; among equals
    the one painted last.  The inside of a region is not part of it: the image below stays in reach.

    """
    uppermost = [mark for mark in marks if mark.mark_id == selected]
    uppermost += [mark for mark in reversed(marks) if mark.mark_id != selected]
    for mark in uppermost:
        handle = _handle_at(mark, transform, x, y)
        if handle is not None:
            return Hit(mark, handle)
    reach = LINE_REACH * transform.ratio
    for mark in uppermost:
        if distance_to(mark, transform, x, y) <= reach:
            return Hit(mark, None)
    return None


def _handle_at(mark: Mark, transform: ViewTransform, x: float, y: float) -> int | None:
    places = [transform.to_view(*point) for point in handles(mark)]
    distances = [math.hypot(u - x, v - y) for u, v in places]
    if not distances or min(distances) > HANDLE_REACH * transform.ratio:
        return None
    return distances.index(min(distances))


def distance_to(mark: Mark, transform: ViewTransform, x: float, y: float) -> float:
    """Device pixels from a device point to the nearest line of a mark; infinite for key images."""
    lines = ([transform.to_view(*point) for point in line] for line in polylines(mark))
    return min((_to_segment(x, y, a, b) for line in lines for a, b in pairwise(line)), default=math.inf)


def _to_segment(x: float, y: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else ((x - start[0]) * dx + (y - start[1]) * dy) / length
    along = min(max(along, 0.0), 1.0)
    return math.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
