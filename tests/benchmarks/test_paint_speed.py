"""From an event of the mouse to the end of the paint that shows it, in the real window.

``xvfb-run -s "-screen 0 1600x1000x24" python -m pytest -m benchmark -s tests/benchmarks/test_paint_speed.py`` on a
quiet machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.main import make_application
from radviewer.ui.main_window import MainWindow
from radviewer.ui.viewport_widget import ViewportWidget
from tests.benchmarks.ct_series import CODINGS, slices, write_series
from tests.phantoms import image, save

pytestmark = [pytest.mark.benchmark, pytest.mark.ui, pytest.mark.timeout(600)]

WINDOW = (1600, 1000)
WHEEL_MS, WHEEL_LOADING_MS, DRAG_MS = 16.0, 33.0, 20.0
_PATIENCE_MS = 5000
_NONE = Qt.KeyboardModifier.NoModifier


class Bench:
    """The main window, and a clock that stops when a viewport has been painted."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.painted = 0.0
        self._loop = QEventLoop()
        self._patience = QTimer()
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._loop.quit)

    @property
    def widget(self) -> ViewportWidget:
        return self.window.desk.active

    def on_painted(self) -> None:
        self.painted = perf_counter()
        self._loop.quit()

    def time(self, event: QEvent) -> float:
        """Milliseconds from posting an event to the viewport until the end of its next paint."""
        self._patience.start()
        self.painted = 0.0
        start = perf_counter()
        QApplication.postEvent(self.widget, event)
        self._loop.exec()
        assert self.painted, "nothing was painted"
        return (self.painted - start) * 1000

    def rest(self, milliseconds: int) -> None:
        """Let everything else be done."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def open(self, target: Path, until: Callable[[], bool], qtbot: QtBot) -> None:
        with qtbot.waitSignal(self.window.room.session.opened, timeout=60_000):
            self.window.room.open(target)
        qtbot.waitUntil(until, timeout=120_000)
        self.rest(300)

    def loaded(self) -> bool:
        stack = self.window.room.desk.active.stack
        return stack is not None and self.window.room.cache.volume(stack) is not None

    def wheel(self, angle: int) -> float:
        centre = QPointF(self.widget.rect().center())
        everywhere = QPointF(self.widget.mapToGlobal(centre))
        no_button, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        turn = QPoint(0, angle)
        return self.time(QWheelEvent(centre, everywhere, QPoint(), turn, no_button, _NONE, phase, False))

    def mouse(self, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton) -> QMouseEvent:
        place = QPointF(x, y)
        held = Qt.MouseButton.LeftButton
        return QMouseEvent(kind, place, QPointF(self.widget.mapToGlobal(place)), button, held, _NONE)


@pytest.fixture
def bench(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    paint = ViewportWidget.paintEvent
    benches: list[Bench] = []

    def timed(self: ViewportWidget, event: QPaintEvent) -> None:
        paint(self, event)
        if benches and self is benches[0].widget:
            benches[0].on_painted()

    monkeypatch.setattr(ViewportWidget, "paintEvent", timed)
    make_application()
    window = MainWindow(ReadingRoom(SettingsFile()))
    qtbot.addWidget(window)
    window.resize(*WINDOW)
    with qtbot.waitExposed(window):
        window.show()
    benches.append(Bench(window))
    yield benches[0]
    window.close()


def report(name: str, times: list[float], limit: float) -> float:
    """Print one line of the table and return the 95th percentile."""
    p50, p95, most = np.percentile(times, [50, 95, 100])
    print(f"\n| {name} | n {len(times)} | median {p50:.1f} | p95 {p95:.1f} | max {most:.1f} | limit {limit:.0f} ms |")
    return float(p95)


def turns(count: int) -> Iterator[int]:
    """There and back again through a stack, in runs of 40."""
    for i in range(count):
        yield -120 if i // 40 % 2 == 0 else 120


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
