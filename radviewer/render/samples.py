"""What is resampled to the screen: values of one image in a form that is fast and free of padding.

Grey images of up to 16 bits become uint16 codes that use the whole 16-bit range, so that
interpolation between two neighbouring stored values is not rounded to whole ones; others become
float32.  The windowing that follows knows the way back from code to stored value.
"""

from __future__ import annotations

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
    stored, padding = image.stored, image.padding_mask()
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


def spread(values: Pixels, padding: Mask) -> Pixels:
    """Anatomy carried one pixel into the padding, so that interpolation at its edge mixes anatomy only."""
    values = np.where(padding, values.dtype.type(0), values)
    grown = cv2.dilate(values, np.ones((3, 3), np.uint8))
    return np.where(padding, grown, values)


def shrink(samples: Samples, rows: int, columns: int) -> Samples:
    """Means over blocks of ``rows × columns`` pixels; the last blocks repeat the image's edge.

    A block that is mostly padding is padding; others are the mean of their anatomy.
    """
    height, width = samples.values.shape[:2]
    size = (-(-width // columns), -(-height // rows))
    values = _whole_blocks(samples.values, rows, columns)
    if samples.padding is None:
        return Samples(cv2.resize(values, size, interpolation=cv2.INTER_AREA), samples.encoding, None)
    valid = _whole_blocks((~samples.padding).view(np.uint8), rows, columns).astype(np.float32)
    weight = cv2.resize(valid, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values.astype(np.float32) * valid, size, interpolation=cv2.INTER_AREA)
    mean = total / np.maximum(weight, 1e-6)
    if values.dtype != np.float32:
        mean = np.rint(mean).clip(0, _FULL).astype(values.dtype)
    padding = weight < 0.5
    return Samples(spread(mean, padding), samples.encoding, padding)


def _whole_blocks(values: Pixels, rows: int, columns: int) -> Pixels:
    below, right = -values.shape[0] % rows, -values.shape[1] % columns
    if not (below or right):
        return values
    return cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_REPLICATE)
