"""Pan: the image follows the pointer."""

from __future__ import annotations

from PySide6.QtCore import Qt

from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool


class PanDrag(Gesture):
    """Moves the image with the pointer."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._viewport = canvas.viewport
        self._start = canvas.transform
        self._from = at

    def move(self, at: Pointer) -> None:
        """Follow the pointer."""
        dx, dy = at.x - self._from.x, at.y - self._from.y
        self._viewport.set_camera(self._start.panned(dx, dy) if dx or dy else self._start.camera)


TOOL = Tool("tool-pan", Qt.CursorShape.OpenHandCursor, PanDrag)
