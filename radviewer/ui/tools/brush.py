"""Brush, eraser and brush within a range of values, on the outline that is being edited."""

from __future__ import annotations

from radviewer.app.mask_edit import MaskEdit
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer

_STEP = 1.0  # logical pixels between points of a stroke


class Stroke(Gesture):
    """One stroke; it can be taken back as a whole."""

    def __init__(self, canvas: Canvas, at: Pointer, edit: MaskEdit) -> None:
        self._canvas, self._edit = canvas, edit
        self._latest = at
        self._index = canvas.viewport.index
        self._draw([(at.row, at.column)], goes_on=False)

    def move(self, at: Pointer) -> None:
        """Go on with the stroke."""
        if at.distance(self._latest) >= _STEP:
            points = [(self._latest.row, self._latest.column), (at.row, at.column)]
            self._latest = at
            self._draw(points, goes_on=True)

    def release(self, at: Pointer) -> bool:
        """End the stroke: it is on disk from now on."""
        self.move(at)
        self._edit.keep_draft()
        return True

    def cancel(self) -> None:
        """Take the stroke back."""
        self._edit.undo()

    def _draw(self, points: list[tuple[float, float]], *, goes_on: bool) -> None:
        viewport = self._canvas.viewport
        if viewport.image is not None and viewport.index == self._index:
            self._edit.stroke(self._index, points, viewport.image, goes_on=goes_on)
