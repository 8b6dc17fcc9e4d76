"""A line of text typed in its place on the image."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

_LONGEST = 200


class TextEntry(QLineEdit):
    """Enter or a click elsewhere keeps the text, Esc leaves it as it was.

    Keys of the viewports are not heard while it is open.
    """

    def __init__(self, parent: QWidget, text: str, keep: Callable[[str], None]) -> None:
        super().__init__(text, parent)
        self._keep: Callable[[str], None] | None = keep
        self.setMaxLength(_LONGEST)
        self.setMinimumWidth(180)
        self.setPlaceholderText("Text of the arrow")
        self.setAccessibleName("Text of the arrow")
        self.selectAll()

    def event(self, event: QEvent) -> bool:
        """Take every key before a shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """End on Enter and Esc."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish(keep=True)
        elif event.key() == Qt.Key.Key_Escape:
            self.finish(keep=False)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keep what was typed when the reader goes elsewhere."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self.finish(keep=True)

    def finish(self, *, keep: bool) -> None:
        """Close; the text is handed over once."""
        handed, self._keep = self._keep, None
        if handed is None:
            return
        had_focus = self.hasFocus()
        self.hide()
        parent = self.parentWidget()
        if had_focus and parent is not None:
            parent.setFocus()
        if keep:
            handed(" ".join(self.text().split()))
        self.deleteLater()
