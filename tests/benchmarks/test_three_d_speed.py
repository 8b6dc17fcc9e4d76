"""How long the 3D view takes under software OpenGL, for a CT of 512² × 300.

``python -m pytest -m benchmark -s tests/benchmarks/test_three_d_speed.py`` on a quiet machine, with a display (Xvfb).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.app.orbit import Orbit
from radviewer.app.volume_presets import VolumePreset, read_volume_presets
from radviewer.domain.geometry import Geometry
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress
from radviewer.ui.three_d.budget import Budget, fitted
from radviewer.ui.three_d.pictures import Pictures
from radviewer.ui.three_d.scene import Content, Quality, Scene, ShownSurface
from radviewer.volumes.render_volume import RenderVolume, prepare
from radviewer.volumes.surfaces import surface_of
from tests.qt_objects import destroy

pytestmark = [pytest.mark.benchmark, pytest.mark.ui, pytest.mark.usefixtures("qapp"), pytest.mark.timeout(1800)]

SHAPE = (300, 512, 512)
AFFINE = np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.0, 0, 0, 0], [0, 0, 0, 1]], np.float64)
FULL = (1000, 800)
DRAFT = (260, 208)  # what is left of FULL where a picture while moving takes about as long as it may
READABLE = 30_000  # pixels that a picture while moving must have
CYCLES = 100


def body() -> NDArray[np.int16]:
    """A trunk with ribs, a spine and lungs, and noise."""
    z, y, x = np.ogrid[-1:1:300j, -1:1:512j, -1:1:512j]
    radius = np.hypot(x, y / 0.7)
    stored = np.where(radius < 0.9, 40, -1000).astype(np.int16) + np.zeros(SHAPE, np.int16)
    stored[(np.abs(radius - 0.8) < 0.04) & (np.sin(z * 60) > 0)] = 600
    stored[np.broadcast_to(np.hypot(x, y - 0.5) < 0.1, SHAPE)] = 500
    stored[lungs()] = -850
    stored += np.random.default_rng(0).integers(-20, 20, SHAPE, dtype=np.int16)
    return stored


def lungs() -> NDArray[np.bool_]:
    z, y, x = np.ogrid[-1:1:300j, -1:1:512j, -1:1:512j]
    found: NDArray[np.bool_] = ((np.abs(x) - 0.4) ** 2 * 5 + y**2 * 3 + z**2) < 0.6
    return found


@pytest.fixture(scope="module")
def volume() -> Volume:
    stored = body()
    return Volume(stored, tuple(SliceImage(plane, unit="HU") for plane in stored), Geometry(SHAPE, AFFINE), {})


@pytest.fixture(scope="module")
def prepared(volume: Volume) -> RenderVolume:
    return prepare(volume, Progress(lambda *_: None))


def resident() -> float:
    """Memory this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def preset(name: str) -> VolumePreset:
    return next(one for one in read_volume_presets() if one.name == name)


def times(work: Callable[[int], object], n: int) -> NDArray[np.float64]:
    """Seconds of each of `n` calls."""
    found = []
    for i in range(n):
        start = perf_counter()
        work(i)
        found.append(perf_counter() - start)
    return np.array(found)


def report(name: str, seconds: NDArray[np.float64], limit: float) -> None:
    median, p95 = np.percentile(seconds, (50, 95))
    print(f"| {name:<44} | {median:6.3f} | {p95:6.3f} | {limit:5.2f} | {len(seconds):3} |")
    assert median <= limit


def test_preparing_a_volume(volume: Volume) -> None:
    report("\nprepare 512² × 300", times(lambda _: prepare(volume, Progress(lambda *_: None)), 3), 2.0)


def test_the_surface_of_a_big_organ(volume: Volume) -> None:
    assert volume.geometry is not None
    mask, geometry = lungs(), volume.geometry
    surface = surface_of(mask, geometry)
    print(f"\n{mask.sum():,} voxels, {len(surface.triangles):,} triangles. {surface.note}")
    report("surface of the lungs", times(lambda _: surface_of(mask, geometry), 3), 1.0)


PRESETS = ["CT bone", "CT vessels", "CT lung", "CT skin", "CT maximum"]


