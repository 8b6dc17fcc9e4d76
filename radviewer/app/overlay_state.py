"""Which overlays of the second opinion are shown, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True, slots=True)
class Overlays:
    """How overlays are shown in all viewports.

    Attributes
    ----------
    on : bool
        The guaranteed off: False hides everything the AI has said from the images.
    anatomy, findings : bool
        Outlines of structures; of findings.
    heatmap : bool
        The selected finding's heatmap; off at first.
    fill : bool
        Outlines are filled.
    opacity : float
        Of fill and heatmap, 0–1.
    heat_threshold : float
        Heat below it is not painted, 0–1.

    """

    on: bool = True
    anatomy: bool = True
    findings: bool = True
    heatmap: bool = False
    fill: bool = False
    opacity: float = 0.6
    heat_threshold: float = 0.15


class OverlayState(QObject):
    """The overlays in force."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.now = Overlays()

    def change(self, **values: Any) -> None:
        """Change some of it."""
        new = replace(self.now, **values)
        if new != self.now:
            self.now = new
            self.changed.emit()

    def toggle(self) -> None:
        """Turn all overlays off, or on again."""
        self.change(on=not self.now.on)
