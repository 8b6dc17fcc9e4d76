"""A PNG of training curves, drawn without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

_COLOURS = ((40, 40, 200), (160, 90, 20), (30, 140, 30), (150, 30, 150), (20, 140, 190), (90, 90, 90))
_SIZE, _MARGIN = (480, 360), 50


def draw_curves(path: Path, lines: Sequence[dict[str, float]]) -> None:
    """One panel per logged quantity over the epochs; smallest and largest value written at its axis."""
    # A figure that cannot be said of an epoch, as an AUC of one class, is NaN.
    known = [{key: value for key, value in line.items() if math.isfinite(value)} for line in lines]
    names = [n for n in dict.fromkeys(key for line in known for key in line) if n not in ("epoch", "seconds")]
    panels = [_panel(name, known, _COLOURS[i % len(_COLOURS)]) for i, name in enumerate(names)]
    if panels and not cv2.imwrite(str(path), np.vstack(panels)):
        raise OSError(f"{path} could not be written")


def _panel(name: str, lines: Sequence[dict[str, float]], colour: tuple[int, int, int]) -> np.ndarray:
    width, height = _SIZE
    panel = np.full((height, width, 3), 255, np.uint8)
    points = [(line["epoch"], line[name]) for line in lines if name in line]
    epochs, values = np.array(points, dtype=np.float64).T
    low, high = float(values.min()), float(values.max())
    x = _MARGIN + epochs / max(1.0, max(line["epoch"] for line in lines)) * (width - 2 * _MARGIN)
    y = height - _MARGIN - (values - low) / max(high - low, 1e-9) * (height - 2 * _MARGIN)
    cv2.polylines(panel, [np.stack([x, y], axis=1).astype(np.int32)], False, colour, 2, cv2.LINE_AA)
    black, font = (0, 0, 0), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(panel, f"{name}: {values[-1]:.4g}", (_MARGIN, 24), font, 0.6, black, 1, cv2.LINE_AA)
    cv2.putText(panel, f"{high:.4g}", (4, _MARGIN + 4), font, 0.4, black, 1, cv2.LINE_AA)
    cv2.putText(panel, f"{low:.4g}", (4, height - _MARGIN + 4), font, 0.4, black, 1, cv2.LINE_AA)
    return panel
