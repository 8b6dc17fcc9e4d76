"""Controls of a 3D view: a bar over the picture, and a panel beside it with the clipping box and the surfaces."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.orbit import VIEWS
from radviewer.app.three_d import Listed, ThreeD
from radviewer.app.three_d_surfaces import SurfaceKey
from radviewer.render.contours import colour_of
from radviewer.ui.choice_box import ChoiceBox
from radviewer.ui.labels import plain_label, plain_tip

_NAMES = {"A": "anterior", "P": "posterior", "L": "left", "R": "right", "S": "superior", "I": "inferior"}
_ENDS = (("R", "L"), ("A", "P"), ("I", "S"))  # low and high end along LPS x, y, z
_STEPS = 100
_LETTER = 26  # logical pixels of a button with one letter
_WIDTH = 236


class Bar(QWidget):
    """Preset, sides of the patient, reset, and a switch for the panel."""

    view_asked = Signal(str)
    reset_asked = Signal()

    def __init__(self, state: ThreeD, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.presets = ChoiceBox()
        self.presets.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToContents)  # filled after it is first shown
        self.presets.setAccessibleName("How the volume is rendered")
        self.presets.setToolTip("How the volume is rendered")
        self.presets.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.presets.textActivated.connect(state.choose)
        self.sides = {letter: self._button(letter, f"Look from {_NAMES[letter]}  ({letter})") for letter in VIEWS}
        for letter, button in self.sides.items():
            button.setFixedWidth(_LETTER)
            button.clicked.connect(lambda _=False, side=letter: self.view_asked.emit(side))
        self.reset = self._button("Reset", "Look from anterior, the whole volume in view")
        self.reset.clicked.connect(self.reset_asked)
        self.panel = self._button("Options", "Surfaces, clipping box, what is shown")
        self.panel.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(1)
        row.addWidget(self.presets)
        row.addSpacing(4)
        for button in (*self.sides.values(), self.reset):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.panel)

    def refresh(self) -> None:
        """Show what is in force."""
        names = [preset.name for preset in self._state.presets]
        with QSignalBlocker(self.presets):
            if names != [self.presets.itemText(i) for i in range(self.presets.count())]:
                self.presets.clear()
                self.presets.addItems(names)
            if self._state.preset is not None:
                self.presets.setCurrentText(self._state.preset.name)
        self.presets.setEnabled(bool(names) and self._state.look.volume)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button


class Panel(QScrollArea):
    """What is shown, the clipping box, and the list of surfaces."""

    def __init__(self, state: ThreeD, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._lines: dict[SurfaceKey, SurfaceLine] = {}
        self.setFixedWidth(_WIDTH)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(8, 6, 8, 6)
        self._column.setSpacing(6)
        self.volume = self._check("Volume", "Render the volume", "volume")
        self.labels = self._check("Labels", "Name and size of the surfaces", "labels")
        self.clipped = self._check("Clipping box", "Cut the volume open; surfaces stay whole", "clipped")
        self.sliders = self._make_sliders()
        self._title = plain_label("Surfaces", "muted")
        self._column.addWidget(self._title)
        self._column.addStretch(1)
        self.setWidget(inside)

    def refresh(self) -> None:
        """Show what is in force."""
        look = self._state.look
        for box, on in ((self.volume, look.volume), (self.labels, look.labels), (self.clipped, look.clipped)):
            with QSignalBlocker(box):
                box.setChecked(on)
        for axis, (low, high) in enumerate(_ENDS):
            for letter, value in ((low, look.low[axis]), (high, 1 - look.high[axis])):
                with QSignalBlocker(self.sliders[letter]):
                    self.sliders[letter].setValue(round(value * _STEPS))
        self._refresh_lines()

    def _refresh_lines(self) -> None:
        listed = self._state.listed
        if list(self._lines) != [one.item.key for one in listed]:
            for line in self._lines.values():
                self._column.removeWidget(line)
                line.deleteLater()
            self._lines = {one.item.key: SurfaceLine(self._state.change_surface, one) for one in listed}
            for line in self._lines.values():
                self._column.insertWidget(self._column.count() - 1, line)
        for one in listed:
            self._lines[one.item.key].refresh(one)
        self._title.setText("Surfaces" if listed else "No outlines in this series")

    @property
    def lines(self) -> tuple[SurfaceLine, ...]:
        """The list of surfaces."""
        return tuple(self._lines.values())

    def _check(self, text: str, tip: str, name: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.toggled.connect(lambda on: self._state.change(**{name: on}))
        self._column.addWidget(box)
        return box

    def _make_sliders(self) -> dict[str, QSlider]:
        """One for each side of the box: how much is cut away from there."""
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        made = {}
        for axis, ends in enumerate(_ENDS):
            for high, letter in enumerate(ends):
                slider = QSlider(Qt.Orientation.Horizontal)
                slider.setRange(0, _STEPS)
                slider.setToolTip(f"Cut away from {_NAMES[letter]}")
                slider.setAccessibleName(f"Cut away from {_NAMES[letter]}")
                slider.valueChanged.connect(lambda value, a=axis, h=high: self._cut(a, bool(h), value / _STEPS))
                grid.addWidget(plain_label(letter, "muted"), axis, 2 * high)
                grid.addWidget(slider, axis, 2 * high + 1)
                made[letter] = slider
        self._column.addLayout(grid)
        return made

    def _cut(self, axis: int, high: bool, share: float) -> None:
        now = self._state.look
        ends = list(now.high if high else now.low)
        ends[axis] = max(now.low[axis] + 0.02, 1 - share) if high else min(now.high[axis] - 0.02, share)
        self._state.change(clipped=True, **{"high" if high else "low": (ends[0], ends[1], ends[2])})


class SurfaceLine(QWidget):
    """One surface: shown or not, whose it is, how much is seen through it."""

    def __init__(self, change: Callable[..., None], listed: Listed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        key = listed.item.key
        self.shown = QCheckBox(listed.item.label[:1].upper() + listed.item.label[1:])
        swatch = QPixmap(10, 10)
        swatch.fill(colour_of(listed.item.label))
        self.shown.setIcon(QIcon(swatch))
        self.shown.toggled.connect(lambda on: change(key, visible=on))
        self.state = plain_label("", "muted")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, _STEPS)
        self.opacity.setToolTip("Opacity")
        self.opacity.setAccessibleName(f"Opacity of {listed.item.label}")
        self.opacity.valueChanged.connect(lambda value: change(key, opacity=value / _STEPS))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(1)
        for widget in (self.shown, self.state, self.opacity):
            column.addWidget(widget)

    def refresh(self, listed: Listed) -> None:
        """Show what is in force."""
        with QSignalBlocker(self.shown), QSignalBlocker(self.opacity):
            self.shown.setChecked(listed.look.visible)
            self.opacity.setValue(round(listed.look.opacity * _STEPS))
        waiting = listed.look.visible and listed.surface is None
        self.state.setText(listed.problem or listed.item.state + (", being made …" if waiting else ""))
        note = "" if listed.surface is None else listed.surface.note
        self.setToolTip(plain_tip(f"{listed.label}. {note}".strip()))
        self.opacity.setEnabled(listed.look.visible)
