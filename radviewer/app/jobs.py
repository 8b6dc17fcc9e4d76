"""Slow work off the GUI thread: a queue of one thread.

Work is a plain function ``work(progress) -> value`` that captured its inputs.  Each
job delivers exactly one of `succeeded`, `failed` and `cancelled`, on the GUI thread;
after `Job.cancel` nothing else of it is ever delivered.  Work that has something to
show before its end is ``work(progress, tell) -> value``.
"""

from __future__ import annotations

import os
import sys
import threading
from bisect import insort
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from radviewer.app import crash
from radviewer.errors import RadviewerError
from radviewer.progress import Cancelled, Progress

Work = Callable[[Progress], Any]
TellingWork = Callable[[Progress, Callable[[object], None]], Any]

_NICER = 10


def _give_way() -> None:
    """Let the GUI thread go first: on a busy computer it would wait for a turn at every paint.

    Called in a working thread; on Linux a priority is a thread's own, and threads it starts inherit it.
    """
    if sys.platform == "linux":
        me = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it: then paints are less smooth, nothing else
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + _NICER)


class Job(QObject):
    """One piece of slow work, waiting, running or ended."""

    progressed = Signal(int, int, str)  # done, total (0 = unknown), text
    succeeded = Signal(object)
    failed = Signal(str)  # a sentence for the reader
    cancelled = Signal()
    told = Signal(object)  # before the end, by work that tells
    _reported = Signal(int, int, str)  # from the working thread
    _telling = Signal(object)  # from the working thread

    def __init__(self, work: TellingWork, doing: str, priority: int, parent: QObject) -> None:
        super().__init__(parent)
        self.doing = doing
        self.priority = priority
        self.ended = False
        self._work = work
        self._progress = Progress(self._reported.emit)
        self._reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)
        self._telling.connect(self._on_telling, Qt.ConnectionType.QueuedConnection)

    def cancel(self) -> None:
        """Stop; `cancelled` is emitted before this returns, unless the job has ended."""
        if not self.ended:
            self.ended = True
            self._progress.cancel()
            self.cancelled.emit()

    def run(self) -> object:
        """Do the work; called by the queue, in its thread."""
        self._progress.check()
        return self._work(self._progress, self._telling.emit)

    def deliver(self, future: Future[object]) -> None:
        """Emit the outcome; called by the queue, on the GUI thread."""
        if self.ended:
            return
        self.ended = True
        error = future.exception()
        if error is None:
            self.succeeded.emit(future.result())
        elif isinstance(error, Cancelled):
            self.cancelled.emit()
        elif isinstance(error, RadviewerError):
            self.failed.emit(str(error))
        else:
            self.failed.emit(crash.sentence(error, self.doing))

    def _on_reported(self, done: int, total: int, text: str) -> None:
        if not self.ended:
            self.progressed.emit(done, total, text)

    def _on_telling(self, part: object) -> None:
        if not self.ended:
            self.told.emit(part)


class JobQueue(QObject):
    """Runs one job at a time in a thread of its own, the highest priority first."""

    busy_changed = Signal(bool)
    _done = Signal(object, object)  # Job, Future; from the working thread

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name, initializer=_give_way)
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._future: Future[object] | None = None
        self._closed = False
        self._done.connect(self._on_done, Qt.ConnectionType.QueuedConnection)

    def submit(self, work: Work, doing: str, priority: int = 0) -> Job:
        """Queue `work`; `doing` completes "… while" in a sentence for the reader.

        Connect to the returned job's signals at once: none is emitted before the
        event loop runs again.  A closed queue returns a job that has ended.
        """
        return self.submit_telling(lambda progress, _tell: work(progress), doing, priority)

    def submit_telling(self, work: TellingWork, doing: str, priority: int = 0) -> Job:
        """Queue work that tells of parts of its result before it ends: `Job.told` brings them, in order."""
        job = Job(work, doing, priority, self)
        if self._closed:
            job.ended = True
            return job
        was_busy = self.busy
        insort(self._waiting, job, key=lambda waiting: -waiting.priority)  # equals: first come, first served
        self._start_next()
        if not was_busy:
            self.busy_changed.emit(True)
        return job

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._running is not None or bool(self._waiting)

    def cancel_all(self) -> None:
        """Cancel what runs and what waits."""
        for job in [*self._waiting, self._running]:
            if job is not None:
                job.cancel()

    def close(self, patience: float = 3.0) -> bool:
        """Cancel everything and wait for the thread to end.

        Returns
        -------
        bool
            False when the work did not heed the cancellation within `patience` seconds (a
            decoder that hangs): the thread is left behind, nothing of it is delivered.

        """
        self._closed = True
        self.cancel_all()
        self._waiting.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._future is None or self._future.cancelled():  # it had not begun
            return True
        if wait([self._future], timeout=patience).not_done:
            return False
        self._executor.shutdown(wait=True)
        return True

    def _start_next(self) -> None:
        while self._running is None and self._waiting:
            job = self._waiting.pop(0)
            if job.ended:
                job.deleteLater()
                continue
            self._running = job
            self._future = self._executor.submit(job.run)
            self._future.add_done_callback(partial(self._tell, job))

    def _tell(self, job: Job, future: Future[object]) -> None:
        """Bring the outcome to the GUI thread; called in the working thread."""
        if not self._closed:
            self._done.emit(job, future)

    def _on_done(self, job: Job, future: Future[object]) -> None:
        self._running = self._future = None
        job.deliver(future)
        job.deleteLater()
        self._start_next()
        if not self.busy:
            self.busy_changed.emit(False)
