"""Window/level: right is wider, up is brighter."""

from __future__ import annotations

from PySide6.QtCore import Qt

from radviewer.app.window_steps import stepped
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool


class WindowDrag(Gesture):
    """Changes the window of the whole stack, starting from the one in force."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._viewport = canvas.viewport
        self._image = canvas.viewport.image
        self._start = canvas.viewport.presentation
        self._from = at

    def move(self, at: Pointer) -> None:
        """Widen to the right, brighten upwards."""
        right, down = at.way(self._from)
        if self._image is not None and (right or down):
            self._viewport.set_voi(stepped(self._image, self._start, right, -down))


TOOL = Tool("tool-window", Qt.CursorShape.ArrowCursor, WindowDrag)
