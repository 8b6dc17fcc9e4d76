"""A menu that asks a question: digits and letters answer it, whatever they do in a viewport."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QMenu, QWidget


class ChoiceMenu(QMenu):
    """Deletes itself when it is closed; its first line is the question."""

    def __init__(self, question: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(question)
        self.addAction(question.replace("&", "&&")).setEnabled(False)

    def event(self, event: QEvent) -> bool:
        """Take every key before a shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)
