"""Worker processes that read stacks side by side; one that crashes, hangs or runs out of memory takes none along.

Each is asked for one stack at a time over its own pipe, writes that stack's results into the stack's own folder
and says so.  It ends when its pipe does.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from radviewer.ai.context import Context
from radviewer.domain.study import Stack
from radviewer.export.result_files import Options
from radviewer.progress import Cancelled, Progress

_STEP = 0.1  # seconds between looks at cancellation
_PATIENCE = 900.0  # seconds for one stack


@dataclass(frozen=True, slots=True)
class Errand:
    """One stack to read into a folder of its own; `notes` are kept there with the results."""

    number: int
    folder: Path
    stack: Stack
    context: Context
    notes: dict[str, Any]


Reader = Callable[[Path, Options, Errand], None]
"""Reads with the models of a folder; named by module, so that a new process finds it."""


def read_side_by_side(
    errands: Sequence[Errand],
    reader: Reader,
    models: Path,
    options: Options,
    workers: int,
    progress: Progress,
    patience: float = _PATIENCE,
) -> dict[int, str]:
    """Run errands in `workers` processes.

    Returns
    -------
    dict
        By number of the errand, a sentence why it brought nothing.

    Raises
    ------
    Cancelled
        All processes have ended; what they finished stays.

    """
    waiting: queue.SimpleQueue[Errand] = queue.SimpleQueue()
    for errand in errands:
        waiting.put(errand)
    failed: dict[int, str] = {}
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    stop = threading.Event()
    threads = max(1, (os.cpu_count() or 1) // workers)
    lanes = [_Lane((reader, models, options, threads), waiting, failed, done, stop, patience) for _ in range(workers)]
    for lane in lanes:
        lane.start()
    try:
        _watch(lanes, done, len(errands), progress)
    finally:
        stop.set()
        for lane in lanes:
            lane.join()
    return failed


def _watch(lanes: Sequence[_Lane], done: queue.SimpleQueue[int], total: int, progress: Progress) -> None:
    """Report what is finished until nothing is left."""
    finished = 0
    while any(lane.is_alive() for lane in lanes):
        progress.check()
        with suppress(queue.Empty):
            done.get(timeout=_STEP)
            finished += 1
            progress.report(finished, total, "Reading stacks")
    progress.check()


class _Lane(threading.Thread):
    """Feeds one process; starts another when it is lost."""

    def __init__(
        self,
        setting: tuple[Reader, Path, Options, int],
        waiting: queue.SimpleQueue[Errand],
        failed: dict[int, str],
        done: queue.SimpleQueue[int],
        stop: threading.Event,
        patience: float,
    ) -> None:
        super().__init__(name="reading lane")
        self._setting, self._waiting, self._failed = setting, waiting, failed
        self._done, self._halt, self._patience = done, stop, patience
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self) -> None:
        """Take errands until there are none, or it should stop."""
        try:
            while not self._halt.is_set():
                try:
                    errand = self._waiting.get_nowait()
                except queue.Empty:
                    return
                reason = self._sent(errand)
                if self._halt.is_set():
                    return
                if reason:
                    self._failed[errand.number] = reason
                self._done.put(errand.number)
        finally:
            self._end()

    def _sent(self, errand: Errand) -> str:
        """Why an errand brought nothing, or ""."""
        try:
            pipe = self._opened()
            pipe.send(errand)
            return self._answer(pipe)
        except (OSError, EOFError):
            process = self._process
            if process is not None:
                process.join(1.0)
            status = None if process is None else process.exitcode
            self._end()
            return _lost(status)

    def _answer(self, pipe: Connection) -> str:
        began = time.monotonic()
        while not pipe.poll(_STEP):
            if self._halt.is_set():
                self._end()
                return "stopped"
            if time.monotonic() - began > self._patience:
                self._end()
                return f"Reading it took more than {self._patience:g} s and was given up. Read this study alone."
        return str(pipe.recv())

    def _opened(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")  # threads are running here: a fork would copy their locks
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, *self._setting), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _end(self) -> None:
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()


def _lost(status: int | None) -> str:
    if status == -signal.SIGKILL:
        return "The system ended the process that read it, most likely because memory ran out. Read this study alone."
    return "The process that read it crashed. Read this study alone; the others are not affected."


def _serve(pipe: Connection, reader: Reader, models: Path, options: Options, threads: int) -> None:
    """Read what is asked for until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if sys.platform == "linux":
        os.environ["OMP_NUM_THREADS"] = str(threads)
    with suppress(EOFError, OSError):
        while True:
            errand: Errand = pipe.recv()
            try:
                reader(models, options, errand)
                pipe.send("")
            except Cancelled:
                return
            except MemoryError:
                pipe.send("There is not enough memory to read it; close other programs.")
            except Exception as error:  # noqa: BLE001 -- one bad study never stops the rest
                pipe.send(_sentence(error))


def _sentence(error: Exception) -> str:
    from radviewer.errors import RadviewerError

    if isinstance(error, RadviewerError):
        return str(error)
    return f"An internal fault ({type(error).__name__}) stopped reading it; the others are not affected."
