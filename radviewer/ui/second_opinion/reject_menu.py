"""Asks why a finding is rejected: a menu that a digit answers, and a line of text for "other"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from radviewer.domain.decision import RejectReason
from radviewer.ui.choice_menu import ChoiceMenu
from radviewer.ui.dialogs.words import WordsDialog

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
    dialog = WordsDialog(f"Reject {label}", "Why?", "Reject", parent)
    dialog.accepted.connect(lambda: rejected(RejectReason.OTHER, dialog.text))
    dialog.open()


def show_menu(menu: QMenu, over: QWidget) -> None:
    """Open a menu in the middle of a widget."""
    size = menu.sizeHint()
    middle = over.rect().center() - QPoint(size.width() // 2, size.height() // 2)
    menu.popup(over.mapToGlobal(middle))
