"""Stacks and slices made by hand, and a cache that delivers when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, SignalInstance

from radviewer.app.jobs import JobQueue
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Shown
from radviewer.domain.geometry import ImagePlane, PixelSpacing, Vector
from radviewer.domain.study import FileLocation, Frame, ImageFile, PixelFormat, Series, Stack, StackKind, Study
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window

FRAME_OF_REFERENCE = "1.2.3"


def plane(
    at: Vector, row_direction: Vector = (1, 0, 0), column_direction: Vector = (0, 1, 0), spacing: float = 1.0
) -> ImagePlane:
    return ImagePlane(at, row_direction, column_direction, spacing, spacing)


def stack(
    name: str = "ct",
    depths: list[float] | None = None,
    *,
    planes: list[ImagePlane | None] | None = None,
    frame_of_reference: str | None = FRAME_OF_REFERENCE,
    shape: tuple[int, int] = (8, 10),
    frame_time_ms: float | None = None,
    first_shown: int = 0,
    unit: str = "HU",
) -> Stack:
    if planes is None:
        planes = [plane((0.0, 0.0, depth)) for depth in (depths or [0.0, 1.0, 2.0, 3.0, 4.0])]
    form = PixelFormat(*shape, 1, "MONOCHROME2", 16, 16, 15, True, 0, "1.2.840.10008.1.2.1")
    frames = []
    for index, where in enumerate(planes):
        location = FileLocation(Path(f"/nowhere/{name}-{index}"), None, f"{name}-{index}")
        file = ImageFile(location, "1.2", f"{name}.{index}", form, 1, None, None, False)
        frames.append(Frame(file, 0, where, PixelSpacing(1, 1), unit=unit))
    return Stack(
        StackKind.VOLUME,
        tuple(frames),
        frame_of_reference_uid=frame_of_reference,
        frame_time_ms=frame_time_ms,
        first_shown=first_shown,
    )


def shown(stack: Stack, modality: str = "CT", name: str = "series") -> Shown:
    series = Series(f"1.{name}", 1, modality, name, None, (stack,))
    return Shown(Study("1.study", None, None, None, None, (series,)), series, stack)


def picture(value: int = 0, *, windows: tuple[Window, ...] = (Window(40, 400),), inverted: bool = False) -> SliceImage:
    stored = np.arange(80, dtype=np.int16).reshape(8, 10) + np.int16(value)
    return SliceImage(stored, vois=windows, unit="HU", inverted=inverted, spacing=PixelSpacing(1, 1))


class HandCache(SeriesCache):
    """Loads nothing: slices arrive by `deliver`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(JobQueue("unused", parent), 1 << 30, parent)
        self.images: dict[tuple[str, int], SliceImage] = {}
        self.problems: dict[tuple[str, int], str] = {}
        self.requested: list[str] = []
        self.wanted: list[tuple[str, int]] = []
        self.pinned: set[str] = set()
        self.focus: dict[str, Callable[[], int]] = {}

    def slice(self, stack: Stack, index: int) -> SliceImage | None:
        return self.images.get((stack.key, index))

    def problem(self, stack: Stack, index: int) -> str | None:
        return self.problems.get((stack.key, index))

    def request(self, stack: Stack, focus: Callable[[], int]) -> None:
        self.requested.append(stack.key)
        self.focus[stack.key] = focus

    def want(self, stack: Stack, index: int) -> None:
        self.wanted.append((stack.key, index))

    def pin(self, keys: set[str]) -> None:
        self.pinned = set(keys)

    def deliver(self, stack: Stack, index: int, image: SliceImage | None = None) -> None:
        self.images[stack.key, index] = picture(index) if image is None else image
        self.slice_ready.emit(stack.key, index)

    def deliver_all(self, stack: Stack) -> None:
        for index in range(len(stack.frames)):
            self.deliver(stack, index)
        self.loaded.emit(stack.key)


def heard(signal: SignalInstance) -> list[tuple[object, ...]]:
    """What a signal says from now on."""
    calls: list[tuple[object, ...]] = []

    def note(*values: object) -> None:
        calls.append(values)

    signal.connect(note)
    return calls
