"""Progress and cancellation of slow work, safe to use from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The work was stopped on request.  Not an error: nothing is shown."""


def _ignore(done: int, total: int, text: str) -> None:
    """Report to nobody."""


class Progress:
    """Reports how far slow work is and tells it when to stop.

    Parameters
    ----------
    report : callable, optional
        ``report(done, total, text)``; called in the working thread.  `total` is
        0 while it is unknown.

    """

    def __init__(self, report: Callable[[int, int, str], None] = _ignore) -> None:
        self._report = report
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next `check` or `report`."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` when the work should stop."""
        if self._cancelled.is_set():
            raise Cancelled

    def report(self, done: int, total: int, text: str = "") -> None:
        """Check for cancellation, then tell how far the work is."""
        self.check()
        self._report(done, total, text)
