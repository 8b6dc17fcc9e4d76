"""What is resampled to the screen: values of one image in a form that is fast and free of padding.

Grey images of up to 16 bits become uint16 codes that use the whole 16-bit range, so that
interpolation between two neighbouring stored values is not rounded to whole ones; others become
float32.  The windowing that follows knows the way back from code to stored value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import Pixels, SliceImage

Mask = NDArray[np.bool_]

_FULL = 0xFFFF
_COARSE = 256  # the codes' origin is a multiple of it, so that most slices of a stack share one lookup table


@dataclass(frozen=True, slots=True)
class Encoding:
    """stored = `offset` + code × `step`; `is_code` for uint16 codes, else float32."""

    offset: float
    step: float
    is_code: bool

    def decode(self, codes: NDArray[Any]) -> NDArray[np.float64]:
        """Stored values, not rounded, of codes."""
        return codes.astype(np.float64) * self.step + self.offset


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Values of one image, ready to be resampled.

    Attributes
    ----------
    values : ndarray, (rows, columns) uint16 or float32, or (rows, columns, 3) uint8
        Padding next to anatomy holds a neighbour's value, other padding 0.
    encoding : Encoding or None
        None for colour.
    padding : ndarray of bool, (rows, columns), or None
        Pixels to leave black: padding, and floats that are no number.

    """

    values: Pixels
    encoding: Encoding | None
    padding: Mask | None


def encode(image: SliceImage) -> Samples:
    """Samples of an image on its own grid."""
    if image.is_colour:
        return Samples(np.ascontiguousarray(image.stored), None, None)
    stored, padding = np.ascontiguousarray(image.stored), image.padding_mask()
    if stored.dtype.kind == "f":
        finite = np.isfinite(stored)
        if not finite.all():
            padding = ~finite if padding is None else padding | ~finite
    elif stored.dtype.itemsize == 1:
        stored = stored.astype(np.int16)
    if padding is not None and not padding.any():
        padding = None
    low, high = _extremes(stored, padding)
    if stored.dtype.kind in "iu" and high - low <= _FULL:
        values, encoding = _to_codes(stored, int(low), int(high))
    else:
        # The origin is taken off in double precision: float32 holds differences of 1 even around 1e9.
        with np.errstate(invalid="ignore", over="ignore"):
            values = (stored.astype(np.float64) - low).astype(np.float32)
        encoding = Encoding(low, 1.0, is_code=False)
    if padding is not None:
        values = spread(values, padding)
    return Samples(values, encoding, padding)


def _extremes(stored: Pixels, padding: Mask | None) -> tuple[float, float]:
    """Least and greatest value outside padding; 0 and 0 when all is padding."""
    if padding is None:
        return stored.min().item(), stored.max().item()
    valid = ~padding
    if not valid.any():
        return 0, 0
    if stored.dtype in (np.int16, np.uint16):  # numpy's masked reductions take ten times as long
        low, high, _, _ = cv2.minMaxLoc(stored, mask=valid.view(np.uint8))
        return int(low), int(high)
    anatomy = stored[valid]
    return anatomy.min().item(), anatomy.max().item()


def _to_codes(stored: Pixels, low: int, high: int) -> tuple[NDArray[np.uint16], Encoding]:
    origin = low // _COARSE * _COARSE
    if high - origin > _FULL:
        origin = low
    shift = 16 - max(1, (high - origin).bit_length())
    if stored.dtype.itemsize == 2:  # modulo 2**16, which is exact as the result fits, and fast
        codes = stored.view(np.uint16) - np.uint16(origin % (_FULL + 1))
    else:
        codes = (stored.astype(np.int64) - origin).astype(np.uint16)
    return codes << np.uint16(shift), Encoding(float(origin), 1.0 / (1 << shift), is_code=True)


_AROUND = np.ones((3, 3), np.uint8)


def spread(values: Pixels, padding: Mask) -> Pixels:
    """Anatomy carried one pixel into the padding, so that interpolation at its edge mixes anatomy only."""
    values = np.where(padding, values.dtype.type(0), values)
    grown = cv2.dilate(values, _AROUND)
    cv2.copyTo(grown, padding.view(np.uint8), values)
    return values


@dataclass(frozen=True, slots=True)
class Reduction:
    """How one axis is made smaller: means over whole `blocks` of pixels, then over the rest.

    Attributes
    ----------
    blocks : int
        Pixels per block.
    whole : int
        Number of blocks; the last one may reach beyond the image, whose edge is repeated.
    count : int
        Reduced pixels in the end.

    """

    blocks: int
    whole: int
    count: int

    @property
    def size(self) -> float:
        """Image pixels per reduced pixel."""
        return self.blocks * self.whole / self.count


def reduction(pixels: int, zoom: float) -> Reduction:
    """Reduction of an axis to about one reduced pixel per device pixel; none when it is magnified."""
    if zoom >= 1 - 1e-9:
        return Reduction(1, pixels, pixels)
    # Powers of two leave no moiré of lines that alternate from row to row (grids, interlaced video).
    blocks = 2 ** math.floor(math.log2(1 / zoom) + 1e-9)
    whole = -(-pixels // blocks)
    return Reduction(blocks, whole, max(1, round(whole * blocks * zoom)))


def samples_of(image: SliceImage, rows: Reduction, columns: Reduction, *, in_blocks: bool = False) -> Samples:
    """Samples of an image, reduced; of one that is made of equal pixels `in_blocks`, one of each, which is faster."""
    if in_blocks:
        return encode(image.with_stored(image.stored[:: rows.blocks, :: columns.blocks]))
    samples = encode(image)
    return samples if rows.size == columns.size == 1 else shrink(samples, rows, columns)


def shrink(samples: Samples, rows: Reduction, columns: Reduction) -> Samples:
    """Means over the area of each reduced pixel.

    A reduced pixel that is mostly padding is padding; others are the mean of their anatomy.
    """
    if samples.padding is None:
        return Samples(_means(samples.values, rows, columns), samples.encoding, None)
    valid = (~samples.padding).astype(np.float32)
    weight = _means(valid, rows, columns)
    mean = _means(samples.values.astype(np.float32) * valid, rows, columns) / np.maximum(weight, 1e-6)
    if samples.values.dtype != np.float32:
        mean = np.rint(mean).clip(0, _FULL).astype(samples.values.dtype)
    padding = weight < 0.5
    return Samples(spread(mean, padding), samples.encoding, padding)


def _means(values: Pixels, rows: Reduction, columns: Reduction) -> Pixels:
    below = rows.blocks * rows.whole - values.shape[0]
    right = columns.blocks * columns.whole - values.shape[1]
    if below or right:
        values = cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_REPLICATE)
    # Whole blocks first: their means cost next to nothing, those over fractions of pixels ten times as much.
    for size in ((columns.whole, rows.whole), (columns.count, rows.count)):
        if size != (values.shape[1], values.shape[0]):
            values = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return values
