"""Zoom about the point where the button was pressed: up is nearer."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt

from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

_DOUBLED_BY = 120  # logical pixels of drag


class ZoomDrag(Gesture):
    """Zooms; the point pressed keeps its place."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._viewport = canvas.viewport
        self._start = canvas.transform
        self._from = at

    def move(self, at: Pointer) -> None:
        """Zoom as far as the pointer went."""
        _, down = at.way(self._from)
        factor = math.pow(2, -down / _DOUBLED_BY)
        zoomed = self._start.zoomed(factor, self._from.x, self._from.y)
        self._viewport.set_camera(zoomed if down else self._start.camera)  # nothing moved: a fit stays a fit


TOOL = Tool("tool-zoom", Qt.CursorShape.SizeVerCursor, ZoomDrag)
