"""The reader's impression before the second opinion: per label, and in words; locked once."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QPlainTextEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.domain.decision import Presence
from radviewer.ui.labels import plain_label
from radviewer.ui.second_opinion.row_list import capital

_LONGEST = 4000
_ASKED = "What do you see? It cannot be changed once locked. Name no patient: it is kept in the decision log."


def ask_impression(parent: QWidget, room: ReadingRoom, shown: Shown) -> ImpressionDialog:
    """Ask for the impression of a stack; locking it shows the second opinion."""
    dialog = ImpressionDialog(room.opinion.labels_for(shown), parent)
    dialog.accepted.connect(lambda: room.lock_impression(shown, dialog.labels, dialog.text))
    dialog.open()
    return dialog


class ImpressionDialog(QDialog):
    """Present, absent or unsure for each label that will be tested, and free text."""

    def __init__(self, labels: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Your impression")
        self.groups = {label: QButtonGroup(self) for label in labels}
        self.entry = QPlainTextEdit()
        self.entry.setAccessibleName("Impression in words")
        self.entry.setTabChangesFocus(True)
        self.entry.setMinimumSize(420, 100)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.lock = buttons.addButton("Lock and show the second opinion", QDialogButtonBox.ButtonRole.AcceptRole)
        self.lock.setEnabled(not labels)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(plain_label(_ASKED, wrap=True))
        column.addLayout(self._grid())
        column.addWidget(self.entry)
        column.addWidget(buttons)

    @property
    def labels(self) -> tuple[tuple[str, Presence], ...]:
        """What was chosen for each label."""
        chosen = ((label, group.checkedButton()) for label, group in self.groups.items())
        return tuple((label, Presence(button.objectName())) for label, button in chosen if button is not None)

    @property
    def text(self) -> str:
        """What was written."""
        return self.entry.toPlainText().strip()[:_LONGEST]

    def choose(self, label: str, presence: Presence) -> None:
        """Choose for one label."""
        for button in self.groups[label].buttons():
            button.setChecked(button.objectName() == presence.value)
        self._check()

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        for row, (label, group) in enumerate(self.groups.items()):
            grid.addWidget(plain_label(capital(label)), row, 0)
            for place, presence in enumerate(Presence, 1):
                button = QRadioButton(capital(presence.value))
                button.setObjectName(presence.value)
                button.setAccessibleName(f"{label}: {presence.value}")
                group.addButton(button)
                button.toggled.connect(self._check)
                grid.addWidget(button, row, place)
        grid.setColumnStretch(4, 1)
        return grid

    def _check(self) -> None:
        self.lock.setEnabled(all(group.checkedButton() is not None for group in self.groups.values()))
