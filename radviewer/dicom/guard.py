"""Decodes suspicious codestreams in a process that may die.

A codec can crash or run for minutes on bytes made to do so; here that ends one process, not
the program.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import radviewer
from radviewer.dicom.codecs import JpegColour
from radviewer.dicom.codestream import Codec
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.progress import Cancelled

TIME_LIMIT = 10.0
"""Seconds one image may take; start-up of the process included."""
_STEP = 0.1
_LONGEST_LINE = 1 << 16
_CRASHED = "crashed its decoder or need too much memory"


def _never() -> bool:
    return False


class Guard:
    """A worker process, started when first needed and ended by `close` or the ``with`` block.

    Safe to share between threads: they take turns.

    Parameters
    ----------
    cancelled : callable
        Asked every 0.1 s while waiting; True ends the process and raises `Cancelled`.

    """

    def __init__(self, cancelled: Callable[[], bool] = _never, time_limit: float = TIME_LIMIT) -> None:
        self._cancelled = cancelled
        self._time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def decode(self, codec: Codec, data: bytes, limit: int, colour: JpegColour = JpegColour.GREY) -> NDArray[Any]:
        """Decode `data` to at most `limit` bytes.

        Raises
        ------
        BadPixels
            When the codec refuses, crashes, hangs, or needs more memory than it may have.
        Cancelled

        """
        request = {"codec": codec.value, "colour": colour.value, "length": len(data), "limit": limit}
        with self._turn:
            try:
                answer = self._exchange(json.dumps(request).encode() + b"\n" + data, limit)
            except _Lost as lost:
                self.close()
                raise BadPixels(f"its {codec.value} data {lost}") from None
            except Cancelled:
                self.close()
                raise
        if isinstance(answer, str):
            raise BadPixels(answer)
        return answer

    def _exchange(self, request: bytes, limit: int) -> NDArray[Any] | str:
        """Send a request; return the decoded array, or why the codec refused."""
        deadline = time.monotonic() + self._time_limit
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        self._send(process.stdin.fileno(), request, deadline)
        received = bytearray()
        while b"\n" not in received:
            if len(received) > _LONGEST_LINE:
                raise _Lost(_CRASHED)
            received += self._receive(process.stdout.fileno(), _LONGEST_LINE, deadline)
        line, _, rest = bytes(received).partition(b"\n")
        head = _understood(line)
        if isinstance(head, str):
            return head
        kind, shape = head
        size = kind.itemsize * math.prod(shape)
        if size > limit:
            raise _Lost("decode to more than its header describes")
        body = bytearray(rest)
        while len(body) < size:
            body += self._receive(process.stdout.fileno(), size - len(body), deadline)
        return np.frombuffer(body[:size], kind).reshape(shape)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
        return self._process

    def _send(self, descriptor: int, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(descriptor, selectors.EVENT_WRITE, deadline)
            try:
                view = view[os.write(descriptor, view[: 1 << 16]) :]
            except BrokenPipeError:
                raise _Lost(_CRASHED) from None

    def _receive(self, descriptor: int, size: int, deadline: float) -> bytes:
        self._wait(descriptor, selectors.EVENT_READ, deadline)
        data = os.read(descriptor, min(size, 1 << 20))
        if not data:
            raise _Lost(_CRASHED)
        return data

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            while not selector.select(_STEP):
                if self._cancelled():
                    raise Cancelled
                if time.monotonic() > deadline:
                    raise _Lost(f"took longer than {self._time_limit:.0f} s to decode")


class _Lost(Exception):
    """The process is of no more use; the message ends a clause about the data."""


def _understood(line: bytes) -> tuple[np.dtype[Any], tuple[int, ...]] | str:
    """Type and shape of the array that follows, or why there is none; a broken process may say anything."""
    try:
        head = json.loads(line)
        if "error" in head:
            return str(head["error"])
        kind, shape = np.dtype(str(head["dtype"])), tuple(int(side) for side in head["shape"])
    except (ValueError, TypeError, KeyError):
        raise _Lost(_CRASHED) from None
    if kind.kind not in "iuf" or min(shape, default=0) < 1 or len(shape) > 3:
        raise _Lost(_CRASHED)
    return kind, shape


def _start() -> subprocess.Popen[bytes]:
    """Start the worker with this program's own modules and nothing else of its state."""
    package = Path(radviewer.__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(package), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "radviewer.dicom.guard_worker"]  # -P: nothing from the current folder
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
    except OSError as error:
        raise BadPixels(f"its data need a decoder process that cannot be started ({error.strerror})") from error
