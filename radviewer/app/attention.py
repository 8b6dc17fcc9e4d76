"""How closely the reader looked before deciding: slices seen, time on a finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from radviewer.domain.decision import FindingKey


class Attention:
    """Counts what was on screen.

    Parameters
    ----------
    clock : callable
        Seconds that only ever grow.

    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, set[int]] = {}
        self._spent: dict[FindingKey, float] = {}
        self._selected: FindingKey | None = None
        self._since = 0.0

    def saw(self, stack: str, index: int) -> None:
        """A slice of a stack (by its key) was painted."""
        self._seen.setdefault(stack, set()).add(index)

    def seen(self, stack: str, slices: Iterable[int]) -> int:
        """How many of these slices have been on screen."""
        return len(self._seen.get(stack, set()) & set(slices))

    def select(self, finding: FindingKey | None) -> None:
        """Another finding has the reader's attention, or none."""
        if finding == self._selected:
            return
        self._stop()
        self._selected, self._since = finding, self._clock()

    def seconds(self, finding: FindingKey) -> float:
        """For how long a finding has been the selected one, all in all."""
        running = self._clock() - self._since if finding == self._selected else 0.0
        return self._spent.get(finding, 0.0) + running

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()
        self._spent.clear()
        self._selected = None

    def _stop(self) -> None:
        if self._selected is not None:
            spent = self._clock() - self._since
            self._spent[self._selected] = self._spent.get(self._selected, 0.0) + spent
