"""Colour: from any PhotometricInterpretation to RGB of 8 bits (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.pixel_errors import BadPixels
from radviewer.domain.study import PixelFormat

_FULL = np.array([[1.0, 1.0, 1.0], [0.0, -0.344136, 1.772], [1.402, -0.714136, 0.0]], np.float32)
"""Y, Cb, Cr (columns of the image) to R, G, B; Cb and Cr centred on 0 (ITU-R BT.601)."""
_PARTIAL = np.array([[1.1644, 1.1644, 1.1644], [0.0, -0.3917, 2.0173], [1.5960, -0.8129, 0.0]], np.float32)
_KNOWN = {
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_422",
    "YBR_PARTIAL_420",
    "YBR_RCT",
    "YBR_ICT",
    "MONOCHROME1",  # a slip of the writer: three samples are colour
    "MONOCHROME2",
}


def check_colour(form: PixelFormat) -> None:
    """Refuse the retired colour spaces: ARGB, CMYK, HSV.

    Raises
    ------
    BadPixels

    """
    samples, name = form.samples_per_pixel, form.photometric_interpretation
    if samples != 1 and (samples != 3 or name not in _KNOWN):
        raise BadPixels(f"its colour space ({name}, {samples} samples per pixel) is not supported")


def to_eight_bits(samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Keep the 8 most significant of `bits` bits; widen fewer to the full range."""
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)
    if bits < 8:
        return (samples.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    return samples.astype(np.uint8, copy=False)


def to_rgb(samples: NDArray[Any], photometric: str, bits: int) -> NDArray[np.uint8]:
    """Convert interleaved samples to RGB.

    Parameters
    ----------
    samples : ndarray, shape (rows, columns, 3)
        Unsigned integers.
    photometric : str
        PhotometricInterpretation of `samples`; YBR_RCT and YBR_ICT are taken as RGB, because
        the codec has undone them.
    bits : int
        Bits of a sample that count.

    Returns
    -------
    ndarray, shape (rows, columns, 3), uint8

    """
    eight = to_eight_bits(samples, bits)
    if photometric.startswith("YBR_FULL"):
        return _from_ybr(eight, _FULL, 0.0)
    if photometric.startswith("YBR_PARTIAL"):
        return _from_ybr(eight, _PARTIAL, 16.0)
    return eight


def _from_ybr(samples: NDArray[np.uint8], matrix: NDArray[np.float32], black: float) -> NDArray[np.uint8]:
    centred = samples.astype(np.float32)
    centred -= np.array([black, 128, 128], np.float32)
    rgb = centred @ matrix
    np.rint(rgb, out=rgb)
    np.clip(rgb, 0, 255, out=rgb)
    return rgb.astype(np.uint8)


def interleave(samples: NDArray[Any], rows: int, columns: int, count: int, *, by_plane: bool) -> NDArray[Any]:
    """Arrange a flat frame as (rows, columns, samples); `by_plane` is PlanarConfiguration 1."""
    if by_plane:
        return np.moveaxis(samples.reshape(count, rows, columns), 0, -1)
    return samples.reshape(rows, columns, count)


def widen_chroma(samples: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Undo the halved chroma of an uncompressed ``_422`` frame, written as groups of Y Y Cb Cr.

    Returns
    -------
    ndarray, shape (rows, columns, 3)

    """
    if columns % 2:
        raise BadPixels("its chroma is halved but its number of columns is odd")
    groups = samples.reshape(rows, columns // 2, 4)
    wide = np.empty((rows, columns, 3), samples.dtype)
    wide[..., 0] = groups[..., :2].reshape(rows, columns)
    wide[..., 1] = np.repeat(groups[..., 2], 2, axis=1)
    wide[..., 2] = np.repeat(groups[..., 3], 2, axis=1)
    return wide
