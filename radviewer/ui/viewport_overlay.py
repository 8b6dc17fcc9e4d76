"""What is painted over an image while the reader works: lines being drawn, labels, the cine's rate."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from radviewer.domain.measurement import Point
from radviewer.render.view import ViewTransform

Segment = tuple[Point, Point]

DRAWN = QColor(0xFF, 0xD2, 0x4D)
"""Of lines not finished yet."""
ACTIVE_LINE = QColor(0xF2, 0x99, 0x4A)
"""Where the active viewport's image cuts this one."""

_SHADOW = QColor(0, 0, 0, 170)
_PLATE = QColor(0, 0, 0, 190)
_BADGE_BELOW = 46.0  # logical pixels under the upper edge: free of letters, texts and scale bar
_TEXT = QColor(0xF2, 0xF4, 0xF6)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What to paint; places are the image's ``(row, column)`` but for the label's, in device pixels.

    Attributes
    ----------
    active_line : Segment or None
        Reference line of the active viewport.
    lines : tuple of Segment
        Of a mark that is being drawn.
    label : str
        Beside the pointer, at `label_at`.
    badge : str
        At the upper edge: the cine's rate, work going on.

    """

    active_line: Segment | None = None
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
    if overlay.label:
        x, y = (v / transform.ratio for v in overlay.label_at)
        _plate(painter, transform, overlay.label, QPointF(x + 14, y + 14))
    if overlay.badge:
        width = transform.size[0] / transform.ratio
        _plate(painter, transform, overlay.badge, QPointF(width / 2, _BADGE_BELOW), centred=True)


def _place(transform: ViewTransform, point: Point) -> QPointF:
    x, y = transform.to_view(*point)
    return QPointF(x / transform.ratio, y / transform.ratio)


def _line(painter: QPainter, transform: ViewTransform, segment: Segment, colour: QColor, width: float) -> None:
    line = QLineF(*(_place(transform, point) for point in segment))
    for pen in (QPen(_SHADOW, width + 2), QPen(colour, width)):
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(line)


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
