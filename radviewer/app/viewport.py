"""What one viewport shows: which image, from where, in which window."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from radviewer.app.history import Change, History
from radviewer.app.plane_camera import carried, found_again
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Left, Shown, grid_of, reference_of, same_file
from radviewer.domain.geometry import ImagePlane, Vector
from radviewer.domain.measurement import ImageReference
from radviewer.domain.reformat import Reformat
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Voi
from radviewer.render.presentation import ContrastStep, Interpolation, Presentation, StepKind
from radviewer.render.view import Camera
from radviewer.render.windowing import automatic_window


class Viewport(QObject):
    """State of one viewport.  The widget reads it and asks it; it never reads the widget.

    Parameters
    ----------
    cache : SeriesCache
    history : History
    parent : QObject, optional
    left : dict, optional
        Stack key → how it was left; shared by the viewports of a desk, so that a stack
        keeps its window wherever it is shown next.

    """

    stack_changed = Signal()  # another stack, or none
    image_changed = Signal()  # another slice, or the slice has arrived
    opened = Signal(bool)  # a stack was opened; whether at an image that was asked for
    scrolled = Signal()  # the reader moved to another slice of the same stack
    view_changed = Signal()  # camera or presentation
    pointer_changed = Signal()  # the cross-hair of a linked viewport
    in_3d_changed = Signal()  # seen in 3D now, or as images again

    def __init__(
        self,
        cache: SeriesCache,
        history: History,
        parent: QObject | None = None,
        left: dict[str, Left] | None = None,
    ) -> None:
        super().__init__(parent)
        self._cache = cache
        self._history = history
        self.shown: Shown | None = None
        self.index = 0
        self.camera = Camera()
        self._home = Camera()  # what `reset` goes back to
        self.presentation = Presentation()
        self.crosshair: tuple[float, float] | None = None  # (row, column) a linked viewport points at
        self._preview: SliceImage | None = None
        self._provisional = False  # a scan still goes on: the stack is only the preview's
        self.in_3d = False  # the volume is seen from outside, in place of its images
        self._left: dict[str, Left] = {} if left is None else left
        cache.slice_ready.connect(self._on_slice_ready)
        cache.loaded.connect(self._on_loaded)
        cache.failed.connect(self._on_failed)

    @property
    def stack(self) -> Stack | None:
        """The stack shown, or None."""
        return None if self.shown is None else self.shown.stack

    @property
    def subject(self) -> Shown | None:
        """What is read: the stack shown, or the one that its planes are cut out of."""
        shown, cut = self.shown, self.cut
        return shown if shown is None or cut is None else Shown(shown.study, shown.series, cut.of)

    @property
    def cut(self) -> Reformat | None:
        """The planes shown, where they are cut out of a volume."""
        stack = self.stack
        return stack if isinstance(stack, Reformat) else None

    @property
    def image(self) -> SliceImage | None:
        """The decoded slice, or None while it is not there."""
        if self.shown is None:
            return None
        image = self._cache.slice(self.shown.stack, self.index)
        return image if image is not None else self._preview

    @property
    def problem(self) -> str | None:
        """Why the slice cannot be shown, or None."""
        return None if self.shown is None else self._cache.problem(self.shown.stack, self.index)

    @property
    def reference(self) -> ImageReference | None:
        """The image shown, as marks name it; None while it is only a scan's preview."""
        return None if self.shown is None or self._provisional else reference_of(self.shown, self.index)

    @property
    def plane(self) -> ImagePlane | None:
        """Plane of the slice shown, known before it is decoded."""
        return None if self.shown is None else self.shown.stack.frames[self.index].plane

    def left(self, stack: Stack) -> Left | None:
        """How the reader left a stack, in whichever viewport of the desk."""
        self._keep()
        return self._left.get(stack.key)

    def show(self, shown: Shown, index: int | None = None, preview: SliceImage | None = None) -> None:
        """Show a stack as the reader last left it, and load it.

        Parameters
        ----------
        shown : Shown
            The stack and where it belongs.
        index : int, optional
            0-based slice; the stack's first shown one, or where the reader left it.
        preview : SliceImage, optional
            The slice already decoded elsewhere (while a scan goes on): nothing is loaded.

        """
        self._keep()
        before, was_preview = self.shown, self._preview
        self.shown = shown
        first = Left(shown.stack.first_shown, Camera(), Presentation(interpolation=self.presentation.interpolation))
        left = self._how_left(shown.stack, first) if preview is None else first
        self.camera, self.presentation = left.camera, left.presentation
        self._home = Camera()
        self.index = self._clamped(left.index if index is None else index)
        self._provisional = preview is not None
        self._preview = preview
        if was_preview is not None and before is not None and same_file(before, 0, shown, self.index):
            self._preview = was_preview  # goes on being seen until the stack's own image is decoded
        self.crosshair = None
        self.set_in_3d(False)
        self._settle_window()
        self.stack_changed.emit()
        self.request()
        if not self._provisional:
            self.opened.emit(index is not None)
        self.image_changed.emit()

    def request(self) -> None:
        """Load what is shown, unless it is loaded or on its way."""
        shown = self.shown
        if shown is None or self._provisional:
            return

        def focus() -> int:  # asked by the loading thread
            return self.index if self.shown is shown else shown.stack.first_shown

        self._cache.request(shown.stack, focus)
        self._cache.want(shown.stack, self.index)

    def show_cut(self, cut: Reformat, index: int, about: Vector) -> None:
        """Show other planes through the volume that is shown, in the same window, as large, an LPS point in place."""
        shown, before = self.shown, self.cut
        if shown is None or cut.of is not shown.stack.source:
            raise ValueError("planes of another volume: show them as a stack")
        if before is not None:
            self.camera = carried(self.camera, before.planes.first, cut.planes.first, about)
        self.shown = replace(shown, stack=cut)
        self.index = self._clamped(index)
        self.crosshair = None
        self._settle_window()
        self._keep()
        self.image_changed.emit()

    def set_in_3d(self, in_3d: bool) -> None:
        """See the volume in 3D, or its images."""
        if in_3d != self.in_3d and (self.shown is not None or not in_3d):
            self.in_3d = in_3d
            self.in_3d_changed.emit()

    def clear(self) -> None:
        """Show nothing and forget how stacks were left."""
        self.shown = None
        self._left.clear()
        self.empty()

    def empty(self) -> None:
        """Show nothing."""
        self._keep()
        self.set_in_3d(False)
        self.shown = None
        self._preview = None
        self._provisional = False
        self.index = 0
        self.camera = Camera()
        self.presentation = Presentation(interpolation=self.presentation.interpolation)
        self.crosshair = None
        self.stack_changed.emit()
        self.image_changed.emit()

    def go_to(self, index: int) -> None:
        """Show slice `index` (0-based, clamped); paints what is decoded, never waits."""
        if self.shown is None:
            return
        index = self._clamped(index)
        if index != self.index:
            self.index = index
            self._preview = None
            self.crosshair = None
            self._cache.want(self.shown.stack, index)
            self._settle_window()
            self._keep()
            self.image_changed.emit()
            self.scrolled.emit()

    def scroll(self, steps: int) -> None:
        """Move by some slices."""
        self.go_to(self.index + steps)

    def hang(self, camera: Camera) -> None:
        """Look at the image as a hanging protocol asks; `reset` comes back to it."""
        self._home = camera
        self.set_camera(camera)

    def set_camera(self, camera: Camera) -> None:
        """Zoom, pan, rotate, flip."""
        if camera != self.camera:
            self.camera = camera
            self._keep()
            self.view_changed.emit()

    def set_voi(self, voi: Voi | None) -> None:
        """Choose a window for the whole stack; None is each image's own."""
        self._present(replace(self.presentation, voi=voi))

    def set_inverted(self, inverted: bool) -> None:
        """Invert grey values on top of the image's own polarity."""
        self._present(replace(self.presentation, inverted=inverted))

    def set_interpolation(self, interpolation: Interpolation) -> None:
        """Smooth or show pixels as squares."""
        self._present(replace(self.presentation, interpolation=interpolation))

    def set_show_overlays(self, show: bool) -> None:
        """Show or hide the file's own overlay planes."""
        self._present(replace(self.presentation, show_overlays=show))

    def set_steps(self, steps: tuple[ContrastStep, ...], text: str) -> None:
        """Change the contrast aids (undoable); `text` names the change."""
        before, shown = self.presentation.steps, self.shown
        if shown is None or steps == before:
            return
        key = shown.stack.key
        self._history.do(Change(text, lambda: self._put_steps(key, steps), lambda: self._put_steps(key, before)))

    def toggle_step(self, step: ContrastStep) -> None:
        """Add a contrast aid, or take the one of the same kind away (undoable)."""
        steps = self.presentation.steps
        rest = tuple(s for s in steps if s.kind is not step.kind)
        if len(rest) < len(steps):
            self.set_steps(rest, f"Remove {step.name}")
        else:
            self.set_steps((*steps, step), f"Add {step.name}")

    def has_step(self, kind: StepKind) -> bool:
        """Whether a contrast aid of this kind is in force."""
        return any(step.kind is kind for step in self.presentation.steps)

    def reset(self) -> None:
        """Fit, own window, as the image was hung, no inversion; contrast aids go as an undoable change."""
        self.set_steps((), "Remove contrast aids")
        self.camera = self._home
        self.presentation = Presentation(
            fallback=self.presentation.fallback,
            interpolation=self.presentation.interpolation,
            show_overlays=self.presentation.show_overlays,
        )
        self._keep()
        self.view_changed.emit()

    def point_at(self, crosshair: tuple[float, float] | None) -> None:
        """Show where a linked viewport points, in this image's ``(row, column)``."""
        if crosshair != self.crosshair:
            self.crosshair = crosshair
            self.pointer_changed.emit()

    def _put_steps(self, key: str, steps: tuple[ContrastStep, ...]) -> None:
        if self.shown is not None and self.shown.stack.key == key:
            self._present(replace(self.presentation, steps=steps))
        elif key in self._left:
            left = self._left[key]
            self._left[key] = replace(left, presentation=replace(left.presentation, steps=steps))

    def _present(self, presentation: Presentation) -> None:
        if presentation != self.presentation:
            self.presentation = presentation
            self._keep()
            self.view_changed.emit()

    def _settle_window(self) -> None:
        """Find the window of a stack without any, once, from the first image seen."""
        image = self.image
        if image is None or image.vois or image.is_colour or self.presentation.fallback is not None:
            return
        self.presentation = replace(self.presentation, fallback=automatic_window(image))
        self._keep()

    def _keep(self) -> None:
        if self.shown is not None and not self._provisional:
            grid = grid_of(self.shown.stack)
            self._left[self.shown.stack.key] = Left(self.index, self.camera, self.presentation, grid)

    def _how_left(self, stack: Stack, first: Left) -> Left:
        """How a stack was left; planes never shown before begin in the window of their source."""
        left = self._left.get(stack.key)
        if left is None and stack.source is not stack and (source := self._left.get(stack.source.key)) is not None:
            return replace(first, presentation=replace(source.presentation, steps=()))
        return first if left is None else replace(left, camera=found_again(left.camera, left.grid, grid_of(stack)))

    def _clamped(self, index: int) -> int:
        count = 1 if self.shown is None else len(self.shown.stack.frames)
        return min(max(index, 0), count - 1)

    def _on_slice_ready(self, key: str, index: int) -> None:
        shown = self.index if self.cut is None else self.cut.original(self.index)
        if index == shown:
            self._on_loaded(key)

    def _on_failed(self, key: str) -> None:
        if self.cut is not None:
            self._on_loaded(key)  # shows why

    def _on_loaded(self, key: str) -> None:
        if self.shown is not None and self.shown.stack.source.key == key and not self._provisional:
            self._preview = None
            self._settle_window()
            self.image_changed.emit()
