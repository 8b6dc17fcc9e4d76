"""Freehand region: drawn in one go, closed at the release."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import Qt

from radviewer.domain.measurement import ImageReference, Mark, MarkKind, Point
from radviewer.ui.tools.drawing import finish
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

_STEP = 2.0  # logical pixels between points
_MOST = 20_000  # points; what is drawn beyond is left out
_SMALLEST = 16.0  # square logical pixels, below which nothing was meant


class FreehandDrawing(Gesture):
    """Follows the pointer while the button is held."""

    def __init__(self, canvas: Canvas, at: Pointer, image: ImageReference) -> None:
        self._canvas = canvas
        self._image = image
        self._shape = canvas.transform.shape
        self._points: list[Point] = [at.inside(self._shape)]
        self._latest = at

    def move(self, at: Pointer) -> None:
        """Go on with the outline."""
        if at.distance(self._latest) < _STEP or len(self._points) >= _MOST:
            return
        self._latest = at
        point = at.inside(self._shape)
        if point == self._points[-1]:
            return
        self._points.append(point)
        if len(self._points) < 3:
            self.lines = ((self._points[0], self._points[-1]),)
            return
        self.lines = ()
        if self.draft is None:
            self.draft = Mark(MarkKind.FREEHAND, self._image, tuple(self._points))
        else:
            self.draft = replace(self.draft, points=tuple(self._points))

    def release(self, at: Pointer) -> bool:
        """Close the outline."""
        self.move(at)
        if self.draft is not None and self._area() >= _SMALLEST:
            finish(self._canvas, self.draft)
        return True

    def _area(self) -> float:
        """What the outline encloses on the screen, in square logical pixels."""
        transform = self._canvas.transform
        places = [transform.to_view(*point) for point in self._points]
        ring = zip(places, [*places[1:], places[0]], strict=True)
        twice = math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in ring)
        return abs(twice) / 2 / transform.ratio**2


def _begin(canvas: Canvas, at: Pointer) -> Gesture:
    image = canvas.viewport.reference
    return Gesture() if image is None else FreehandDrawing(canvas, at, image)


TOOL = Tool("tool-freehand", Qt.CursorShape.CrossCursor, _begin, draws=True)
