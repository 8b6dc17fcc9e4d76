"""A window to time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QPaintEvent
from pytestqt.qtbot import QtBot

from radviewer.allocator import share_heaps
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.main import make_application
from radviewer.ui.main_window import MainWindow
from radviewer.ui.viewport_widget import ViewportWidget
from tests.benchmarks.paint_bench import Bench

WINDOW = (1600, 1000)


@pytest.fixture(scope="session", autouse=True)
def _heaps() -> None:
    """As the program begins: what threads have by then, they keep."""
    share_heaps()


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
