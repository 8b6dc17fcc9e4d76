"""How often an image's values occur."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import VoiFunction, Window

_SAMPLE = 262_144  # pixels looked at; every n-th of larger images
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in YBR_FULL (PS3.3 C.7.6.3.1.2)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of modality values (of luminance in colour images), padding left out.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        In the image's unit, increasing.
    counts : ndarray, shape (bins,)
        Pixels looked at in each bin.

    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


def histogram(image: SliceImage, bins: int = 256) -> Histogram | None:
    """Count values in `bins` equal steps, fewer for few whole values; None without any finite value."""
    stride = max(1, math.isqrt(image.stored.shape[0] * image.stored.shape[1] // _SAMPLE))
    part = image.with_stored(image.stored[::stride, ::stride])
    if part.is_colour:
        values = part.stored.reshape(-1, 3) @ _LUMINANCE
    else:
        mask = part.padding_mask()
        values = part.modality_values(part.stored if mask is None else part.stored[~mask]).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    if high <= low:
        low, high = low - 0.5, low + 0.5
    elif not image.is_colour and image.stored.dtype.kind in "iu" and image.slope == 1 and high - low < bins:
        low, high = low - 0.5, high + 0.5  # one bin per value
        bins = round(high - low)
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return Histogram(edges, counts)


def window_between(black: float, white: float, function: VoiFunction = VoiFunction.LINEAR) -> Window:
    """Window that shows differences from `black` to `white`, the inverse of `windowing.voi_range`.

    Wide windows are rounded to whole numbers, as readers state them.
    """
    width = abs(white - black)
    low = min(black, white)
    if function is VoiFunction.LINEAR:
        center, width = low + width / 2 + 0.5, width + 1
    else:
        center = low + width / 2
        width = width / 2 if function is VoiFunction.SIGMOID else width
    if width >= 32:
        center, width = round(center), round(width)
    return Window(center, max(width, 1e-6), function)
