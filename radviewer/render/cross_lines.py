"""The cross-hair of linked planes: where the other planes cut the one that is seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from radviewer.domain.geometry import ImagePlane, Vector
from radviewer.domain.measurement import Point
from radviewer.domain.planes import Orientation
from radviewer.render.lettering import HALO
from radviewer.render.placing import clipped
from radviewer.render.view import ViewTransform

COLOURS = {
    Orientation.AXIAL: QColor(0xF2, 0x6B, 0x6B),
    Orientation.CORONAL: QColor(0x5F, 0xD0, 0x7A),
    Orientation.SAGITTAL: QColor(0xF2, 0xC9, 0x4C),
}
"""Of the line that stands for a plane, wherever it is drawn."""

GAP = 14.0
"""Logical pixels left free around the centre."""
GRIP = 0.3
"""Where a line is gripped to turn it: distance from the centre in shares of the viewport's shorter side."""

_PARALLEL = math.sin(math.radians(0.5))
_DOT = 3.5  # logical pixels
_FAR = 1e5  # pixels: beyond every image


@dataclass(frozen=True, slots=True)
class CrossLine:
    """A plane as the line it cuts out of another one.

    Attributes
    ----------
    orientation : Orientation
        Of the plane that the line stands for.
    centre : Point
        Where the planes meet, ``(row, column)`` of the image.
    direction : Point
        Along the line, ``(rows, columns)`` of length 1.

    """

    orientation: Orientation
    centre: Point
    direction: Point


def cross_lines(
    plane: ImagePlane, centre: Vector, others: Iterable[tuple[Orientation, Vector]]
) -> tuple[CrossLine, ...]:
    """Lines along which planes through a point cut another plane.

    Parameters
    ----------
    plane : ImagePlane
        The plane that is seen.
    centre : Vector
        LPS mm.
    others : iterable of (Orientation, Vector)
        The other planes and their normals; those parallel to `plane` leave no line.

    """
    row, column, _ = plane.to_pixel(centre)
    found = []
    for orientation, normal in others:
        a, b = plane.normal, normal
        along = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
        if math.hypot(*along) < _PARALLEL:
            continue
        rows = sum(x * y for x, y in zip(along, plane.column_direction, strict=True)) / plane.row_spacing
        columns = sum(x * y for x, y in zip(along, plane.row_direction, strict=True)) / plane.column_spacing
        length = math.hypot(rows, columns)
        found.append(CrossLine(orientation, (row, column), (rows / length, columns / length)))
    return tuple(found)


def grips(line: CrossLine, transform: ViewTransform) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a line is gripped, device pixels: one place on either side of the centre."""
    x, y = transform.to_view(*line.centre)
    right, down = _on_screen(line, transform)
    far = GRIP * min(transform.size)
    return (x + right * far, y + down * far), (x - right * far, y - down * far)


def distance(line: CrossLine, transform: ViewTransform, x: float, y: float) -> float:
    """How far a place on the screen lies off a line, in logical pixels."""
    x0, y0 = transform.to_view(*line.centre)
    right, down = _on_screen(line, transform)
    return abs((x - x0) * down - (y - y0) * right) / transform.ratio


def paint_cross(painter: QPainter, lines: tuple[CrossLine, ...], transform: ViewTransform) -> None:
    """Paint lines with a free middle and the grips they are turned by; device pixels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for line in lines:
        x, y = transform.to_view(*line.centre)
        right, down = _on_screen(line, transform)
        halves = [
            clipped((x + right * near, y + down * near), (x + right * far, y + down * far), transform.size)
            for near, far in ((sign * GAP * transform.ratio, sign * _FAR) for sign in (-1, 1))
        ]
        seen = [QLineF(*half[0], *half[1]) for half in halves if half is not None]
        for colour, width in ((HALO, 2.6), (COLOURS[line.orientation], 1.2)):
            painter.setPen(QPen(colour, width * transform.ratio))
            if seen:
                painter.drawLines(seen)
        painter.setBrush(COLOURS[line.orientation])
        for place in grips(line, transform):
            painter.drawEllipse(QPointF(*place), _DOT * transform.ratio, _DOT * transform.ratio)
    painter.restore()


def _on_screen(line: CrossLine, transform: ViewTransform) -> tuple[float, float]:
    """Direction of a line on the screen, of length 1."""
    (row, column), (rows, columns) = line.centre, line.direction
    x0, y0 = transform.to_view(row, column)
    x1, y1 = transform.to_view(row + rows, column + columns)
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    return (x1 - x0) / length, (y1 - y0) / length
