"""The cross-hair of linked planes: dragged at its centre, turned at its lines."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt

from radviewer.app.mpr import Mpr
from radviewer.domain.planes import Orientation
from radviewer.domain.reformat import Reformat
from radviewer.render.cross_lines import GAP, CrossLine, distance, grips
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer, Tool

_NEAR = 7.0  # logical pixels


class MoveCross(Gesture):
    """The centre follows the pointer; all other planes go through it."""

    def __init__(self, canvas: Canvas, at: Pointer, mpr: Mpr) -> None:
        self._canvas, self._mpr = canvas, mpr
        self.move(at)

    def move(self, at: Pointer) -> None:
        """Bring the cross-hair here."""
        viewport = self._canvas.viewport
        cut, plane = viewport.cut, viewport.plane
        if cut is not None and plane is not None:
            self._mpr.look_at(cut.of, plane.to_patient(at.row, at.column))


class TurnCross(Gesture):
    """The other planes turn with the pointer about the centre; coarse until it is let go."""

    def __init__(self, canvas: Canvas, at: Pointer, mpr: Mpr, centre: tuple[float, float]) -> None:
        self._canvas, self._mpr = canvas, mpr
        self._centre = centre
        self._last = self._angle(at)
        self._turned = 0.0

    def move(self, at: Pointer) -> None:
        """Turn as far as the pointer has gone since."""
        angle = self._angle(at)
        step = math.remainder(angle - self._last, 360.0)
        if step:
            self._last = angle
            self._turned += step
            self._mpr.turn(self._canvas.viewport, step, draft=True)
            self.label = f"{self._turned:+.1f}°"

    def release(self, at: Pointer) -> bool:
        """Show in full what was coarse."""
        self.move(at)
        self.cancel()
        return True

    def cancel(self) -> None:
        """Leave the planes where they are, in full."""
        cut = self._canvas.viewport.cut
        if cut is not None:
            self._mpr.finish(cut.of)

    def _angle(self, at: Pointer) -> float:
        """Of the pointer about the centre, degrees, from the rows' direction to the columns'."""
        return math.degrees(math.atan2(at.row - self._centre[0], at.column - self._centre[1]))


def gripped(canvas: Canvas, at: Pointer, lines: tuple[CrossLine, ...]) -> Orientation | str | None:
    """What of the cross-hair lies under the pointer: ``"centre"``, the line of a plane, or None."""
    if not lines:
        return None
    transform = canvas.transform
    x, y = transform.to_view(*lines[0].centre)
    if math.hypot(at.x - x, at.y - y) <= GAP * transform.ratio:
        return "centre"
    for line in lines:
        if any(math.hypot(at.x - gx, at.y - gy) <= 2 * _NEAR * transform.ratio for gx, gy in grips(line, transform)):
            return line.orientation
    near = [line for line in lines if distance(line, transform, at.x, at.y) <= _NEAR]
    return near[0].orientation if near else None


def begin(canvas: Canvas, at: Pointer) -> Gesture:
    """Bring the cross-hair to the pointer; without planes it does nothing."""
    cut: Reformat | None = canvas.viewport.cut
    return Gesture() if cut is None else MoveCross(canvas, at, canvas.mpr)


TOOL = Tool("tool-crosshair", Qt.CursorShape.CrossCursor, begin)
