"""The histogram panel: values of the active image, and the window as a region, both ways linked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Voi, VoiFunction, Window
from radviewer.render.histogram import histogram, window_between
from radviewer.render.windowing import as_window, effective_voi
from radviewer.ui.labels import plain_label

if TYPE_CHECKING:
    from radviewer.ui.panels.histogram_plot import HistogramPlot

_IDLE_MS = 120  # after the last new image
_WINDOW_MS = 40  # between two updates of the region while the window is dragged on the image


class HistogramPanel(QWidget):
    """Works only while it is seen, and only when the images stand still."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._plot: HistogramPlot | None = None
        self._stack_key: str | None = None
        self.center = self._spin("Level", -1e7)
        self.width_entry = self._spin("Width", 1e-6)
        self.log = QCheckBox("Log")
        self.log.setToolTip("Show rare values taller")
        self.log.toggled.connect(self.refresh)
        self.empty = plain_label("No image", "muted")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 8, 8, 8)
        self._column.setSpacing(6)
        self._column.addWidget(self.empty, 1, Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.setSpacing(6)
        for label, entry in (("Level", self.center), ("Width", self.width_entry)):
            row.addWidget(plain_label(label, "muted"))
            row.addWidget(entry, 1)
        row.addWidget(self.log)
        self._column.addLayout(row)
        self.setMinimumSize(220, 180)
        self._idle = self._timer(_IDLE_MS, self.refresh)
        self._soon = self._timer(_WINDOW_MS, self._show_window)
        room.desk.active_changed.connect(self._later)
        for viewport in room.desk.viewports:
            viewport.image_changed.connect(self._later)
            viewport.view_changed.connect(self._window_later)

    @property
    def plot(self) -> HistogramPlot | None:
        """The drawing, once it was needed."""
        return self._plot

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up."""
        super().showEvent(event)
        self._later()

    def hideEvent(self, event: QHideEvent) -> None:
        """Rest."""
        super().hideEvent(event)
        self._idle.stop()
        self._soon.stop()

    def refresh(self) -> None:
        """Count the active image's values and draw them."""
        viewport, image = self._active()
        self.empty.setVisible(image is None)
        for entry in (self.center, self.width_entry, self.log):
            entry.setEnabled(image is not None)
        if image is None:
            if self._plot is not None:
                self._plot.hide()
            return
        plot = self._drawing()
        plot.show()
        plot.show_histogram(histogram(image), log=self.log.isChecked())
        self._show_window()
        key = None if viewport.stack is None else viewport.stack.key
        if key != self._stack_key:
            self._stack_key = key
            voi = as_window(effective_voi(image, viewport.presentation))
            plot.show_all(voi.center - voi.width / 2, voi.center + voi.width / 2)

    def _drawing(self) -> HistogramPlot:
        if self._plot is None:
            from radviewer.ui.panels.histogram_plot import HistogramPlot

            self._plot = HistogramPlot()
            self._plot.setAccessibleName("Histogram")
            self._plot.dragged.connect(self._on_dragged)
            self._column.insertWidget(0, self._plot, 1)
        return self._plot

    def _active(self) -> tuple[Viewport, SliceImage | None]:
        viewport = self._room.desk.active
        return viewport, viewport.image

    def _later(self) -> None:
        if self.isVisible():
            self._idle.start()

    def _window_later(self) -> None:
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    def _show_window(self) -> None:
        viewport, image = self._active()
        if image is None or self._plot is None:
            return
        presentation = viewport.presentation
        voi: Voi = effective_voi(image, presentation)
        self._plot.show_window(voi, inverted=presentation.inverted != image.inverted)
        window = as_window(voi)
        decimals = 0 if window.width >= 32 else 1 if window.width >= 4 else 3
        for entry, value in ((self.center, window.center), (self.width_entry, window.width)):
            with QSignalBlocker(entry):
                entry.setDecimals(decimals)
                entry.setSingleStep(max(window.width / 50, 10**-decimals))
                entry.setValue(value)

    def _on_dragged(self, black: float, white: float) -> None:
        viewport, image = self._active()
        if image is not None and white > black:
            viewport.set_voi(window_between(black, white, self._function(viewport, image)))

    def _on_typed(self) -> None:
        viewport, image = self._active()
        if image is not None:
            function = self._function(viewport, image)
            viewport.set_voi(Window(self.center.value(), max(self.width_entry.value(), 1e-6), function))

    def _function(self, viewport: Viewport, image: SliceImage) -> VoiFunction:
        return as_window(effective_voi(image, viewport.presentation)).function

    def _spin(self, name: str, least: float) -> QDoubleSpinBox:
        entry = QDoubleSpinBox()
        entry.setRange(least, 1e7)
        entry.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        entry.setKeyboardTracking(False)
        entry.setAccessibleName(name)
        entry.setMinimumWidth(56)
        entry.valueChanged.connect(self._on_typed)
        return entry

    def _timer(self, milliseconds: int, action: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(action)
        return timer
