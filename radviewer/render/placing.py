"""Where a label goes: beside its mark, inside the view, off what is there already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Rectangle in device pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """One past the last column."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """One past the last row."""
        return self.top + self.height

    def overlap(self, other: Box) -> float:
        """Common area in square pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def within(self, width: float, height: float) -> Box:
        """Moved (not cut) into a view that begins at 0, 0."""
        left = max(0.0, min(self.left, width - self.width))
        return Box(left, max(0.0, min(self.top, height - self.height)), self.width, self.height)


def around(points: Sequence[tuple[float, float]]) -> Box:
    """Smallest box around ``(x, y)`` points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def beyond(anchor: tuple[float, float], direction: tuple[float, float], size: tuple[float, float], gap: float) -> Box:
    """Box of a size whose nearest side is `gap` pixels beyond a point, in a direction."""
    length = math.hypot(*direction)
    dx, dy = (direction[0] / length, direction[1] / length) if length else (1.0, 0.0)
    reach = min((side / 2 + gap) / abs(d) for side, d in zip(size, (dx, dy), strict=True) if abs(d) > 1e-9)
    return Box(anchor[0] + dx * reach - size[0] / 2, anchor[1] + dy * reach - size[1] / 2, *size)


def place(preferred: Sequence[Box], shape: Box, taken: Sequence[Box], view: tuple[int, int], gap: float) -> Box:
    """Best box for a label: one of the preferred places, or of those around the shape.

    All candidates are moved into the view; the one wins that covers least of the shape and of
    what is `taken`, and was moved least; the first among equals.

    """
    if not preferred:
        return Box(0, 0, 0, 0)
    width, height = preferred[0].width, preferred[0].height
    middle = (shape.left + (shape.width - width) / 2, shape.top + (shape.height - height) / 2)
    before = (shape.left - gap - width, shape.top - gap - height)
    after = (shape.right + gap, shape.bottom + gap)
    beside = [(after[0], middle[1]), (before[0], middle[1]), (middle[0], after[1]), (middle[0], before[1])]
    diagonal = [(x, y) for x in (after[0], before[0]) for y in (after[1], before[1])]
    candidates = [*preferred, *(Box(x, y, width, height) for x, y in (*beside, *diagonal))]

    def cost(box: Box) -> float:
        inside = box.within(*view)
        moved = abs(inside.left - box.left) + abs(inside.top - box.top)
        return 2 * inside.overlap(shape) + 3 * sum(inside.overlap(other) for other in taken) + moved * 4

    return min(candidates, key=cost).within(*view)


def clipped(
    start: tuple[float, float], end: tuple[float, float], view: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Part of a segment inside a view (Liang–Barsky), None outside: Qt paints each dash of a line a mile long."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    first, last = 0.0, 1.0
    for step, low, high in ((dx, -start[0], view[0] - start[0]), (dy, -start[1], view[1] - start[1])):
        if step == 0:
            if low > 0 or high < 0:
                return None
            continue
        enter, leave = sorted((low / step, high / step))
        first, last = max(first, enter), min(last, leave)
    if first > last:
        return None
    return (start[0] + first * dx, start[1] + first * dy), (start[0] + last * dx, start[1] + last * dy)
