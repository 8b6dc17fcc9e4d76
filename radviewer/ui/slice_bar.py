"""Where the reader is in a stack: a thin bar that also shows what is loaded and where marks are."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QEnterEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

WIDTH = 10
"""Logical pixels."""

_THUMB = 8.0  # least height of the thumb
_SETTLE_MS = 40  # slices arrive faster than anybody sees


class SliceBar(QWidget):
    """Thin bar at a viewport's right edge; dragging it goes through the stack."""

    chosen = Signal(int)
    entered = Signal()  # the pointer is on the bar, no longer on the image

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._ready = bytearray()
        self._index = 0
        self._marked: tuple[int, ...] = ()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SETTLE_MS)
        self._later.timeout.connect(self.update)

    @property
    def count(self) -> int:
        """Images of the stack."""
        return len(self._ready)

    def show_stack(self, ready: Iterable[bool]) -> None:
        """Show another stack, with what is loaded of it."""
        self._ready = bytearray(ready)
        self._marked = ()
        self._index = 0
        self.update()

    def show_index(self, index: int) -> None:
        """Move the thumb."""
        if index != self._index:
            self._index = index
            self.update()

    def show_marked(self, indices: Iterable[int]) -> None:
        """Show which images hold marks."""
        marked = tuple(indices)
        if marked != self._marked:
            self._marked = marked
            self.update()

    def set_ready(self, index: int) -> None:
        """Show that an image was loaded."""
        if 0 <= index < len(self._ready) and not self._ready[index]:
            self._ready[index] = 1
            if not self._later.isActive():
                self._later.start()

    @property
    def ready(self) -> int:
        """How many images are loaded."""
        return sum(self._ready)

    @property
    def marked(self) -> tuple[int, ...]:
        """Images that hold marks."""
        return self._marked

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint track, loaded part, marks, thumb."""
        painter = QPainter(self)
        palette = self.palette()
        painter.fillRect(self.rect(), QColor(0, 0, 0))
        track = QRectF(3, 1, WIDTH - 6, self.height() - 2)
        painter.fillRect(track, palette.color(QPalette.ColorRole.Base))
        loaded = palette.color(QPalette.ColorRole.Mid)
        for first, last in _runs(self._ready):
            painter.fillRect(
                QRectF(track.left(), self._y(first), track.width(), self._y(last) - self._y(first)), loaded
            )
        top, height = self._y(self._index), self._y(self._index + 1) - self._y(self._index)
        if height < _THUMB:
            top, height = top - (_THUMB - height) / 2, _THUMB
        top = min(max(top, 0.0), self.height() - height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.WindowText))
        painter.drawRoundedRect(QRectF(1, top, WIDTH - 2, height), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        accent = palette.color(QPalette.ColorRole.Accent)
        for index in self._marked:
            painter.fillRect(QRectF(0, self._y(index + 0.5) - 1, WIDTH, 2), accent)
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Tell that the pointer has left the image."""
        self.entered.emit()
        super().enterEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the bar was pressed."""
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go through the stack."""
        self._choose(event)

    def _choose(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._ready:
            place = event.position().y() / max(1, self.height())
            self.chosen.emit(min(max(int(place * self.count), 0), self.count - 1))
        else:
            event.ignore()

    def _y(self, index: float) -> float:
        return 1 + (self.height() - 2) * index / max(1, self.count)


def _runs(ready: bytearray) -> list[tuple[int, int]]:
    """``(first, one past last)`` of each run of loaded images."""
    runs: list[tuple[int, int]] = []
    start = ready.find(1)
    while start >= 0:
        end = ready.find(0, start)
        end = len(ready) if end < 0 else end
        runs.append((start, end))
        start = ready.find(1, end)
    return runs
