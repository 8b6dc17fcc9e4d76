"""Coarser copies of volumes: means of blocks of voxels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Factors = tuple[int, int, int]
"""Voxels per block along slices, rows and columns."""


def coarsest_fitting(shape: tuple[int, ...], spacing: tuple[float, float, float], most: int) -> Factors:
    """Smallest blocks that leave at most `most` of them; the finest axis is made coarser first."""
    factors = [1, 1, 1]
    while math.prod(math.ceil(n / f) for n, f in zip(shape, factors, strict=True)) > most:
        steps = [s * f if f < n else math.inf for s, f, n in zip(spacing, factors, shape, strict=True)]
        factors[steps.index(min(steps))] += 1
    return (factors[0], factors[1], factors[2])


def blocks_affine(affine: NDArray[np.float64], factors: Factors) -> NDArray[np.float64]:
    """Affine of the blocks' centres, from that of the voxels' centres."""
    grown = np.diag([*(float(f) for f in factors), 1.0])
    grown[:3, 3] = [(f - 1) / 2 for f in factors]
    made: NDArray[np.float64] = affine @ grown
    return made


def block_mean(values: NDArray[Any], factors: Factors, check: Callable[[], None] = lambda: None) -> NDArray[np.float32]:
    """Means of blocks, float32 ``(slices, rows, columns)``; blocks at the far ends repeat the last voxel.

    `check` is called once for each slice of the result, and may raise to stop.
    """
    deep, high, wide = factors
    rows, columns = (math.ceil(n / f) for n, f in zip(values.shape[1:], (high, wide), strict=True))
    last_row, last_column = values.shape[1] - 1, values.shape[2] - 1
    over = (rows * high != values.shape[1]) or (columns * wide != values.shape[2])
    take_rows = np.minimum(np.arange(rows * high), last_row)
    take_columns = np.minimum(np.arange(columns * wide), last_column)
    found = np.zeros((math.ceil(len(values) / deep), rows, columns), np.float32)
    for index, target in enumerate(found):
        check()
        slab = values[index * deep : (index + 1) * deep]
        total = np.zeros((rows * high, columns * wide), np.float32)
        for plane in slab:
            total += plane[np.ix_(take_rows, take_columns)] if over else plane
        for i in range(high):
            for j in range(wide):
                target += total[i::high, j::wide]
        target /= len(slab) * high * wide
    return found
