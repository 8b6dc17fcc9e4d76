"""The lungs of a film, cut out and scaled to a square: what the models of findings see.

The bounding box of the lungs fills the square whatever the film's borders, size or aspect; grey
values are scaled by the pixels between and in the lungs; everything farther out is flat grey, so
neither text nor collimation nor shoulders can speak.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import LEFT, RIGHT, Outlines
from radviewer.ai.films import Placement
from radviewer.ai.intensity import equalised

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

MARGIN = 0.06
"""Added to the bounding box at each side, as a share of its height or width."""
_AROUND = 0.03  # of the square's side: how far the visible region reaches beyond the lungs' hull
_FLAT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LungCrop:
    """Lungs scaled to ``size²``.

    Attributes
    ----------
    grey : ndarray, float32
        As shown, no fixed scale.
    lungs : ndarray of bool
        Both lungs.
    placement : Placement
        Of the crop on the image.

    """

    grey: Grey
    lungs: Mask
    placement: Placement


def cut_out(outlines: Outlines, size: int, margin: float = MARGIN) -> LungCrop:
    """Cut the bounding box of both lungs, with `margin`, out of the film."""
    logits = np.maximum(outlines.logits[RIGHT], outlines.logits[LEFT])
    rows, columns = np.flatnonzero((logits > 0).any(axis=1)), np.flatnonzero((logits > 0).any(axis=0))
    box = _with_margin((rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), margin)
    cells = Placement(box[0], box[1], (box[2] - box[0]) / size, (box[3] - box[1]) / size)
    placement = outlines.placement.within(cells)
    grey = _resample(outlines.film.grey, outlines.film.placement, placement, size)
    lungs = _resample(logits, outlines.placement, placement, size, outside=-10.0) > 0
    return LungCrop(grey, lungs, placement)


def _with_margin(box: tuple[float, float, float, float], margin: float) -> tuple[float, float, float, float]:
    top, left, bottom, right = (float(v) for v in box)
    height, width = bottom - top, right - left
    return (top - margin * height, left - margin * width, bottom + margin * height, right + margin * width)


def _resample(
    source: Grey, source_on: Placement, target_on: Placement, size: int, outside: float | None = None
) -> Grey:
    """Values of `source` at the cells of a ``size²`` raster; both placements are on the same image.

    Shrinking by more than two is done in steps that average, so that no detail aliases.
    """
    step_row, step_column = target_on.step_row / source_on.step_row, target_on.step_column / source_on.step_column
    if max(step_row, step_column) > 2:
        shape = source.shape
        half = (max(1, round(shape[1] / min(2, step_column))), max(1, round(shape[0] / min(2, step_row))))
        smaller = cv2.resize(source, half, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
        scaled = Placement(0.0, 0.0, shape[0] / smaller.shape[0], shape[1] / smaller.shape[1])
        return _resample(smaller, source_on.within(scaled), target_on, size, outside)
    row = (target_on.origin_row - source_on.origin_row) / source_on.step_row
    column = (target_on.origin_column - source_on.origin_column) / source_on.step_column
    matrix = np.array([[step_column, 0, column + 0.5 * step_column - 0.5], [0, step_row, row + 0.5 * step_row - 0.5]])
    mode = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    value = (0.0 if outside is None else outside,)
    resampled = cv2.warpAffine(source, matrix, (size, size), flags=flags, borderMode=mode, borderValue=value)
    return resampled.astype(np.float32, copy=False)


def visible_region(lungs: Mask) -> Mask:
    """Convex hull of both lungs, a little widened: what a model of findings may look at."""
    hull = np.zeros(lungs.shape, np.uint8)
    points = cv2.findNonZero(lungs.astype(np.uint8))
    if points is None:
        return np.ones(lungs.shape, np.bool_)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    reach = max(1, round(_AROUND * lungs.shape[0]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    widened: Mask = cv2.dilate(hull, kernel) > 0
    return widened


def prepared(grey: Grey, lungs: Mask) -> Grey:
    """Equalise by the visible region and hide the rest; float32, 0–1."""
    visible = visible_region(lungs)
    scaled = equalised(grey, visible)
    scaled[~visible] = _FLAT
    return scaled
