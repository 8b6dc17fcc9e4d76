"""Worker processes that read stacks side by side; one that crashes, hangs or runs out of memory takes none along.

Each is asked for one stack at a time over its own pipe, writes that stack's results into the stack's own folder
and says so.  It ends when its pipe does.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path

from radviewer.export.batch_worker import Errand, Reader, serve
from radviewer.export.own_files import OwnFolder
from radviewer.export.result_files import Options
from radviewer.progress import Progress

_STEP = 0.1  # seconds between looks at cancellation
_PATIENCE = 600.0  # seconds without a sign of life
_LOST = "The process that read it crashed. Read this study alone; the others are not affected."


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

    `patience` is how many seconds one may be silent: its models and files still ask whether to stop while they work.

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
    resource_tracker.ensure_running()  # now: its start in a lane would let Ctrl+C through again
    threads = max(1, (os.cpu_count() or 1) // workers)
    lanes = [_Lane((reader, models, options, threads), waiting, failed, done, stop, patience) for _ in range(workers)]
    for lane in lanes:
        lane.start()
    seen: set[int] = set()
    try:
        _watch(lanes, done, seen, len(errands), progress)
    finally:
        stop.set()
        for lane in lanes:
            lane.join()
    answered = {done.get() for _ in range(done.qsize())} | seen
    return {e.number: failed.get(e.number, _LOST) for e in errands if e.number in failed or e.number not in answered}


def _watch(
    lanes: Sequence[_Lane], done: queue.SimpleQueue[int], seen: set[int], total: int, progress: Progress
) -> None:
    """Report what is finished, and add it to `seen`, until nothing is left."""
    while any(lane.is_alive() for lane in lanes):
        progress.check()
        with suppress(queue.Empty):
            seen.add(done.get(timeout=_STEP))
            progress.report(len(seen), total, "Reading stacks")
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
        if sys.platform != "win32":  # a new process inherits this: Ctrl+C must not meet it while it starts
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while not self._halt.is_set():
                try:
                    errand = self._waiting.get_nowait()
                except queue.Empty:
                    return
                reason = self._sent(errand)
                if self._process is None:
                    OwnFolder.sweep(errand.folder)  # it was ended in the middle
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
        except (pickle.PickleError, TypeError, AttributeError):  # what cannot be sent, or answered nothing of ours
            self._end()
            return _LOST
        except (OSError, EOFError):
            process = self._process
            if process is not None:
                process.join(1.0)
            status = None if process is None else process.exitcode
            self._end()
            return _lost(status)

    def _answer(self, pipe: Connection) -> str:
        heard = time.monotonic()
        while True:
            if pipe.poll(_STEP):
                heard = time.monotonic()
                if (answer := pipe.recv()) is not None:  # None: it is alive
                    return str(answer)
            if self._halt.is_set():
                self._end()
                return "stopped"
            if time.monotonic() - heard > self._patience:
                self._end()
                return f"Reading it made no progress for {self._patience:g} s and was given up. Read this study alone."

    def _opened(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")  # threads are running here: a fork would copy their locks
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs, *self._setting), daemon=True)
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
    return _LOST
