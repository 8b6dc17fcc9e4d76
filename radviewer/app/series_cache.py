"""Decoded stacks: loaded outward from where the reader is, kept within a memory budget."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.app.reformats import Cutter
from radviewer.domain.reformat import Reformat
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress

LOAD_PRIORITY = 20
_SINGLES = 8  # slices held of a stack that is too large to be held as a whole
_STOPPED = "Loading was stopped. Images are read one by one as you come to them; open the series again to load it."


def physical_memory() -> int:
    """Memory of the computer, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def expected_bytes(stack: Stack) -> int:
    """Memory the pixels of a stack are going to take, as its header has it."""
    pixels = stack.format
    samples = 3 if pixels.samples_per_pixel > 1 or pixels.photometric_interpretation == "PALETTE COLOR" else 1
    return len(stack.frames) * pixels.rows * pixels.columns * samples * max(1, pixels.bits_allocated // 8)


class CachedStack:
    """What is decoded of one stack so far; the loading thread fills `slices`."""

    def __init__(self, stack: Stack, focus: Callable[[], int]) -> None:
        self.stack = stack
        self.focus = focus
        self.slices: list[SliceImage | None] = [None] * len(stack.frames)
        self.problems: dict[int, str] = {}
        self.volume: Volume | None = None
        self.failure: str | None = None  # why the stack as a whole is not held
        self.done = 0
        self.job: Job | None = None  # loads the whole
        self.singles: OrderedDict[int, Job | None] = OrderedDict()  # slices read one by one, latest last

    def look(self) -> int:
        """Slice the reader looks at; called by the loading thread."""
        return min(max(self.focus(), 0), len(self.slices) - 1)

    @property
    def nbytes(self) -> int:
        """Memory of the pixels, once all are there."""
        if self.volume is not None:
            return self.volume.stored.nbytes
        if self.job is not None:
            return expected_bytes(self.stack)
        return sum(s.stored.nbytes for s in self.slices if s is not None)

    def cancel(self) -> None:
        """Stop everything that is on its way."""
        for job in [self.job, *self.singles.values()]:
            if job is not None:
                job.cancel()
        self.job = None


class SeriesCache(QObject):
    """Loads stacks in the background and serves their slices without ever waiting."""

    slice_ready = Signal(str, int)  # stack key, index
    progressed = Signal(str, int, int)  # stack key, slices done, slices in all
    loaded = Signal(str)
    failed = Signal(str, str)  # stack key, sentence
    dropped = Signal(str)  # stack key: nothing of it is held any more
    _slice = Signal(object, int)  # CachedStack, index; from the loading thread

    def __init__(self, queue: JobQueue, budget: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.budget = budget  # bytes of pixels
        self._queue = queue
        self._stacks: OrderedDict[str, CachedStack] = OrderedDict()
        self._pinned: set[str] = set()
        self.cutter = Cutter(self.volume)
        self._slice.connect(self._on_slice, Qt.ConnectionType.QueuedConnection)

    def slice(self, stack: Stack, index: int) -> SliceImage | None:
        """Return the decoded slice, or the plane cut out of the loaded volume; None while it is not there."""
        if isinstance(stack, Reformat):
            own = stack.original(index)
            return self.cutter.slice(stack, index) if own is None else self.slice(stack.of, own)
        cached = self._stacks.get(stack.key)
        return None if cached is None else cached.slices[index]

    def holds(self, stack: Stack, index: int) -> bool:
        """Whether a slice can be shown at once; a plane can when its volume is loaded, or it is a slice that is."""
        own = stack.original(index) if isinstance(stack, Reformat) else index
        return self.volume(stack) is not None or (own is not None and self.slice(stack.source, own) is not None)

    def problem(self, stack: Stack, index: int) -> str | None:
        """Why a slice cannot be shown, or None."""
        cached = self._stacks.get(stack.source.key)
        if isinstance(stack, Reformat):
            own = stack.original(index)
            if own is not None:
                return self.problem(stack.of, own)
            return None if cached is None else cached.failure  # planes need the whole volume
        return None if cached is None else cached.problems.get(index)

    def volume(self, stack: Stack) -> Volume | None:
        """Return the loaded volume, or None while it is not complete."""
        cached = self._stacks.get(stack.source.key)
        return None if cached is None else cached.volume

    @property
    def loading(self) -> tuple[Stack, ...]:
        """Stacks that are being loaded, or wait for it."""
        return tuple(cached.stack for cached in self._stacks.values() if cached.job is not None)

    def pin(self, keys: set[str]) -> None:
        """Name the stacks that are on screen: they are never dropped; loads of others stop."""
        self._pinned = set(keys)
        for key, cached in list(self._stacks.items()):
            if key not in keys and cached.job is not None:
                self._drop(key)

    def request(self, stack: Stack, focus: Callable[[], int]) -> None:
        """Load `stack`, nearest to ``focus()`` first, unless it is loaded or loading.

        A stack whose loading failed or was stopped is tried again.  For planes their source is loaded.
        """
        if isinstance(stack, Reformat):
            planes, look, stack = stack, focus, stack.of

            def focus() -> int:  # asked by the loading thread
                own = planes.original(look())
                return stack.first_shown if own is None else own

        cached = self._stacks.setdefault(stack.key, CachedStack(stack, focus))
        self._stacks.move_to_end(stack.key)
        cached.focus = focus
        if cached.volume is None and cached.job is None:
            cached.failure = None
            self._submit(cached)

    def stop_loading(self) -> None:
        """Stop all loads; what is decoded stays, the rest is read one by one when it is wanted."""
        for cached in self._stacks.values():
            if cached.job is not None:
                cached.job.cancel()
                cached.job = None
                self._on_failed(cached, _STOPPED)

    def close(self) -> None:
        """Drop everything."""
        for key in list(self._stacks):
            self._drop(key)

    def set_budget(self, budget: int) -> None:
        """Hold no more than `budget` bytes of pixels that are not on screen."""
        self.budget = budget
        self._trim()

    def want(self, stack: Stack, index: int) -> None:
        """Decode one slice of a stack that is not held as a whole; the latest few are kept."""
        if isinstance(stack, Reformat):
            own = stack.original(index)
            if own is not None:
                self.want(stack.of, own)
            return
        cached = self._stacks.get(stack.key)
        if cached is None or cached.failure is None:
            return  # loaded, or on its way
        if cached.slices[index] is not None or index in cached.problems or index in cached.singles:
            return

        def work(progress: Progress) -> SliceImage:
            from radviewer.dicom.load import read_slice

            progress.check()
            return read_slice(stack, index)

        job = self._queue.submit(work, "reading an image", LOAD_PRIORITY + 1)
        cached.singles[index] = job
        job.succeeded.connect(lambda image: self._on_single(cached, index, image))
        job.failed.connect(lambda message: self._on_single_failed(cached, index, message))
        while len(cached.singles) > _SINGLES:
            old, late = cached.singles.popitem(last=False)
            if late is not None:
                late.cancel()
            cached.slices[old] = None

    def _submit(self, cached: CachedStack) -> None:
        stack = cached.stack
        self._trim(expected_bytes(stack), stack.key)
        others = sum(c.nbytes for k, c in self._stacks.items() if k in self._pinned and c is not cached)
        limit = max(0, self.budget - others)

        def on_slice(index: int, image: SliceImage) -> None:
            cached.slices[index] = image
            self._slice.emit(cached, index)

        def work(progress: Progress) -> Volume:
            from radviewer.dicom.load import load

            return load(stack, progress, focus=cached.look, on_slice=on_slice, memory_limit=limit)

        cached.done = 0
        cached.job = self._queue.submit(work, "loading a series", LOAD_PRIORITY)
        cached.job.succeeded.connect(lambda volume: self._on_loaded(cached, volume))
        cached.job.failed.connect(lambda message: self._on_failed(cached, message))

    def _drop(self, key: str) -> None:
        self._stacks.pop(key).cancel()
        self.cutter.forget(key)
        self.dropped.emit(key)

    def _trim(self, coming: int = 0, wanted: str = "") -> None:
        """Drop what was shown longest ago until `coming` bytes more, for the stack `wanted`, fit into the budget."""
        held = coming + sum(cached.nbytes for cached in self._stacks.values())
        for key in [k for k in self._stacks if k not in self._pinned and k != wanted]:
            if held <= self.budget:
                return
            if self._stacks[key].job is None:
                held -= self._stacks[key].nbytes
                self._drop(key)

    def _holds(self, cached: CachedStack) -> bool:
        return self._stacks.get(cached.stack.key) is cached

    def _on_slice(self, cached: CachedStack, index: int) -> None:
        if self._holds(cached) and cached.job is not None:
            cached.done += 1
            self.slice_ready.emit(cached.stack.key, index)
            self.progressed.emit(cached.stack.key, cached.done, len(cached.slices))

    def _on_loaded(self, cached: CachedStack, volume: Volume) -> None:
        key = cached.stack.key
        cached.job = None
        cached.volume = volume
        cached.slices = list(volume.slices)
        cached.problems = dict(volume.problems)
        cached.singles.clear()
        self._trim()
        self.progressed.emit(key, len(cached.slices), len(cached.slices))
        self.loaded.emit(key)

    def _on_failed(self, cached: CachedStack, message: str) -> None:
        cached.job = None
        cached.failure = message
        self.failed.emit(cached.stack.key, message)
        self.want(cached.stack, cached.look())

    def _on_single(self, cached: CachedStack, index: int, image: SliceImage) -> None:
        if index in cached.singles:
            cached.singles[index] = None
            cached.slices[index] = image
            self.slice_ready.emit(cached.stack.key, index)

    def _on_single_failed(self, cached: CachedStack, index: int, message: str) -> None:
        cached.singles.pop(index, None)
        cached.problems[index] = message
        self.slice_ready.emit(cached.stack.key, index)
