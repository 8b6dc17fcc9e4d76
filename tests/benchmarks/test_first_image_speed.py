"""From naming a folder to its first image on screen: it does not grow with the folder."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.main_window import MainWindow
from radviewer.ui.viewport_widget import ViewportWidget
from tests.benchmarks.ct_series import CODINGS, slices, write_series
from tests.qt_objects import destroy

COUNTS = (200, 2000)
RUNS = 5
LIMIT = 0.5  # seconds
GROWTH = 1.5  # from the small folder to the large one


class Painted(QObject):
    """Notes when a viewport has painted its first image, and when the middle slice of the whole series."""

    def __init__(self, widget: ViewportWidget) -> None:
        super().__init__()
        self._widget = widget
        self.first: float | None = None
        self.middle: float | None = None
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and self._widget.viewport.image is not None:
            QTimer.singleShot(0, self._note)  # once it is painted
        return False

    def _note(self) -> None:
        viewport = self._widget.viewport
        if viewport.image is not None and self.first is None:
            self.first = time.perf_counter()
        if viewport.image is not None and viewport.reference is not None and self.middle is None:
            self.middle = time.perf_counter()


@pytest.mark.benchmark
@pytest.mark.ui
@pytest.mark.timeout(600)
def test_the_first_image_comes_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    image = slices(1)[0]
    results: dict[int, tuple[float, float]] = {}
    for count in COUNTS:
        folder = tmp_path / str(count)
        write_series(folder, np.broadcast_to(image, (count, *image.shape)), CODINGS[0])
        times = [_measure(qtbot, folder, count) for _ in range(RUNS)]
        results[count] = (min(first for first, _ in times), min(middle for _, middle in times))
    print("\nfolder named → on screen, best of", RUNS, "(s)\nslices   first image   middle slice of the series")
    for count, (first, middle) in results.items():
        print(f"{count:6}   {first:11.3f}   {middle:12.3f}")
    small, large = (results[count][0] for count in COUNTS)
    print(f"growth of the first image {large / small:.2f}, limit {GROWTH}; {LIMIT} s")
    assert large <= max(GROWTH * small, small + 0.05)
    assert large <= LIMIT


def _measure(qtbot: QtBot, folder: Path, count: int) -> tuple[float, float]:
    window = MainWindow(ReadingRoom(SettingsFile()))
    window.resize(1600, 1000)
    with qtbot.waitExposed(window):
        window.show()
    painted = Painted(window.desk.widgets[0])
    start = time.perf_counter()
    window.room.open(folder)
    qtbot.waitUntil(lambda: painted.middle is not None, timeout=120_000)
    assert painted.first is not None
    assert painted.middle is not None
    stack = window.room.desk.active.stack
    assert stack is not None
    assert len(stack.frames) == count
    window.close()
    QApplication.processEvents()
    destroy(window)
    return painted.first - start, painted.middle - start
