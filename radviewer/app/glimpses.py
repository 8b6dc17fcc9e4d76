"""What running models have shown of slices so far: looked at, held for the screen, and forgotten when they end.

Nothing of it is an opinion: it cannot be selected, decided about, exported or kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from radviewer.ai.glimpses import PackedGlimpse
from radviewer.domain.opinion import Heat, Mask
from radviewer.render.recent import Recent, Same

_SCALE = np.float32(1 / 255)
_MOST_HEAT = 16 << 20  # bytes of heat made ready for painting


@dataclass(frozen=True, slots=True, eq=False)
class SliceGlimpse:
    """What a model has said of one slice; mask and heat None where there is nothing of it.

    Attributes
    ----------
    mask : ndarray of bool, (rows, columns), or None
    heat : ndarray of uint8, (rows, columns), or None
        0–255 for 0–1.

    """

    model: str
    label: str
    slice: int
    probability: float | None = None
    mask: Mask | None = None
    heat: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a model is that reads slice by slice."""

    model: str
    read: int
    slices: int


def accepted(glimpses: object, shape: tuple[int, ...]) -> tuple[SliceGlimpse, ...]:
    """Unpack what came from a worker; whatever does not fit the stack is left out.

    Parameters
    ----------
    glimpses : tuple of PackedGlimpse
        As they came.
    shape : tuple of int
        ``(slices, rows, columns)`` of the volume.

    """
    if not isinstance(glimpses, tuple):
        return ()
    count, rows, columns = shape
    return tuple(_unpacked(g, rows, columns) for g in glimpses if _fits(g, count, rows, columns))


def _fits(glimpse: object, count: int, rows: int, columns: int) -> TypeGuard[PackedGlimpse]:
    if not isinstance(glimpse, PackedGlimpse):
        return False
    named = isinstance(glimpse.model, str) and isinstance(glimpse.label, str)
    there = isinstance(glimpse.slice, int) and 0 <= glimpse.slice < count
    likely = glimpse.probability is None or (isinstance(glimpse.probability, float) and 0 <= glimpse.probability <= 1)
    shaped = glimpse.shape is None or glimpse.shape == (rows, columns)
    mask, heat, pixels = glimpse.mask, glimpse.heat, rows * columns
    whole = mask is None or (isinstance(mask, bytes) and len(mask) == math.ceil(pixels / 8))
    warm = heat is None or (isinstance(heat, bytes) and len(heat) == pixels)
    placed = glimpse.shape is not None or (mask is None and heat is None)
    return named and there and likely and shaped and whole and warm and placed


def _unpacked(glimpse: PackedGlimpse, rows: int, columns: int) -> SliceGlimpse:
    mask, heat = glimpse.mask, glimpse.heat
    return SliceGlimpse(
        glimpse.model,
        glimpse.label,
        glimpse.slice,
        glimpse.probability,
        None
        if mask is None
        else np.unpackbits(np.frombuffer(mask, np.uint8), count=rows * columns).reshape(rows, columns).view(np.bool_),
        None if heat is None else np.frombuffer(heat, np.uint8).reshape(rows, columns),
    )


class Glimpses(QObject):
    """What was glimpsed of each stack that models are reading; planes are kept once and never copied."""

    changed = Signal(str)  # stack key; not when it is forgotten, which goes with another state

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._held: dict[str, _Glimpsed] = {}
        self._heats: Recent[Heat] = Recent(_MOST_HEAT, lambda heat: heat.nbytes)

    def begin(self, key: str, slices: int) -> None:
        """Models begin to read a stack of some slices."""
        self._held[key] = _Glimpsed(slices)

    def add(self, key: str, glimpses: tuple[SliceGlimpse, ...]) -> None:
        """Hold what came; a later glimpse of the same finding on the same slice replaces the earlier."""
        held = self._held.get(key)
        if held is None or not glimpses:
            return
        for glimpse in glimpses:
            held.take(glimpse)
        self.changed.emit(key)

    def forget(self, key: str) -> None:
        """A run has ended, in whatever way."""
        if self._held.pop(key, None) is not None:
            self._heats.clear()

    def on(self, key: str, index: int) -> tuple[SliceGlimpse, ...]:
        """What was glimpsed of a slice."""
        held = self._held.get(key)
        return () if held is None else tuple(held.by_slice.get(index, {}).values())

    def reading(self, key: str) -> Reading | None:
        """How far the model is that spoke last; None while none has."""
        held = self._held.get(key)
        if held is None or held.latest is None:
            return None
        return Reading(held.latest, len(held.read[held.latest]), held.slices)

    def heat_of(self, glimpse: SliceGlimpse) -> Heat | None:
        """Heat of 0–1: the same array for as long as it is painted, so that painters know it again."""
        if glimpse.heat is None:
            return None
        key = Same(glimpse.heat)
        kept = self._heats.get(key)
        return self._heats.put(key, glimpse.heat * _SCALE) if kept is None else kept


class _Glimpsed:
    """Of one stack: glimpses by slice, then by model and label; slices read, by model."""

    def __init__(self, slices: int) -> None:
        self.slices = slices
        self.by_slice: dict[int, dict[tuple[str, str], SliceGlimpse]] = {}
        self.read: dict[str, set[int]] = {}
        self.latest: str | None = None

    def take(self, glimpse: SliceGlimpse) -> None:
        self.by_slice.setdefault(glimpse.slice, {})[glimpse.model, glimpse.label] = glimpse
        self.read.setdefault(glimpse.model, set()).add(glimpse.slice)
        self.latest = glimpse.model
