"""Paints the reader's marks, crisp at any zoom, with their values beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.volume import SliceImage
from radviewer.render.lettering import HALO, Lettering
from radviewer.render.mark_text import label
from radviewer.render.outline import handles, polylines
from radviewer.render.placing import Box, around, beyond, clipped, place
from radviewer.render.recent import Recent, Same
from radviewer.render.view import ViewTransform

COLOUR = QColor(255, 214, 102)
HOVERED = QColor(255, 236, 179)
SELECTED = QColor(102, 217, 255)

TEXT_SIZE = 12.0
_LINE, _HALO_WIDTH, _HANDLE, _TICK, _HEAD, _GAP = 1.4, 3.4, 7.0, 9.0, 12.0, 8.0  # logical pixels

View = tuple[float, float]


class MarkPainter:
    """Paints marks; remembers what they measure, so that a large region is not counted at every paint."""

    def __init__(self, lettering: Lettering) -> None:
        self._lettering = lettering
        self._labels: Recent[tuple[str, ...]] = Recent(256)

    def clear(self) -> None:
        """Forget everything that was kept."""
        self._labels.clear()

    def paint(
        self,
        painter: QPainter,
        marks: Sequence[Mark],
        image: SliceImage,
        transform: ViewTransform,
        *,
        selected: str | None = None,
        hovered: str | None = None,
        taken: Sequence[Box] = (),
    ) -> None:
        """Paint marks of one image.

        Parameters
        ----------
        painter : QPainter
            In device pixels of the viewport.
        marks : sequence of Mark
            In order, the last one on top.
        image : SliceImage
            What is measured: the stored values, not what contrast steps make of them.
        transform : ViewTransform
            Of that image in the viewport.
        selected, hovered : str, optional
            `Mark.mark_id`; the selected one shows its handles.
        taken : sequence of Box
            Where no label should go.

        """
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        there = list(taken)
        for mark in marks:
            if not mark.points:
                continue
            colour = SELECTED if mark.mark_id == selected else HOVERED if mark.mark_id == hovered else COLOUR
            _paint_lines(painter, mark, transform, colour)
            if mark.mark_id == selected:
                _paint_handles(painter, mark, transform)
            self._paint_label(painter, mark, image, transform, colour, there)
        painter.restore()

    def _paint_label(
        self,
        painter: QPainter,
        mark: Mark,
        image: SliceImage,
        transform: ViewTransform,
        colour: QColor,
        taken: list[Box],
    ) -> None:
        shape = around([transform.to_view(*point) for line in polylines(mark) for point in line])
        width, height = transform.size
        in_view = shape.right >= 0 and shape.bottom >= 0 and shape.left <= width and shape.top <= height
        lines = self._lines(mark, image) if in_view else ()
        if not lines:
            return
        size, step = TEXT_SIZE * transform.ratio, self._lettering.line_height(TEXT_SIZE * transform.ratio)
        lines = tuple(self._lettering.elided(line, size, width * 0.9) for line in lines)
        box_size = (max(self._lettering.width(line, size) for line in lines), step * len(lines))
        gap = _GAP * transform.ratio
        box = place(_preferred(mark, transform, box_size, gap, shape), shape, taken, transform.size, gap)
        taken.append(box)
        for i, line in enumerate(lines):
            self._lettering.draw(painter, box.left, box.top + i * step, line, size, colour)

    def _lines(self, mark: Mark, image: SliceImage) -> tuple[str, ...]:
        key = (mark, Same(image.stored), image.slope, image.intercept, image.padding, image.spacing)
        kept = self._labels.get(key)
        return self._labels.put(key, label(mark, image)) if kept is None else kept


def _preferred(mark: Mark, transform: ViewTransform, size: View, gap: float, shape: Box) -> list[Box]:
    """Beyond the end of a line, behind the vertex of an angle, behind an arrow's tail, right of a region."""
    points = [transform.to_view(*point) for point in mark.points]
    if mark.kind is MarkKind.ANGLE:
        a, vertex, b = points
        inwards = [sum(p[i] - vertex[i] for p in (a, b)) for i in (0, 1)]
        return [beyond(vertex, (-inwards[0], -inwards[1]), size, gap)]
    if mark.kind in (MarkKind.LENGTH, MarkKind.ARROW):
        (ax, ay), (bx, by) = points
        return [beyond(points[1], (bx - ax, by - ay), size, gap), beyond(points[0], (ax - bx, ay - by), size, gap)]
    return [Box(shape.right + gap, shape.top + (shape.height - size[1]) / 2, *size)]


def _paint_lines(painter: QPainter, mark: Mark, transform: ViewTransform, colour: QColor) -> None:
    ratio = transform.ratio
    lines = [[QPointF(*transform.to_view(*point)) for point in line] for line in polylines(mark)]
    extra = _ornaments(mark, transform)
    for pen_colour, width in ((HALO, _HALO_WIDTH), (colour, _LINE)):
        pen = QPen(pen_colour, width * ratio)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in lines:
            painter.drawPolyline(QPolygonF(line))
        painter.drawLines(extra)
        if mark.kind is MarkKind.ANGLE:
            _paint_arc(painter, lines[0], ratio)
    if mark.kind is MarkKind.COBB:
        painter.setPen(QPen(colour, ratio, Qt.PenStyle.DotLine))
        middles = [QLineF(line[0], line[1]).center() for line in lines]
        visible = clipped(middles[0].toTuple(), middles[1].toTuple(), transform.size)
        if visible is not None:
            painter.drawLine(QLineF(*visible[0], *visible[1]))


def _ornaments(mark: Mark, transform: ViewTransform) -> list[QLineF]:
    """Ticks across the ends of a length, the head of an arrow."""
    if mark.kind not in (MarkKind.LENGTH, MarkKind.ARROW):
        return []
    (ax, ay), (bx, by) = (transform.to_view(*point) for point in mark.points)
    length = math.hypot(bx - ax, by - ay)
    if length == 0:
        return []
    dx, dy = (bx - ax) / length, (by - ay) / length
    if mark.kind is MarkKind.LENGTH:
        tick = _TICK / 2 * transform.ratio
        return [QLineF(x - dy * tick, y + dx * tick, x + dy * tick, y - dx * tick) for x, y in ((ax, ay), (bx, by))]
    head = min(_HEAD * transform.ratio, length)
    barbs = ((dx - side * dy * 0.45, dy + side * dx * 0.45) for side in (-1, 1))
    return [QLineF(ax, ay, ax + u * head, ay + v * head) for u, v in barbs]


def _paint_arc(painter: QPainter, line: list[QPointF], ratio: float) -> None:
    first, second = QLineF(line[1], line[0]), QLineF(line[1], line[2])
    radius = min(20 * ratio, first.length() / 2, second.length() / 2)
    if radius < 4 * ratio:
        return
    span = (second.angle() - first.angle() + 180) % 360 - 180
    box = QRectF(line[1].x() - radius, line[1].y() - radius, 2 * radius, 2 * radius)
    painter.drawArc(box, round(first.angle() * 16), round(span * 16))


def _paint_handles(painter: QPainter, mark: Mark, transform: ViewTransform) -> None:
    side = _HANDLE * transform.ratio
    painter.setPen(QPen(HALO, transform.ratio))
    painter.setBrush(SELECTED)
    for x, y in (transform.to_view(*point) for point in handles(mark)):
        painter.drawRect(QRectF(x - side / 2, y - side / 2, side, side))
