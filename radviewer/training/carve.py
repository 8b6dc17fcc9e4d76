"""Tumours of other patients put into a slice: many more places and looks than the patients themselves have.

CarveMix (Zhang et al., MICCAI 2021): the tumour with a random margin replaces what lies there.  Heads are cut out
alike, so a place in one is a believable place in another.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from radviewer.training.data import Bytes

_BRAIN = 40  # grey value of a cut-out, 0-255: darker is air
_INSIDE = 0.9  # of what is put in must lie in the head
_MARGIN = (1, 9)  # cells
_SHIFT = 6.0  # cells, standard deviation


def carved(rng: Generator, slices: Bytes, outline: Bytes, theirs: Bytes, drawn: Bytes) -> tuple[Bytes, Bytes]:
    """Put the tumour `drawn` on the slices `theirs` into `slices`, mirrored and moved at random.

    Parameters
    ----------
    rng : Generator
        Source of chance.
    slices, theirs : ndarray, uint8, (n, side, side)
        Neighbouring slices of two patients.
    outline, drawn : ndarray, uint8, (side, side)
        Tumour's share of each cell of the middle slices, 0-255.

    Returns
    -------
    tuple of ndarray
        Slices and outline; as they were where the tumour would lie outside the head.

    """
    if rng.random() < 0.5:
        theirs, drawn = theirs[:, :, ::-1], drawn[:, ::-1]
    side = drawn.shape[0]
    shift = np.array([[1, 0, rng.normal(0, _SHIFT)], [0, 1, rng.normal(0, _SHIFT)]])
    moved = [cv2.warpAffine(np.ascontiguousarray(plane), shift, (side, side)) for plane in (*theirs, drawn)]
    tumour = moved[-1]
    reach = int(rng.integers(*_MARGIN))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    carve = cv2.dilate((tumour > 127).astype(np.uint8), kernel) > 0
    if not carve.any() or (slices[len(slices) // 2][carve] > _BRAIN).mean() < _INSIDE:
        return slices, outline
    share = cv2.GaussianBlur(carve.astype(np.float32), (0, 0), 1.5)
    mixed = slices * (1 - share) + np.stack(moved[:-1]) * share
    joined = np.where(carve, tumour, outline)
    return np.rint(mixed).astype(np.uint8), joined.astype(np.uint8)
