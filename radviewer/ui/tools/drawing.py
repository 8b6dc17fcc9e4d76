"""Marks with a fixed number of points: drawn by clicks, by drags, or by both."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt

from radviewer.domain.measurement import POINTS_OF, ImageReference, Mark, MarkKind, Point
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

CLICK = 3.0
"""Logical pixels within which press and release are a click."""


class Drawing(Gesture):
    """Each press places a point, and a drag places the next one at its release.

    The last point follows the pointer until its button is let go.
    """

    def __init__(self, canvas: Canvas, at: Pointer, kind: MarkKind, image: ImageReference) -> None:
        self._canvas = canvas
        self._kind = kind
        self._count = POINTS_OF[kind][0]
        self._image = image
        self._shape = canvas.transform.shape
        self._placed: list[Point] = []
        self._pressed = at
        self.press(at)

    @property
    def begun_by_one_click(self) -> bool:
        """Whether only the first point is there."""
        return len(self._placed) == 1

    def press(self, at: Pointer) -> None:
        """Place a point."""
        self._pressed = at
        self._placed.append(at.inside(self._shape))
        self._show(at)

    def move(self, at: Pointer) -> None:
        """Show the mark as it would be."""
        if len(self._placed) == self._count:  # pressed for the last point, not let go yet
            self._placed[-1] = at.inside(self._shape)
        self._show(at)

    def release(self, at: Pointer) -> bool:
        """Place a point where a drag ends; the last one completes the mark."""
        if len(self._placed) < self._count and at.distance(self._pressed) > CLICK:
            self._placed.append(at.inside(self._shape))
        elif len(self._placed) == self._count:
            self._placed[-1] = at.inside(self._shape)
        self._show(at)
        if len(self._placed) < self._count:
            return False
        if self.draft is not None and not self._is_point(self.draft):
            finish(self._canvas, self.draft)
        return True

    def _show(self, at: Pointer) -> None:
        points = [*self._placed, at.inside(self._shape)][: self._count]
        if len(points) < self._count:
            self.draft = None
            # A Cobb angle's two lines are apart; all other marks go from point to point.
            apart = self._kind is MarkKind.COBB and len(points) == 3
            self.lines = ((points[0], points[1]),) if apart else tuple(pairwise(points))
            return
        self.lines = ()
        if self.draft is None:
            self.draft = Mark(self._kind, self._image, tuple(points))
        else:
            self.draft = replace(self.draft, points=tuple(points))

    def _is_point(self, mark: Mark) -> bool:
        """Whether a mark is too small to be meant."""
        places = [self._canvas.transform.to_view(*point) for point in mark.points]
        ratio = self._canvas.transform.ratio
        pairs = zip(places[0::2], places[1::2], strict=True) if mark.kind is MarkKind.COBB else pairwise(places)
        if mark.kind in (MarkKind.RECTANGLE, MarkKind.ELLIPSE):
            (x0, y0), (x1, y1) = places
            return min(abs(x1 - x0), abs(y1 - y0)) < ratio
        return any(math.dist(a, b) < ratio for a, b in pairs)


def finish(canvas: Canvas, mark: Mark) -> None:
    """Keep a mark that was drawn, and let its text be typed where it has one."""
    canvas.marks.add(mark)
    canvas.marks.select(mark.mark_id)
    if mark.kind is MarkKind.ARROW:
        canvas.edit_text(mark)


def _begin(kind: MarkKind, canvas: Canvas, at: Pointer) -> Gesture:
    image = canvas.viewport.reference
    return Gesture() if image is None else Drawing(canvas, at, kind, image)


def drawing_tool(name: str, kind: MarkKind) -> Tool:
    """Return the tool that draws one kind of mark."""
    return Tool(name, Qt.CursorShape.CrossCursor, partial(_begin, kind), draws=True)
