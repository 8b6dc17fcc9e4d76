"""The process that holds the networks: reads films for the window and may crash, hang or be ended.

`radviewer.app.model_worker` starts it as ``main(…)`` with one end of a pipe.  It loads the networks at
once, so that the first reading need not.  An `Ask` comes in, any number of `Report` and `Glimpsed` go out, then
exactly one `Answer`, `Failed` or `Stopped`, each with the run's number.  Models run in one thread while the main
thread listens for `Cancel`, and for the end of the pipe, which is the end of the process: it never
outlives the window.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from radviewer.ai.faults import sentence
from radviewer.ai.glimpses import GlimpseOutbox, PackedGlimpse
from radviewer.ai.worker_messages import Answer, Ask, Cancel, Failed, Glimpsed, Reply, Report, Stopped
from radviewer.domain.opinion import Opinion
from radviewer.domain.volume import Volume
from radviewer.progress import Cancelled, Progress

if TYPE_CHECKING:
    from radviewer.ai.context import Context
    from radviewer.ai.request import Show

BUNDLED = "radviewer.ai.worker:bundled"
"""Names the function that makes the bundled models' `Tasks`."""
_NICENESS = 10
_BEAT = 1.0  # seconds; a model that still checks for cancellation says so this often


class Tasks(Protocol):
    """What the process can do; each method may raise anything."""

    def warm_up(self, progress: Progress) -> None:
        """Load what will be needed."""

    def read(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None,
        override: bool,
        first: int,
        show: Show,
    ) -> tuple[Opinion, ...]:
        """As `radviewer.ai.reading.read`."""


class _Relay(Progress):
    """Progress of one run and the slices it has read, told to the parent; safe in any thread of a model."""

    def __init__(self, run: int, send: Callable[[Reply], None]) -> None:
        super().__init__(self._tell)
        self.run = run
        self._send = send
        self._told = time.monotonic()
        self.glimpses = GlimpseOutbox(self._glimpsed)

    def check(self) -> None:
        super().check()
        self.glimpses.send_due()
        if time.monotonic() - self._told > _BEAT:
            self._told = time.monotonic()
            self._send(Report(self.run))

    def _tell(self, done: int, total: int, text: str) -> None:
        self._told = time.monotonic()
        self._send(Report(self.run, done, total, text))

    def _glimpsed(self, together: tuple[PackedGlimpse, ...]) -> None:
        if not self.cancelled:
            self._send(Glimpsed(self.run, together))


class _Worker:
    """Listens in the thread that calls `listen`; models run in another."""

    def __init__(self, connection: Connection, models: Path, tasks: str) -> None:
        self._connection = connection
        self._models, self._named = models, tasks
        self._tasks: Tasks | None = None
        self._latest: _Relay | None = None
        self._sending = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="models")
        self._preparing = Progress()
        self._executor.submit(self._prepare, self._preparing)

    def listen(self) -> None:
        """Serve until the pipe ends."""
        while True:
            self._take(self._connection.recv())

    def _prepare(self, progress: Progress) -> None:
        """Load what will be needed until something is asked, which loads the rest while it runs.

        What goes wrong here goes wrong again then, and is said.
        """
        self._made().warm_up(progress)

    def _take(self, message: Ask | Cancel) -> None:
        if not isinstance(message, Cancel):
            self._preparing.cancel()
            self._latest = _Relay(message.run, self._send)
            future = self._executor.submit(self._work, message, self._latest)
            future.add_done_callback(partial(self._end, message.run))
            self._preparing = Progress()
            self._executor.submit(self._prepare, self._preparing)  # what is left of it, once the answer is out
        elif self._latest is not None and self._latest.run == message.run:
            self._latest.cancel()

    def _work(self, ask: Ask, relay: _Relay) -> None:
        relay.check()
        opinions = self._made().read(
            ask.whole(),
            ask.context,
            relay,
            model=ask.model,
            override=ask.override,
            first=ask.first,
            show=relay.glimpses.put,
        )
        relay.check()
        relay.glimpses.send_all()  # of several models' the next one may be long in coming
        self._send(Answer(ask.run, opinions))

    def _made(self) -> Tasks:
        """The tasks, made by the function that ``module:function`` names."""
        if self._tasks is None:
            module, _, function = self._named.partition(":")
            make: Callable[[Path], Tasks] = getattr(importlib.import_module(module), function)
            self._tasks = make(self._models)
        return self._tasks

    def _end(self, run: int, future: Future[None]) -> None:
        """Say why a run brought nothing; called in the working thread."""
        error = future.exception()
        if isinstance(error, Cancelled):
            self._send(Stopped(run))
        elif error is not None:
            self._send(Failed(run, sentence(error)))

    def _send(self, reply: Reply) -> None:
        message = pickle.dumps(reply, pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._connection.send_bytes(message)


class _Bundled:
    """The bundled models, loaded once."""

    def __init__(self, models: Path) -> None:
        from radviewer.ai.catalogue import Catalogue

        _leave_a_core()
        self._catalogue = Catalogue(models)

    def warm_up(self, progress: Progress) -> None:
        from radviewer.ai.reading import make_graphs, warm_up

        warm_up(self._catalogue, progress)
        make_graphs(progress)

    def read(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None,
        override: bool,
        first: int,
        show: Show,
    ) -> tuple[Opinion, ...]:
        from radviewer.ai.reading import cards_for, complete, read

        opinions = read(
            volume, context, self._catalogue, progress, model=model, override=override, first=first, show=show
        )
        return complete(opinions, cards_for(self._catalogue, context, model, override=override))


def bundled(models: Path) -> Tasks:
    """Tasks of the models under a folder."""
    return _Bundled(models)


def _leave_a_core() -> None:
    """Run networks on one core fewer than there are, in this thread: the window keeps one."""
    import torch

    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores - 1)))


def _behave() -> None:
    """Give way to the window, and leave Ctrl+C and core files, which would hold pixels, to others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch is imported: waiting threads leave the cores
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):  # a sandbox may forbid it: then paints are less smooth, nothing else
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def main(arguments: list[str]) -> None:
    """Serve on a pipe; `arguments` are its file descriptor, the models' folder and the name of the tasks."""
    descriptor, models, tasks = int(arguments[0]), Path(arguments[1]), arguments[2]
    _behave()
    os.set_inheritable(descriptor, False)  # a process that a model starts must not keep the pipe open
    try:
        _Worker(Connection(descriptor), models, tasks).listen()
    except (EOFError, OSError):
        os._exit(0)  # the window is gone: whatever a model is doing, nobody waits for it
    finally:
        os._exit(1)
