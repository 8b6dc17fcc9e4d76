"""The reader's marks of the open studies: in memory, undoable, kept on disk as they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from radviewer.app.history import Change, History
from radviewer.app.mark_store import MarkStore
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.errors import NotSaved

_RETRY_MS = 5_000
_NOUNS = {
    MarkKind.LENGTH: "length",
    MarkKind.ANGLE: "angle",
    MarkKind.COBB: "Cobb angle",
    MarkKind.RECTANGLE: "rectangle",
    MarkKind.ELLIPSE: "ellipse",
    MarkKind.FREEHAND: "freehand region",
    MarkKind.ARROW: "arrow",
    MarkKind.KEY_IMAGE: "key image",
}


def noun(kind: MarkKind) -> str:
    """What a kind of mark is called in a sentence."""
    return _NOUNS[kind]


class MarkBook(QObject):
    """Marks by image.  What cannot be written is held, told once, and tried again."""

    changed = Signal(object)  # ImageReference, or None when all may have changed
    selection_changed = Signal()
    not_saved = Signal(str)
    saved_again = Signal()

    def __init__(self, store: MarkStore, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._history = history
        self._marks: dict[str, Mark] = {}
        self._by_image: dict[ImageReference, dict[str, Mark]] = {}  # asked at every paint
        self._selected: str | None = None
        self._pending: dict[str, Callable[[], None]] = {}  # mark id → the write that is still owed
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_MS)
        self._retry.timeout.connect(self.flush)

    def open(self, study_uids: Iterable[str]) -> None:
        """Replace the marks in memory by those of these studies."""
        self.flush()
        self._marks.clear()
        self._by_image.clear()
        self.select(None)
        try:
            for uid in dict.fromkeys(study_uids):
                for mark in self._store.read(uid):
                    self._hold(mark)
        except NotSaved as error:
            self.not_saved.emit(str(error))
        self.changed.emit(None)

    @property
    def all(self) -> tuple[Mark, ...]:
        """All marks of the open studies, oldest first."""
        return tuple(self._marks.values())

    def on(self, image: ImageReference) -> tuple[Mark, ...]:
        """Marks drawn on an image, key image mark apart."""
        return tuple(m for m in self._by_image.get(image, {}).values() if m.kind is not MarkKind.KEY_IMAGE)

    def marked(self, image: ImageReference) -> bool:
        """Whether an image has any mark or is a key image."""
        return image in self._by_image

    def key_image(self, image: ImageReference) -> Mark | None:
        """Return the key image mark of an image, or None."""
        of_image = self._by_image.get(image, {}).values()
        return next((m for m in of_image if m.kind is MarkKind.KEY_IMAGE), None)

    @property
    def selected(self) -> Mark | None:
        """The selected mark, or None."""
        return None if self._selected is None else self._marks.get(self._selected)

    def select(self, mark_id: str | None) -> None:
        """Select one mark, or none."""
        if mark_id != self._selected:
            self._selected = mark_id
            self.selection_changed.emit()

    def add(self, mark: Mark) -> None:
        """Add a mark (undoable)."""
        self._do(f"Add {noun(mark.kind)}", None, mark)

    def replace(self, mark: Mark) -> None:
        """Move or change the mark with the same id (undoable)."""
        before = self._marks[mark.mark_id]
        if before != mark:
            self._do(f"Change {noun(mark.kind)}", before, mark)

    def remove(self, mark_id: str) -> None:
        """Remove a mark (undoable)."""
        before = self._marks[mark_id]
        self._do(f"Delete {noun(before.kind)}", before, None)

    def rename(self, mark_id: str, text: str) -> None:
        """Change a mark's text (undoable)."""
        self.replace(replace(self._marks[mark_id], text=text))

    def toggle_key_image(self, image: ImageReference) -> None:
        """Make an image a key image, or no longer (undoable)."""
        mark = self.key_image(image)
        if mark is None:
            self.add(Mark(MarkKind.KEY_IMAGE, image))
        else:
            self.remove(mark.mark_id)

    def flush(self) -> None:
        """Try again to write what is owed."""
        owed = bool(self._pending)
        for mark_id, write in list(self._pending.items()):
            try:
                write()
            except NotSaved:
                break
            del self._pending[mark_id]
        if not self._pending:
            self._retry.stop()
            if owed:
                self.saved_again.emit()

    def close(self) -> None:
        """Write what is owed, as far as possible, and let the file go."""
        self.flush()
        self._retry.stop()
        self._store.close()

    @property
    def owed(self) -> int:
        """How many marks are not on disk yet."""
        return len(self._pending)

    def _do(self, text: str, before: Mark | None, after: Mark | None) -> None:
        self._history.do(Change(text, partial(self._put, before, after), partial(self._put, after, before)))

    def _put(self, before: Mark | None, after: Mark | None) -> None:
        mark = after or before
        if mark is None:
            return
        if after is None:
            self._release(mark.mark_id)
            if self._selected == mark.mark_id:
                self.select(None)
            self._save(mark.mark_id, partial(self._store.remove, mark.mark_id))
        else:
            self._hold(after)
            self._save(mark.mark_id, partial(self._store.write, after))
        self.changed.emit(mark.image)

    def _hold(self, mark: Mark) -> None:
        self._marks[mark.mark_id] = mark
        self._by_image.setdefault(mark.image, {})[mark.mark_id] = mark

    def _release(self, mark_id: str) -> None:
        mark = self._marks.pop(mark_id)
        of_image = self._by_image[mark.image]
        del of_image[mark_id]
        if not of_image:
            del self._by_image[mark.image]

    def _save(self, mark_id: str, write: Callable[[], None]) -> None:
        told = bool(self._pending)
        self._pending[mark_id] = write
        try:
            write()
        except NotSaved as error:
            self._retry.start()
            if not told:
                self.not_saved.emit(str(error))
        else:
            del self._pending[mark_id]
            if told:
                self.flush()
