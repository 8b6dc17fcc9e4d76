"""Contrast-limited adaptive histogram equalisation of 16-bit codes.

OpenCV's own works on 65,536 bins for 16-bit images: with a tile of a few thousand pixels every
bin holds one or none, so nothing is left for the contrast limit to clip and noise is blown up.
Here histograms have 256 bins and the mapping between them is linear.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Edges = NDArray[np.intp]

TILES = 8
_BINS = 256
_FINE = 16  # levels per bin
_LEVELS = _BINS * _FINE


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
    inside = (codes >= low) & (codes <= high)
    if left_out is not None:
        inside &= ~left_out
    scale = (_LEVELS - 1) / (high - low)
    levels = np.where(inside, (codes.astype(np.float32) - low) * scale + 0.5, _LEVELS).astype(np.intp)
    rows, columns = (_tile_edges(n) for n in codes.shape)
    blended = _blended(levels, _tables(levels, rows, columns, limit), rows, columns)
    blended *= high - low
    blended += low + 0.5
    return np.where(inside, blended, codes).astype(np.uint16)


def _tile_edges(length: int) -> Edges:
    return np.unique(np.linspace(0, length, min(TILES, length) + 1).astype(np.intp))


def _tables(levels: NDArray[np.intp], rows: Edges, columns: Edges, limit: float) -> NDArray[np.float32]:
    """Mapping of each tile to 0–1: (tile rows, tile columns, levels and one for what is left out)."""
    tables = np.zeros((len(rows) - 1, len(columns) - 1, _LEVELS + 1), np.float32)
    grid = np.linspace(0, 1, _BINS + 1)
    wanted = np.linspace(0, 1, _LEVELS)
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            tile = levels[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            counts = np.bincount(tile.ravel(), minlength=_LEVELS + 1)[:_LEVELS].reshape(_BINS, _FINE).sum(axis=1)
            rising = np.concatenate(([0.0], np.cumsum(_clipped(counts, limit))))
            tables[i, j, :_LEVELS] = np.interp(wanted, grid, rising)
    return tables


def _clipped(counts: NDArray[np.int64], limit: float) -> NDArray[np.float64]:
    """Shares of the bins, none above ``limit / bins`` but for what was clipped and spread evenly."""
    share: NDArray[np.float64] = counts / max(1, int(counts.sum()))
    kept: NDArray[np.float64] = np.minimum(share, limit / _BINS)
    return kept + (1.0 - float(kept.sum())) / _BINS


def _blended(levels: NDArray[np.intp], tables: NDArray[np.float32], rows: Edges, columns: Edges) -> NDArray[np.float32]:
    """Levels through the mappings of the four nearest tiles, weighted by distance, one block at a time."""
    blended = np.empty(levels.shape, np.float32)
    for i, (top, bottom) in enumerate(_blocks(rows)):
        down = _weights(rows, i, bottom - top)[:, None]
        for j, (left, right) in enumerate(_blocks(columns)):
            across = _weights(columns, j, right - left)[None, :]
            part = (slice(top, bottom), slice(left, right))
            above, below = (
                _between(tables[r, max(j - 1, 0)], tables[r, min(j, len(columns) - 2)], levels[part], across)
                for r in (max(i - 1, 0), min(i, len(rows) - 2))
            )
            blended[part] = above + (below - above) * down
    return blended


def _between(
    before: NDArray[np.float32], after: NDArray[np.float32], levels: NDArray[np.intp], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    first = before.take(levels)
    return first + (after.take(levels) - first) * across


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
