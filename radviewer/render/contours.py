"""Outlines of masks as crisp lines, and their colours, which colour-blind readers can tell apart."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from radviewer.render.lettering import HALO
from radviewer.render.view import ViewTransform

COLOURS = {
    "right lung": QColor(86, 180, 233),
    "left lung": QColor(0, 190, 140),
    "heart": QColor(220, 140, 190),
}
"""Of the anatomy: sky blue, bluish green and reddish purple of Okabe and Ito's palette, lightened for a dark film."""

LESION = QColor(240, 228, 66)
"""Of masks of findings: the palette's yellow."""

_WIDTH = 1.6  # logical pixels


def colour_of(label: str) -> QColor:
    """Colour of a structure or a finding."""
    return COLOURS.get(label, LESION)


def contours(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Closed outlines of a mask ``(rows, columns)``, holes too, as points ``(row, column)`` at pixels' centres."""
    found, _ = cv2.findContours(np.ascontiguousarray(mask).view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    return tuple(outline[:, 0, ::-1].astype(np.float64) for outline in found)


def paint_contours(painter: QPainter, mask: NDArray[np.bool_], colour: QColor, transform: ViewTransform) -> None:
    """Paint the outlines of a mask on the image's own grid; `painter` works in device pixels."""
    polygons = [
        QPolygonF([QPointF(*transform.to_view(row, column)) for row, column in outline]) for outline in contours(mask)
    ]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen_colour, width in ((HALO, 2 * _WIDTH), (colour, _WIDTH)):
        pen = QPen(pen_colour, width * transform.ratio)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        for polygon in polygons:
            painter.drawPolygon(polygon)
    painter.restore()
