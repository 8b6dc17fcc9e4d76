"""Stack → Volume: decodes outward from where the reader is (see `load`), or one slice alone."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from radviewer.dicom.guard import Guard
from radviewer.dicom.outward import Outward
from radviewer.dicom.pixels import ImageReader
from radviewer.dicom.stored import stored_shape, stored_type
from radviewer.domain.study import Frame, ImageFile, PixelFormat, Stack
from radviewer.domain.volume import Pixels, SliceImage, Volume
from radviewer.errors import TooLarge, UnreadableImage
from radviewer.progress import Progress

OnSlice = Callable[[int, SliceImage], None]

_THREADS = 4
_MOST_OPEN = 8
"""Files of several frames of which the fragment table and the like are kept at a time."""


def read_slice(stack: Stack, index: int) -> SliceImage:
    """Decode one slice of a stack, and nothing else of its file.

    Raises
    ------
    UnreadableImage
        When the slice cannot be decoded; the message names the file and the cause.
    TooLarge
        When it does not fit into memory.

    """
    frame = stack.frames[index]
    _check_memory(frame.file.format, 1, None, frame.file.location.name)
    with Guard() as guard:
        return ImageReader(frame.file, guard, threads=_workers()).read(frame)


def load(
    stack: Stack,
    progress: Progress | None = None,
    *,
    focus: Callable[[], int] | None = None,
    on_slice: OnSlice | None = None,
    memory_limit: int | None = None,
) -> Volume:
    """Decode a stack into one array.

    Parameters
    ----------
    stack : Stack
        As the scan found it; its order is the volume's order.
    progress : Progress, optional
        Told after every slice, from the working threads; asked before each.
    focus : callable, optional
        Index of the slice the reader looks at; asked again and again, from the working
        threads.  `Stack.first_shown` when not given.
    on_slice : callable, optional
        Called from a working thread with index and image as soon as a slice is ready; the
        stored values are a view into the final `Volume.stored`.
    memory_limit : int, optional
        Bytes the volume may take; three quarters of the free memory when not given.

    Returns
    -------
    Volume
        Slices that cannot be read are None, zero in `stored`, and explained in `problems`.

    Raises
    ------
    TooLarge
        Before anything is allocated.
    Cancelled

    """
    form, count = stack.format, len(stack.frames)
    _check_memory(form, count, memory_limit, stack.frames[0].file.location.name)
    stored = _allocate(stack)
    progress = progress or Progress()
    with Guard(lambda: progress.cancelled) as guard:
        work = _Work(stack, stored, progress, guard, Outward(count, focus or (lambda: stack.first_shown)), on_slice)
        work.run(min(_workers(), count))
    stored.setflags(write=False)
    return Volume(stored, tuple(work.slices), stack.geometry, dict(sorted(work.problems.items())))


def _allocate(stack: Stack) -> Pixels:
    """Zeros for the whole stack; the system hands out the pages when they are touched."""
    form = stack.format
    try:
        return np.zeros((len(stack.frames), *stored_shape(form)), stored_type(form))
    except MemoryError as error:
        raise TooLarge(f"{stack.frames[0].file.location.name} and its stack need more memory than there is.") from error


class _Work:
    """One load: its threads take slices until none is left, or until one of them fails."""

    def __init__(
        self,
        stack: Stack,
        stored: Pixels,
        progress: Progress,
        guard: Guard,
        order: Outward,
        on_slice: OnSlice | None,
    ) -> None:
        self.slices: list[SliceImage | None] = [None] * len(stack.frames)
        self.problems: dict[int, str] = {}
        self._stack = stack
        self._stored = stored
        self._progress = progress
        self._order = order
        self._on_slice = on_slice
        self._readers = _Readers(guard, _workers() if len(stack.frames) == 1 else 1, progress.check)
        self._lock = threading.Lock()
        self._done = 0
        self._failed = threading.Event()

    def run(self, threads: int) -> None:
        """Work in this thread and `threads` - 1 others; raise what any of them raised."""
        if threads == 1:
            self._take_all()
            return
        with ThreadPoolExecutor(threads - 1, "load") as pool:
            helpers = [pool.submit(self._take_all) for _ in range(threads - 1)]
            self._take_all()
        for helper in helpers:
            helper.result()

    def _take_all(self) -> None:
        complete = False
        try:
            while not self._failed.is_set() and (index := self._order.take()) is not None:
                self._progress.check()
                self._load_one(index)
            complete = True
        finally:
            if not complete:  # cancelled, or an error in a callback: the other threads stop too
                self._failed.set()

    def _load_one(self, index: int) -> None:
        frame = self._stack.frames[index]
        try:
            image = self._read(frame, self._stored[index])
        except (UnreadableImage, TooLarge) as error:
            self._stored[index] = 0  # a slice that failed half-way leaves nothing that looks like an image
            self.problems[index] = str(error)
        else:
            self.slices[index] = image
            if self._on_slice is not None:
                self._on_slice(index, image)
        with self._lock:
            self._done += 1
            done = self._done
        self._progress.report(done, len(self.slices))

    def _read(self, frame: Frame, out: Pixels) -> SliceImage:
        form = frame.file.format
        if stored_shape(form) != out.shape or stored_type(form) != out.dtype:
            raise UnreadableImage(f"{frame.file.location.name} does not have the size and depth of its stack.")
        return self._readers.of(frame.file).read(frame, out)


class _Readers:
    """Keeps the readers of the files of several frames that were used last."""

    def __init__(self, guard: Guard, threads: int, check: Callable[[], None]) -> None:
        self._new = partial(ImageReader, guard=guard, threads=threads, check=check)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, ImageReader] = OrderedDict()

    def of(self, file: ImageFile) -> ImageReader:
        """Reader of a file."""
        if file.number_of_frames == 1:
            return self._new(file)
        with self._lock:
            reader = self._kept.get(id(file))
            if reader is None or reader.file is not file:
                reader = self._kept[id(file)] = self._new(file)
            self._kept.move_to_end(id(file))
            while len(self._kept) > _MOST_OPEN:
                self._kept.popitem(last=False)
            return reader


def _workers() -> int:
    return max(1, min(_THREADS, os.cpu_count() or 1))


def _check_memory(form: PixelFormat, count: int, limit: int | None, name: str) -> None:
    needed = count * int(np.prod(stored_shape(form), dtype=object)) * stored_type(form).itemsize
    limit = _free_memory() * 3 // 4 if limit is None else limit
    if needed > limit:
        shape = f"{form.rows:,} × {form.columns:,} pixels" + (f" in {count:,} images" if count > 1 else "")
        raise TooLarge(
            f"{name} holds {shape}, which needs {_gigabytes(needed)} of memory; radviewer can use {_gigabytes(limit)}. "
            "Close other series or programs and try again."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def _free_memory() -> int:
    """Memory that can be had without swapping, in bytes."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
