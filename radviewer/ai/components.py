"""Foci of an outline in three dimensions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def without_specks(found: Mask, share: float) -> Mask:
    """Drop every focus smaller than `share` of the largest one.

    Parameters
    ----------
    found : ndarray of bool, (slices, rows, columns)
        Cells of neighbouring slices that overlap belong to one focus.
    share : float
        Of the largest focus' cells.

    Returns
    -------
    ndarray of bool, (slices, rows, columns)

    """
    labels, parents = _labelled(found)
    roots = np.array([_root(parents, i) for i in range(len(parents))])
    named = roots[labels]
    sizes = np.bincount(named.ravel(), minlength=len(roots))
    sizes[0] = 0
    if not sizes.any():
        return found
    kept = sizes >= share * sizes.max()
    kept[0] = False
    chosen: Mask = kept[named]
    return chosen


def _labelled(found: Mask) -> tuple[NDArray[np.int64], list[int]]:
    """Number the parts of every slice from 1, and link those of neighbouring slices that overlap."""
    labels = np.zeros(found.shape, np.int64)
    parents = [0]
    for i, plane in enumerate(found):
        count, own = cv2.connectedComponents(plane.astype(np.uint8), connectivity=8)
        labels[i] = np.where(own > 0, own + len(parents) - 1, 0)
        parents.extend(range(len(parents), len(parents) + count - 1))
        if i:
            both = (labels[i] > 0) & (labels[i - 1] > 0)
            for a, b in np.unique(np.stack([labels[i][both], labels[i - 1][both]]), axis=1).T.tolist():
                parents[_root(parents, a)] = _root(parents, b)
    return labels, parents


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index
