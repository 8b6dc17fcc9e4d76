"""How many pixels a picture may have while it moves: as many as can be made in time."""

from __future__ import annotations

import math
from collections.abc import Hashable

GOAL = 0.065
"""Seconds for a picture while moving: ten a second, with half as much again for all else."""
FEWEST, MOST = 24_000, 250_000
"""Pixels, whatever they take."""

_FIRST = 60_000.0
_LESS, _MORE = 0.3, 1.25  # at most from one picture to the next: too slow is mended at once


class Budget:
    """Learns from what pictures took; each look, told apart by a key, has a cost of its own."""

    def __init__(self) -> None:
        self._pixels: dict[Hashable, float] = {}

    def pixels(self, look: Hashable) -> float:
        """Pixels of the next picture."""
        return self._pixels.get(look, _FIRST)

    def spent(self, look: Hashable, seconds: float) -> None:
        """Learn from what a picture of `pixels` took."""
        change = min(max(GOAL / max(seconds, 1e-4), _LESS), _MORE)
        self._pixels[look] = min(max(self.pixels(look) * change, FEWEST), MOST)


def fitted(size: tuple[int, int], pixels: float) -> tuple[int, int]:
    """Width and height of about so many pixels, and no more than `size`, in the same proportion."""
    share = min(1.0, math.sqrt(pixels / (size[0] * size[1])))
    return (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
