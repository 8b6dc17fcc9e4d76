"""Which overlays are shown: switches, opacity, threshold of the heatmap."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSlider, QWidget

from radviewer.app.overlay_state import OverlayState
from radviewer.ui.labels import plain_label

_STEPS = 100


class OverlayBar(QWidget):
    """Switches for the overlays in all viewports."""

    def __init__(self, overlays: OverlayState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._overlays = overlays
        self.on = self._check("All overlays", "Everything the second opinion draws  (G; hold to peek)", "on")
        self.anatomy = self._check("Anatomy", "Outlines of lungs and heart", "anatomy")
        self.findings = self._check("Findings", "Outlines of findings", "findings")
        self.heatmap = self._check("Heatmap", "Explanation of the selected finding, not its outline", "heatmap")
        self.fill = self._check("Fill", "Fill the outlines", "fill")
        self.opacity = self._slider("Opacity of fill and heatmap", "opacity")
        self.threshold = self._slider("Heat below this is not shown", "heat_threshold")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.addWidget(self.on, 0, 0)
        grid.addWidget(self.anatomy, 0, 1)
        grid.addWidget(self.findings, 0, 2)
        grid.addWidget(self.heatmap, 1, 0)
        grid.addWidget(self.fill, 1, 1)
        grid.addWidget(plain_label("Opacity", "muted"), 2, 0)
        grid.addWidget(self.opacity, 2, 1, 1, 2)
        self._threshold_label = plain_label("Heat from", "muted")
        grid.addWidget(self._threshold_label, 3, 0)
        grid.addWidget(self.threshold, 3, 1, 1, 2)
        grid.setColumnStretch(2, 1)
        overlays.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is in force."""
        now = self._overlays.now
        for name in ("on", "anatomy", "findings", "heatmap", "fill"):
            box: QCheckBox = getattr(self, name)
            with QSignalBlocker(box):
                box.setChecked(getattr(now, name))
        for slider, value in ((self.opacity, now.opacity), (self.threshold, now.heat_threshold)):
            with QSignalBlocker(slider):
                slider.setValue(round(value * _STEPS))
        for widget in (self.threshold, self._threshold_label):
            widget.setVisible(now.heatmap)

    def _check(self, text: str, tip: str, name: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.toggled.connect(lambda checked: self._overlays.change(**{name: checked}))
        return box

    def _slider(self, tip: str, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setToolTip(tip)
        slider.setAccessibleName(tip)
        slider.valueChanged.connect(lambda value: self._overlays.change(**{name: value / _STEPS}))
        return slider
