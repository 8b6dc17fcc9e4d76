"""Slices that a model has read while it still reads the others, on their way to the window."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from radviewer.domain.opinion import Glimpse, Heat, Mask

_TOGETHER = 0.1  # seconds; what comes within it travels in one message
_STEPS = 255  # of heat, which is smooth


@dataclass(frozen=True, slots=True, eq=False)
class PackedGlimpse:
    """A Glimpse with its mask as bits and its heat as bytes; None where there is nothing of it.

    Attributes
    ----------
    shape : (int, int) or None
        Rows and columns of mask and heat; None when it had neither.
    heat : bytes or None
        0–255 for 0–1.

    """

    model: str
    label: str
    slice: int
    probability: float | None
    shape: tuple[int, int] | None
    mask: bytes | None
    heat: bytes | None


def packed(glimpse: Glimpse) -> PackedGlimpse | None:
    """Pack a glimpse; None when it holds what no slice can show."""
    mask, heat = glimpse.mask, glimpse.heatmap
    shapes = {plane.shape for plane in (mask, heat) if plane is not None}
    if len(shapes) > 1 or not _is_mask(mask) or not _is_heat(heat):
        return None
    probability = None if glimpse.probability is None else float(glimpse.probability)
    return PackedGlimpse(
        glimpse.model,
        glimpse.label,
        int(glimpse.slice),  # models count with numpy
        probability,
        next(((rows, columns) for rows, columns in shapes), None),
        None if mask is None or not mask.any() else np.packbits(mask).tobytes(),
        None if heat is None or not heat.any() else np.rint(heat * _STEPS).astype(np.uint8).tobytes(),
    )


def _is_mask(mask: Mask | None) -> bool:
    return mask is None or (mask.ndim == 2 and mask.dtype == np.bool_)


def _is_heat(heat: Heat | None) -> bool:
    if heat is None or not heat.size:
        return heat is None or heat.ndim == 2
    return heat.ndim == 2 and bool(heat.min() >= 0 and heat.max() <= 1)  # false for NaN, too


class GlimpseOutbox:
    """Collects what is glimpsed and sends it about ten times a second; safe in any thread.

    Parameters
    ----------
    send : callable
        Sends some together.

    """

    def __init__(self, send: Callable[[tuple[PackedGlimpse, ...]], None]) -> None:
        self._send = send
        self._waiting: list[PackedGlimpse] = []
        self._sent = -math.inf  # the first one goes at once
        self._lock = threading.Lock()

    def put(self, glimpse: Glimpse) -> None:
        """Take a glimpse, or drop it when it cannot be shown."""
        small = packed(glimpse)
        if small is not None:
            with self._lock:
                self._waiting.append(small)
        self.send_due()

    def send_due(self) -> None:
        """Send what waits, unless something was sent just now."""
        if time.monotonic() - self._sent >= _TOGETHER:
            self.send_all()

    def send_all(self) -> None:
        """Send what waits."""
        with self._lock:
            together, self._waiting = tuple(self._waiting), []
        if together:
            self._sent = time.monotonic()
            self._send(together)
