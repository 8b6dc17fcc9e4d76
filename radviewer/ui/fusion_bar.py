"""How much of the other series is seen in a viewport where two lie over one another: a slider on the image."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QToolButton, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.registering import name_of
from radviewer.app.viewport import Viewport
from radviewer.render.blend import FEWEST_CELLS, MOST_CELLS, FusionMode
from radviewer.ui.labels import plain_label, plain_tip
from radviewer.ui.theme import icon

_ABOVE_EDGE = 124  # logical pixels: letter, scale and corner texts at the lower edge stay free
_SLIDER = 150
_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape,
}  # fmt: skip


class _Slider(QSlider):
    """Hears its own keys before the viewport's do; Esc gives them back."""

    focused = Signal()  # or no longer

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._viewport = viewport
        self.setFixedWidth(_SLIDER)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the viewport

    def event(self, event: QEvent) -> bool:
        """Take arrows, pages and ends before a shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell it."""
        super().focusInEvent(event)
        self.focused.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell it."""
        super().focusOutEvent(event)
        self.focused.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, or give the keys back."""
        if event.key() == Qt.Key.Key_Escape:
            self._viewport.setFocus()
        else:
            super().keyPressEvent(event)


class FusionBar(QFrame):
    """Seen while another series lies over a viewport.

    Parameters
    ----------
    room : ReadingRoom
    viewport : Viewport
    parent : QWidget
        Its widget; the bar lies on the lower part of it.

    """

    def __init__(self, room: ReadingRoom, viewport: Viewport, parent: QWidget) -> None:
        super().__init__(parent)
        self._room, self._viewport, self._over = room, viewport, parent
        self.setProperty("role", "panel-heading")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.words = plain_label("")
        self.words.setMinimumWidth(self.words.fontMetrics().horizontalAdvance("100 % amber") + 4)
        self.slider = _Slider(parent)
        self.slider.valueChanged.connect(self._choose)
        self.slider.focused.connect(self.update)
        self.off = QToolButton()
        self.off.setAutoRaise(True)
        self.off.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.off.setToolTip("This series alone")
        self.off.setAccessibleName("This series alone")
        self.off.clicked.connect(lambda: room.fusion.remove(viewport))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 2)
        for part in (self.words, self.slider, self.off):
            row.addWidget(part)
        room.fusion.changed.connect(self.refresh)
        viewport.in_3d_changed.connect(self.refresh)
        parent.installEventFilter(self)
        self.hide()

    def refresh(self) -> None:
        """Show what is in force, or nothing."""
        over = self._room.fusion.over(self._viewport)
        if over is None or self._viewport.in_3d:
            self._leave()
            return
        style, blend = over.style, over.style.mode is FusionMode.BLEND
        low, high, value = (0, 100, round(100 * style.share)) if blend else (FEWEST_CELLS, MOST_CELLS, style.cells)
        with QSignalBlocker(self.slider):
            self.slider.setRange(low, high)
            self.slider.setPageStep(10 if blend else 4)
            self.slider.setValue(value)
        name = name_of(over.moving)
        self.words.setText(f"{value} % amber" if blend else f"{value} squares")
        self.slider.setAccessibleName(f"Share of {name}" if blend else f"Squares of {name}")
        keys = "Ctrl+Shift+Left and Right, or Tab and the arrow keys"
        self.slider.setToolTip(plain_tip(f"{self.slider.accessibleName()}  ({keys})"))
        if self.off.icon().isNull():  # drawn when it is first seen, not at the start
            self.off.setIcon(icon("close"))
        self.show()
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Mark it while its slider hears the keys."""
        super().paintEvent(event)
        if self.slider.hasFocus():
            painter = QPainter(self)
            painter.setPen(self.palette().color(QPalette.ColorRole.Accent))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the place when the viewport changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """One per cent, or one square, a notch; the image below does not scroll."""
        self.slider.setValue(self.slider.value() + (1 if event.angleDelta().y() > 0 else -1))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep presses beside the slider from the image."""
        event.accept()

    def _leave(self) -> None:
        had_focus = self.slider.hasFocus() or self.off.hasFocus()
        self.hide()
        if had_focus:
            self._over.setFocus()

    def _place(self) -> None:
        if self.isHidden():
            return
        self.adjustSize()
        around = self._over.rect()
        self.move(max(0, (around.width() - self.width()) // 2), max(0, around.height() - self.height() - _ABOVE_EDGE))
        self.raise_()

    def _choose(self, value: int) -> None:
        over = self._room.fusion.over(self._viewport)
        if over is None:
            return
        if over.style.mode is FusionMode.BLEND:
            self._room.fusion.set_share(self._viewport, value / 100)
        else:
            self._room.fusion.set_cells(self._viewport, value)
