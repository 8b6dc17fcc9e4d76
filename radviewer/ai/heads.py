"""A brain MR series as networks see it: the head cut out, on a scale that does not depend on the scanner.

MR values have no unit.  The scale is taken from the tissue in the middle of the head, away from the bright
scalp: its median and spread over the whole series.  The cut-out is one square for all slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.films import Placement, Refused

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LOOKED_AT = 128  # longest side of the raster on which the head is found
_MARGIN = 0.04  # of the head's longer side, left free at each side
_INNER = 0.36  # half axes of the middle of the head, in sides of its box
_MEDIAN, _SPREAD = 0.35, 0.1  # where the tissue's median and one standard deviation come to lie
_LEAST_SPREAD = 0.06  # of the median; less is a blank or synthetic image
_LEAST_HEAD = 0.04  # share of a slice
_FEW = 0.15  # share of the slices
_SAMPLED = 250_000  # values that quantiles are taken from
_FILLED = 0.3  # of the corners: noise fills them, air lies there beside a head
_SMALLEST = 32  # pixels of the shortest side that still shows a head


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The cut-out head.

    Attributes
    ----------
    grey : ndarray, float32, (slices, n, n)
        0–1; air is 0.
    placement : Placement
        Of the cut-out's cells on every slice.
    shares : ndarray, float32, (slices,)
        Share of each slice that the head covers: near 0 for slices beside it.
    shape : tuple of int
        ``(Rows, Columns)`` of the slices.

    """

    grey: Grey
    placement: Placement
    shares: Grey
    shape: tuple[int, int]


def head_of(values: NDArray[Any], size: int, spacing: tuple[float, float] = (1.0, 1.0)) -> Head:
    """Cut the head out of a series and scale it to ``size²``.

    Parameters
    ----------
    values : ndarray, (slices, rows, columns)
        Axial slices; any real dtype, finite.
    size : int
        Side of the cut-out in cells.
    spacing : tuple of float
        Between rows and between columns, in any unit: the cut-out is square in the patient.

    Raises
    ------
    Refused
        If there is no head, or nothing but noise.

    """
    if min(values.shape[1:]) < _SMALLEST:
        raise Refused(f"The slices are too small to judge ({values.shape[1]} × {values.shape[2]} pixels).")
    masks = _heads(values)
    shares = masks.mean(axis=(1, 2)).astype(np.float32)
    covered = masks[shares >= _LEAST_HEAD / 2]
    if shares.max(initial=0) < _LEAST_HEAD or not (covered.mean(axis=0) > _FEW).any() or _in_corners(covered):
        raise Refused("No head was found on these images.")
    placement = _square(masks, values.shape[1:], spacing, size)
    grey = np.stack([_resampled(plane, placement, size) for plane in values])
    return Head(_scaled(grey, shares), placement, shares, (values.shape[1], values.shape[2]))


def _heads(values: NDArray[Any]) -> Mask:
    """Where the head is on each slice, on a small raster: the largest bright part without its holes."""
    rows, columns = values.shape[1:]
    scale = min(1.0, _LOOKED_AT / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = np.stack([cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA) for plane in values])
    low, high = np.quantile(small[:, ::2, ::2], (0.02, 0.995))
    if not high > low:
        return np.zeros(small.shape, np.bool_)
    # Roots bring the bright scalp nearer to the brain: what is told apart is air and tissue.
    roots = (np.sqrt(np.clip((small - low) / (high - low), 0, 1)) * 255).astype(np.uint8)
    level, _ = cv2.threshold(roots.reshape(-1, roots.shape[-1]), 0, 255, cv2.THRESH_OTSU)
    # Where no value lies between air and tissue, any level between them parts them: the middle keeps the border.
    middle = (float(roots[roots > level].mean()) + float(roots[roots <= level].mean())) // 2
    return np.stack([_largest(cv2.GaussianBlur(plane, (0, 0), 1) > middle) for plane in roots])


