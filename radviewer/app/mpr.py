"""Multiplanar reformatting: axial, coronal and sagittal planes of a volume, linked by a cross-hair."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from radviewer.app.desk import Desk, Layout
from radviewer.app.plane_camera import revealing
from radviewer.app.shown import Shown
from radviewer.app.viewport import Viewport
from radviewer.domain.geometry import Vector
from radviewer.domain.planes import Axes, Orientation, Slab, axes_of
from radviewer.domain.reformat import Cut, Reformat, reformatted, why_not
from radviewer.domain.study import Stack

PLACES = (Orientation.AXIAL, Orientation.CORONAL, Orientation.SAGITTAL)
"""What the first viewports of the layout show."""

PAUSE_MS = 150
"""After which planes that are being turned are shown in full: the reader holds still to look."""

THICKEST = 200.0
"""Of slabs, in mm."""


@dataclass(frozen=True, slots=True)
class Cross:
    """Where the planes of one volume meet, and how they lie.

    Attributes
    ----------
    centre : Vector
        LPS mm.
    axes, base : Axes
        As turned, and as the volume lies.
    """

    centre: Vector
    axes: Axes
    base: Axes
    slab: Slab = Slab.MEAN
    thickness: float = 0.0

    def cut(self, orientation: Orientation, *, draft: bool = False) -> Cut:
        """Which planes of one orientation are shown; turned ones pass through the centre, not the nearest voxels."""
        anchor = None if self.axes.keeps(orientation, self.base) else self.centre
        return Cut(orientation, self.axes, self.base, anchor, self.slab, self.thickness, draft)


class Mpr(QObject):
    """The cross-hairs of all volumes whose planes are on the desk."""

    changed = Signal()  # centre, axes, slab
    refused = Signal(str)  # why a series has no planes

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._crosses: dict[str, Cross] = {}
        self._before: tuple[Layout, tuple[Shown | None, ...]] | None = None
        self._following = False
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._on_pause)
        for viewport in desk.viewports:
            viewport.scrolled.connect(partial(self._on_scrolled, viewport))
            viewport.view_changed.connect(partial(self._on_view, viewport))

    # What there is

    def cross(self, viewport: Viewport) -> Cross | None:
        """The cross-hair of what a viewport shows; None where that is no plane."""
        return None if viewport.cut is None else self._crosses.get(viewport.cut.of.key)

    def centre_of(self, source: Stack) -> Vector | None:
        """Where the planes of a volume meet, LPS mm; None while none are in sight."""
        cross = self._crosses.get(source.key)
        return cross.centre if cross is not None and any(True for _ in self.planes_of(source)) else None

    @property
    def active(self) -> bool:
        """Whether the active viewport shows a plane."""
        return self._desk.active.cut is not None

    def planes_of(self, source: Stack, *, hidden: bool = False) -> Iterator[tuple[Viewport, Reformat]]:
        """Viewports in sight, or all, that show planes of a volume."""
        for viewport in self._desk.viewports if hidden else self._desk.seen:
            if viewport.cut is not None and viewport.cut.of is source:
                yield viewport, viewport.cut

    # Opening and leaving

    def open(self, shown: Shown | None) -> bool:
        """Show a stack in three planes; False, with a sentence, when it has none."""
        if shown is None:
            return False
        subject = replace(shown, stack=shown.stack.source)
        reason = why_not(subject.stack)
        if reason is not None:
            self.refused.emit(reason)
            return False
        desk = self._desk
        before = (desk.layout, tuple(v.subject for v in desk.viewports))
        at = desk.slice_of(subject.stack)
        desk.activate(0)
        desk.set_layout(Layout.FOUR)
        self._before = before
        self._start(subject.stack, at)
        for viewport, orientation in zip(desk.seen, PLACES, strict=False):
            self.show(viewport, subject, orientation)
        last = desk.seen[len(PLACES)]
        last.show(subject, at)
        last.set_in_3d(True)
        return True

    def show(self, viewport: Viewport, shown: Shown, orientation: Orientation) -> bool:
        """Show planes of one orientation in a viewport; False, with a sentence, when there are none."""
        reason = why_not(shown.stack)
        if reason is not None:
            self.refused.emit(reason)
            return False
        source = shown.stack.source
        cross = self._crosses.get(source.key) or self._start(source, self._desk.slice_of(source))
        stack = reformatted(source, cross.cut(orientation))
        viewport.show(replace(shown, stack=stack), stack.planes.nearest(cross.centre))
        return True

    def show_again(self, shown: Shown, index: int, point: Vector) -> None:
        """Show a plane as it was once cut, where its orientation is in sight, else in the active viewport.

        Parameters
        ----------
        shown : Shown
            Its planes; those of other orientations are turned with them.
        index : int
            Of the plane.
        point : Vector
            LPS mm on it: the cross-hair and all images of the volume go there.

        """
        planes = shown.stack
        if not isinstance(planes, Reformat):
            raise ValueError("a stack that is no planes")
        source, cut = planes.of, planes.cut
        self._crosses[source.key] = Cross(cut.centre or point, cut.axes, cut.base, cut.slab, cut.thickness)
        there = next((v for v, seen in self.planes_of(source) if seen.cut.orientation is cut.orientation), None)
        with self._leading():
            self._desk.activate(self._desk.viewports.index(there or self._desk.active))
            if there is None:
                self._desk.active.show(shown, index)
            self._desk.active.set_in_3d(False)
        self._cut_again(source)
        self.reveal(source, point)
        self._desk.active.go_to(index)

    def leave(self) -> None:
        """Show what was there before the planes."""
        before, self._before = self._before, None
        if before is None:
            self._leave_hung()
            return
        layout, stacks = before
        for viewport, shown in zip(self._desk.viewports, stacks, strict=True):
            if shown is None and viewport.shown is not None:
                viewport.empty()
            elif shown is not None and viewport.stack is not shown.stack:
                viewport.show(shown)
        self._desk.set_layout(layout)

    def _leave_hung(self) -> None:
        """Leave planes that a hanging protocol opened, or the reader one by one.

        Where there is nothing but planes of one volume, and the volume in 3D, one viewport goes on.
        """
        desk = self._desk
        volumes = {v.stack.source.key if v.stack is not None and (v.cut or v.in_3d) else "" for v in desk.seen}
        if len(volumes) == 1 and len(desk.seen) > 1 and "" not in volumes:
            for viewport in desk.seen:
                if viewport is not desk.active:
                    viewport.empty()
            desk.active.set_in_3d(False)
            desk.set_layout(Layout.ONE)
        for viewport in desk.seen:
            if viewport.cut is not None and viewport.subject is not None:
                viewport.show(viewport.subject)

    def clear(self) -> None:
        """Forget all cross-hairs (another study was opened)."""
        self._pause.stop()
        self._crosses.clear()
        self._before = None

    # Moving

    def look_at(self, source: Stack, point: Vector) -> None:
        """Bring the cross-hair to an LPS point, and all planes and images of the volume with it."""
        self._desk.go_to_point(source, point)
        cross = self._crosses.get(source.key)
        if cross is not None:
            self._crosses[source.key] = replace(cross, centre=_within(source, point))
            self._follow(source)

    def reveal(self, source: Stack, point: Vector) -> None:
        """Look at an LPS point, and bring it into sight where the picture is magnified or was turned away."""
        self.look_at(source, point)
        for viewport, cut in self.planes_of(source):
            viewport.set_camera(revealing(viewport.camera, cut.planes.first, point))

    def turn(self, viewport: Viewport, degrees: float, *, draft: bool = False) -> None:
        """Turn the other planes about the normal of the one a viewport shows, as seen on it clockwise.

        Parameters
        ----------
        viewport : Viewport
            Goes on being seen as it was.
        degrees : float
            From where they are.
        draft : bool
            Whether more turns follow at once: planes are coarse until there is none for `PAUSE_MS`.

        """
        cut, cross = viewport.cut, self.cross(viewport)
        if cut is None or cross is None:
            return
        clockwise = -1.0 if cut.cut.orientation is Orientation.SAGITTAL else 1.0  # its pictures face the other way
        axes = cross.axes.turned(cut.cut.orientation, clockwise * degrees)
        self._crosses[cut.of.key] = replace(cross, axes=axes)
        self._cut_again(cut.of, draft=draft)
        if draft:
            self._pause.start()

    def set_slab(self, viewport: Viewport, slab: Slab, thickness: float) -> None:
        """Show slabs of a thickness in mm instead of planes; 0 shows planes again."""
        cut, cross = viewport.cut, self.cross(viewport)
        if cut is not None and cross is not None:
            thickness = min(max(thickness, 0.0), THICKEST)
            self._crosses[cut.of.key] = replace(cross, slab=slab, thickness=thickness)
            self._cut_again(cut.of)

    def finish(self, source: Stack) -> None:
        """Show in full what was coarse while it was turned."""
        self._pause.stop()
        if any(cut.cut.draft for _, cut in self.planes_of(source, hidden=True)):
            self._cut_again(source, hidden=True)

    def reset(self, viewport: Viewport) -> None:
        """Lay the planes along the volume again, without slabs, through its middle."""
        if viewport.cut is not None:
            self._start(viewport.cut.of, viewport.cut.of.first_shown)
            self._cut_again(viewport.cut.of)
            for other, _ in self.planes_of(viewport.cut.of):
                if other.camera.zoom is None:
                    other.set_camera(other.camera.fit())

    def _on_pause(self) -> None:
        for viewport in self._desk.viewports:
            if viewport.cut is not None and viewport.cut.cut.draft:
                self.finish(viewport.cut.of)

    @contextmanager
    def _leading(self) -> Iterator[None]:
        """Move planes without being led by them; reference lines are told once."""
        following, self._following = self._following, True
        try:
            with self._desk.together():
                yield
        finally:
            self._following = following

    def _start(self, source: Stack, index: int) -> Cross:
        geometry = source.geometry
        if geometry is None:
            raise ValueError("no planes without a regular grid")
        _, rows, columns = geometry.shape
        axes = axes_of(geometry)
        centre = geometry.to_patient((float(index), (rows - 1) / 2, (columns - 1) / 2))
        self._crosses[source.key] = cross = Cross(centre, axes, axes)
        return cross

    def _cut_again(self, source: Stack, *, draft: bool = False, hidden: bool = False) -> None:
        cross = self._crosses[source.key]
        with self._leading():
            for viewport, shown in self.planes_of(source, hidden=hidden):
                cut = cross.cut(shown.cut.orientation, draft=draft)
                if shown.cut == replace(cut, draft=False) or (cut.centre is None and _alike(shown.cut, cut)):
                    continue
                if draft and _turned_about_itself(shown.cut, cut):
                    continue  # named by its new axes when the turn ends
                stack = reformatted(source, cut)
                viewport.show_cut(stack, stack.planes.nearest(cross.centre), cross.centre)
        self.changed.emit()

    def _follow(self, source: Stack) -> None:
        """Show the planes nearest to the centre."""
        cross = self._crosses[source.key]
        with self._leading():
            for viewport, cut in self.planes_of(source):
                viewport.go_to(cut.planes.nearest(cross.centre))
        self.changed.emit()

    def _on_view(self, viewport: Viewport) -> None:
        """All planes of a volume are seen in one window."""
        cut, presentation = viewport.cut, viewport.presentation
        if self._following or cut is None:
            return
        with self._leading():
            for other, _ in self.planes_of(cut.of):
                if other is not viewport:
                    other.set_voi(presentation.voi)
                    other.set_inverted(presentation.inverted)

    def _on_scrolled(self, viewport: Viewport) -> None:
        """The reader goes to another plane: the cross-hair goes along."""
        cut, cross = viewport.cut, self.cross(viewport)
        if self._following or cut is None or cross is None:
            return
        plane = cut.planes.grid(viewport.index).plane
        row, column, _ = plane.to_pixel(cross.centre)
        self._crosses[cut.of.key] = replace(cross, centre=plane.to_patient(row, column))
        self.changed.emit()


def _alike(cut: Cut, other: Cut) -> bool:
    """Whether two cuts along the volume's own grid show the same: only the other planes were turned."""
    return cut.centre is None and (cut.slab, cut.thickness) == (other.slab, other.thickness) and not cut.draft


def _turned_about_itself(cut: Cut, other: Cut) -> bool:
    """Whether two cuts show the same planes: what was turned are their neighbours."""
    if replace(cut, axes=other.axes, draft=other.draft) != other:
        return False
    return other.axes.shows_as(cut.axes, cut.orientation, cut.base)


def _within(source: Stack, point: Vector) -> Vector:
    """The point, or the place in the volume that is nearest to it."""
    geometry = source.geometry
    if geometry is None:
        return point
    index = zip(geometry.to_index(point), geometry.shape, strict=True)
    s, r, c = (min(max(v, 0.0), n - 1.0) for v, n in index)
    return geometry.to_patient((s, r, c))
