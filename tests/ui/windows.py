"""A main window opened on files, closed again after the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.browser.rows import Row
from radviewer.ui.main_window import MainWindow
from tests.qt_objects import destroy

WAIT = 20_000


class Opened:
    """One window with what tests ask of it."""

    def __init__(
        self, qtbot: QtBot, target: Path | None = None, size: tuple[int, int] = (1280, 720), *, planes: bool = False
    ) -> None:
        self.qtbot = qtbot
        self._closed = False
        self.window = MainWindow(ReadingRoom(SettingsFile()))
        if not planes:  # most tests look at images, and a CT would open in planes
            self.window.room.hanging.show_plane = None
        self.window.resize(*size)
        with qtbot.waitExposed(self.window):
            self.window.show()
        self.window.activateWindow()
        qtbot.waitUntil(self.window.isActiveWindow, timeout=WAIT)
        if target is not None:
            self.open(target)

    @property
    def room(self) -> ReadingRoom:
        """State behind the window."""
        return self.window.room

    @property
    def rows(self) -> list[Row]:
        """Rows of the study browser."""
        model = self.window.browser.browser_model
        return [row for i in range(model.rowCount()) if (row := model.row(model.index(i))) is not None]

    @property
    def notices(self) -> list[str]:
        """Everything told so far."""
        return [notice.text for notice in self.window.notices.told]

    def open(self, target: Path) -> None:
        """Open a path and wait for its studies."""
        with self.qtbot.waitSignal(self.room.session.opened, timeout=WAIT):
            self.room.open(target)

    def wait_image(self) -> None:
        """Wait until the active viewport's image is decoded."""
        self.wait(lambda: self.room.desk.active.image is not None and self.room.desk.active.reference is not None)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the program go on until something is so."""
        self.qtbot.waitUntil(condition, timeout=WAIT)

    def key(self, key: Qt.Key | str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is."""
        receiver: QWidget = self.window.focusWidget() or self.window
        QTest.keyClick(receiver, Qt.Key(ord(key.upper())) if isinstance(key, str) else key, modifiers)

    def trigger(self, name: str) -> None:
        """Choose an action."""
        self.window.actions_set[name].trigger()

    def drop(self, *paths: Path, on: QWidget | None = None) -> bool:
        """Drop files on a widget of the window, as Qt would; whether they were taken."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        place, copy, receiver = QPoint(40, 40), Qt.DropAction.CopyAction, on or self.window
        entered = QDragEnterEvent(place, copy, data, left, none)
        QApplication.sendEvent(receiver, entered)
        if not entered.isAccepted():
            return False
        for event in (
            QDragMoveEvent(place, copy, data, left, none),
            QDropEvent(QPointF(place), copy, data, left, none),
        ):
            QApplication.sendEvent(receiver, event)
        return event.isAccepted()

    def close(self) -> None:
        """Close the window and end its objects."""
        if self._closed:
            return
        self._closed = True
        self.window.close()
        assert self.window.ended_cleanly
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        destroy(self.window)
