"""Small bounded caches for what the next paint is likely to need."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from radviewer.domain.volume import Pixels

_T = TypeVar("_T")


class Recent(Generic[_T]):
    """The last things made, by key, up to a total cost; the newest always stays.

    Safe to use from any thread.
    """

    def __init__(self, capacity: int, cost: Callable[[_T], int] = lambda _: 1) -> None:
        self._capacity = capacity
        self._cost = cost
        self._kept: OrderedDict[Hashable, _T] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> _T | None:
        """Return what was kept, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, value: _T) -> _T:
        """Keep `value` and return it; the oldest go."""
        with self._lock:
            if key in self._kept:
                self._total -= self._cost(self._kept.pop(key))
            self._kept[key] = value
            self._total += self._cost(value)
            while self._total > self._capacity and len(self._kept) > 1:
                self._total -= self._cost(self._kept.popitem(last=False)[1])
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._total = 0


class Same:
    """Key of pixels that must not be kept alive: equal only for the very same array.

    A view of a volume holds the whole volume's memory, so caches remember it weakly.
    """

    __slots__ = ("_hash", "_reference")

    def __init__(self, pixels: Pixels) -> None:
        self._reference = weakref.ref(pixels)
        self._hash = id(pixels)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        mine = self._reference()
        return isinstance(other, Same) and mine is not None and mine is other._reference()
