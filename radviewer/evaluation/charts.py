"""ROC, precision-recall and reliability as PNG, drawn without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.errors import NotSaved
from radviewer.evaluation.metrics import Bools, Floats, roc
from radviewer.export.own_files import write_whole

_SIDE, _MARGIN = 480, 56
_INK, _PALE, _CURVE = (30, 30, 30), (200, 200, 200), (160, 90, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
Canvas = NDArray[np.uint8]


def _canvas(title: str, x_name: str, y_name: str) -> Canvas:
    """Axes from 0 to 1 both ways."""
    canvas = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    for i in range(6):
        (x, low), (_, high) = _at(i / 5, 0), _at(i / 5, 1)
        (left, y), (right, _) = _at(0, i / 5), _at(1, i / 5)
        cv2.line(canvas, (x, low), (x, high), _PALE, 1)
        cv2.line(canvas, (left, y), (right, y), _PALE, 1)
        cv2.putText(canvas, f"{i / 5:.1f}", (x - 10, low + 16), _FONT, 0.36, _INK, 1, cv2.LINE_AA)
        cv2.putText(canvas, f"{i / 5:.1f}", (left - 28, y + 4), _FONT, 0.36, _INK, 1, cv2.LINE_AA)
    cv2.putText(canvas, title, (_MARGIN, 28), _FONT, 0.5, _INK, 1, cv2.LINE_AA)
    cv2.putText(canvas, x_name, (_SIDE // 2 - 60, _SIDE - 14), _FONT, 0.42, _INK, 1, cv2.LINE_AA)
    cv2.putText(canvas, y_name, (_MARGIN, _MARGIN - 8), _FONT, 0.42, _INK, 1, cv2.LINE_AA)
    return canvas


def _at(x: float, y: float) -> tuple[int, int]:
    inner = _SIDE - 2 * _MARGIN
    return round(_MARGIN + x * inner), round(_SIDE - _MARGIN - y * inner)


def _polyline(canvas: Canvas, points: Sequence[tuple[float, float]], colour: tuple[int, int, int]) -> None:
    path = np.array([_at(x, y) for x, y in points], dtype=np.int32)
    cv2.polylines(canvas, [path], False, colour, 2, cv2.LINE_AA)


def save_picture(path: Path, picture: Canvas) -> None:
    """Write a PNG.

    Raises
    ------
    NotSaved
        If the file cannot be written.

    """
    encoded, data = cv2.imencode(".png", picture)
    if not encoded:
        raise NotSaved(f"{path.name} could not be made into a PNG.")
    write_whole(path, data.tobytes())


def roc_chart(positive: Bools, score: Floats, title: str) -> Canvas:
    """True against false positive rate, with the diagonal of chance."""
    canvas = _canvas(title, "1 - specificity", "sensitivity")
    _polyline(canvas, [(0, 0), (1, 1)], _PALE)
    alarm, hit, _ = roc(positive, score)
    _polyline(canvas, list(zip(alarm.tolist(), hit.tolist(), strict=True)), _CURVE)
    return canvas


def precision_recall_chart(positive: Bools, score: Floats, title: str) -> Canvas:
    """Precision against sensitivity, with the prevalence as the line of chance."""
    canvas = _canvas(title, "sensitivity", "precision")
    _polyline(canvas, [(0, float(positive.mean())), (1, float(positive.mean()))], _PALE)
    order = np.argsort(-np.asarray(score), kind="stable")
    hits = np.cumsum(positive[order])
    precision, recall = hits / np.arange(1, len(order) + 1), hits / max(1, int(hits[-1]))
    _polyline(canvas, list(zip(recall.tolist(), precision.tolist(), strict=True)), _CURVE)
    return canvas


def reliability_chart(positive: Bools, probability: Floats, title: str, bins: int = 10) -> Canvas:
    """Observed share against mean probability in bins of equal size."""
    canvas = _canvas(title, "mean probability", "observed share")
    _polyline(canvas, [(0, 0), (1, 1)], _PALE)
    points = []
    for chosen in np.array_split(np.argsort(probability, kind="stable"), bins):
        if chosen.size:
            points.append((float(probability[chosen].mean()), float(positive[chosen].mean())))
            cv2.circle(canvas, _at(*points[-1]), 5, _CURVE, -1, cv2.LINE_AA)
    _polyline(canvas, points, _CURVE)
    return canvas
