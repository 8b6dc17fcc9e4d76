"""From an event of the mouse to the end of the paint that shows it, in the real window.

``xvfb-run -s "-screen 0 1600x1000x24" python -m pytest -m benchmark -s tests/benchmarks/test_paint_speed.py`` on a
quiet machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.benchmarks.ct_series import CODINGS, slices, write_series
from tests.benchmarks.paint_bench import Bench, report, turns
from tests.phantoms import image, save

pytestmark = [pytest.mark.benchmark, pytest.mark.ui, pytest.mark.timeout(600)]


WHEEL_MS, WHEEL_LOADING_MS, DRAG_MS = 16.0, 33.0, 20.0


def test_wheel_to_paint_in_a_loaded_series(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    write_series(tmp_path / "ct", slices(200), CODINGS[0])
    bench.open(tmp_path / "ct", bench.loaded, qtbot)
    times = []
    for angle in turns(200):
        times.append(bench.wheel(angle))
        bench.rest(5)
    assert report("wheel to paint, loaded 512² CT", times, WHEEL_MS) <= WHEEL_MS


def test_wheel_to_paint_while_the_series_is_loading(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    jpeg2000 = next(coding for coding in CODINGS if coding.name == "JPEG 2000")
    write_series(tmp_path / "ct", slices(400), jpeg2000)
    bench.open(tmp_path / "ct", lambda: bench.window.room.desk.active.image is not None, qtbot)
    times = []
    for angle in turns(2000):
        if bench.loaded():
            break
        times.append(bench.wheel(angle))
        bench.rest(5)
    assert len(times) >= 50, "the series was loaded too soon to measure"
    assert report("wheel to paint, load still running", times, WHEEL_LOADING_MS) <= WHEEL_LOADING_MS


def test_window_drag_on_a_film(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    y, x = np.mgrid[:2000, :2000]
    noise = np.random.default_rng(0).normal(0, 30, (2000, 2000))
    pixels = (1500 + 1200 * np.sin(x / 300) * np.cos(y / 250) + noise).clip(0, 4095).astype(np.uint16)
    save(
        image(pixels, modality="DX", WindowCenter=1500, WindowWidth=2800, BitsStored=12, HighBit=11), tmp_path / "f.dcm"
    )
    bench.open(tmp_path / "f.dcm", bench.loaded, qtbot)
    centre = bench.widget.rect().center()
    QApplication.postEvent(
        bench.widget,
        bench.mouse(QEvent.Type.MouseButtonPress, centre.x(), centre.y(), Qt.MouseButton.LeftButton),
    )
    times = []
    for i in range(1, 200):
        at = (centre.x() + 100 * np.sin(i / 20), centre.y() + 80 * np.cos(i / 17))
        times.append(bench.time(bench.mouse(QEvent.Type.MouseMove, *at, Qt.MouseButton.NoButton)))
        bench.rest(5)
    QApplication.postEvent(bench.widget, bench.mouse(QEvent.Type.MouseButtonRelease, 10, 10, Qt.MouseButton.LeftButton))
    bench.rest(50)
    assert report("window/level drag, 2000² film", times, DRAG_MS) <= DRAG_MS
