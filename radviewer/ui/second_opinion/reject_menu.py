"""Asks why a finding is rejected: a menu that a digit answers, and a line of text for "other"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QMenu, QVBoxLayout, QWidget

from radviewer.domain.decision import RejectReason
from radviewer.ui.choice_menu import ChoiceMenu
from radviewer.ui.labels import plain_label

_LONGEST = 500

Rejected = Callable[[RejectReason, str], None]


def reject_menu(parent: QWidget, label: str, rejected: Rejected) -> QMenu:
    """Menu of reasons, numbered; it deletes itself when it is closed."""
    menu = ChoiceMenu(f"Reject {label}: why?", parent)
    for number, reason in enumerate(RejectReason, 1):
        text = reason.value[:1].upper() + reason.value[1:]
        action = menu.addAction(f"&{number}  {text}{'…' if reason is RejectReason.OTHER else ''}")
        action.setObjectName(reason.value)
        if reason is RejectReason.OTHER:
            action.triggered.connect(partial(_ask_text, parent, label, rejected))
        else:
            action.triggered.connect(partial(_reject, rejected, reason))
    return menu


def _reject(rejected: Rejected, reason: RejectReason, _checked: bool = False) -> None:
    rejected(reason, "")


def _ask_text(parent: QWidget, label: str, rejected: Rejected, _checked: bool = False) -> None:
    dialog = ReasonDialog(parent, label)
    dialog.accepted.connect(lambda: rejected(RejectReason.OTHER, dialog.text))
    dialog.open()


def show_menu(menu: QMenu, over: QWidget) -> None:
    """Open a menu in the middle of a widget."""
    size = menu.sizeHint()
    middle = over.rect().center() - QPoint(size.width() // 2, size.height() // 2)
    menu.popup(over.mapToGlobal(middle))


class ReasonDialog(QDialog):
    """A reason in the reader's own words."""

    def __init__(self, parent: QWidget, label: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Reject {label}")
        self.entry = QLineEdit()
        self.entry.setMaxLength(_LONGEST)
        self.entry.setMinimumWidth(360)
        self.entry.setAccessibleName("Reason")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Reject")
        self.ok.setEnabled(False)
        self.entry.textChanged.connect(lambda text: self.ok.setEnabled(bool(text.strip())))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(plain_label("Why? Name no patient: this is kept in the decision log."))
        column.addWidget(self.entry)
        column.addWidget(buttons)

    @property
    def text(self) -> str:
        """What was written."""
        return " ".join(self.entry.text().split())
