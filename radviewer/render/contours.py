"""Outlines of masks as crisp lines, and their colours, which colour-blind readers can tell apart."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from radviewer.render.lettering import HALO
from radviewer.render.view import ViewTransform

COLOURS = {
    "right lung": QColor(86, 180, 233),
    "left lung": QColor(0, 190, 140),
    "heart": QColor(220, 140, 190),
    "tuberculosis": QColor(240, 228, 66),
    "pneumonia": QColor(240, 140, 30),
    "glioma": QColor(230, 110, 60),
    "malignant lesion": QColor(200, 160, 255),
}
"""Okabe and Ito's palette, lightened for a dark film; the anatomy is cool, findings are warm."""

LESION = QColor(250, 245, 150)
"""Of masks of other findings: the palette's yellow, paler."""

_WIDTH = 1.6  # logical pixels
_BOLD = 1.8  # times as broad


class OutlineStyle(Enum):
    """How far the reader is with what is outlined; each can be told without its colour."""

    ANATOMY = "anatomy"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    MISSED = "missed"


_DASHES: dict[OutlineStyle, list[float]] = {  # in widths of the pen
    OutlineStyle.PROPOSED: [5, 3],
    OutlineStyle.EDITED: [8, 3, 1.5, 3],
    OutlineStyle.REJECTED: [1, 4],
    OutlineStyle.MISSED: [8, 3, 1.5, 3, 1.5, 3],
}


def colour_of(label: str) -> QColor:
    """Colour of a structure or a finding."""
    return COLOURS.get(label, LESION)


def contours(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Closed outlines of a mask ``(rows, columns)``, holes too, as corners ``(row, column)`` on its pixels' edges.

    The outline encloses exactly the mask's pixels: pixel centres lie at integers, edges half way between.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return ()
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    # On twice the grid the traced border pixels of a mask lie one to each side of every pixel edge.
    doubled = np.repeat(np.repeat(part.view(np.uint8), 2, axis=0), 2, axis=1)
    found, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    offset = np.array((top, left), np.float64)
    return tuple((line[:, 0, ::-1] + 1) // 2 - 0.5 + offset for line in found)


def outline_path(mask: NDArray[np.bool_]) -> QPainterPath:
    """The same as one path, x along columns and y along rows, in pixels of the image; holes are holes."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for line in contours(mask):
        path.addPolygon(QPolygonF([QPointF(column, row) for row, column in line.tolist()]))
        path.closeSubpath()
    return path


def on_view(transform: ViewTransform) -> QTransform:
    """Qt's map from image ``(column, row)`` to device pixels."""
    a, b, c, d, e, f = transform.matrix
    return QTransform(a, c, b, d, e, f)


def paint_outline(
    painter: QPainter,
    path: QPainterPath,
    colour: QColor,
    transform: ViewTransform,
    style: OutlineStyle = OutlineStyle.ANATOMY,
    *,
    bold: bool = False,
    fill: float = 0.0,
) -> None:
    """Paint an outline on the image's own grid; `painter` works in device pixels.

    Parameters
    ----------
    painter : QPainter
        Where to.
    path : QPainterPath
        From `outline_path`.
    colour : QColor
        Of the line and the fill.
    transform : ViewTransform
        Of the image.
    style : OutlineStyle
        Solid, dashed or dotted.
    bold : bool
        The selected one is drawn broader.
    fill : float
        Opacity of the fill, 0–1; 0 fills nothing.

    """
    placed = on_view(transform).map(path)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if fill > 0:
        tint = QColor(colour)
        tint.setAlphaF(fill)
        painter.fillPath(placed, tint)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    width = _WIDTH * (_BOLD if bold else 1.0) * transform.ratio
    for pen_colour, broad in ((HALO, 2 * width), (colour, width)):
        pen = QPen(pen_colour, broad)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if style in _DASHES:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern([dash * width / broad for dash in _DASHES[style]])
        painter.setPen(pen)
        painter.drawPath(placed)
    painter.restore()


def paint_contours(painter: QPainter, mask: NDArray[np.bool_], colour: QColor, transform: ViewTransform) -> None:
    """Paint the outlines of a mask once; `painter` works in device pixels."""
    paint_outline(painter, outline_path(mask), colour, transform)
