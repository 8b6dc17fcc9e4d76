"""Lowest and highest values in blocks of a volume: in which part of it anything can be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EDGE = 8  # cells between voxels along each side of a block

Range = tuple[int, int]
"""First and last voxel."""


@dataclass(frozen=True, slots=True, eq=False)
class Extremes:
    """What the blocks of a volume hold; a block includes the voxels at all of its sides, so all that lies between.

    Attributes
    ----------
    lows, highs : ndarray, shape (blocks along slices, rows, columns)
        Lowest and highest value in each block.
    shape : (int, int, int)
        Voxels of the volume along slices, rows and columns.

    """

    lows: NDArray[Any]
    highs: NDArray[Any]
    shape: tuple[int, int, int]

    def box(self, low: float, high: float) -> tuple[Range, Range, Range] | None:
        """Smallest range of slices, rows and columns around blocks that hold values between; None for no block."""
        held = (self.lows < high) & (self.highs > low)
        if not held.any():
            return None
        ends = []
        for axis, size in enumerate(self.shape):
            blocks = np.flatnonzero(held.any(axis=tuple(other for other in range(3) if other != axis)))
            ends.append((int(blocks[0]) * _EDGE, min(int(blocks[-1] + 1) * _EDGE, size - 1)))
        return (ends[0], ends[1], ends[2])


def extremes_of(values: NDArray[Any], check: Callable[[], None] = lambda: None) -> Extremes:
    """Extremes of a volume ``(slices, rows, columns)``; `check` is called now and then, and may raise to stop."""
    lows = highs = values
    for axis in range(3):
        check()
        lows, highs = _along(lows, np.min, axis), _along(highs, np.max, axis)
    return Extremes(lows, highs, (values.shape[0], values.shape[1], values.shape[2]))


def seen_range(opacity: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Values outside of which a curve of points (value, opacity), in any order, is zero; infinite where it never is."""
    points = sorted(opacity)
    seen = [end for one, other in pairwise(points) if one[1] > 0 or other[1] > 0 for end in (one[0], other[0])]
    low = -np.inf if points[0][1] > 0 else min(seen, default=np.inf)
    high = np.inf if points[-1][1] > 0 else max(seen, default=-np.inf)
    return low, high


def _along(values: NDArray[Any], extreme: Callable[..., Any], axis: int) -> NDArray[Any]:
    before = (slice(None),) * axis
    starts = range(0, max(values.shape[axis] - 1, 1), _EDGE)
    return np.stack([extreme(values[(*before, slice(at, at + _EDGE + 1))], axis=axis) for at in starts], axis=axis)
