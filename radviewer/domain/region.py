"""Regions drawn on an image: which pixels lie in them, and their area.

A pixel belongs to a region when its *centre* lies inside: on the border included for rectangles
and ellipses; for freehand outlines by the even-odd rule, the left and upper border included, so
that neighbouring outlines share no pixel.  The area is that of the drawn shape, not of its pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.measurement import Mark, MarkKind, Point

REGION_KINDS = frozenset({MarkKind.RECTANGLE, MarkKind.ELLIPSE, MarkKind.FREEHAND})

_SCAN_LINES = 2048
_AT_ONCE = 1_000_000  # crossings


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels of a region within its image.

    Attributes
    ----------
    rows, columns : slice
        Bounding box, clipped to the image.
    mask : ndarray of bool
        Over that box; may be empty.

    """

    rows: slice
    columns: slice
    mask: NDArray[np.bool_]

    def of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Values of the region's pixels from an array of the image: (n,) or (n, channels)."""
        values: NDArray[Any] = pixels[self.rows, self.columns][self.mask]
        return values


def region(mark: Mark, shape: tuple[int, int]) -> Region:
    """Pixels of a rectangle, ellipse or freehand mark inside an image of ``(rows, columns)``.

    Raises
    ------
    ValueError
        If the mark is of another kind.

    """
    if mark.kind not in REGION_KINDS:
        raise ValueError(f"a {mark.kind.value} has no pixels")
    (top, bottom), (left, right) = (
        _clipped(min(values), max(values), n) for values, n in zip(zip(*mark.points, strict=True), shape, strict=True)
    )
    size = (bottom - top, right - left)
    if mark.kind is MarkKind.FREEHAND:
        mask = _polygon_mask(mark.points, (top, left), size)
    elif mark.kind is MarkKind.ELLIPSE:
        mask = _ellipse_mask(mark.points, (top, left), size)
    else:
        mask = np.ones(size, np.bool_)
    return Region(slice(top, bottom), slice(left, right), mask)


def _clipped(low: float, high: float, n: int) -> tuple[int, int]:
    """First and one past the last pixel whose centre lies between `low` and `high`."""
    first = min(max(math.ceil(low), 0), n)
    return first, max(first, min(math.floor(high) + 1, n))


def _ellipse_mask(points: tuple[Point, ...], origin: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    offsets = []
    for axis in (0, 1):
        a, b = points[0][axis], points[1][axis]
        radius = abs(b - a) / 2
        distance = np.arange(origin[axis], origin[axis] + size[axis]) - (a + b) / 2
        offsets.append((distance / radius) ** 2 if radius else np.where(distance == 0, 0.0, np.inf))
    # The tolerance keeps pixels that lie on the border exactly, whatever the rounding.
    inside: NDArray[np.bool_] = offsets[0][:, None] + offsets[1][None, :] <= 1 + 1e-12
    return inside


def _polygon_mask(points: tuple[Point, ...], origin: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Even-odd filling: toggle at each crossing of a row, then accumulate along the row."""
    if not size[0] * size[1]:
        return np.zeros(size, np.bool_)
    toggles = np.zeros((size[0], size[1] + 1), np.bool_)
    start = np.array(points) - origin
    for rows, columns in _crossings(start, np.roll(start, -1, axis=0), size[0]):
        np.logical_xor.at(toggles, (rows, np.clip(np.ceil(columns), 0, size[1]).astype(np.int64)), True)
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(toggles, axis=1)[:, :-1]
    return inside


def _crossings(
    start: NDArray[np.float64], end: NDArray[np.float64], rows: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Row and column of each crossing of an edge with a row 0 … rows - 1; upper ends count, lower do not.

    In parts, as a scribble of many long strokes has more crossings than memory should hold.
    """
    downward = (start[:, 0] <= end[:, 0])[:, None]
    upper, lower = np.where(downward, start, end), np.where(downward, end, start)
    first = np.clip(np.ceil(upper[:, 0]), 0, rows).astype(np.int64)
    stop = np.clip(np.ceil(lower[:, 0]), 0, rows).astype(np.int64)
    counts = np.maximum(stop - first, 0)
    edges = max(1, _AT_ONCE // max(1, rows))
    for begin in range(0, len(start), edges):
        count = counts[begin : begin + edges]
        edge = np.repeat(np.arange(begin, begin + len(count)), count)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        fall, run = (lower[edge, axis] - upper[edge, axis] for axis in (0, 1))
        yield row, upper[edge, 1] + (row - upper[edge, 0]) * run / fall


def area(mark: Mark) -> float:
    """Area of the drawn shape in pixels (of 1 × 1), wherever it lies.

    An outline that crosses itself counts with the even-odd rule, as its pixels do.

    """
    if mark.kind is MarkKind.FREEHAND:
        return _polygon_area(mark)
    (a, b), (c, d) = mark.points
    box = abs(c - a) * abs(d - b)
    return box * math.pi / 4 if mark.kind is MarkKind.ELLIPSE else box


def _polygon_area(mark: Mark) -> float:
    points = np.array(mark.points)
    points -= points.min(axis=0)  # far from the origin the products would lose their last digits
    following = np.roll(points, -1, axis=0)
    enclosed = abs(float(np.sum(points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]))) / 2
    even_odd = _even_odd_area(points)
    # The shoelace formula is exact, but the two loops of an eight cancel out.
    return enclosed if abs(enclosed - even_odd) <= 0.005 * even_odd else even_odd


def _even_odd_area(points: NDArray[np.float64]) -> float:
    """Area by the widths of lines across the outline; good to about 0.1 %, a dense scribble to a few."""
    height = float(points[:, 0].max())
    if height == 0:
        return 0.0
    falls = float(np.abs(np.diff(points[:, 0], append=points[0, 0])).sum()) / height  # crossings of one line
    lines = int(min(_SCAN_LINES, max(16.0, _AT_ONCE / falls)))
    start = points * (lines / height, 1.0) - (0.5, 0.0)
    found = list(_crossings(start, np.roll(start, -1, axis=0), lines))
    rows, columns = (np.concatenate(part) for part in zip(*found, strict=True))
    columns = columns[np.lexsort((columns, rows))]
    return float(np.sum(columns[1::2] - columns[::2])) * height / lines
