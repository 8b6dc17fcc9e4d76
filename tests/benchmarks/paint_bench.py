"""The real window, and a clock that stops when a viewport has been painted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.ui.main_window import MainWindow
from radviewer.ui.viewport_widget import ViewportWidget

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
        return self._time(lambda: QApplication.postEvent(self.widget, event))

    def press(self, key: Qt.Key) -> float:
        """Milliseconds from a key that the window's system reports until the end of the viewport's next paint."""
        return self._time(lambda: QTest.keyClick(self.window.windowHandle(), key))

    def _time(self, act: Callable[[], object]) -> float:
        self._patience.start()
        self.painted = 0.0
        start = perf_counter()
        act()
        if not self.painted:
            self._loop.exec()
        assert self.painted, "nothing was painted"
        return (self.painted - start) * 1000

    def rest(self, milliseconds: int) -> None:
        """Let everything else be done."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def open(self, target: Path, until: Callable[[], bool], qtbot: QtBot, *, planes: bool = False) -> None:
        """Open a study, a CT as images or as hanging protocols have it, in planes and in 3D."""
        if not planes:
            self.window.room.hanging.show_plane = None
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


def report(name: str, times: list[float], limit: float) -> float:
    """Print one line of the table and return the 95th percentile."""
    p50, p95, most = np.percentile(times, [50, 95, 100])
    print(f"\n| {name} | n {len(times)} | median {p50:.1f} | p95 {p95:.1f} | max {most:.1f} | limit {limit:.0f} ms |")
    return float(p95)


def turns(count: int) -> Iterator[int]:
    """There and back again through a stack, in runs of 40."""
    for i in range(count):
        yield -120 if i // 40 % 2 == 0 else 120
