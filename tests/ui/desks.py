"""A desk with viewports, opened on files, and a mouse that sends what Qt would send."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer, SignalInstance
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.app.desk import Layout
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import Mark
from radviewer.ui.desk_widget import DeskWidget
from radviewer.ui.viewport_widget import ViewportWidget
from tests.qt_objects import destroy

LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NO_BUTTON = Qt.MouseButton.NoButton
NO_KEY, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)

Place = tuple[float, float]


class Mouse:
    """One mouse over one viewport; places are logical pixels of its widget."""

    def __init__(self, widget: ViewportWidget) -> None:
        self.widget = widget
        self.buttons = NO_BUTTON

    def press(self, at: Place, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        self.buttons |= button
        self._send(QEvent.Type.MouseButtonPress, at, button, modifiers)

    def move(self, at: Place, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        self._send(QEvent.Type.MouseMove, at, NO_BUTTON, modifiers)

    def release(self, at: Place, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        self.buttons &= ~button
        self._send(QEvent.Type.MouseButtonRelease, at, button, modifiers)

    def click(self, at: Place, button: Qt.MouseButton = LEFT) -> None:
        self.press(at, button)
        self.release(at, button)

    def double_click(self, at: Place, button: Qt.MouseButton = LEFT) -> None:
        self.click(at, button)
        self.buttons |= button
        self._send(QEvent.Type.MouseButtonDblClick, at, button, NO_KEY)
        self.release(at, button)

    def drag(self, *way: Place, button: Qt.MouseButton = LEFT, steps: int = 4) -> None:
        """Press at the first place, go straight from place to place, let go at the last."""
        self.press(way[0], button)
        for (x0, y0), (x1, y1) in pairwise(way):
            for i in range(1, steps + 1):
                self.move((x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps))
        self.release(way[-1], button)

    def wheel(self, at: Place, angle: int = -120, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        """Turn the wheel; negative angles turn it towards the reader."""
        position = QPointF(*at)
        event = QWheelEvent(
            position,
            self._global(position),
            QPoint(),
            QPoint(0, angle),
            self.buttons,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.widget, event)

    def _global(self, position: QPointF) -> QPointF:
        return QPointF(self.widget.mapToGlobal(position))

    def _send(self, kind: QEvent.Type, at: Place, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
        position = QPointF(*at)
        event = QMouseEvent(kind, position, self._global(position), button, self.buttons, modifiers)
        QApplication.sendEvent(self.widget, event)


class Reading:
    """A study opened on a desk, all of what is seen loaded."""

    def __init__(
        self, qtbot: QtBot, target: Path, *, layout: Layout = Layout.ONE, size: tuple[int, int] = (640, 480)
    ) -> None:
        self.qtbot = qtbot
        self.room = ReadingRoom(SettingsFile())
        self.room.hanging.show_plane = None  # most tests look at images, and a CT would open in planes
        self.room.desk.set_layout(layout)
        self.desk = DeskWidget(self.room)
        self.desk.resize(*size)
        with qtbot.waitExposed(self.desk):
            self.desk.show()
        self.open(target)

    def open(self, target: Path) -> None:
        with self.qtbot.waitSignal(self.room.session.opened):
            self.room.open(target)
        self.wait_loaded()

    def wait_loaded(self) -> None:
        self.qtbot.waitUntil(lambda: all(self._is_loaded(v) for v in self.room.desk.seen), timeout=20_000)

    def _is_loaded(self, viewport: Viewport) -> bool:
        return viewport.stack is None or self.room.cache.volume(viewport.stack) is not None

    def close(self) -> None:
        self.desk.close()
        ended = self.room.close()
        destroy(self.desk, self.room)
        assert ended

    @property
    def viewport(self) -> Viewport:
        return self.room.desk.active

    @property
    def widget(self) -> ViewportWidget:
        return self.desk.active

    @property
    def marks(self) -> list[Mark]:
        return list(self.room.marks.all)

    def mouse(self, index: int | None = None) -> Mouse:
        return Mouse(self.widget if index is None else self.desk.widgets[index])

    def choose(self, tool: str) -> None:
        self.room.toolbox.choose(f"tool-{tool}")

    def run(self, command: str) -> None:
        self.desk.commands.run(command)

    def place(self, row: float, column: float, index: int | None = None) -> Place:
        """Where the pointer stands on an image point: the whole logical pixel that holds it."""
        widget = self.widget if index is None else self.desk.widgets[index]
        x, y = widget.transform.to_view(row, column)
        place = widget.placement.to_logical(x, y)
        return (int(place.x()), int(place.y()))

    def places(self, *points: tuple[float, float]) -> Sequence[Place]:
        return [self.place(*point) for point in points]


def pixels(widget: ViewportWidget) -> NDArray[np.uint8]:
    """What a viewport has painted: (height, width, 3)."""
    picture = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return lines[:, : picture.width() * 3].reshape(picture.height(), picture.width(), 3).copy()


def wait(milliseconds: int, *signals: SignalInstance) -> None:
    """Run the event loop until a signal comes, or so long."""
    loop = QEventLoop()
    for signal in signals:
        signal.connect(loop.quit)
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
