"""What one viewport shows, put together from the state: the view, and what is painted over it."""

from __future__ import annotations

from dataclasses import replace

from radviewer.app.glimpse_view import provisional_layers, together
from radviewer.app.link_words import link_notes
from radviewer.app.opinion_view import layers_of
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import Mark
from radviewer.domain.planes import Orientation
from radviewer.render.annotations import CornerTexts, Density, corner_texts
from radviewer.render.blend import plain
from radviewer.render.cross_lines import CrossLine, cross_lines
from radviewer.render.picture import View
from radviewer.render.view import Camera, ViewTransform
from radviewer.ui.placement import Placement
from radviewer.ui.second_opinion.status import reading_text
from radviewer.ui.viewport_mouse import Mouse
from radviewer.ui.viewport_overlay import Overlay, Segment


class Scene:
    """Reads the state of one viewport; changes nothing of it.

    Attributes
    ----------
    density : Density
        How much is written around the image.
    lines : tuple of Segment
        Where other viewports' images cut this one.
    active_line : Segment or None
        The same of the active viewport.

    """

    def __init__(self, room: ReadingRoom, index: int) -> None:
        self._room = room
        self._index = index
        self.density = Density.FULL
        self.lines: tuple[Segment, ...] = ()
        self.active_line: Segment | None = None

    @property
    def viewport(self) -> Viewport:
        """State of the viewport."""
        return self._room.desk.viewports[self._index]

    def transform(self, placement: Placement) -> ViewTransform:
        """Image ↔ device pixels; of an empty image when nothing is shown."""
        viewport = self.viewport
        if viewport.stack is None:
            return ViewTransform(Camera(), (1, 1), placement.size, None, placement.ratio)
        image, frame, cut = viewport.image, viewport.stack.frames[viewport.index], viewport.cut
        shape = viewport.stack.shape[1:] if image is None else image.stored.shape[:2]
        draft = cut is not None and cut.cut.draft
        return ViewTransform(
            viewport.camera, shape, placement.size, frame.spacing, placement.ratio, frame.aspect, draft
        )

    def cross_lines(self) -> tuple[CrossLine, ...]:
        """The cross-hair, where planes of a volume are shown."""
        viewport, mpr = self.viewport, self._room.mpr
        cross, cut = mpr.cross(viewport), viewport.cut
        if cross is None or cut is None or viewport.plane is None:
            return ()
        own = cut.cut.orientation
        seen = {other.cut.orientation for _, other in mpr.planes_of(cut.of)} - {own}
        others = [(o, cross.axes.of(o)[2]) for o in Orientation if o in seen]
        return cross_lines(viewport.plane, cross.centre, others)

    def marks(self) -> tuple[Mark, ...]:
        """Marks of the image shown, as they are kept."""
        reference = self.viewport.reference
        if reference is None or self.viewport.image is None:
            return ()
        return self._room.marks.on(reference)

    def view(self, placement: Placement, mouse: Mouse, density: Density | None = None) -> View:
        """Everything the viewport shows now, as exports and screenshots paint it; `density` if it is another one."""
        density = density or self.density
        viewport, transform = self.viewport, self.transform(placement)
        image = viewport.image
        fused = self._room.fusion.image(viewport)
        if fused is not None or viewport.presentation.steps:  # both are made pixel by pixel, not in a draft's blocks
            transform = replace(transform, draft=False)
        selected = self._room.marks.selected
        return View(
            transform=transform,
            image=image if fused is None else fused,
            measured=image,
            presentation=viewport.presentation if fused is None else plain(viewport.presentation),
            marks=self._with_draft(mouse),
            selected=None if selected is None else selected.mark_id,
            hovered=mouse.hovered,
            reference_lines=self.lines,
            cross_lines=self.cross_lines(),
            crosshair=viewport.crosshair,
            corners=self._corners(transform, density),
            opinion=layers_of(self._room, viewport),
            show_orientation=density is not Density.NONE,
            show_scale=density is not Density.NONE,
            message="" if image is not None else self._message(),
        )

    def on_screen(self, placement: Placement, mouse: Mouse) -> View:
        """The view with what is provisional, which leaves the program in no picture."""
        view = self.view(placement, mouse)
        provisional = provisional_layers(self._room, self.viewport)
        return view if provisional is None else replace(view, opinion=together(view.opinion, provisional))

    def overlay(self, mouse: Mouse, doing: str = "") -> Overlay:
        """What is painted over the view while the reader works; `doing` says what goes on besides."""
        gesture, at = mouse.gesture, mouse.at
        cine = self._room.desk.cines[self._index]
        return Overlay(
            active_line=self.active_line,
            lines=() if gesture is None else gesture.lines,
            label="" if gesture is None or at is None else gesture.label,
            label_at=(0.0, 0.0) if at is None else (at.x, at.y),
            badge=f"▶  {cine.rate:.0f} images/s" if cine.playing else doing or self._provisional(),
        )

    def _provisional(self) -> str:
        """What is said of provisional outlines on the slice; nothing where there are none."""
        reading = self._room.opinion.reading(self.viewport.subject)
        if reading is None or provisional_layers(self._room, self.viewport) is None:
            return ""
        return f"Provisional  –  {reading_text(reading)}"

    def _with_draft(self, mouse: Mouse) -> tuple[Mark, ...]:
        draft = None if mouse.gesture is None else mouse.gesture.draft
        if draft is None:
            return self.marks()
        return (*(mark for mark in self.marks() if mark.mark_id != draft.mark_id), draft)

    def _corners(self, transform: ViewTransform, density: Density) -> CornerTexts:
        viewport = self.viewport
        shown = viewport.shown
        if shown is None:
            return CornerTexts()
        place = (shown.study, shown.series, shown.stack, viewport.index, viewport.image)
        reference = viewport.reference
        is_key = reference is not None and self._room.marks.key_image(reference) is not None
        notes = link_notes(self._room.desk, self._room.fusion, viewport)
        return corner_texts(*place, viewport.presentation, transform, density, key_image=is_key, notes=notes)

    def _message(self) -> str:
        viewport = self.viewport
        if viewport.stack is None:
            return "Drag a series here" if self._room.session.result is not None else ""
        cut = viewport.cut
        if cut is not None and cut.original(viewport.index) is None:
            return viewport.problem or "Planes are cut when the whole series is loaded …"
        count = len(viewport.stack.frames)
        of = f" {viewport.index + 1} of {count}" if count > 1 else ""
        return viewport.problem or f"Loading image{of} …"
