"""The viewports together: layout, which one is active, linked scrolling, cross-hair."""

from __future__ import annotations

from enum import Enum

import numpy as np
from PySide6.QtCore import QObject, Signal

from radviewer.app.history import History
from radviewer.app.series_cache import SeriesCache
from radviewer.app.viewport import Viewport
from radviewer.domain.geometry import ImagePlane, Vector
from radviewer.domain.study import Stack

MOST_VIEWPORTS = 4
_PARALLEL = 0.95  # cosine between normals above which stacks scroll together


class Layout(Enum):
    """Rows × columns of viewports; the value is what settings store."""

    ONE = "1x1"
    TWO = "1x2"
    FOUR = "2x2"

    @property
    def grid(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        rows, columns = self.value.split("x")
        return (int(rows), int(columns))

    @property
    def count(self) -> int:
        """How many viewports are seen."""
        rows, columns = self.grid
        return rows * columns


class Desk(QObject):
    """Up to four viewports side by side, one of them active."""

    layout_changed = Signal()
    active_changed = Signal(int)
    linked_changed = Signal(bool)
    moved = Signal()  # some viewport shows another image: reference lines follow

    def __init__(self, cache: SeriesCache, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self.viewports = tuple(Viewport(cache, history, self) for _ in range(MOST_VIEWPORTS))
        self.layout = Layout.ONE
        self.active_index = 0
        self.linked = True
        self._following = False
        for viewport in self.viewports:
            viewport.image_changed.connect(lambda v=viewport: self._on_image_changed(v))
            viewport.stack_changed.connect(self._pin)

    @property
    def active(self) -> Viewport:
        """The viewport that commands act on."""
        return self.viewports[self.active_index]

    @property
    def seen(self) -> tuple[Viewport, ...]:
        """Viewports of the layout."""
        return self.viewports[: self.layout.count]

    def set_layout(self, layout: Layout) -> None:
        """Show one, two or four viewports; the active one stays seen."""
        if layout is self.layout:
            return
        self.layout = layout
        if self.active_index >= layout.count:
            self._swap_into_first(self.active)
        self._pin()
        self.layout_changed.emit()

    def activate(self, index: int) -> None:
        """Make a seen viewport the active one."""
        if index != self.active_index and 0 <= index < self.layout.count:
            self.active_index = index
            self.active_changed.emit(index)

    def set_linked(self, linked: bool) -> None:
        """Scroll parallel stacks of one frame of reference together, or not."""
        if linked != self.linked:
            self.linked = linked
            self.linked_changed.emit(linked)

    def clear(self) -> None:
        """Empty all viewports."""
        for viewport in self.viewports:
            viewport.clear()
        self.activate(0)

    def point_at(self, source: Viewport, point: tuple[float, float] | None) -> None:
        """Show ``(row, column)`` of `source` in all other viewports that share its patient coordinates.

        They scroll to the slice nearest to it.  None ends it.
        """
        plane, stack = source.plane, source.stack
        for other in self.seen:
            if other is source:
                continue
            if point is None or plane is None or stack is None or not shares_frame(stack, other.stack):
                other.point_at(None)
                continue
            patient = plane.to_patient(*point)
            index = nearest_slice(other.stack, patient) if other.stack is not None else None
            if index is None:
                other.point_at(None)
                continue
            self._quietly(other, index)
            there = other.plane
            other.point_at(None if there is None else there.to_pixel(patient)[:2])

    def _quietly(self, viewport: Viewport, index: int) -> None:
        """Move a viewport without the others following it."""
        following, self._following = self._following, True
        viewport.go_to(index)
        self._following = following

    def _on_image_changed(self, source: Viewport) -> None:
        if self.linked and not self._following and source is self.active:
            self._follow(source)
        self.moved.emit()

    def _follow(self, source: Viewport) -> None:
        plane, stack = source.plane, source.stack
        if plane is None or stack is None:
            return
        centre = plane.to_patient(stack.format.rows / 2, stack.format.columns / 2)
        for other in self.seen:
            there = other.plane
            if other is source or there is None or other.stack is None or other.stack is stack:
                continue
            if shares_frame(stack, other.stack) and _parallel(plane, there):
                index = nearest_slice(other.stack, centre)
                if index is not None:
                    self._quietly(other, index)

    def _swap_into_first(self, viewport: Viewport) -> None:
        shown, index = viewport.shown, viewport.index
        self.active_index = 0
        if shown is not None:
            self.viewports[0].show(shown, index)
        self.active_changed.emit(0)

    def _pin(self) -> None:
        self._cache.pin({v.stack.key for v in self.seen if v.stack is not None})


def shares_frame(stack: Stack, other: Stack | None) -> bool:
    """Whether two stacks state the same frame of reference: their mm are comparable."""
    return (
        other is not None
        and stack.frame_of_reference_uid is not None
        and stack.frame_of_reference_uid == other.frame_of_reference_uid
    )


def nearest_slice(stack: Stack | None, point: Vector) -> int | None:
    """Index of the slice whose plane is nearest to an LPS point; None without planes."""
    if stack is None:
        return None
    distances = [np.inf if frame.plane is None else abs(frame.plane.to_pixel(point)[2]) for frame in stack.frames]
    best = int(np.argmin(distances))
    return best if np.isfinite(distances[best]) else None


def _parallel(plane: ImagePlane, other: ImagePlane) -> bool:
    return abs(float(np.dot(plane.normal, other.normal))) > _PARALLEL
