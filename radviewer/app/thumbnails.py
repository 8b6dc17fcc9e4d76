"""Small pictures of stacks for the study browser, made in the background."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from PySide6.QtCore import QObject, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.app.series_cache import SeriesCache
from radviewer.domain.study import Stack
from radviewer.progress import Progress
from radviewer.render.thumbnail import Thumbnail, thumbnail

THUMBNAIL_PRIORITY = 10  # below loading: what the reader looks at comes first
_KEPT = 400


class Thumbnails(QObject):
    """Pictures by stack; the ones looked at longest ago are dropped."""

    ready = Signal(str)  # stack key

    def __init__(self, queue: JobQueue, cache: SeriesCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._cache = cache
        self._pictures: OrderedDict[str, Thumbnail] = OrderedDict()
        self._jobs: dict[str, Job] = {}
        self._wanted: dict[str, tuple[Stack, int]] = {}  # of each job: stack and size
        self._failed: set[str] = set()
        cache.slice_ready.connect(self._on_slice)

    def picture(self, stack: Stack, size: int) -> Thumbnail | None:
        """Return the picture, at most `size` device pixels wide and high; None while it is being made."""
        picture = self._pictures.get(stack.key)
        if picture is not None:
            self._pictures.move_to_end(stack.key)
        elif stack.key not in self._jobs and stack.key not in self._failed:
            self._request(stack, size)
        return picture

    def failed(self, stack: Stack) -> bool:
        """Whether the stack's image cannot be read."""
        return stack.key in self._failed

    def clear(self) -> None:
        """Forget everything; nothing of it is delivered any more."""
        for job in list(self._jobs.values()):
            job.cancel()
        self._jobs.clear()
        self._wanted.clear()
        self._pictures.clear()
        self._failed.clear()

    def _request(self, stack: Stack, size: int) -> None:
        decoded = self._cache.slice(stack, stack.first_shown)

        def work(progress: Progress) -> Thumbnail:
            from radviewer.dicom.load import read_slice

            progress.check()
            return thumbnail(decoded or read_slice(stack, stack.first_shown), size)

        self._wanted[stack.key] = (stack, size)
        job = self._queue.submit(work, "making a thumbnail", THUMBNAIL_PRIORITY)
        self._jobs[stack.key] = job
        job.succeeded.connect(partial(self._on_made, stack.key))
        job.failed.connect(partial(self._on_failed, stack.key))

    def _on_slice(self, key: str, index: int) -> None:
        """Take the slice of a series that is being loaded: its thumbnail need not wait for the end."""
        stack, size = self._wanted.get(key, (None, 0))
        image = None if stack is None or index != stack.first_shown else self._cache.slice(stack, index)
        if image is not None:
            self._jobs[key].cancel()
            self._on_made(key, thumbnail(image, size))

    def _on_made(self, key: str, picture: Thumbnail) -> None:
        del self._jobs[key], self._wanted[key]
        self._pictures[key] = picture
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        self.ready.emit(key)

    def _on_failed(self, key: str, _message: str) -> None:
        del self._jobs[key], self._wanted[key]
        self._failed.add(key)
        self.ready.emit(key)
