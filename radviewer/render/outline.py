"""Shapes of marks: their lines and handles in image coordinates, pure geometry."""

from __future__ import annotations

import math
from dataclasses import replace

from radviewer.domain.measurement import Mark, MarkKind, Point

_SIDES = 96  # of the polygon that stands for an ellipse: off by 0.05 % of the radius

BOX_KINDS = frozenset({MarkKind.RECTANGLE, MarkKind.ELLIPSE})


def polylines(mark: Mark) -> tuple[tuple[Point, ...], ...]:
    """Lines of a mark as ``(row, column)`` points; closed shapes repeat their first point."""
    points = mark.points
    if mark.kind is MarkKind.COBB:
        return (points[:2], points[2:])
    if mark.kind is MarkKind.RECTANGLE:
        corners = box_corners(mark)
        return ((*corners, corners[0]),)
    if mark.kind is MarkKind.ELLIPSE:
        (a, b), (c, d) = points
        turns = [2 * math.pi * i / _SIDES for i in range(_SIDES + 1)]
        ellipse = [((a + c + (c - a) * math.sin(t)) / 2, (b + d + (d - b) * math.cos(t)) / 2) for t in turns]
        return (tuple(ellipse),)
    if mark.kind is MarkKind.FREEHAND:
        return ((*points, points[0]),)
    return (points,) if points else ()


def box_corners(mark: Mark) -> tuple[Point, Point, Point, Point]:
    """Corners of a rectangle or of an ellipse's box, in turn; the first and third are its points."""
    (a, b), (c, d) = mark.points
    return ((a, b), (a, d), (c, d), (c, b))


def handles(mark: Mark) -> tuple[Point, ...]:
    """Points that can be dragged on their own; a freehand outline is moved as a whole."""
    if mark.kind in BOX_KINDS:
        return box_corners(mark)
    return () if mark.kind is MarkKind.FREEHAND else mark.points


def moved_handle(mark: Mark, handle: int, row: float, column: float) -> Mark:
    """Return the mark with one of its `handles` at another place; of a box, the opposite corner stays.

    Raises
    ------
    IndexError
        If the mark has no such handle.

    """
    if not 0 <= handle < len(handles(mark)):
        raise IndexError(f"a {mark.kind.value} has no handle {handle}")
    if mark.kind in BOX_KINDS:
        opposite = box_corners(mark)[(handle + 2) % 4]
        corner = (row, column)
        return replace(mark, points=(corner, opposite) if handle < 2 else (opposite, corner))
    points = list(mark.points)
    points[handle] = (row, column)
    return replace(mark, points=tuple(points))


def moved(mark: Mark, rows: float, columns: float) -> Mark:
    """Return the mark moved by an image offset."""
    return replace(mark, points=tuple((row + rows, column + columns) for row, column in mark.points))
