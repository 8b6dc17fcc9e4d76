"""Outlines of masks as crisp lines, and their colours, which colour-blind readers can tell apart."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
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
"""The palette's yellow, paler."""

OTHERS = (LESION, QColor(255, 170, 187), QColor(190, 210, 80), QColor(225, 225, 225), QColor(150, 160, 255))
"""Of structures and findings without a colour of their own: Tol's light colours."""

_WIDTH = 1.6  # logical pixels
_BOLD = 1.8  # times as broad
_FINE = 0.7  # times as broad: of what is provisional
_PIECE = 150  # corners: Qt's time to stroke a line grows faster than its length


class OutlineStyle(Enum):
    """How far model and reader are with what is outlined; each can be told without its colour."""

    PROVISIONAL = "provisional"
    ANATOMY = "anatomy"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    MISSED = "missed"


_DASHES: dict[OutlineStyle, list[float]] = {  # in widths of the pen
    OutlineStyle.PROVISIONAL: [3, 3],
    OutlineStyle.PROPOSED: [5, 3],
    OutlineStyle.EDITED: [8, 3, 1.5, 3],
    OutlineStyle.REJECTED: [1, 4],
    OutlineStyle.MISSED: [8, 3, 1.5, 3, 1.5, 3],
}


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Part of an outline, from the middle of one pixel edge to that of another.

    Attributes
    ----------
    line : QPolygonF
        Open; x along columns and y along rows, in pixels of the image.
    before : (float, float)
        Way along the outline up to here, in rows and in columns: dashes go on where the last piece left off.

    """

    line: QPolygonF
    before: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A mask ready to be painted at any zoom: its area, and its outlines in pieces."""

    area: QPainterPath
    pieces: tuple[Piece, ...]

    @property
    def corners(self) -> int:
        """How much there is to paint."""
        return self.area.elementCount()


def colour_of(label: str) -> QColor:
    """Colour of a structure or a finding; the same in every session, whatever else is shown."""
    return COLOURS.get(label) or OTHERS[zlib.crc32(label.encode()) % len(OTHERS)]


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


def shape_of(mask: NDArray[np.bool_]) -> Shape:
    """Make a mask ``(rows, columns)`` ready to be painted."""
    lines = contours(mask)
    area = QPainterPath()
    area.setFillRule(Qt.FillRule.OddEvenFill)
    for line in lines:
        area.addPolygon(_polygon(line))
        area.closeSubpath()
    return Shape(area, tuple(piece for line in lines for piece in _pieces(line)))


def _pieces(line: NDArray[np.float64]) -> Iterator[Piece]:
    """Cut a closed outline in the middle of edges, where the ends of two pieces meet without a notch."""
    middles = (line + np.roll(line, -1, axis=0)) / 2
    rows, columns = 0.0, 0.0
    for start in range(0, len(line), _PIECE):
        end = min(start + _PIECE, len(line))
        points = np.concatenate([middles[start - 1][None], line[start:end], middles[end - 1][None]])
        yield Piece(_polygon(points), (rows, columns))
        way = np.abs(np.diff(points, axis=0)).sum(axis=0)  # edges run along rows or columns
        rows, columns = rows + float(way[0]), columns + float(way[1])


def _polygon(points: NDArray[np.float64]) -> QPolygonF:
    return QPolygonF([QPointF(column, row) for row, column in points.tolist()])


def on_view(transform: ViewTransform) -> QTransform:
    """Qt's map from image ``(column, row)`` to device pixels."""
    a, b, c, d, e, f = transform.matrix
    return QTransform(a, c, b, d, e, f)


def paint_outline(
    painter: QPainter,
    shape: Shape,
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
    shape : Shape
        From `shape_of`.
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
    placed = on_view(transform)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if fill > 0:
        tint = QColor(colour)
        tint.setAlphaF(fill)
        painter.fillPath(placed.map(shape.area), tint)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    tall, wide = transform.pixel_size
    lines = [(placed.map(piece.line), piece.before[0] * tall + piece.before[1] * wide) for piece in shape.pieces]
    width = _WIDTH * (_BOLD if bold else _FINE if style is OutlineStyle.PROVISIONAL else 1.0) * transform.ratio
    for pen_colour, broad in ((HALO, 2 * width), (colour, width)):
        pen = QPen(pen_colour, broad)
        pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)  # round ones take three times as long, and look the same
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if style in _DASHES:
            pen.setDashPattern([dash * width / broad for dash in _DASHES[style]])
        for line, before in lines:
            pen.setDashOffset(before / broad if style in _DASHES else 0.0)
            painter.setPen(pen)
            painter.drawPolyline(line)
    painter.restore()


def paint_contours(painter: QPainter, mask: NDArray[np.bool_], colour: QColor, transform: ViewTransform) -> None:
    """Paint the outlines of a mask once; `painter` works in device pixels."""
    paint_outline(painter, shape_of(mask), colour, transform)
