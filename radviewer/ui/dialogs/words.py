"""A line in the reader's own words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from radviewer.ui.labels import plain_label

_LONGEST = 500


class WordsDialog(QDialog):
    """Asks for one line; it can only be accepted when there is something in it."""

    def __init__(self, title: str, question: str, accept: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.entry = QLineEdit()
        self.entry.setMaxLength(_LONGEST)
        self.entry.setMinimumWidth(360)
        self.entry.setAccessibleName(question)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText(accept)
        self.ok.setEnabled(False)
        self.entry.textChanged.connect(lambda text: self.ok.setEnabled(bool(text.strip())))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(plain_label(f"{question} Name no patient: this is kept in the decision log."))
        column.addWidget(self.entry)
        column.addWidget(buttons)

    @property
    def text(self) -> str:
        """What was written."""
        return " ".join(self.entry.text().split())
