"""What no model has found: a click marks the place, a drag draws the outline; then its label is asked for."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt

from radviewer.domain.measurement import Point
from radviewer.ui.tools.drawing import CLICK
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

_STEP = 2.0  # logical pixels between points
_MOST = 20_000


class Missing(Gesture):
    """Follows the pointer while the button is held."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._canvas = canvas
        self._shape = canvas.transform.shape
        self._index = canvas.viewport.index
        self._pressed = self._latest = at
        self._points: list[Point] = [at.inside(self._shape)]

    def move(self, at: Pointer) -> None:
        """Go on with the outline."""
        if at.distance(self._latest) >= _STEP and len(self._points) < _MOST:
            self._latest = at
            self._points.append(at.inside(self._shape))
            self.lines = tuple(pairwise(self._points))

    def release(self, at: Pointer) -> bool:
        """Ask what it is."""
        self.move(at)
        drawn = tuple(self._points) if at.distance(self._pressed) > CLICK and len(self._points) > 2 else ()
        self._canvas.ask_missed(self._index, self._points[0], drawn)
        return True


TOOL = Tool("tool-missed", Qt.CursorShape.CrossCursor, Missing)
