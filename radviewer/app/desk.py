"""The viewports together: layout, which one is active, linked scrolling, cross-hair."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Signal

from radviewer.app.cine import Cine
from radviewer.app.history import History
from radviewer.app.layouts import MOST_VIEWPORTS, Layout
from radviewer.app.links import Links, shares_frame
from radviewer.app.positions import SlicePositions
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Left
from radviewer.app.viewport import Viewport
from radviewer.domain.geometry import Vector
from radviewer.domain.reformat import Reformat
from radviewer.domain.study import Stack
from radviewer.render.presentation import Interpolation

__all__ = ["MOST_VIEWPORTS", "Desk", "Layout", "shares_frame"]

_PARALLEL = 0.95  # cosine between normals above which stacks scroll together


class Desk(QObject):
    """Six viewports, of which the layout shows one, some or all; one of them is active.

    The viewports stay where they are: with fewer than six, the page that holds the
    active one is seen, so that going back shows the arrangement as it was.

    Attributes
    ----------
    first_seen : int
        Index of the viewport at the top left.

    """

    layout_changed = Signal()  # other viewports are seen, or in another grid
    active_changed = Signal(int)
    linked_changed = Signal(bool)
    moved = Signal()  # some viewport shows another image, or none but the volume in 3D: reference lines follow

    def __init__(self, cache: SeriesCache, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self.links = Links(self)
        left: dict[str, Left] = {}
        self.viewports = tuple(Viewport(cache, history, self, left) for _ in range(MOST_VIEWPORTS))
        self.cines = tuple(Cine(viewport, self) for viewport in self.viewports)
        self.layout = Layout.ONE
        self.active_index = 0
        self.first_seen = 0
        self.linked = True
        self._before_one: Layout | None = None  # what `toggle_one` goes back to
        self._following = False
        self._positions: WeakKeyDictionary[Stack, SlicePositions] = WeakKeyDictionary()
        self._together = self._has_moved = False
        self.links.changed.connect(self._on_links)
        for viewport in self.viewports:
            viewport.image_changed.connect(self._on_moved)
            viewport.in_3d_changed.connect(self._on_moved)
            viewport.scrolled.connect(partial(self._on_scrolled, viewport))
            viewport.opened.connect(partial(self._on_opened, viewport))
            viewport.stack_changed.connect(self._pin)

    @property
    def active(self) -> Viewport:
        """The viewport that commands act on."""
        return self.viewports[self.active_index]

    @property
    def cine(self) -> Cine:
        """Cine of the active viewport."""
        return self.cines[self.active_index]

    @property
    def seen(self) -> tuple[Viewport, ...]:
        """Viewports of the layout, row by row."""
        return self.viewports[self.first_seen : self.first_seen + self.layout.count]

    def slice_of(self, stack: Stack) -> int:
        """0-based slice of a stack that the reader is looking at; where it is not on screen, was left at."""
        for viewport in (self.active, *self.seen):
            if viewport.stack is not None and viewport.stack.key == stack.key:
                return viewport.index
        left = self.active.left(stack)
        return stack.first_shown if left is None else left.index

    def set_layout(self, layout: Layout) -> None:
        """Show so many viewports; the active one stays seen."""
        if layout is self.layout:
            return
        self._before_one = self.layout if layout is Layout.ONE else None
        self.layout = layout
        self.first_seen = self._page()
        self._on_seen_changed()

    def toggle_one(self, index: int) -> bool:
        """Show one viewport alone, or, if it is, all of the layout before.

        Returns
        -------
        bool
            False when nothing changed: it is alone by choice of the layout.

        """
        if self.layout is not Layout.ONE:
            self.activate(index)
            self.set_layout(Layout.ONE)
            return True
        if self._before_one is None:
            return False
        self.set_layout(self._before_one)
        return True

    def activate(self, index: int) -> None:
        """Make a viewport the active one; the page it is on is seen."""
        if index == self.active_index or not 0 <= index < len(self.viewports):
            return
        self.active_index = index
        if not self.first_seen <= index < self.first_seen + self.layout.count:
            self.first_seen = self._page()
            self._on_seen_changed()
        self.active_changed.emit(index)

    def _page(self) -> int:
        """First viewport of the page that holds the active one; the last page ends with the last viewport."""
        count = self.layout.count
        return min(self.active_index // count * count, len(self.viewports) - count)

    def activate_next(self, step: int = 1) -> None:
        """Go around the viewports; where one is seen alone, around those that show something."""
        candidates = [i for i, v in enumerate(self.viewports) if v in self.seen]
        if self.layout is Layout.ONE:
            candidates = [i for i, v in enumerate(self.viewports) if v.shown is not None or i == self.active_index]
        here = candidates.index(self.active_index)
        self.activate(candidates[(here + step) % len(candidates)])

    def set_linked(self, linked: bool) -> None:
        """Scroll parallel stacks of one frame of reference together, or not."""
        if linked != self.linked:
            self.linked = linked
            self.linked_changed.emit(linked)

    def set_interpolation(self, interpolation: Interpolation) -> None:
        """Smooth pixels or show them as squares, in all viewports and in what they show next."""
        for viewport in self.viewports:
            viewport.set_interpolation(interpolation)

    def set_cine_rate(self, rate: float) -> None:
        """Choose the rate, in images per second, of cines whose file names none."""
        for cine in self.cines:
            cine.set_default(rate)

    def clear(self) -> None:
        """Empty all viewports."""
        for viewport in self.viewports:
            viewport.clear()
        self.activate(0)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Emit `moved` once, at the end, for all viewports that are given other images meanwhile."""
        outer, self._together = self._together, True
        try:
            yield
        finally:
            self._together = outer
            if self._has_moved and not outer:
                self._has_moved = False
                self.moved.emit()

    def go_to_point(self, stack: Stack, point: Vector) -> None:
        """Show the images of a stack nearest to an LPS point, wherever they are on screen."""
        with self.together():
            for viewport in self.seen:
                index = self._nearest(stack, point) if viewport.stack is stack else None
                if index is not None:
                    self._quietly(viewport, index)

    def point_at(self, source: Viewport, point: tuple[float, float] | None) -> None:
        """Show ``(row, column)`` of `source` in all other viewports that share its patient coordinates.

        They scroll to the slice nearest to it.  None ends it.
        """
        for other in self.seen:
            if other is not source:
                other.point_at(None if point is None else self._meet(source, point, other))

    def _meet(self, source: Viewport, point: tuple[float, float], other: Viewport) -> tuple[float, float] | None:
        """Scroll `other` to a point of `source` and tell where it lies there."""
        if source.stack is None or other.stack is None:
            return None
        if other.stack is source.stack:
            self._quietly(other, source.index)
            return point
        patient = None if source.plane is None else source.plane.to_patient(*point)
        patient = None if patient is None else self.links.map(source.stack, other.stack, patient)
        if patient is None:
            return None
        index = self._nearest(other.stack, patient)
        if index is None:
            return None
        self._quietly(other, index)
        return None if other.plane is None else other.plane.to_pixel(patient)[:2]

    def _quietly(self, viewport: Viewport, index: int) -> None:
        """Move a viewport without the others following it."""
        following, self._following = self._following, True
        viewport.go_to(index)
        self._following = following

    def _on_moved(self) -> None:
        if self._together:
            self._has_moved = True
        else:
            self.moved.emit()

    def _on_scrolled(self, source: Viewport) -> None:
        if self.linked and not self._following and source in self.seen:
            self._follow(source)

    def _on_links(self) -> None:
        """Something was linked or unlinked: bring the others to where the reader is."""
        if self.linked:
            self._follow(self.active)
        self.moved.emit()

    def _on_opened(self, source: Viewport, at_place: bool) -> None:
        """Open a stack where the others are, unless one of its images was asked for."""
        if not self.linked or source not in self.seen:
            return
        if at_place:
            self._follow(source)
            return
        for other in (self.active, *self.seen):
            index = None if other is source else self._same_position(other, source)
            if index is not None:
                self._quietly(source, index)
                return

    def _follow(self, source: Viewport) -> None:
        """Bring the other viewports to the position of the one the reader scrolls."""
        with self.together():
            for other in self.seen:
                index = None if other is source else self._same_position(source, other)
                if index is not None:
                    self._quietly(other, index)

    def _same_position(self, source: Viewport, other: Viewport) -> int | None:
        """Slice of `other` where `source` is; None when they do not scroll together."""
        here, there = source.plane, other.plane
        if source.stack is None or other.stack is None:
            return None
        if source.stack is other.stack:
            return source.index
        if here is None or there is None:
            return None
        _, rows, columns = source.stack.shape
        middle = self.links.map(source.stack, other.stack, here.to_patient((rows - 1) / 2, (columns - 1) / 2))
        normal = self.links.turn(source.stack, other.stack, here.normal)
        if middle is None or normal is None or not _parallel(normal, there.normal):
            return None
        return self._nearest(other.stack, middle)

    def _nearest(self, stack: Stack, point: Vector) -> int | None:
        if isinstance(stack, Reformat):
            return stack.planes.nearest(point)
        positions = self._positions.get(stack)
        if positions is None:
            positions = self._positions[stack] = SlicePositions(stack)
        return positions.nearest(point)

    def _on_seen_changed(self) -> None:
        self._pin()
        for cine, viewport in zip(self.cines, self.viewports, strict=True):
            if viewport in self.seen:
                viewport.request()  # what was hidden may have been dropped
            else:
                cine.stop()
                viewport.point_at(None)
        self.layout_changed.emit()

    def _pin(self) -> None:
        self._cache.pin({v.stack.source.key for v in self.seen if v.stack is not None})


def _parallel(normal: Vector, other: Vector) -> bool:
    return abs(sum(a * b for a, b in zip(normal, other, strict=True))) > _PARALLEL
