"""The networks live in a process of their own: this starts it, asks it, and ends it when it hangs.

Networks would take the GUI thread's turn, and a crash in one would take the window along.  Here it ends
that process, not the program; the next run starts another.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.ai.faults import sentence
from radviewer.ai.worker import BUNDLED
from radviewer.ai.worker_messages import Answer, Ask, Cancel, Failed, Glimpsed, Report, Stopped
from radviewer.app.glimpses import SliceGlimpse, accepted
from radviewer.app.opinion_checks import checked
from radviewer.app.worker_process import Lost, WorkerProcess
from radviewer.domain.opinion import Opinion
from radviewer.domain.volume import Volume
from radviewer.errors import WorkerFailed
from radviewer.progress import Cancelled, Progress

if TYPE_CHECKING:
    from radviewer.ai.context import Context

Show = Callable[[tuple[SliceGlimpse, ...]], None]
"""Called in the thread that waits for the models, about ten times a second at most."""

_STEP = 0.05  # seconds between looks at cancellation


def _ignore(_glimpses: tuple[SliceGlimpse, ...]) -> None:
    """Show to nobody."""


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
        first: int = 0,
        show: Show = _ignore,
    ) -> tuple[Opinion, ...]:
        """Opinions of all models that apply to `volume`, or only of `model`; blocks.

        Models that read slice by slice begin at the slice `first`, and `show` is told of each.  What a model
        returned that cannot be shown is replaced by an opinion that failed; such a glimpse is left out.

        Raises
        ------
        Cancelled
            When `progress` was cancelled, or the worker closed.
        WorkerFailed
            When the process crashed, hung, or a model raised.

        """
        asked, shape = Ask.about(next(self._runs), volume, context, model, override, first), volume.stored.shape[:3]
        answer = self._answer(asked, progress, lambda glimpsed: show(accepted(glimpsed.glimpses, shape)))
        return checked(answer.opinions, shape)

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

    def _answer(self, ask: Ask, progress: Progress, glimpsed: Callable[[Glimpsed], None]) -> Answer:
        with self._turn:
            progress.check()
            process, settled = self._running(), False
            try:
                process.post(ask)
                reply = self._final(process, ask.run, progress, glimpsed)
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

    def _final(
        self, process: WorkerProcess, run: int, progress: Progress, glimpsed: Callable[[Glimpsed], None]
    ) -> Answer | Failed | Stopped:
        """Pass on what a run says on its way and return its last message; of other runs, nothing."""
        heard, cancelled = time.monotonic(), None
        while True:
            reply = process.receive(_STEP)
            now = time.monotonic()
            if reply is not None and reply.run == run:
                if not isinstance(reply, Report | Glimpsed):
                    return reply
                heard = now
                _pass_on(reply, progress, glimpsed)
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


def _pass_on(reply: Report | Glimpsed, progress: Progress, glimpsed: Callable[[Glimpsed], None]) -> None:
    with suppress(Cancelled):  # seen at the next look
        progress.check()
        if isinstance(reply, Glimpsed):
            glimpsed(reply)
        elif reply.done is not None:
            progress.report(reply.done, reply.total, reply.text)


def _died(status: int) -> str:
    """What the reader is told when the process ended by itself."""
    if status == -signal.SIGKILL:
        return (
            "The system ended the process that runs the models, most likely because memory ran out. "
            "Close other studies or programs and run it again."
        )
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"The model crashed ({how}). Reading can go on without it; run it again, or with another model."
