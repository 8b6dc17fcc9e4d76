"""Image grid → device pixels of the visible part.

Magnified pictures are interpolated on the values, never on grey levels.  Reduced ones are means
over the area of a device pixel, made once per zoom (`Reduction`) and then only moved into place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.domain.reformat import DRAFT_BLOCK
from radviewer.domain.volume import Pixels
from radviewer.render.presentation import Interpolation
from radviewer.render.samples import Mask, Reduction, Samples, reduction
from radviewer.render.view import ViewTransform

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Patch:
    """Rectangle of device pixels that show the image: ``left ≤ x < right``, ``top ≤ y < bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)``."""
        return (self.right - self.left, self.bottom - self.top)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the patch in an array of the whole viewport."""
        return (slice(self.top, self.bottom), slice(self.left, self.right))


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Samples on the device pixels of a patch."""

    values: Pixels
    padding: Mask | None


def visible_patch(transform: ViewTransform) -> Patch | None:
    """Device pixels whose centre lies on the image; None when it is out of view."""
    left, top, right, bottom = (math.ceil(v - 0.5) for v in transform.image_rectangle())
    width, height = transform.size
    patch = Patch(max(left, 0), max(top, 0), min(max(right, left + 1), width), min(max(bottom, top + 1), height))
    return patch if patch.left < patch.right and patch.top < patch.bottom else None


def reductions(transform: ViewTransform) -> tuple[Reduction, Reduction]:
    """How the rows and the columns of an image are reduced for a transform; a draft only to its blocks."""
    if transform.draft:
        rows, columns = (-(-count // DRAFT_BLOCK) for count in transform.shape)
        return Reduction(DRAFT_BLOCK, rows, rows), Reduction(DRAFT_BLOCK, columns, columns)
    per_row, per_column = transform.pixel_size
    return reduction(transform.shape[0], per_row), reduction(transform.shape[1], per_column)


def resample(samples: Samples, transform: ViewTransform, patch: Patch, interpolation: Interpolation) -> Resampled:
    """Bring samples, already shrunk by the transform's `reductions`, to the visible device pixels."""
    rows, columns = reductions(transform)
    grid = _Grid(samples.values.shape[:2], (rows.size, columns.size))
    turned = transform.camera.quarter_turns % 2 == 1
    nearest = interpolation is Interpolation.NEAREST and transform.zoom >= 1
    padding, values = samples.padding, samples.values
    if nearest or padding is not None:
        at = _nearest(transform, patch, grid)
        padding = None if padding is None else _pick(padding, *at, turned)
    values = _pick(values, *at, turned) if nearest else _interpolated(values, transform, patch, grid)
    return Resampled(values, padding)


def resample_mask(mask: Mask, transform: ViewTransform, patch: Patch) -> Mask:
    """Mask of an image on the visible device pixels, with sharp edges; reduced lines do not vanish."""
    blocks = [max(1, math.floor(1 / zoom + 1e-9)) for zoom in transform.pixel_size]
    for axis, block in enumerate(blocks):
        if block > 1:
            mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], block), axis=axis)
    fine = 2 if min(transform.pixel_size) < 1 else 1  # looked at twice per device pixel, nothing is skipped
    grid = _Grid((mask.shape[0], mask.shape[1]), (float(blocks[0]), float(blocks[1])))
    turned = transform.camera.quarter_turns % 2 == 1
    picked = _pick(mask, *_nearest(transform, patch, grid, fine), turned)
    if fine == 1:
        return picked
    width, height = patch.size
    met: Mask = np.logical_or.reduce(picked.reshape(height, 2, width, 2), axis=(1, 3))
    return met


@dataclass(frozen=True, slots=True)
class _Grid:
    """What is resampled: its shape and the size of its pixels in image pixels, (rows, columns)."""

    shape: tuple[int, ...]
    size: tuple[float, float]


def _inverse(
    transform: ViewTransform, patch: Patch, grid: _Grid, fine: int = 1
) -> tuple[float, float, float, float, float, float]:
    """Affine map from sub-pixel ``(i, j)`` of a patch to ``(column, row)`` of a grid.

    `fine` is the number of sub-pixels per device pixel in x and y.
    """
    a, b, c, d, e, f = transform.matrix
    determinant = a * d - b * c
    # Of device x, y to image column, row: exact zeros stay zero, the map is a quarter turn and a scale.
    inverse = ((d / determinant, -b / determinant), (-c / determinant, a / determinant))
    x0, y0 = patch.left + 0.5 / fine - e, patch.top + 0.5 / fine - f
    result: list[float] = []
    for (by_x, by_y), size in zip(inverse, reversed(grid.size), strict=True):
        start = by_x * x0 + by_y * y0
        result += [by_x / fine / size, by_y / fine / size, (start + 0.5) / size - 0.5]
    u, v, w, p, q, r = result
    return (u, v, w, p, q, r)


def _nearest(transform: ViewTransform, patch: Patch, grid: _Grid, fine: int = 1) -> tuple[Indices, Indices]:
    """Row and column index, along the screen axis they vary with, of what lies under each (sub-)pixel."""
    by_x, by_y, column0, row_x, row_y, row0 = _inverse(transform, patch, grid, fine)
    turned = transform.camera.quarter_turns % 2 == 1
    across, down = (np.arange(n * fine) for n in patch.size)
    column = column0 + (by_y * down if turned else by_x * across)
    row = row0 + (row_x * across if turned else row_y * down)
    rows, columns = (
        np.clip(np.floor(v + 0.5), 0, n - 1).astype(np.intp) for v, n in zip((row, column), grid.shape, strict=True)
    )
    return rows, columns


def _pick(values: Pixels, rows: Indices, columns: Indices, turned: bool) -> Pixels:
    """Values at given rows and columns, transposed when `turned`: (y, x) of the screen."""
    picked = values.take(columns, axis=1).take(rows, axis=0)
    return np.ascontiguousarray(picked.swapaxes(0, 1)) if turned else picked


def _interpolated(values: Pixels, transform: ViewTransform, patch: Patch, grid: _Grid) -> Pixels:
    width, height = patch.size
    u, v, w, p, q, r = _inverse(transform, patch, grid)
    # Only what is seen, with two pixels around: large images stay within what OpenCV can address.
    (left, right), (top, bottom) = (
        _span(start, x * (width - 1), y * (height - 1), n)
        for (x, y, start), n in (((u, v, w), grid.shape[1]), ((p, q, r), grid.shape[0]))
    )
    picture: Pixels = cv2.warpAffine(
        np.ascontiguousarray(values[top:bottom, left:right]),
        np.array([[u, v, w - left], [p, q, r - top]]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return picture


def _span(start: float, x: float, y: float, n: int) -> tuple[int, int]:
    ends = (start, start + x + y)
    low = max(0, min(math.floor(min(ends)) - 2, n - 1))
    high = min(n, max(math.ceil(max(ends)) + 3, low + 1))
    return (low, high)
