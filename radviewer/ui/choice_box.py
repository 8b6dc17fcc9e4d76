"""A combo box in a window whose plain keys are shortcuts."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QComboBox, QWidget


class ChoiceBox(QComboBox):
    """While its list is open, arrows and letters choose in it, whatever they do in a viewport."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take every key before a shortcut does, and pass it on: the list closes on some."""
        if event.type() == QEvent.Type.ShortcutOverride and watched is self.view():
            event.accept()
        return super().eventFilter(watched, event)
