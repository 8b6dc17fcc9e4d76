"""What can be done to the outline that is being edited."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QRadioButton, QSlider, QVBoxLayout, QWidget

from radviewer.app.mask_edit import Instrument, MaskEdit
from radviewer.app.reading_room import ReadingRoom
from radviewer.ui.labels import plain_label
from radviewer.ui.second_opinion.row_list import capital

_BROADEST = 100
_MOST_TOLERANT = 500


class EditBar(QWidget):
    """Instruments, their size, and the ways out; shown while an outline is edited."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._edit: MaskEdit = room.mask_edit
        self.title = plain_label("", "heading", wrap=True)
        self.group = QButtonGroup(self)
        self.instruments = {instrument: self._instrument(instrument) for instrument in Instrument}
        self.radius = self._slider(1, _BROADEST, "Radius of the brush, in pixels", self._edit.size)
        self.tolerance = self._slider(0, _MOST_TOLERANT, "Range of values around the first", self._edit.tolerate)
        self.smooth = self._button("Smooth", lambda: self._edit.smooth(self._index))
        self.fill = self._button("Fill holes", lambda: self._edit.fill_holes(self._index))
        self.undo = self._button("Undo stroke", self._edit.undo)
        self.done = self._button("Keep  (E)", self._edit.finish)
        self.drop = self._button("Discard  (Esc)", self._edit.cancel)
        self._tolerance_label = plain_label("Range ±", "muted")
        self._lay_out()
        self._edit.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.title)
        for instrument in self.instruments.values():
            column.addWidget(instrument)
        grid = QGridLayout()
        grid.setSpacing(6)
        grid.addWidget(plain_label("Radius", "muted"), 0, 0)
        grid.addWidget(self.radius, 0, 1)
        grid.addWidget(self._tolerance_label, 1, 0)
        grid.addWidget(self.tolerance, 1, 1)
        column.addLayout(grid)
        buttons = QGridLayout()
        buttons.setSpacing(6)
        for i, button in enumerate((self.smooth, self.fill, self.undo, self.drop, self.done)):
            buttons.addWidget(button, i // 2, i % 2)
        column.addLayout(buttons)

    @property
    def _index(self) -> int:
        return self._room.desk.active.index

    def refresh(self) -> None:
        """Show what is in force."""
        edit = self._edit
        self.setVisible(edit.active)
        if edit.row is None:
            return
        self.title.setText(f"Editing: {edit.row.label}")
        with QSignalBlocker(self.group), QSignalBlocker(self.radius), QSignalBlocker(self.tolerance):
            self.instruments[edit.instrument].setChecked(True)
            self.radius.setValue(round(edit.radius))
            self.tolerance.setValue(round(edit.tolerance))
        within = edit.instrument is Instrument.THRESHOLD
        self.tolerance.setVisible(within)
        self._tolerance_label.setVisible(within)
        self.undo.setEnabled(edit.dirty)

    def _instrument(self, instrument: Instrument) -> QRadioButton:
        button = QRadioButton(capital(instrument.value))
        button.clicked.connect(lambda: self._edit.take(instrument))
        self.group.addButton(button)
        return button

    @staticmethod
    def _slider(low: int, high: int, tip: str, changed: Callable[[float], None]) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(low, high)
        slider.setToolTip(tip)
        slider.setAccessibleName(tip)
        slider.valueChanged.connect(lambda value: changed(float(value)))
        return slider

    @staticmethod
    def _button(text: str, clicked: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: clicked())
        return button
