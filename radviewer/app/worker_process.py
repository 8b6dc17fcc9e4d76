"""One worker process and this end of its pipe."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import radviewer
from radviewer.ai.worker_messages import Ask, Cancel, Reply
from radviewer.errors import WorkerFailed

_LAST_WORDS = 2.0  # seconds between the end of the pipe and that of the process


class Lost(Exception):
    """The process has ended; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class WorkerProcess:
    """A running process; `end` it.

    Parameters
    ----------
    models : Path
        Folder of the models.
    tasks : str
        See `radviewer.ai.worker.BUNDLED`.

    Raises
    ------
    WorkerFailed
        If the system starts no more processes.

    """

    def __init__(self, models: Path, tasks: str) -> None:
        try:
            self._connection, theirs = Pipe()
            try:
                self._process = _start(theirs, models, tasks)
            finally:
                theirs.close()
        except OSError as error:
            raise WorkerFailed(
                f"The process that runs the models cannot be started ({error.strerror}). "
                "Close other programs and run it again."
            ) from error
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="to the models", daemon=True)
        self._writer.start()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def post(self, message: Ask | Cancel) -> None:
        """Send without waiting: a process that hangs does not read."""
        self._outbox.put(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def receive(self, timeout: float) -> Reply | None:
        """Return the next message, or None when there is none within `timeout` seconds.

        Raises
        ------
        Lost
            When the process has ended and everything it said was received.

        """
        try:
            if self._connection.poll(timeout):
                reply: Reply = self._connection.recv()
                return reply
            if self.alive or self._connection.poll():
                return None
        except (EOFError, OSError, pickle.UnpicklingError):  # OSError: it ended in the middle of a message
            pass
        raise Lost(self._status())

    def kill(self) -> None:
        """End the process now; safe in any thread."""
        self._process.kill()

    def end(self) -> None:
        """End the process and everything that belongs to it."""
        self._process.kill()
        self._process.wait()
        self._outbox.put(None)
        self._writer.join(_LAST_WORDS)
        self._connection.close()

    def wait(self, timeout: float) -> int:
        """Wait for its end; its exit status."""
        return self._process.wait(timeout)

    def _status(self) -> int:
        with suppress(subprocess.TimeoutExpired):  # alive without a pipe: of no use
            return self._process.wait(_LAST_WORDS)
        self._process.kill()
        return self._process.wait()

    def _write(self) -> None:
        with suppress(OSError):  # it has ended, which `receive` finds out
            while (message := self._outbox.get()) is not None:
                self._connection.send_bytes(message)
                del message  # a film's pixels, kept until the next otherwise


def _start(theirs: Connection, models: Path, tasks: str) -> subprocess.Popen[bytes]:
    """Start a process with this program's own modules and nothing else of its state, and one end of the pipe."""
    package = Path(radviewer.__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(package), "OMP_WAIT_POLICY": "PASSIVE"}
    script = "import sys; from radviewer.ai.worker import main; main(sys.argv[1:])"
    descriptor = theirs.fileno()
    return subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(descriptor), str(models), tasks],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        pass_fds=(descriptor,),
    )
