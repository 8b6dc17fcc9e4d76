"""The networks live in a process of their own: this starts it, asks it, and ends it when it hangs.

Networks would take the GUI thread's turn, and a crash in one would take the window along.  Here it ends
that process, not the program; the next run starts another.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.ai.worker import BUNDLED, sentence
from radviewer.ai.worker_messages import Answer, Ask, Cancel, Failed, Report, Stopped
from radviewer.app.opinion_checks import checked
from radviewer.app.worker_process import Lost, WorkerProcess
from radviewer.domain.opinion import Opinion
from radviewer.domain.volume import Volume
from radviewer.errors import WorkerFailed
from radviewer.progress import Cancelled, Progress

if TYPE_CHECKING:
    from radviewer.ai.context import Context

_STEP = 0.05  # seconds between looks at cancellation


class ModelWorker:
    """A worker process, started when first needed and ended by `close`.

    Safe to share between threads: they take turns; `close` waits for nobody's turn.

    Parameters
    ----------
    models : Path
        Folder of the bundled models.
    patience : float
        Seconds without any sign of life after which a run is given up and the process ended.
    grace : float
        Seconds a cancelled run may take to stop before the process is ended.
    tasks : str
        ``module:function`` that makes what the process does (see `radviewer.ai.worker.Tasks`).

    """

    def __init__(self, models: Path, patience: float = 60.0, *, grace: float = 2.0, tasks: str = BUNDLED) -> None:
        self.models = models
        self._patience, self._grace, self._tasks = patience, grace, tasks
        self._process: WorkerProcess | None = None
        self._runs = itertools.count(1)
        self._turn = threading.RLock()
        self._starting = threading.Lock()
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        process = self._process
        return process is not None and process.alive

    def run(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None = None,
        override: bool = False,
    ) -> tuple[Opinion, ...]:
        """Opinions of all models that apply to `volume`, or only of `model`; blocks.

        What a model returned that cannot be shown is replaced by an opinion that failed.

        Raises
        ------
        Cancelled
            When `progress` was cancelled, or the worker closed.
        WorkerFailed
            When the process crashed, hung, or a model raised.

        """
        asked = Ask.about(next(self._runs), volume, context, model, override)
        return checked(self._answer(asked, progress).opinions, volume.stored.shape[:3])

    def start(self) -> None:
        """Start the process, which begins to load the models; whatever is wrong the next run says."""
        with self._turn, suppress(Cancelled, WorkerFailed):
            self._running()

    def close(self) -> None:
        """End the process, for good; a run in another thread raises `Cancelled`."""
        with self._starting:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        with self._turn:
            self._discard()

    def _answer(self, ask: Ask, progress: Progress) -> Answer:
        with self._turn:
            progress.check()
            process, settled = self._running(), False
            try:
                process.post(ask)
                reply = self._final(process, ask.run, progress)
                settled = True
            except MemoryError as error:
                raise WorkerFailed(sentence(error)) from error
            except Lost as lost:
                if self._closed or progress.cancelled:
                    raise Cancelled from None
                raise WorkerFailed(_died(lost.status)) from None
            finally:
                if not settled:
                    self._discard()
        if progress.cancelled or self._closed or isinstance(reply, Stopped):
            raise Cancelled
        if isinstance(reply, Failed):
            raise WorkerFailed(reply.sentence)
        return reply

    def _final(self, process: WorkerProcess, run: int, progress: Progress) -> Answer | Failed | Stopped:
        """Pass the reports of a run on and return its last message; of other runs, nothing."""
        heard, cancelled = time.monotonic(), None
        while True:
            reply = process.receive(_STEP)
            now = time.monotonic()
            if reply is not None and reply.run == run:
                if not isinstance(reply, Report):
                    return reply
                heard = now
                _pass_on(reply, progress)
            if progress.cancelled:
                if cancelled is None:
                    cancelled = now
                    process.post(Cancel(run))
                elif now - cancelled > self._grace:
                    raise Cancelled
            elif now - heard > self._patience:
                raise WorkerFailed(
                    f"The model has shown no sign of life for {self._patience:g} s and was stopped. "
                    "Reading can go on without it; run it again when the computer is less busy."
                )

    def _running(self) -> WorkerProcess:
        """Return the process, started anew when there is none."""
        if self._process is not None and not self._process.alive:
            self._discard()
        with self._starting:
            if self._closed:
                raise Cancelled
            if self._process is None:
                self._process = WorkerProcess(self.models, self._tasks)
            return self._process

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


def _pass_on(report: Report, progress: Progress) -> None:
    if report.done is not None:
        with suppress(Cancelled):  # seen at the next look
            progress.report(report.done, report.total, report.text)


def _died(status: int) -> str:
    """What the reader is told when the process ended by itself."""
    if status == -signal.SIGKILL:
        return (
            "The system ended the process that runs the models, most likely because memory ran out. "
            "Close other studies or programs and run it again."
        )
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"The model crashed ({how}). Reading can go on without it; run it again, or with another model."
