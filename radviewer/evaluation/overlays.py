"""Films with outlines or a heatmap drawn over them: the best, median and worst cases of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.evaluation.charts import Canvas

SIDE = 640
_COLOURS = ((60, 60, 230), (60, 200, 60), (230, 120, 40))
_TRUTH = (0, 220, 255)


def backdrop(grey: NDArray[Any]) -> Canvas:
    """Film as a BGR picture whose longer side is `SIDE`, dark to bright between the 1st and 99th percentile."""
    scale = SIDE / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(
        np.asarray(grey, np.float32), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    low, high = np.quantile(small, (0.01, 0.99))
    bytes_ = np.clip((small - low) / max(float(high - low), 1e-6) * 255, 0, 255).astype(np.uint8)
    return np.repeat(bytes_[..., None], 3, axis=2)


def with_outlines(picture: Canvas, masks: Sequence[NDArray[np.bool_]], *, truth: bool = False) -> Canvas:
    """Draw the edges of masks given on the film's own grid; what people drew is yellow and thin."""
    drawn = picture.copy()
    size = (picture.shape[1], picture.shape[0])
    for i, mask in enumerate(masks):
        small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        edges, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, edges, -1, _TRUTH if truth else _COLOURS[i % len(_COLOURS)], 1 if truth else 2)
    return drawn


def with_heat(picture: Canvas, heat: NDArray[np.float32]) -> Canvas:
    """Blend a 0–1 heatmap given on the film's own grid: transparent at 0, orange-red at 1."""
    size = (picture.shape[1], picture.shape[0])
    share = cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR)[..., None] * 0.6
    colour = np.array([0, 80, 255], np.float32)
    blended: Canvas = np.clip(picture * (1 - share) + colour * share, 0, 255).astype(np.uint8)
    return blended


def captioned(picture: Canvas, text: str) -> Canvas:
    """Add a line of text above the picture."""
    strip = np.zeros((24, picture.shape[1], 3), np.uint8)
    cv2.putText(strip, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])
