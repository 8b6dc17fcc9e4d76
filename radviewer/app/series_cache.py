"""Decoded stacks: loaded outward from where the reader is, kept within a memory budget."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress

LOAD_PRIORITY = 20


def physical_memory() -> int:
    """Memory of the computer, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class CachedStack:
    """What is decoded of one stack so far; the loading thread fills `slices`."""

    def __init__(self, stack: Stack, focus: Callable[[], int]) -> None:
        self.stack = stack
        self.focus = focus
        self.slices: list[SliceImage | None] = [None] * len(stack.frames)
        self.problems: dict[int, str] = {}
        self.volume: Volume | None = None
        self.failure: str | None = None  # why the stack as a whole cannot be held
        self.done = 0
        self.job: Job | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the pixels, as far as it is known."""
        if self.volume is not None:
            return self.volume.stored.nbytes
        first = next((s for s in self.slices if s is not None), None)
        return 0 if first is None else first.stored.nbytes * len(self.slices)


class SeriesCache(QObject):
    """Loads stacks in the background and serves their slices without ever waiting."""

    slice_ready = Signal(str, int)  # stack key, index
    progressed = Signal(str, int, int)  # stack key, slices done, slices in all
    loaded = Signal(str)
    failed = Signal(str, str)  # stack key, sentence
    _slice = Signal(str, int)  # from the loading thread

    def __init__(self, queue: JobQueue, budget: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.budget = budget  # bytes of pixels
        self._queue = queue
        self._stacks: OrderedDict[str, CachedStack] = OrderedDict()
        self._pinned: set[str] = set()
        self._slice.connect(self._on_slice, Qt.ConnectionType.QueuedConnection)

    def slice(self, stack: Stack, index: int) -> SliceImage | None:
        """Return the decoded slice, or None while it is not there."""
        cached = self._stacks.get(stack.key)
        return None if cached is None else cached.slices[index]

    def problem(self, stack: Stack, index: int) -> str | None:
        """Why a slice cannot be shown, or None."""
        cached = self._stacks.get(stack.key)
        return None if cached is None else cached.problems.get(index)

    def volume(self, stack: Stack) -> Volume | None:
        """Return the loaded volume, or None while it is not complete."""
        cached = self._stacks.get(stack.key)
        return None if cached is None else cached.volume

    def pin(self, keys: set[str]) -> None:
        """Name the stacks that are on screen: they are never dropped; loads of others stop."""
        self._pinned = set(keys)
        for key, cached in list(self._stacks.items()):
            if key not in keys and cached.job is not None:
                self._drop(key)

    def request(self, stack: Stack, focus: Callable[[], int]) -> None:
        """Load `stack`, nearest to ``focus()`` first, unless it is loaded or loading.

        The newest request goes first: what the reader just opened is what is wanted.
        """
        cached = self._stacks.get(stack.key)
        if cached is not None:
            self._stacks.move_to_end(stack.key)
            return
        cached = CachedStack(stack, focus)
        self._stacks[stack.key] = cached
        self._submit(cached)

    def close(self) -> None:
        """Drop everything."""
        for key in list(self._stacks):
            self._drop(key)

    def _submit(self, cached: CachedStack) -> None:
        stack, key, budget = cached.stack, cached.stack.key, self.budget

        def on_slice(index: int, image: SliceImage) -> None:
            cached.slices[index] = image
            self._slice.emit(key, index)

        def work(progress: Progress) -> Volume:
            from radviewer.dicom.load import load

            return load(stack, progress, focus=cached.focus, on_slice=on_slice, memory_limit=budget)

        cached.job = self._queue.submit(work, "loading a series", LOAD_PRIORITY)
        cached.job.succeeded.connect(lambda volume: self._on_loaded(cached, volume))
        cached.job.failed.connect(lambda message: self._on_failed(cached, message))

    def want(self, stack: Stack, index: int) -> None:
        """Decode one slice of a stack that cannot be held as a whole; it replaces the one before."""
        cached = self._stacks.get(stack.key)
        if cached is None or cached.failure is None:
            return  # loaded, or on its way
        if cached.slices[index] is not None or index in cached.problems:
            return
        if cached.job is not None:
            cached.job.cancel()

        def work(progress: Progress) -> SliceImage:
            from radviewer.dicom.load import read_slice

            progress.check()
            return read_slice(stack, index)

        cached.job = self._queue.submit(work, "reading an image", LOAD_PRIORITY + 1)
        cached.job.succeeded.connect(lambda image: self._on_single(cached, index, image))
        cached.job.failed.connect(lambda message: self._on_single_failed(cached, index, message))

    def _drop(self, key: str) -> None:
        cached = self._stacks.pop(key)
        if cached.job is not None:
            cached.job.cancel()

    def _trim(self) -> None:
        held = sum(cached.nbytes for cached in self._stacks.values())
        for key in [k for k in self._stacks if k not in self._pinned]:
            if held <= self.budget:
                return
            held -= self._stacks[key].nbytes
            self._drop(key)

    def _on_slice(self, key: str, index: int) -> None:
        cached = self._stacks.get(key)
        if cached is not None:
            cached.done += 1
            self.slice_ready.emit(key, index)
            self.progressed.emit(key, cached.done, len(cached.slices))

    def _on_loaded(self, cached: CachedStack, volume: Volume) -> None:
        key = cached.stack.key
        cached.job = None
        cached.volume = volume
        cached.slices = list(volume.slices)
        cached.problems = dict(volume.problems)
        self._trim()
        self.progressed.emit(key, len(cached.slices), len(cached.slices))
        self.loaded.emit(key)

    def _on_failed(self, cached: CachedStack, message: str) -> None:
        cached.job = None
        cached.failure = message
        self.failed.emit(cached.stack.key, message)
        self.want(cached.stack, cached.focus())

    def _on_single(self, cached: CachedStack, index: int, image: SliceImage) -> None:
        cached.job = None
        cached.slices = [None] * len(cached.slices)
        cached.slices[index] = image
        self.slice_ready.emit(cached.stack.key, index)

    def _on_single_failed(self, cached: CachedStack, index: int, message: str) -> None:
        cached.job = None
        cached.problems[index] = message
        self.slice_ready.emit(cached.stack.key, index)
