"""A radiograph as networks see it, and the way back to its own pixels.

A `SliceImage` is reduced to a working raster of at most `WORKING` pixels a side, grey as it is
shown (bright = dense), without padding.  A `Placement` says where the cells of any derived
raster lie on the image, so that masks and maps return to the image's own grid exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.intensity import content_box, equalised
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction, Window
from radviewer.errors import RadviewerError

Grey = NDArray[np.float32]

WORKING = 1024
"""Longest side of the working raster, in pixels."""
LARGEST = 64_000_000
"""Pixels of the largest image that is looked at; a large detector has 20 million."""
SMALLEST = 100
"""Pixels of the shortest side that still shows an anatomy."""
_BAND = 512  # rows mapped back at a time


class Refused(RadviewerError):
    """A model was not made for this image; the message is the reason, for the reader."""


Refuse = Callable[[str], None]
"""Called with the reason where an image is not what a model was made for: `raise_refused`, or what
notes the reason for a reader who wants the model to run all the same."""


def raise_refused(reason: str) -> None:
    """Refuse.

    Raises
    ------
    Refused

    """
    raise Refused(reason)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a raster lies on an image: rows and columns are independent.

    In edge coordinates (the first pixel spans 0 … 1, its centre is 0.5) cell edge ``i`` of the
    raster lies at ``origin + i × step`` of the image.
    """

    origin_row: float
    origin_column: float
    step_row: float
    step_column: float

    def within(self, inner: Placement) -> Placement:
        """Placement on the image of a raster that `inner` places on this raster."""
        return Placement(
            self.origin_row + inner.origin_row * self.step_row,
            self.origin_column + inner.origin_column * self.step_column,
            self.step_row * inner.step_row,
            self.step_column * inner.step_column,
        )

    def _matrix(self, first_row: int) -> NDArray[np.float64]:
        """Image pixel (x, y) of a band → raster pixel, as OpenCV's inverse map."""
        return np.array(
            [
                [1 / self.step_column, 0, (0.5 - self.origin_column) / self.step_column - 0.5],
                [0, 1 / self.step_row, (first_row + 0.5 - self.origin_row) / self.step_row - 0.5],
            ]
        )

    def bands(self, raster: Grey, shape: tuple[int, int], outside: float) -> Iterator[tuple[slice, Grey]]:
        """Interpolate `raster` on an image of `shape`, some rows at a time: ``(rows, values)``."""
        rows, columns = shape
        for first in range(0, rows, _BAND):
            height = min(_BAND, rows - first)
            band = cv2.warpAffine(
                raster,
                self._matrix(first),
                (columns, height),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(outside,),
            )
            yield slice(first, first + height), band.astype(np.float32, copy=False)

    def mask(self, logits: Grey, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Where interpolated logits are positive, bool, `shape`."""
        found = np.empty(shape, dtype=np.bool_)
        for rows, band in self.bands(logits, shape, outside=-10.0):
            np.greater(band, 0, out=found[rows])
        return found

    def map(self, values: Grey, shape: tuple[int, int]) -> Grey:
        """Interpolated values, 0 outside the raster, float32, `shape`."""
        found = np.empty(shape, dtype=np.float32)
        for rows, band in self.bands(values, shape, outside=0.0):
            found[rows] = band
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A radiograph on its working raster.

    Attributes
    ----------
    grey : ndarray, float32, (rows, columns)
        As shown: bright is dense.  No fixed scale.
    placement : Placement
        Of `grey` on the image.
    shape : tuple of int
        ``(Rows, Columns)`` of the image.

    """

    grey: Grey
    placement: Placement
    shape: tuple[int, int]

    def negative(self) -> Film:
        """The same film with black and white exchanged."""
        return replace(self, grey=-self.grey)


def film_of(image: SliceImage, refuse: Refuse = raise_refused) -> Film:
    """Reduce an image to its working raster and cut off flat padding.

    Parameters
    ----------
    image : SliceImage
        The radiograph.
    refuse : callable, optional
        Called if it is coloured (the first channel is read when it returns) or too small.

    Raises
    ------
    Refused
        By `refuse`; and if the image is too large, blank or not finite: there is nothing to read.

    """
    rows, columns = image.stored.shape[:2]
    if image.is_colour and not _is_grey(image.stored):
        refuse("This is a colour image, not a radiograph.")
    if min(rows, columns) < SMALLEST:
        refuse(f"The image is too small to judge ({rows} × {columns} pixels).")
    if rows * columns > LARGEST:
        raise Refused(f"The image is larger than any radiograph ({rows} × {columns} pixels).")
    grey = _shown(image, _reduced(image))
    if not np.isfinite(grey).all():
        raise Refused("The image's values are not finite numbers; its rescale slope or intercept is wrong.")
    if not np.ptp(grey) > 0:
        raise Refused("The image is blank.")
    scale = Placement(0.0, 0.0, rows / grey.shape[0], columns / grey.shape[1])
    top, left, bottom, right = content_box(grey)
    box = Placement(float(top), float(left), 1.0, 1.0)
    return Film(np.ascontiguousarray(grey[top:bottom, left:right]), scale.within(box), (rows, columns))


def _is_grey(stored: NDArray[Any]) -> bool:
    """Whether three channels hold the same picture, as in screenshots of films."""
    step = max(1, min(stored.shape[:2]) // 256)
    sample = stored[::step, ::step].astype(np.int16)
    return int(np.ptp(sample, axis=2).max(initial=0)) <= 8


def _reduced(image: SliceImage) -> NDArray[Any]:
    """Stored values averaged onto the working raster, float32; padding becomes the lowest value."""
    stored = image.stored[..., 0] if image.is_colour else image.stored
    rows, columns = stored.shape
    step = max(1, max(rows, columns) // (4 * WORKING))
    values = stored[::step, ::step].astype(np.float32)
    if (padding := image.padding) is not None:
        hidden = (values >= padding[0]) & (values <= padding[1])
        if hidden.any() and not hidden.all():
            values[hidden] = values[~hidden].max() if image.inverted else values[~hidden].min()
    scale = WORKING / max(values.shape)
    if scale >= 1:
        return values
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _shown(image: SliceImage, values: NDArray[Any]) -> Grey:
    """Through modality LUT, the first VOI and the polarity.

    A VOI LUT bends the tone curve and is applied.  A linear window only cuts: it is widened by
    half its width at each side, because equalising does the rest.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        grey = image.modality_values(np.rint(values) if image.modality_lut is not None else values)
        voi = image.vois[0] if image.vois else None
        if isinstance(voi, LookupTable):
            grey = voi.apply(np.rint(np.nan_to_num(grey))).astype(np.float64)
        elif isinstance(voi, Window):
            grey = _windowed(grey, voi)
        shown: Grey = (-grey if image.inverted else grey).astype(np.float32)
    return shown


def _windowed(grey: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    if window.function is VoiFunction.SIGMOID:
        return 1 / (1 + np.exp(np.clip(-4 * (grey - window.center) / window.width, -50, 50)))
    clipped = np.clip(grey, window.center - window.width, window.center + window.width)
    return clipped if np.ptp(clipped) > 0 else grey  # a window beside the data shows nothing: ignore it


def network_input(film: Film, size: int) -> tuple[Grey, Placement]:
    """The whole film, padded to a square and scaled to ``size²``, equalised 0–1; and its placement on the image."""
    rows, columns = film.grey.shape
    side = max(rows, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    padded = np.full((side, side), film.grey.min(), dtype=np.float32)
    padded[top : top + rows, left : left + columns] = film.grey
    counted = np.zeros((side, side), dtype=np.uint8)
    counted[top : top + rows, left : left + columns] = 1
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    small = cv2.resize(padded, (size, size), interpolation=method)
    inside = cv2.resize(counted, (size, size), interpolation=cv2.INTER_NEAREST) > 0
    square = Placement(float(-top), float(-left), side / size, side / size)
    return equalised(small, inside), film.placement.within(square)
