"""Heatmap over an image, and its colour bar: one scale from 0 to 1, never stretched to an image."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from radviewer.domain.opinion import Heat
from radviewer.render.view import ViewTransform

CAPTION = "explanation, not segmentation"

_OPAQUE = 0.6  # of the strongest heat: the film stays readable below
_DARKEST = 60  # of the 256 steps of the colour map
_FULL_FROM = 0.5  # heat from which on the layer is as opaque as it gets
_LONGEST = 4096  # of a side that is resampled; OpenCV warps no image of 32,768 pixels or more a side


@cache
def heat_colours() -> NDArray[np.uint8]:
    """256 colours from 0 to 1, ``(256, 4)`` blue, green, red, opacity.

    Inferno is ordered by lightness, so it reads the same with every kind of colour vision; it begins where it is
    no longer black, which nobody would see on a lung.  No heat is transparent.
    """
    ramp = np.linspace(_DARKEST, 255, 256).astype(np.uint8)[:, None]
    colours = np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), np.uint8)[:, 0]
    opacity = np.minimum(np.arange(256) / 255 / _FULL_FROM, 1) * _OPAQUE * 255
    table = np.concatenate([colours, np.rint(opacity)[:, None].astype(np.uint8)], axis=1)
    table.setflags(write=False)
    return table


def heat_layer(heat: Heat, transform: ViewTransform, *, threshold: float = 0.0, opacity: float = 1.0) -> QImage:
    """Picture of a heatmap ``(rows, columns)`` of 0–1 on the image's own grid, as large as the view; ARGB32.

    Heat below `threshold` is transparent; the layer's usual opacity is multiplied by `opacity`.
    """
    step = -(-max(heat.shape) // _LONGEST)
    small = np.ascontiguousarray(heat[::step, ::step], dtype=np.float32)
    a, b, c, d, e, f = transform.matrix
    # Pixel i of the picture covers [i, i + 1): its centre lies half a pixel on.
    matrix = np.array([[a * step, b * step, e - 0.5], [c * step, d * step, f - 0.5]])
    shown = cv2.warpAffine(
        small, matrix, transform.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0.0,)
    )
    table = heat_colours().copy()
    table[:, 3] = np.rint(table[:, 3] * opacity)
    table[np.arange(256) < threshold * 255, 3] = 0
    return _picture(table[np.rint(np.clip(np.nan_to_num(shown), 0, 1) * 255).astype(np.uint8)])


def colour_bar(width: int, height: int, ground: int = 90) -> QImage:
    """Bar from 0 at the left to 1 at the right: the layer as it looks over a grey film; RGB32."""
    share = np.linspace(0, 255, width).round().astype(np.uint8)
    table = heat_colours()[share].astype(np.float64)
    opacity = table[:, 3:] / 255
    line = np.concatenate([table[:, :3] * opacity + ground * (1 - opacity), np.full((width, 1), 255.0)], axis=1)
    return _picture(np.repeat(np.rint(line).astype(np.uint8)[None], height, axis=0))


def _picture(pixels: NDArray[Any]) -> QImage:
    """Picture of ``(height, width, 4)`` blue, green, red, opacity; a copy."""
    data = np.ascontiguousarray(pixels)
    height, width = data.shape[:2]
    return QImage(data.data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()
