"""Changes to a mask ``(rows, columns)``: strokes of a brush, smoothing, filling; each returns a new mask."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.domain.measurement import Point

Mask = NDArray[np.bool_]


def paint(mask: Mask, points: Sequence[Point], radius: tuple[float, float], *, value: bool) -> Mask:
    """Set what a brush swept along `points` covers.

    Parameters
    ----------
    mask : ndarray of bool
        ``(rows, columns)``; not changed.
    points : sequence of (float, float)
        Path of the brush's centre, ``(row, column)``, pixel centres at integers.
    radius : (float, float)
        Of the brush, in rows and in columns: on pixels that are not square a round brush is an ellipse.
    value : bool
        True paints, False erases.

    """
    changed = mask.copy()
    for box, covered in _swept(mask.shape, points, radius):
        changed[box][covered] = value
    return changed


def paint_within(
    mask: Mask, points: Sequence[Point], radius: tuple[float, float], values: NDArray[Any], low: float, high: float
) -> Mask:
    """Paint only pixels whose value lies from `low` to `high`; `values` has the mask's shape."""
    changed = mask.copy()
    for box, covered in _swept(mask.shape, points, radius):
        here = values[box]
        changed[box][covered & (here >= low) & (here <= high)] = True
    return changed


def range_at(values: NDArray[Any], point: Point, tolerance: float) -> tuple[float, float]:
    """Values within `tolerance` of the one under a point, which is brought into the image."""
    rows, columns = values.shape
    row = min(max(round(point[0]), 0), rows - 1)
    column = min(max(round(point[1]), 0), columns - 1)
    middle = float(values[row, column])
    return middle - tolerance, middle + tolerance


def smooth(mask: Mask, pixels: int) -> Mask:
    """Take off fringes and close gaps narrower than `pixels`: a majority vote within a disc of that diameter."""
    size = max(1, pixels) // 2 * 2 + 1
    shape = cv2.MORPH_ELLIPSE if size > 3 else cv2.MORPH_RECT  # OpenCV's disc of 3 is a cross: it keeps hairs
    disc = cv2.getStructuringElement(shape, (size, size)).astype(np.float32)
    votes = cv2.filter2D(mask.astype(np.float32), -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE)
    smoothed: Mask = votes > 0.5
    return smoothed


def fill_holes(mask: Mask) -> Mask:
    """Fill what the mask encloses completely."""
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = mask
    outside = padded.copy()
    cv2.floodFill(outside, None, (0, 0), (2,))
    filled: Mask = outside[1:-1, 1:-1] != 2
    return filled


def largest_parts(mask: Mask, count: int) -> Mask:
    """Keep the `count` largest parts; pixels that touch at a corner belong together."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    kept = 1 + np.argsort(-sizes, kind="stable")[: max(count, 0)]
    largest: Mask = np.isin(numbers, kept)
    return largest


def _swept(
    shape: tuple[int, ...], points: Sequence[Point], radius: tuple[float, float]
) -> list[tuple[tuple[slice, slice], Mask]]:
    """Boxes of a mask and what is covered in each, segment by segment."""
    if not points:
        return []
    ends = list(points[1:]) or [points[0]]
    pairs = zip(points, ends, strict=False) if len(points) > 1 else [(points[0], points[0])]
    found = (_segment(shape, a, b, radius) for a, b in pairs)
    return [item for item in found if item is not None]


def _segment(
    shape: tuple[int, ...], a: Point, b: Point, radius: tuple[float, float]
) -> tuple[tuple[slice, slice], Mask] | None:
    """Pixels nearer to a segment than the radius, in units of the radius; None when it misses the image."""
    tall, wide = radius
    top = max(0, floor(min(a[0], b[0]) - tall))
    bottom = min(shape[0], ceil(max(a[0], b[0]) + tall) + 1)
    left = max(0, floor(min(a[1], b[1]) - wide))
    right = min(shape[1], ceil(max(a[1], b[1]) + wide) + 1)
    if top >= bottom or left >= right:
        return None
    rows = (np.arange(top, bottom, dtype=np.float64)[:, None] - a[0]) / tall
    columns = (np.arange(left, right, dtype=np.float64)[None, :] - a[1]) / wide
    down, across = (b[0] - a[0]) / tall, (b[1] - a[1]) / wide
    length = down**2 + across**2
    along = np.clip((rows * down + columns * across) / length, 0, 1) if length else np.zeros((1, 1))
    covered: Mask = (rows - along * down) ** 2 + (columns - along * across) ** 2 <= 1
    return (slice(top, bottom), slice(left, right)), covered
