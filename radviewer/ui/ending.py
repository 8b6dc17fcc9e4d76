"""Ends the program cleanly on SIGTERM and SIGINT."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class SignalEnding(QObject):
    """Calls `end` on the GUI thread when the system asks the program to end.

    Python runs its signal handlers only between bytecodes, and Qt's event loop is none: a
    socket wakes it up.
    """

    def __init__(self, end: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._end = end
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)
        self._notifier = QSocketNotifier(self._here.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        self._before = [(number, signal.signal(number, _note)) for number in (signal.SIGINT, signal.SIGTERM)]
        self._woken = signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)

    def restore(self) -> None:
        """Give the signals back to what handled them before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._woken)
        for number, handler in self._before:
            signal.signal(number, handler)
        self._here.close()
        self._there.close()

    def _on_signal(self) -> None:
        received = self._here.recv(64)
        if any(number in (signal.SIGINT, signal.SIGTERM) for number in received):
            self._end()


def _note(_number: int, _frame: object) -> None:
    """Nothing is done here: the notifier does it on the GUI thread."""
