"""Scroll: down is further through the stack."""

from __future__ import annotations

from PySide6.QtCore import Qt

from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

_LEAST, _MOST = 2.0, 20.0  # logical pixels of drag per image


class ScrollDrag(Gesture):
    """Goes through the stack; most of the viewport's height is the whole of a long one."""

    def __init__(self, canvas: Canvas, at: Pointer) -> None:
        self._viewport = canvas.viewport
        self._first = canvas.viewport.index
        self._from = at
        stack = canvas.viewport.stack
        height = canvas.transform.size[1] / at.ratio
        count = 1 if stack is None else len(stack.frames)
        self._step = min(max(0.8 * height / count, _LEAST), _MOST)

    def move(self, at: Pointer) -> None:
        """Go as far as the pointer went."""
        _, down = at.way(self._from)
        self._viewport.go_to(self._first + round(down / self._step))


TOOL = Tool("tool-scroll", Qt.CursorShape.SizeVerCursor, ScrollDrag)
