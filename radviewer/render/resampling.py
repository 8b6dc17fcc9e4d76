"""Image grid → device pixels of the visible part.

Magnified pictures are interpolated on the values, never on grey levels.  Reduced ones are means
over the area of a device pixel: first over whole blocks, then by linear interpolation at twice
the resolution and the mean of two by two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import Pixels
from radviewer.render.presentation import Interpolation
from radviewer.render.samples import Mask, Samples
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


def block_sizes(transform: ViewTransform) -> tuple[int, int]:
    """``(rows, columns)`` of image pixels to average before interpolating: powers of two, 1 when magnified."""
    a, b, c, d, _, _ = transform.matrix
    per_row, per_column = math.hypot(b, d), math.hypot(a, c)
    rows, columns = (2 ** max(0, math.floor(math.log2(1 / zoom) + 1e-9)) for zoom in (per_row, per_column))
    return (rows, columns)


def resample(samples: Samples, transform: ViewTransform, patch: Patch, interpolation: Interpolation) -> Resampled:
    """Bring samples, already shrunk by the transform's `block_sizes`, to the visible device pixels."""
    blocks = block_sizes(transform)
    turned = transform.camera.quarter_turns % 2 == 1
    nearest = interpolation is Interpolation.NEAREST and blocks == (1, 1) and transform.zoom >= 1
    padding, values = samples.padding, samples.values
    if nearest or padding is not None:
        rows, columns = _nearest(transform, patch, values.shape, blocks)
        padding = None if padding is None else _pick(padding, rows, columns, turned)
    values = _pick(values, rows, columns, turned) if nearest else _interpolated(values, blocks, transform, patch)
    return Resampled(values, padding)


def resample_mask(mask: Mask, transform: ViewTransform, patch: Patch) -> Mask:
    """Mask of an image on the visible device pixels, with sharp edges; reduced lines do not vanish."""
    blocks = block_sizes(transform)
    if blocks != (1, 1):
        rows, columns = (np.arange(0, n, block) for n, block in zip(mask.shape, blocks, strict=True))
        mask = np.logical_or.reduceat(np.logical_or.reduceat(mask, rows, axis=0), columns, axis=1)
    fine = 2 if transform.zoom < 1 else 1
    turned = transform.camera.quarter_turns % 2 == 1
    picked = _pick(mask, *_nearest(transform, patch, mask.shape, blocks, (fine, fine)), turned)
    width, height = patch.size
    if fine == 1:
        return picked
    met: Mask = np.logical_or.reduce(picked.reshape(height, 2, width, 2), axis=(1, 3))
    return met


def _inverse(
    transform: ViewTransform, patch: Patch, blocks: tuple[int, int], fine: tuple[int, int]
) -> tuple[float, float, float, float, float, float]:
    """Affine map from sub-pixel ``(i, j)`` of a patch to ``(column, row)`` on the grid of blocks.

    `fine` is the number of sub-pixels per device pixel in x and y.
    """
    a, b, c, d, e, f = transform.matrix
    determinant = a * d - b * c
    # Of device x, y to image column, row: exact zeros stay zero, the map is a quarter turn and a scale.
    inverse = ((d / determinant, -b / determinant), (-c / determinant, a / determinant))
    x0, y0 = patch.left + 0.5 / fine[0] - e, patch.top + 0.5 / fine[1] - f
    result: list[float] = []
    for (by_x, by_y), block in zip(inverse, reversed(blocks), strict=True):
        start = by_x * x0 + by_y * y0
        result += [by_x / fine[0] / block, by_y / fine[1] / block, (start + 0.5) / block - 0.5]
    u, v, w, p, q, r = result
    return (u, v, w, p, q, r)


def _nearest(
    transform: ViewTransform,
    patch: Patch,
    shape: tuple[int, ...],
    blocks: tuple[int, int],
    fine: tuple[int, int] = (1, 1),
) -> tuple[Indices, Indices]:
    """Row and column index, along the screen axis they vary with, of the pixel under each (sub-)pixel."""
    by_x, by_y, column0, row_x, row_y, row0 = _inverse(transform, patch, blocks, fine)
    width, height = (n * k for n, k in zip(patch.size, fine, strict=True))
    turned = transform.camera.quarter_turns % 2 == 1
    across, down = np.arange(width), np.arange(height)
    column = column0 + (by_y * down if turned else by_x * across)
    row = row0 + (row_x * across if turned else row_y * down)
    rows, columns = (
        np.clip(np.floor(v + 0.5), 0, n - 1).astype(np.intp) for v, n in zip((row, column), shape[:2], strict=True)
    )
    return rows, columns


def _pick(values: Pixels, rows: Indices, columns: Indices, turned: bool) -> Pixels:
    """Values at given rows and columns, transposed when `turned`: (y, x) of the screen."""
    picked = values.take(columns, axis=1).take(rows, axis=0)
    return np.ascontiguousarray(picked.swapaxes(0, 1)) if turned else picked


def _interpolated(values: Pixels, blocks: tuple[int, int], transform: ViewTransform, patch: Patch) -> Pixels:
    a, b, c, d, _, _ = transform.matrix
    turned = transform.camera.quarter_turns % 2 == 1
    across = math.hypot(a, c) * blocks[1], math.hypot(b, d) * blocks[0]  # device pixels per block
    fine_x, fine_y = (2 if zoom < 1 - 1e-9 else 1 for zoom in (reversed(across) if turned else across))
    width, height = patch.size
    u, v, w, p, q, r = _inverse(transform, patch, blocks, (fine_x, fine_y))
    size = (width * fine_x, height * fine_y)
    # Only what is seen, with two pixels around: large images stay within what OpenCV can address.
    (left, right), (top, bottom) = (
        _span(start, x * (size[0] - 1), y * (size[1] - 1), n)
        for (x, y, start), n in (((u, v, w), values.shape[1]), ((p, q, r), values.shape[0]))
    )
    picture: Pixels = cv2.warpAffine(
        np.ascontiguousarray(values[top:bottom, left:right]),
        np.array([[u, v, w - left], [p, q, r - top]]),
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if (fine_x, fine_y) != (1, 1):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return picture


def _span(start: float, x: float, y: float, n: int) -> tuple[int, int]:
    ends = (start, start + x + y)
    low = max(0, min(math.floor(min(ends)) - 2, n - 1))
    high = min(n, max(math.ceil(max(ends)) + 3, low + 1))
    return (low, high)
