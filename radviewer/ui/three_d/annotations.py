"""What is written over a picture in 3D: sides of the patient, a cube that turns with it, labels, a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from radviewer.app.orbit import Orbit
from radviewer.domain.geometry import Vector, direction_letters
from radviewer.render.layout import LETTER, TEXT
from radviewer.render.lettering import HALO, Lettering

_TEXT_SIZE, _LETTER_SIZE, _MARGIN = 12.0, 15.0, 8.0  # logical pixels
_CUBE = 18.0  # half an edge
_FACE, _EDGE = QColor(38, 44, 50, 215), QColor(130, 138, 146)
_POINT = QColor(0xFF, 0xD2, 0x4D)
_FACING = 0.3  # cosine from which a face of the cube shows its letter
_FACES: dict[str, Vector] = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text that belongs to a point of the patient, LPS mm."""

    text: str
    point: Vector
    colour: QColor


@dataclass(frozen=True, slots=True)
class Annotated:
    """All that is written over one picture of `size` device pixels, `ratio` of which are a logical one."""

    orbit: Orbit
    size: tuple[int, int]
    ratio: float
    labels: tuple[Label, ...] = ()
    point: Vector | None = None


def paint_annotations(painter: QPainter, lettering: Lettering, what: Annotated) -> None:
    """Paint over a picture; `painter` works in device pixels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if what.point is not None:
        _paint_point(painter, what)
    _paint_labels(painter, lettering, what)
    _paint_edge_letters(painter, lettering, what)
    _paint_cube(painter, lettering, what)
    painter.restore()


def paint_sentence(painter: QPainter, lettering: Lettering, size: tuple[int, int], ratio: float, sentence: str) -> None:
    """Write a sentence in the middle, in as many lines as it needs."""
    text_size = _TEXT_SIZE * ratio
    lines = wrapped(lettering, sentence, text_size, min(size[0] - 4 * _MARGIN * ratio, 460 * ratio))
    height = lettering.line_height(text_size)
    top = (size[1] - height * len(lines)) / 2
    for number, line in enumerate(lines):
        left = (size[0] - lettering.width(line, text_size)) / 2
        lettering.draw(painter, left, top + number * height, line, text_size, TEXT)


def wrapped(lettering: Lettering, sentence: str, text_size: float, width: float) -> list[str]:
    """Lines of a sentence that fit a width; a word that does not is left as it is."""
    lines: list[str] = []
    for word in sentence.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and lettering.width(longer, text_size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def edge_letters(orbit: Orbit) -> dict[str, str]:
    """Patient's sides at the picture's "left", "right", "top" and "bottom"."""
    right, up = orbit.right, orbit.up
    back = {"left": _reversed(right), "bottom": _reversed(up)}
    return {edge: direction_letters(way) for edge, way in {"right": right, "top": up, **back}.items()}


def _reversed(vector: Vector) -> Vector:
    x, y, z = vector
    return (-x, -y, -z)


def _paint_edge_letters(painter: QPainter, lettering: Lettering, what: Annotated) -> None:
    size, margin = _LETTER_SIZE * what.ratio, _MARGIN * what.ratio
    width, height = what.size
    line = lettering.line_height(size)
    for edge, letter in edge_letters(what.orbit).items():
        wide = lettering.width(letter, size)
        left, top = {
            "left": (margin, (height - line) / 2),
            "right": (width - margin - wide, (height - line) / 2),
            "top": ((width - wide) / 2, margin / 2),
            "bottom": ((width - wide) / 2, height - margin / 2 - line),
        }[edge]
        lettering.draw(painter, left, top, letter, size, LETTER)


def _paint_cube(painter: QPainter, lettering: Lettering, what: Annotated) -> None:
    """A small cube in the lower left corner, its faces named after the patient's sides."""
    half = _CUBE * what.ratio
    reach = half * 1.75
    if min(what.size) < 6 * reach:
        return
    middle = np.array((reach + _MARGIN * what.ratio, what.size[1] - reach - _MARGIN * what.ratio))
    across, down = np.array(what.orbit.right), -np.array(what.orbit.up)
    size = 0.95 * half
    line = lettering.line_height(size)
    for letter, normal in _FACES.items():
        facing = -float(np.dot(normal, what.orbit.direction))
        if facing <= 0.01:
            continue
        corners = [middle + half * np.array((c @ across, c @ down)) for c in _corners(normal)]
        painter.setPen(QPen(_EDGE, what.ratio))
        painter.setBrush(_FACE)
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        if facing > _FACING:
            x, y = middle + half * np.array((np.dot(normal, across), np.dot(normal, down)))
            left = x - lettering.width(letter, size) / 2
            lettering.draw(painter, left, y - line / 2, letter, size, LETTER)


def _corners(normal: Vector) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Corners of a face of the cube from −1 to 1, in order around it."""
    out = np.array(normal, np.float64)
    one = np.roll(out, 1)
    other = np.cross(out, one)
    return [out + a * one + b * other for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]


def _paint_labels(painter: QPainter, lettering: Lettering, what: Annotated) -> None:
    """Each label beside its point with a line to it; none over another."""
    size, margin = _TEXT_SIZE * what.ratio, _MARGIN * what.ratio
    line = lettering.line_height(size)
    widest = what.size[0] * 0.6
    taken: list[QRectF] = []
    for label in sorted(what.labels, key=lambda one: what.orbit.place(one.point, what.size)[1]):
        text = lettering.elided(label.text, size, widest)
        x, y, _ = what.orbit.place(label.point, what.size)
        if not text or not (0 <= x < what.size[0] and 0 <= y < what.size[1]):
            continue
        box = QRectF(x + 2.5 * margin, y - 3 * margin, lettering.width(text, size), line)
        box.moveRight(min(box.right(), what.size[0] - 4 * margin))
        box = _free(box, taken, what.size)
        taken.append(box)
        _paint_leader(painter, QPointF(x, y), box, label.colour, what.ratio)
        lettering.draw(painter, box.left(), box.top(), text, size, TEXT)


def _free(box: QRectF, taken: Sequence[QRectF], size: tuple[int, int]) -> QRectF:
    """The box, moved down until it lies on no other."""
    moved = QRectF(box)
    moved.moveTop(max(moved.top(), 2 * box.height()))
    while any(moved.intersects(other) for other in taken) and moved.bottom() < size[1]:
        moved.translate(0, box.height())
    return moved


def _paint_leader(painter: QPainter, point: QPointF, box: QRectF, colour: QColor, ratio: float) -> None:
    inside = min(max(point.x(), box.left()), box.right())
    end = QPointF(inside if inside != point.x() else box.left(), box.center().y())
    for pen in (QPen(HALO, 3 * ratio), QPen(colour, 1.2 * ratio)):
        painter.setPen(pen)
        painter.drawLine(point, end)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(point, 2.5 * ratio, 2.5 * ratio)


def _paint_point(painter: QPainter, what: Annotated) -> None:
    """A cross where the planes meet."""
    assert what.point is not None
    x, y, _ = what.orbit.place(what.point, what.size)
    inner, outer = 4 * what.ratio, 11 * what.ratio
    for pen in (QPen(HALO, 3.5 * what.ratio), QPen(_POINT, 1.5 * what.ratio)):
        painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(QPointF(x + inner * dx, y + inner * dy), QPointF(x + outer * dx, y + outer * dy))
