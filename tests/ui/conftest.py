"""Readings: a desk opened on files, closed again after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.ui import theme
from tests.ui.desks import Reading
from tests.ui.windows import Opened

Opener = Callable[..., Reading]
WindowOpener = Callable[..., Opened]


@pytest.fixture
def reading(qtbot: QtBot) -> Iterator[Opener]:
    """Open a reading: ``reading(folder, layout=…, size=…)``."""
    opened: list[Reading] = []

    def open_reading(*args: Any, **kwargs: Any) -> Reading:
        opened.append(Reading(qtbot, *args, **kwargs))
        return opened[-1]

    yield open_reading
    for one in opened:
        one.close()


@pytest.fixture
def main_window(qtbot: QtBot, qapp: QApplication) -> Iterator[WindowOpener]:
    """Open a dressed main window: ``main_window(target, size=…)``."""
    style, palette, sheet, icon = qapp.style().objectName(), qapp.palette(), qapp.styleSheet(), qapp.windowIcon()
    theme.apply(qapp)
    opened: list[Opened] = []

    def open_window(*args: Any, **kwargs: Any) -> Opened:
        opened.append(Opened(qtbot, *args, **kwargs))
        return opened[-1]

    yield open_window
    while opened:
        opened.pop().close()
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(palette)
    qapp.setWindowIcon(icon)
