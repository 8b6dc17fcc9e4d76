"""What one viewport shows: which image, from where, in which window."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from radviewer.app.history import Change, History
from radviewer.app.series_cache import SeriesCache
from radviewer.domain.geometry import ImagePlane
from radviewer.domain.measurement import ImageReference
from radviewer.domain.study import Series, Stack, Study
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Voi
from radviewer.render.presentation import ContrastStep, Interpolation, Presentation, StepKind
from radviewer.render.view import Camera


@dataclass(frozen=True)
class Shown:
    """A stack with the series and the study it belongs to."""

    study: Study
    series: Series
    stack: Stack


class Viewport(QObject):
    """State of one viewport.  The widget reads it and asks it; it never reads the widget."""

    stack_changed = Signal()  # another stack, or none
    image_changed = Signal()  # another slice, or the slice has arrived
    view_changed = Signal()  # camera or presentation
    pointer_changed = Signal()  # the cross-hair of a linked viewport

    def __init__(self, cache: SeriesCache, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._history = history
        self.shown: Shown | None = None
        self.index = 0
        self.camera = Camera()
        self.presentation = Presentation()
        self.crosshair: tuple[float, float] | None = None  # (row, column) a linked viewport points at
        self._preview: SliceImage | None = None
        self._kept: dict[str, tuple[int, Camera, Presentation]] = {}  # stack key → as the reader left it
        cache.slice_ready.connect(self._on_slice_ready)
        cache.loaded.connect(self._on_loaded)

    @property
    def stack(self) -> Stack | None:
        """The stack shown, or None."""
        return None if self.shown is None else self.shown.stack

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
        """The image shown, as marks name it."""
        return None if self.shown is None else reference_of(self.shown, self.index)

    @property
    def plane(self) -> ImagePlane | None:
        """Plane of the slice shown, known before it is decoded."""
        return None if self.shown is None else self.shown.stack.frames[self.index].plane

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
        self.shown = shown
        self._preview = preview
        kept_index, self.camera, self.presentation = self._kept.get(
            shown.stack.key, (shown.stack.first_shown, Camera(), Presentation())
        )
        self.index = self._clamped(kept_index if index is None else index)
        self.crosshair = None
        self.stack_changed.emit()
        if preview is None:
            self._cache.request(shown.stack, self.focus)
            self._cache.want(shown.stack, self.index)
        self.image_changed.emit()

    def clear(self) -> None:
        """Show nothing and forget how stacks were left."""
        self.shown = None
        self._preview = None
        self._kept.clear()
        self.index = 0
        self.camera, self.presentation = Camera(), Presentation()
        self.crosshair = None
        self.stack_changed.emit()
        self.image_changed.emit()

    def focus(self) -> int:
        """Slice the reader is looking at; asked by the loading thread."""
        return self.index

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
            self.image_changed.emit()

    def scroll(self, steps: int) -> None:
        """Move by some slices."""
        self.go_to(self.index + steps)

    def set_camera(self, camera: Camera) -> None:
        """Zoom, pan, rotate, flip."""
        if camera != self.camera:
            self.camera = camera
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
        """Fit, own window, no rotation, no inversion; contrast aids go as an undoable change."""
        self.set_steps((), "Remove contrast aids")
        self.camera = Camera()
        self.presentation = Presentation(
            fallback=self.presentation.fallback, interpolation=self.presentation.interpolation
        )
        self.view_changed.emit()

    def point_at(self, crosshair: tuple[float, float] | None) -> None:
        """Show where a linked viewport points, in this image's ``(row, column)``."""
        if crosshair != self.crosshair:
            self.crosshair = crosshair
            self.pointer_changed.emit()

    def _put_steps(self, key: str, steps: tuple[ContrastStep, ...]) -> None:
        if self.shown is not None and self.shown.stack.key == key:
            self._present(replace(self.presentation, steps=steps))
        elif key in self._kept:
            index, camera, presentation = self._kept[key]
            self._kept[key] = (index, camera, replace(presentation, steps=steps))

    def _present(self, presentation: Presentation) -> None:
        if presentation != self.presentation:
            self.presentation = presentation
            self.view_changed.emit()

    def _keep(self) -> None:
        if self.shown is not None and self._preview is None:
            self._kept[self.shown.stack.key] = (self.index, self.camera, self.presentation)

    def _clamped(self, index: int) -> int:
        count = 1 if self.shown is None else len(self.shown.stack.frames)
        return min(max(index, 0), count - 1)

    def _is_shown(self, key: str) -> bool:
        return self.shown is not None and self.shown.stack.key == key

    def _on_slice_ready(self, key: str, index: int) -> None:
        if self._is_shown(key) and index == self.index:
            self._preview = None
            self.image_changed.emit()

    def _on_loaded(self, key: str) -> None:
        if self._is_shown(key):
            self._preview = None
            self.image_changed.emit()


def reference_of(shown: Shown, index: int) -> ImageReference:
    """Return how marks name slice `index` of what is shown."""
    frame = shown.stack.frames[index]
    return ImageReference(shown.study.study_uid, shown.series.series_uid, frame.file.sop_instance_uid, frame.index)
