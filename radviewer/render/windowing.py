"""Modality values to grey levels (PS3.3 C.7.6.3, C.11.1, C.11.2): pure functions.

The order is fixed: stored → modality → (contrast steps) → VOI → inversion, last.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import Pixels, SliceImage
from radviewer.domain.window import LookupTable, Voi, VoiFunction, Window
from radviewer.render.presentation import Presentation
from radviewer.render.samples import Encoding

COLOUR_WINDOW = Window(128, 256)
"""Leaves RGB values of 0–255 as they are."""

_SAMPLE = 65_536  # pixels looked at for an automatic window


def grey_levels(values: NDArray[Any], voi: Voi) -> NDArray[np.float64]:
    """Modality values through a VOI, as 0–255 (not rounded), same shape.

    LINEAR, LINEAR_EXACT and SIGMOID as in PS3.3 C.11.2.1.2 and C.11.2.1.3, LUTs as in C.11.2.1.1.
    """
    if isinstance(voi, LookupTable):
        return voi.apply(values).astype(np.float64) * (255.0 / _greatest_output(voi))
    x = np.asarray(values, dtype=np.float64) - voi.center
    if voi.function is VoiFunction.SIGMOID:
        return 255.0 / (1.0 + np.exp(np.clip(-4.0 * x / voi.width, -700, 700)))
    width = voi.width
    if voi.function is VoiFunction.LINEAR:
        x += 0.5
        width -= 1.0
    if width <= 0:
        return np.where(x > 0, 255.0, 0.0)
    x /= width
    x += 0.5
    x *= 255.0
    return np.clip(x, 0.0, 255.0, out=x)


def _greatest_output(table: LookupTable) -> int:
    """Output shown white: as described, unless the entries use two bits less or more than they say.

    Some devices write 12-bit entries and say 16: the film would be almost black.
    """
    used = max(1, int(table.table.max()).bit_length())
    bits = table.bits if table.bits - 1 <= used <= table.bits else used
    return (1 << bits) - 1


def modality_values(image: SliceImage, stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stored values, which may lie between whole ones, in the image's unit."""
    return image.modality_values(np.rint(stored) if image.modality_lut is not None else stored)


def code_table(image: SliceImage, encoding: Encoding, voi: Voi, inverted: bool) -> NDArray[np.uint8]:
    """Grey level of each of the 65,536 codes of an encoding."""
    codes = np.arange(0x10000)
    return to_grey(modality_values(image, encoding.decode(codes)), voi, inverted)


def to_grey(values: NDArray[np.float64], voi: Voi, inverted: bool) -> NDArray[np.uint8]:
    """Modality values through VOI and inversion to 8 bits, rounded to nearest."""
    grey = np.rint(grey_levels(values, voi)).astype(np.uint8)
    return np.uint8(255) - grey if inverted else grey


def effective_voi(image: SliceImage, presentation: Presentation) -> Voi:
    """The window or VOI LUT an image is shown with, in numbers."""
    if presentation.voi is not None:
        return presentation.voi
    if image.is_colour:  # windows in the header are meant for grey images (PS3.3 C.11.2.1.2)
        return COLOUR_WINDOW
    if image.vois:
        return image.vois[0]
    return presentation.fallback or automatic_window(image)


def voi_range(voi: Voi) -> tuple[float, float]:
    """Modality values ``(black, white)`` between which a VOI shows differences."""
    if isinstance(voi, LookupTable):
        return (float(voi.first), float(voi.first + len(voi.table) - 1))
    if voi.function is VoiFunction.LINEAR:
        half, center = max(voi.width - 1, 0) / 2, voi.center - 0.5
        return (center - half, center + half)
    half = voi.width / 2 if voi.function is VoiFunction.LINEAR_EXACT else voi.width  # sigmoid: 2 to 98 %
    return (voi.center - half, voi.center + half)


def automatic_window(image: SliceImage) -> Window:
    """Window from robust percentiles (0.5 and 99.5) of the modality values, padding left out.

    The extremes themselves are used where almost the whole image is one value.
    """
    if image.is_colour:
        return COLOUR_WINDOW
    values = _sampled(image)
    if not values.size:
        return Window(0, 1, VoiFunction.LINEAR_EXACT)
    least, low, high, greatest = (float(v) for v in np.percentile(values, (0, 0.5, 99.5, 100)))
    if high <= low:
        low, high = least, greatest
    if high <= low:
        return Window(low, 1, VoiFunction.LINEAR_EXACT)
    if high - low >= 16 and image.stored.dtype.kind != "f":  # whole numbers, as modalities write them
        low, high = float(math.floor(low)), float(math.ceil(high))  # numpy takes no whole numbers of more than 64 bits
        return Window((low + high + 1) / 2, high - low + 1)
    return Window((low + high) / 2, high - low, VoiFunction.LINEAR_EXACT)


def percentile_window(image: SliceImage, low: float, high: float, explanation: str = "") -> Window:
    """Window between two percentiles (0–100) of the modality values, padding left out."""
    if image.is_colour:
        return COLOUR_WINDOW
    values = _sampled(image)
    if not values.size:
        return Window(0, 1, VoiFunction.LINEAR_EXACT, explanation)
    black, white = (float(v) for v in np.percentile(values, (low, high)))
    return Window((black + white) / 2, (white - black) or 1.0, VoiFunction.LINEAR_EXACT, explanation)


def _sampled(image: SliceImage) -> NDArray[np.float64]:
    """Finite modality values outside padding, of every n-th pixel of large images."""
    stride = max(1, math.isqrt(image.stored.size // _SAMPLE))
    part: Pixels = image.stored[::stride, ::stride]
    mask = image.with_stored(part).padding_mask()
    values = image.modality_values(part if mask is None else part[~mask])
    return values[np.isfinite(values)]


def as_window(voi: Voi) -> Window:
    """Window to start a drag from: a VOI LUT becomes the linear window over the same values."""
    if isinstance(voi, Window):
        return voi
    low, high = voi_range(voi)
    return Window((low + high) / 2, max(high - low, 1.0), VoiFunction.LINEAR_EXACT)


def dragged(window: Window, right: float, up: float) -> Window:
    """Window after a drag by *logical* pixels since `window`: right is wider, up a lower centre.

    Steps are relative to the width, so that narrow and wide windows answer alike.
    """
    least = 1.0 if window.function is VoiFunction.LINEAR else window.width * 1e-3
    width = max(window.width * math.exp(right / 250), least)
    return replace(window, center=window.center - up * window.width / 300, width=width, explanation="")
