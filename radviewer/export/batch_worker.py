"""The process that reads stacks for `radviewer.export.lanes`: one at a time, as long as somebody asks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2

from radviewer.ai.context import Context
from radviewer.domain.study import Stack
from radviewer.export.batch import attempted
from radviewer.export.result_files import Options
from radviewer.progress import Progress

if sys.platform != "win32":
    import resource

_BEAT = 1.0  # seconds between signs of life


@dataclass(frozen=True, slots=True)
class Errand:
    """One stack to read into a folder of its own; `notes` are kept there with the results."""

    number: int
    folder: Path
    stack: Stack
    context: Context
    notes: dict[str, Any]


Reader = Callable[[Path, Options, Errand, Progress], None]
"""Reads with the models of a folder; named by module, so that a new process finds it."""


class _Beat(Progress):
    """Tells the other end now and then that work goes on; safe in any thread."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe, self._told, self._sending = pipe, time.monotonic(), threading.Lock()

    def check(self) -> None:
        super().check()
        with self._sending:
            if time.monotonic() - self._told > _BEAT:
                self._told = time.monotonic()
                self._pipe.send(None)


def serve(pipe: Connection, reader: Reader, models: Path, options: Options, threads: int) -> None:
    """Read what is asked for until the pipe ends, or the program that asks."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _behave(threads)
    with suppress(EOFError, OSError):
        while True:
            errand: Errand = pipe.recv()
            beat = _Beat(pipe)
            pipe.send(attempted(lambda: reader(models, options, errand, beat)))  # noqa: B023 -- called at once


def _end_with_parent() -> None:
    """End whatever is going on when the program that asked was killed: nobody waits for it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _behave(threads: int) -> None:
    """Leave Ctrl+C to the parent, write no core files, which would hold pixels, and share the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cv2.setNumThreads(threads)
    if sys.platform != "win32":
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