@pytest.mark.parametrize("name", PRESETS)
def test_turning_and_resting(prepared: RenderVolume, name: str) -> None:
    """As the canvas does it: with as many pixels as can be made in time."""
    scene = Scene()
    scene.show(Content(prepared, preset(name)))
    orbit = Orbit().fitted(*prepared.bounds, FULL)
    budget = Budget()

    def turn(i: int) -> QImage:
        start = perf_counter()
        size = fitted(FULL, budget.pixels(name))
        picture = scene.render(orbit.turned(0.02 * i, 0.003 * i), size, Quality.MOVING)
        budget.spent(name, perf_counter() - start)
        return picture

    report(f"\n{name}: first coarse picture", times(turn, 1), 1.0)
    report(f"{name}: turning, first pictures", times(turn, 10), 0.1)
    turning = times(turn, 60)
    report(f"{name}: turning, {budget.pixels(name):,.0f} pixels", turning, 0.1)
    assert np.percentile(turning, 95) <= 0.1
    assert budget.pixels(name) >= READABLE
    report(f"{name}: first full picture", times(lambda _: scene.render(orbit, FULL, Quality.REST), 1), 3.0)
    full = times(lambda i: scene.render(orbit.turned(0.1 * i, 0.02), FULL, Quality.REST), 10)
    report(f"{name}: at rest, {FULL[0]} × {FULL[1]}", full, 1.5)
    assert np.percentile(full, 95) <= 1.5
    scene.finalise()


@pytest.mark.parametrize("name", PRESETS)
def test_the_window_goes_on_while_fine_pictures_are_made(qtbot: QtBot, prepared: RenderVolume, name: str) -> None:
    """Gaps between turns of the event loop, from the first fine picture (gradients and all) to the third."""
    pictures = Pictures()
    pictures.show(Content(prepared, preset(name)))
    orbit = Orbit().fitted(*prepared.bounds, FULL)
    pictures.draft(orbit, DRAFT)
    gaps: list[float] = []
    clock = [perf_counter()]

    def tick() -> None:
        now = perf_counter()
        gaps.append(now - clock[0])
        clock[0] = now

    timer = QTimer()
    timer.setInterval(1)
    timer.timeout.connect(tick)
    clock[0] = perf_counter()
    timer.start()
    for number in range(3):
        with qtbot.waitSignal(pictures.fine, timeout=60_000):
            pictures.ask(orbit.turned(0.1 * number, 0), FULL)
    timer.stop()
    print(f"\n{name}: longest gap {max(gaps):.3f} s of {len(gaps)}")
    assert max(gaps) <= 0.1
    pictures.finalise()
    destroy(pictures)


def test_turning_with_a_surface(prepared: RenderVolume) -> None:
    scene = Scene()
    scene.set_volume(prepared)
    scene.set_look(preset("CT bone"), None)
    surface = surface_of(lungs(), prepared.geometry)
    scene.set_surfaces({1: ShownSurface(surface, (0.3, 0.7, 0.9), 0.5)})
    orbit = Orbit().fitted(*prepared.bounds, FULL)
    scene.render(orbit, DRAFT, Quality.MOVING)
    seconds = times(lambda i: scene.render(orbit.turned(0.02 * i, 0), DRAFT, Quality.MOVING), 20)
    report("\nturning with a surface", seconds, 0.1)
    report("a click", times(lambda _: scene.pick(orbit, FULL, 500, 400), 5), 0.5)
    scene.finalise()


def test_memory_over_many_openings(qapp: QApplication) -> None:
    assert qapp is not None
    shape = (60, 128, 128)
    stored = body()[::5, ::4, ::4].copy()
    slices = tuple(SliceImage(plane, unit="HU") for plane in stored)
    volume = prepare(Volume(stored, slices, Geometry(shape, AFFINE), {}), Progress(lambda *_: None))
    surface = surface_of(lungs()[::5, ::4, ::4], volume.geometry)
    content = Content(volume, preset("CT bone"), None, {1: ShownSurface(surface, (1, 1, 1), 0.5)})
    orbit = Orbit().fitted(*volume.bounds, DRAFT)
    used = []
    for _ in range(CYCLES):
        pictures = Pictures()
        pictures.show(content)
        pictures.draft(orbit, DRAFT)
        pictures.now(orbit, DRAFT)
        pictures.finalise()
        destroy(pictures)
        used.append(resident())
    early = CYCLES // 10
    print(f"\n{CYCLES} openings: {used[0]:.0f} MB, {used[early]:.0f} MB, {used[-1]:.0f} MB")
    assert used[-1] - used[early] < 20