def _in_corners(masks: Mask) -> bool:
    """Whether what was found lies in the slices' corners, too."""
    rows, columns = (max(1, n // 16) for n in masks.shape[1:])
    ends = (slice(None, rows), slice(-rows, None)), (slice(None, columns), slice(-columns, None))
    return float(np.mean([masks[:, down, across].mean() for down in ends[0] for across in ends[1]])) > _FILLED


def _largest(bright: Mask) -> Mask:
    """The largest connected part of a slice, holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros(bright.shape, np.bool_)
    largest = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    around = np.zeros((bright.shape[0] + 2, bright.shape[1] + 2), np.uint8)
    around[1:-1, 1:-1] = largest
    cv2.floodFill(around, None, (0, 0), (2,))  # reaches what is outside, not the holes
    filled: Mask = around[1:-1, 1:-1] != 2
    return filled


def _square(masks: Mask, shape: tuple[int, ...], spacing: tuple[float, float], size: int) -> Placement:
    """One square around the heads of all slices."""
    # The nose, and noise beside the head, lie on few slices.
    covered = masks[masks.mean(axis=(1, 2)) >= _LEAST_HEAD / 2].mean(axis=0) > _FEW
    spans = []
    for axis, length, pixel in ((1, shape[0], spacing[0]), (0, shape[1], spacing[1])):
        found = np.flatnonzero(covered.any(axis=axis))
        step = pixel * length / covered.shape[1 - axis]
        spans.append((found[0] * step, (found[-1] + 1) * step))
    side = max(last - first for first, last in spans) * (1 + 2 * _MARGIN)
    top, left = ((first + last - side) / 2 for first, last in spans)
    row, column = spacing
    return Placement(float(top) / row, float(left) / column, float(side) / size / row, float(side) / size / column)


def _resampled(plane: NDArray[Any], placement: Placement, size: int) -> Grey:
    """A slice on the cut-out's cells: averaged where they are larger than its pixels."""
    down, across = placement.step_row, placement.step_column
    image = plane.astype(np.float32)
    wide, high = max(1, round(across)), max(1, round(down))
    if max(wide, high) > 1:
        image = cv2.blur(image, (wide, high)).astype(np.float32, copy=False)
    # The mean of an even number of pixels lies half a pixel before the one it is kept at.
    matrix = np.array(
        [
            [across, 0, placement.origin_column + (across - wide % 2) / 2],
            [0, down, placement.origin_row + (down - high % 2) / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    low = float(image.min())
    found: Grey = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderValue=(low,)).astype(np.float32)
    return found


def _scaled(grey: Grey, shares: Grey) -> Grey:
    """Put air at 0, the median of the tissue in the middle of the head at 0.35, a robust deviation above it to 0.1."""
    n = grey.shape[-1]
    at = (np.arange(n) + 0.5) / n - 0.5
    inner = (at[:, None] / _INNER) ** 2 + (at[None, :] / (0.8 * _INNER)) ** 2 <= 1
    tissue = grey[shares >= 0.5 * shares.max()][:, inner]
    sample = tissue.ravel()[:: max(1, tissue.size // _SAMPLED)]
    low, median, high = (float(v) for v in np.quantile(sample, (0.25, 0.5, 0.75)))
    border = np.ones((n, n), np.bool_)
    border[2:-2, 2:-2] = False
    air = min(float(np.quantile(grey[:, border], 0.7)), median - 2 * (high - low))
    spread = max((high - low) / 1.349, _LEAST_SPREAD * (median - air))
    if not (spread > 0 and median > air):
        raise Refused("The images are blank.")
    scaled = np.minimum(grey, np.float32(median))
    scaled -= np.float32(air)
    scaled *= np.float32(_MEDIAN / (median - air))
    bright = np.maximum(grey - np.float32(median), 0)
    bright *= np.float32(_SPREAD / spread)
    scaled += bright
    np.clip(scaled, 0, 1, out=scaled)
    return scaled
