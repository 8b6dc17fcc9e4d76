"""What models said, on its way to disk and back: written once it is on the screen, at the latest at the end."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from PySide6.QtCore import QObject, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.app.opinion_runs import keep_opinions
from radviewer.app.opinion_store import OpinionStore
from radviewer.app.shown import Shown
from radviewer.domain.decision import stack_id
from radviewer.domain.opinion import Opinion
from radviewer.errors import NotSaved

_RESTORE, _KEEP = 20, 25  # priorities


class OpinionKeeping(QObject):
    """Writes and reads opinions in the AI's thread; those that are still owed when it closes, in the caller's."""

    notice = Signal(str)

    def __init__(self, queue: JobQueue, store: OpinionStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue, self._store = queue, store
        self._owed: dict[str, tuple[Shown, tuple[Opinion, ...]]] = {}  # by stack, until it is on disk

    def keep(self, shown: Shown, opinions: tuple[Opinion, ...]) -> None:
        """Write what was said to disk, once it is on the screen."""
        store, stack = self._store, shown.stack
        self._owed[stack.key] = (shown, opinions)
        job = self._queue.submit(
            lambda _progress: keep_opinions(store, stack, opinions), "keeping a second opinion", _KEEP
        )
        job.succeeded.connect(partial(self._on_kept, stack.key, opinions))
        job.failed.connect(self.notice)

    def load(self, shown: Shown) -> Job:
        """Read what was said of a stack in an earlier session."""
        store, stack = self._store, stack_id(shown.stack)
        return self._queue.submit(lambda _progress: store.load(stack), "reading an earlier second opinion", _RESTORE)

    def close(self) -> None:
        """Write what is owed, now."""
        for shown, opinions in self._owed.values():
            with suppress(NotSaved):  # nobody is left to tell; the models can be run again
                keep_opinions(self._store, shown.stack, opinions)

    def _on_kept(self, key: str, opinions: tuple[Opinion, ...], _nothing: object) -> None:
        if key in self._owed and self._owed[key][1] is opinions:
            del self._owed[key]
