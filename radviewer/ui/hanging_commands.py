"""The menu of hanging protocols, and the reader's own table in the system's editor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QActionGroup, QCursor, QDesktopServices

from radviewer.app.hanging_table import own_table, write_own_table
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow

_MENUS = ("layouts", "hanging", "planes-menu")
_NONE = "None (as it was)"
_NOTHING_OPEN = "No study is open"


class HangingCommands:
    """Fills the menu each time it is opened: the protocols that fit what is open, and none of them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._menu = window.actions_set.menus["hanging"]
        self._static = self._menu.actions()
        self._menu.aboutToShow.connect(self.fill)
        self.table: dict[str, Callable[[], object]] = {
            **{name: partial(self._open, name) for name in _MENUS},
            "hanging-edit": self._edit,
        }

    def fill(self) -> None:
        """Offer the protocols that fit what is open now."""
        for action in self._menu.actions():
            if action not in self._static:
                self._menu.removeAction(action)
                action.deleteLater()
        hanging, before = self._window.room.hanging, self._static[0]
        if self._window.room.session.result is None:
            self._add(_NOTHING_OPEN, None).setEnabled(False)
        else:
            group = QActionGroup(self._menu)
            for name in (*(plan.protocol.name for plan in hanging.choices()), ""):
                action = self._add(name or _NONE, name)
                action.setActionGroup(group)
                action.setCheckable(True)
                action.setChecked(name == hanging.in_force)
        self._menu.insertSeparator(before)

    def _add(self, text: str, name: str | None) -> QAction:
        action = QAction(text.replace("&", "&&"), self._menu)
        if name is not None:
            action.triggered.connect(lambda _checked=False: self._choose(name))
        self._menu.insertAction(self._static[0], action)
        return action

    def _choose(self, name: str) -> None:
        self._window.room.hanging.choose(name)
        self._window.desk.focus_active()
        self._window.refresh()

    def _open(self, name: str) -> None:
        """Open one of the menus beside the pointer: its action was given a key."""
        self._window.actions_set.menus[name].popup(QCursor.pos())

    def _edit(self) -> None:
        """Open the reader's own table, made first where there is none; tell where it lies if nothing opens it."""
        try:
            path = write_own_table()
        except NotSaved as error:
            self._window.room.notice.emit(str(error))
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._window.room.notice.emit(
                f"No program of this computer opens text files. Edit {own_table()} with an editor of your own; "
                "it is read again when the next study is opened."
            )
