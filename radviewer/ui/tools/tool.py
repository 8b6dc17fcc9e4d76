"""What a tool is: what the left mouse button does from its press until the tool has ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt

from radviewer.app.marks import MarkBook
from radviewer.app.mask_edit import MaskEdit
from radviewer.app.mpr import Mpr
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import Mark, Point
from radviewer.render.view import ViewTransform


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is.

    Attributes
    ----------
    x, y : float
        Device pixels of the viewport, at the centre of the pixel the pointer stands on.
    row, column : float
        The same in the image's pixel coordinates; may lie beside the image.
    ratio : float
        Device pixels per logical pixel.

    """

    x: float
    y: float
    row: float
    column: float
    ratio: float = 1.0

    def way(self, start: Pointer) -> tuple[float, float]:
        """``(right, down)`` since `start`, in logical pixels."""
        return ((self.x - start.x) / self.ratio, (self.y - start.y) / self.ratio)

    def distance(self, start: Pointer) -> float:
        """How far it is from `start`, in logical pixels."""
        return math.hypot(*self.way(start))

    def inside(self, shape: tuple[int, int]) -> Point:
        """Nearest ``(row, column)`` on an image of this shape."""
        row, column = (min(max(v, -0.5), n - 0.5) for v, n in zip((self.row, self.column), shape, strict=True))
        return (row, column)


class Canvas(Protocol):
    """What tools see of the viewport they work in."""

    @property
    def viewport(self) -> Viewport:
        """State of the viewport; while a tool works it has an image."""

    @property
    def marks(self) -> MarkBook:
        """Marks of what is open."""

    @property
    def transform(self) -> ViewTransform:
        """Image ↔ device pixels, as shown now."""

    @property
    def outline(self) -> MaskEdit:
        """The outline that is being edited, if any."""

    @property
    def mpr(self) -> Mpr:
        """Cross-hairs of volumes whose planes are shown."""

    def ask_missed(self, index: int, at: Point, drawn: tuple[Point, ...]) -> None:
        """Ask what the reader has found at a place of a slice, outlined or not."""

    def edit_text(self, mark: Mark) -> None:
        """Let the reader type the text of a mark in its place."""


class Gesture:
    """What the reader does with a tool, once: from a press to the release that ends it.

    Attributes
    ----------
    draft : Mark or None
        Painted with live values, in place of the mark with the same id.
    lines : tuple of (Point, Point)
        Of a mark that has not all its points yet.
    label : str
        Shown beside the pointer.

    """

    draft: Mark | None = None
    lines: tuple[tuple[Point, Point], ...] = ()
    label: str = ""

    def press(self, at: Pointer, /) -> None:
        """Take a further press of a gesture that goes on after a release."""

    def move(self, at: Pointer, /) -> None:
        """Follow the pointer, with or without a button held."""

    def release(self, at: Pointer, /) -> bool:
        """Let the button go; True when the gesture has ended."""
        self.move(at)
        return True

    def cancel(self) -> None:
        """End without a trace in the marks."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its action's name, its cursor and how its gesture begins.

    `draws` tells whether it makes marks: it then needs an image that marks can name.
    """

    name: str
    cursor: Qt.CursorShape
    begin: Callable[[Canvas, Pointer], Gesture]
    draws: bool = False
