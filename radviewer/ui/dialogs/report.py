"""Asks for the words of a report; the text stays until the report is written."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from radviewer.ui.labels import plain_label

_LONGEST = 20_000


class ReportDialog(QDialog):
    """A text, what else goes into the report, and "Write report".

    Parameters
    ----------
    text : str
        To begin with.
    about : str
        What the report shows of the patient, and where it goes.
    parent : QWidget

    """

    wanted = Signal(str)  # the text; `show_problem` or `accept` is the answer

    def __init__(self, text: str, about: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Report")
        self.entry = QPlainTextEdit(text)
        self.entry.setAccessibleName("Text of the report")
        self.entry.setPlaceholderText("Findings, comparison, impression")
        self.entry.setTabChangesFocus(True)
        self.entry.setMinimumSize(560, 240)
        self.entry.moveCursor(QTextCursor.MoveOperation.End)
        self.problem = plain_label("", "error", wrap=True)
        self.problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.write = buttons.addButton("Write report", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._ask)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(plain_label("What do you report? Findings, decisions, images and measurements are added."))
        column.addWidget(self.entry, 1)
        column.addWidget(plain_label(about, "muted", wrap=True))
        column.addWidget(self.problem)
        column.addWidget(buttons)

    @property
    def text(self) -> str:
        """What was written."""
        return self.entry.toPlainText().strip()[:_LONGEST]

    def show_problem(self, sentence: str) -> None:
        """Say why it could not be written; the text can be kept, and written again."""
        self.problem.setText(sentence)
        self.problem.show()
        self._set_busy(False)
        self.entry.setFocus()

    def _ask(self) -> None:
        self.problem.hide()
        self._set_busy(True)
        self.wanted.emit(self.text)

    def _set_busy(self, busy: bool) -> None:
        self.write.setEnabled(not busy)
        self.write.setText("Writing…" if busy else "Write report")
        self.entry.setReadOnly(busy)
