"""Pixel probe: the value under the pointer, beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt

from radviewer.app.probe import probe
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool


class Probing(Gesture):
    """Shows the value of the pixel under the pointer while the button is held."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._canvas = canvas
        self.move(at)

    def move(self, at: Pointer) -> None:
        """Read the pixel under the pointer."""
        pixel = self._canvas.transform.pixel_at(at.x, at.y)
        found = None if pixel is None else probe(self._canvas.viewport, *pixel)
        self.label = "" if found is None else found.value


TOOL = Tool("tool-probe", Qt.CursorShape.CrossCursor, Probing)
