"""Which slice to load next: the nearest one to where the reader is that nobody has taken."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Outward:
    """Hands out each index of a stack once; safe to use from several threads.

    Parameters
    ----------
    count : int
        Slices in the stack.
    focus : callable
        Index the reader looks at, asked for every slice.

    """

    def __init__(self, count: int, focus: Callable[[], int]) -> None:
        self._count = count
        self._focus = focus
        self._lock = threading.Lock()
        # nearest free index at or above (below) an index, found by following the links; both are
        # shifted by one, so that 0 and count + 1 mean that there is none
        self._above = list(range(count + 2))
        self._below = list(range(count + 2))

    def take(self) -> int | None:
        """Return the next index, None when all are taken."""
        with self._lock:
            centre = min(max(self._focus(), 0), self._count - 1) + 1
            above, below = _follow(self._above, centre), _follow(self._below, centre)
            if above > self._count and below < 1:
                return None
            ahead = below < 1 or (above <= self._count and above - centre <= centre - below)
            taken = above if ahead else below
            self._above[taken] = taken + 1
            self._below[taken] = taken - 1
            return taken - 1


def _follow(links: list[int], place: int) -> int:
    """Follow links to their end and shorten the way for the next time."""
    end = place
    while links[end] != end:
        end = links[end]
    while links[place] != end:
        links[place], place = end, links[place]
    return end
