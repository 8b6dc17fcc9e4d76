"""A line of text typed in its place on the image."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from radviewer.app.marks import MarkBook
from radviewer.domain.measurement import Mark

_LONGEST = 200


class TextEntry(QLineEdit):
    """Text of one mark: Enter or a click elsewhere keeps it, Esc leaves it as it was.

    Keys of the viewports are not heard while it is open.
    """

    def __init__(self, parent: QWidget, marks: MarkBook, mark: Mark) -> None:
        super().__init__(mark.text, parent)
        self.image = mark.image
        self._viewport = parent
        self._marks = marks
        self._mark_id: str | None = mark.mark_id  # None once the text was handed over
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

    def open_at(self, place: QPointF) -> None:
        """Appear beside a place in the parent, and take the keys."""
        self.adjustSize()
        room = self._viewport.rect().adjusted(0, 0, -self.width(), -self.height())
        at = place.toPoint() + QPoint(8, 8)
        self.move(max(0, min(at.x(), room.right())), max(0, min(at.y(), room.bottom())))
        self.show()
        self.setFocus()

    def finish(self, *, keep: bool) -> None:
        """Close; the text is handed over once, if the mark is still there."""
        mark_id, self._mark_id = self._mark_id, None
        if mark_id is None:
            return
        had_focus = self.hasFocus()
        self.hide()
        if had_focus:
            self._viewport.setFocus()
        if keep and any(mark.mark_id == mark_id for mark in self._marks.all):
            self._marks.rename(mark_id, " ".join(self.text().split()))
        self.deleteLater()
