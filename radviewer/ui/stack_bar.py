"""The slice bar of one viewport, kept up to date by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import reference_of
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import ImageReference
from radviewer.domain.reformat import Reformat
from radviewer.ui.slice_bar import SliceBar


class StackBar(SliceBar):
    """Shows where a viewport is in its stack, what is loaded of it, and where marks are; seen for stacks only."""

    def __init__(self, parent: QWidget, room: ReadingRoom, viewport: Viewport) -> None:
        super().__init__(parent)
        self._room = room
        self._viewport = viewport
        viewport.stack_changed.connect(self._on_stack)
        viewport.image_changed.connect(self._on_image)
        room.cache.slice_ready.connect(self._on_slice_ready)
        room.cache.loaded.connect(self._on_loaded)
        room.marks.changed.connect(self._on_marks)
        self.chosen.connect(viewport.go_to)
        self._on_stack()

    def _on_stack(self) -> None:
        stack, cache = self._viewport.stack, self._room.cache
        count = 0 if stack is None else len(stack.frames)
        self.setVisible(count > 1)
        self.show_stack(stack is not None and cache.holds(stack, i) for i in range(count))
        self._on_marks(None)
        self._on_image()

    def _on_image(self) -> None:
        self.show_index(self._viewport.index)

    def _on_slice_ready(self, key: str, index: int) -> None:
        stack = self._viewport.stack
        if stack is None or stack.source.key != key:
            return
        if isinstance(stack, Reformat):  # of planes that are slices only the volume says which
            if self._room.cache.volume(stack) is not None:
                self.set_ready(index)
        elif self._room.cache.holds(stack, index):
            self.set_ready(index)

    def _on_loaded(self, key: str) -> None:
        for index in range(self.count):
            self._on_slice_ready(key, index)

    def _on_marks(self, image: ImageReference | None) -> None:
        shown = self._viewport.shown
        if shown is None or self._viewport.reference is None:
            return
        if image is None or image.series_uid == shown.series.series_uid:
            marked = self._room.marks.marked
            self.show_marked(i for i in range(self.count) if marked(reference_of(shown, i)))
