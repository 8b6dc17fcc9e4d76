"""Contrast-limited adaptive histogram equalisation of 16-bit codes.

OpenCV's own works on 65,536 bins for 16-bit images: with a tile of a few thousand pixels every
bin holds one or none, so nothing is left for the contrast limit to clip and noise is blown up.
Here histograms have 256 bins and the mapping between them is linear.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Edges = NDArray[np.intp]

TILES = 8
_BINS = 256
_FINE = 16  # levels per bin
_LEVELS = _BINS * _FINE
_OUTSIDE = _LEVELS


def equalise(codes: Codes, low: int, high: int, limit: float, left_out: NDArray[np.bool_] | None = None) -> Codes:
    """Redistribute the codes between `low` and `high` tile by tile; others stay as they are.

    Parameters
    ----------
    codes : ndarray, (rows, columns) uint16
        Never written to.
    low, high : int
        ``0 ≤ low < high ≤ 65535``.
    limit : float
        No bin counts for more than `limit` times an even share: 1 hardly changes anything,
        2 is usual, 4 is strong.
    left_out : ndarray of bool, optional
        Pixels that do not count.

    Returns
    -------
    ndarray, (rows, columns) uint16

    """
    levels = _levels(codes, low, high)
    if left_out is not None:
        levels[left_out] = _OUTSIDE
    rows, columns = (_tile_edges(n) for n in codes.shape)
    blended = _blended(levels, _tables(levels, rows, columns, limit), rows, columns)
    blended *= high - low
    blended += low + 0.5
    result = blended.astype(np.uint16)
    np.copyto(result, codes, where=levels == _OUTSIDE)
    return result


def _levels(codes: Codes, low: int, high: int) -> Codes:
    """Place of each code between `low` and `high`, 0 … levels - 1; `_OUTSIDE` for others."""
    table = np.full(0x10000, _OUTSIDE, np.uint16)
    table[low : high + 1] = np.rint(np.linspace(0, _LEVELS - 1, high - low + 1))
    found = np.empty(codes.shape, np.uint16)
    cv2.LUT(codes, table, dst=found)
    return found


def _tile_edges(length: int) -> Edges:
    return np.unique(np.linspace(0, length, min(TILES, length) + 1).astype(np.intp))


def _tables(levels: Codes, rows: Edges, columns: Edges, limit: float) -> NDArray[np.float32]:
    """Mapping of each tile from levels to 0–1: (tile rows, tile columns, 65536), as OpenCV wants it."""
    tables = np.zeros((len(rows) - 1, len(columns) - 1, 0x10000), np.float32)
    grid = np.linspace(0, 1, _BINS + 1)
    wanted = np.linspace(0, 1, _LEVELS)
    for i, (top, bottom) in enumerate(pairwise(rows)):
        for j, (left, right) in enumerate(pairwise(columns)):
            tile = np.ascontiguousarray(levels[top:bottom, left:right])
            counts = cv2.calcHist([tile], [0], None, [_BINS], [0, _LEVELS])  # what is outside is not counted
            rising = np.zeros(_BINS + 1)
            np.cumsum(_clipped(counts.ravel().astype(np.float64), limit), out=rising[1:])
            tables[i, j, :_LEVELS] = np.interp(wanted, grid, rising)
    return tables


def _clipped(counts: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Shares of the bins, none above ``limit / bins`` but for what was clipped and spread evenly."""
    share: NDArray[np.float64] = counts / max(1.0, float(counts.sum()))
    kept: NDArray[np.float64] = np.minimum(share, limit / _BINS)
    return kept + (1.0 - float(kept.sum())) / _BINS


def _blended(levels: Codes, tables: NDArray[np.float32], rows: Edges, columns: Edges) -> NDArray[np.float32]:
    """Levels through the mappings of the four nearest tiles, weighted by distance, one block at a time."""
    blended = np.empty(levels.shape, np.float32)
    for i, (top, bottom) in enumerate(_blocks(rows)):
        down = _weights(rows, i, bottom - top)[:, None]
        for j, (left, right) in enumerate(_blocks(columns)):
            if top == bottom or left == right:
                continue
            across = _weights(columns, j, right - left)[None, :]
            part = np.ascontiguousarray(levels[top:bottom, left:right])
            above, below = (
                _mixed(part, tables[r, max(j - 1, 0)], tables[r, min(j, len(columns) - 2)], across)
                for r in (max(i - 1, 0), min(i, len(rows) - 2))
            )
            below -= above
            below *= down
            np.add(above, below, out=blended[top:bottom, left:right])
    return blended


def _mixed(
    levels: Codes, before: NDArray[np.float32], after: NDArray[np.float32], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    first, second = np.empty(levels.shape, np.float32), np.empty(levels.shape, np.float32)
    cv2.LUT(levels, before, dst=first)
    cv2.LUT(levels, after, dst=second)
    second -= first
    second *= across
    second += first
    return second


def _blocks(edges: Edges) -> list[tuple[int, int]]:
    """From tile centre to tile centre, and the two rims."""
    centres = (edges[:-1] + edges[1:]) // 2
    bounds = [0, *centres.tolist(), int(edges[-1])]
    return list(pairwise(bounds))


def _weights(edges: Edges, block: int, length: int) -> NDArray[np.float32]:
    """Weight of the later tile, 0–1, at each pixel of a block."""
    if block in (0, len(edges) - 1):
        return np.zeros(length, np.float32)
    return ((np.arange(length) + 0.5) / max(length, 1)).astype(np.float32)
