"""Moving a mark or one of its handles; not a tool: the left button does it whatever the tool."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from radviewer.domain.measurement import Mark
from radviewer.render.hit import moved, moved_handle
from radviewer.render.view import ViewTransform
from radviewer.ui.tools.drawing import CLICK
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer

_STEPS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Editing(Gesture):
    """Drags a mark, or one handle of it; a click alone changes nothing.

    Parameters
    ----------
    canvas : Canvas
    at : Pointer
        Where the button was pressed.
    mark : Mark
    handle : int or None
        Index of the point dragged; None moves the whole mark.

    """

    def __init__(self, canvas: Canvas, at: Pointer, mark: Mark, handle: int | None) -> None:
        self._canvas = canvas
        self._from = at
        self._mark = mark
        self._handle = handle
        self._shape = canvas.transform.shape
        self._dragging = False

    def move(self, at: Pointer) -> None:
        """Show the mark where it would be."""
        self._dragging = self._dragging or at.distance(self._from) > CLICK
        if not self._dragging:
            return
        if self._handle is not None:
            self.draft = moved_handle(self._mark, self._handle, *at.inside(self._shape))
        else:
            self.draft = moved_within(self._mark, at.row - self._from.row, at.column - self._from.column, self._shape)

    def release(self, at: Pointer) -> bool:
        """Keep the mark where it is now."""
        self.move(at)
        if self.draft is not None and any(m.mark_id == self._mark.mark_id for m in self._canvas.marks.all):
            self._canvas.marks.replace(self.draft)
        return True


def moved_within(mark: Mark, rows: float, columns: float, shape: tuple[int, int]) -> Mark:
    """Return the mark shifted, but no further than to the image's edge."""
    shift = []
    for way, values, size in zip((rows, columns), zip(*mark.points, strict=True), shape, strict=True):
        least, most = min(0.0, -0.5 - min(values)), max(0.0, size - 0.5 - max(values))
        shift.append(min(max(way, least), most))
    return moved(mark, *shift)


def nudged(event: QKeyEvent, mark: Mark | None, transform: ViewTransform) -> Mark | None:
    """Return the mark moved by a pixel of the image with Alt and an arrow key, by ten with Shift too.

    None when the keys, or the mark, are no such thing.
    """
    step, modifiers = _STEPS.get(event.key()), event.modifiers()
    if mark is None or step is None or not modifiers & Qt.KeyboardModifier.AltModifier or not mark.points:
        return None
    far = 10 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
    rows, columns = transform.image_direction(*step)
    return moved_within(mark, rows * far, columns * far, transform.shape)
