"""What is painted over an image while the reader works: cross-hair, lines being drawn, labels, cine."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from radviewer.domain.measurement import Point
from radviewer.render.view import ViewTransform

Segment = tuple[Point, Point]

DRAWN = QColor(0xFF, 0xD2, 0x4D)
"""Of lines not finished yet."""
CROSSHAIR = QColor(0x4D, 0xD8, 0xE6)
ACTIVE_LINE = QColor(0xF2, 0x99, 0x4A)
"""Where the active viewport's image cuts this one."""

_SHADOW = QColor(0, 0, 0, 170)
_PLATE = QColor(0, 0, 0, 190)
_TEXT = QColor(0xF2, 0xF4, 0xF6)
_GAP = 10.0  # logical pixels left free around the point of a cross-hair


@dataclass(frozen=True, slots=True)
class Overlay:
    """What to paint; places are the image's ``(row, column)`` but for the label's, in device pixels.

    Attributes
    ----------
    active_line : Segment or None
        Reference line of the active viewport.
    crosshair : Point or None
    lines : tuple of Segment
        Of a mark that is being drawn.
    label : str
        Beside the pointer, at `label_at`.
    badge : str
        At the lower edge: the cine's rate, work going on.

    """

    active_line: Segment | None = None
    crosshair: Point | None = None
    lines: tuple[Segment, ...] = ()
    label: str = ""
    label_at: tuple[float, float] = (0.0, 0.0)
    badge: str = ""


def paint_overlay(painter: QPainter, transform: ViewTransform, overlay: Overlay) -> None:
    """Paint in logical pixels, the viewport's top left at the painter's origin."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if overlay.active_line is not None:
        _line(painter, transform, overlay.active_line, ACTIVE_LINE, 1.6)
    for segment in overlay.lines:
        _line(painter, transform, segment, DRAWN, 1.5)
    if overlay.crosshair is not None:
        _crosshair(painter, transform, overlay.crosshair)
    if overlay.label:
        x, y = (v / transform.ratio for v in overlay.label_at)
        _plate(painter, transform, overlay.label, QPointF(x + 14, y + 14))
    if overlay.badge:
        width, height = (v / transform.ratio for v in transform.size)
        _plate(painter, transform, overlay.badge, QPointF(width / 2, height - 44), centred=True)


def _place(transform: ViewTransform, point: Point) -> QPointF:
    x, y = transform.to_view(*point)
    return QPointF(x / transform.ratio, y / transform.ratio)


def _line(painter: QPainter, transform: ViewTransform, segment: Segment, colour: QColor, width: float) -> None:
    line = QLineF(*(_place(transform, point) for point in segment))
    for pen in (QPen(_SHADOW, width + 2), QPen(colour, width)):
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(line)


def _crosshair(painter: QPainter, transform: ViewTransform, point: Point) -> None:
    centre = _place(transform, point)
    width, height = (v / transform.ratio for v in transform.size)
    x, y = centre.x(), centre.y()
    arms = [
        QLineF(0, y, x - _GAP, y),
        QLineF(x + _GAP, y, width, y),
        QLineF(x, 0, x, y - _GAP),
        QLineF(x, y + _GAP, x, height),
    ]
    for pen in (QPen(_SHADOW, 3), QPen(CROSSHAIR, 1)):
        painter.setPen(pen)
        painter.drawLines(arms)


def _plate(painter: QPainter, transform: ViewTransform, text: str, at: QPointF, *, centred: bool = False) -> None:
    metrics = QFontMetricsF(painter.font())
    size = metrics.size(Qt.TextFlag.TextSingleLine, text)
    box = QRectF(at.x(), at.y(), size.width() + 14, size.height() + 6)
    if centred:
        box.moveCenter(at)
    width, height = (v / transform.ratio for v in transform.size)
    box.moveRight(min(box.right(), width - 2))
    box.moveBottom(min(box.bottom(), height - 2))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(_TEXT)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
