"""Qt's actions, made from the action table and the reader's shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QToolButton, QWidget

from radviewer.app.actions import ACTIONS, BEGINS_SECTION, Action, Group, Scope, keys_in_force
from radviewer.ui.labels import plain_tip
from radviewer.ui.theme import icon

_CONTEXT = {
    Scope.WINDOW: Qt.ShortcutContext.WindowShortcut,
    Scope.VIEWPORT: Qt.ShortcutContext.WidgetWithChildrenShortcut,
}


class ActionSet(QObject):
    """One QAction per line of the table.

    Parameters
    ----------
    window : QWidget
        Hears the shortcuts of scope WINDOW anywhere in it.
    viewports : QWidget
        Hears those of scope VIEWPORT while it or a child of it has the focus.

    Attributes
    ----------
    menus : dict of str to QMenu
        Of the actions that other actions are part of, by name.

    """

    triggered = Signal(str)  # name

    def __init__(self, window: QWidget, viewports: QWidget) -> None:
        super().__init__(window)
        self._actions = {action.name: self._make(action) for action in ACTIONS}
        for action in ACTIONS:
            (window if action.scope is Scope.WINDOW else viewports).addAction(self[action.name])
        self.menus = {name: QMenu(window) for name in dict.fromkeys(a.part_of for a in ACTIONS if a.part_of)}
        for name, menu in self.menus.items():
            self[name].setMenu(menu)
            for part in (action for action in ACTIONS if action.part_of == name):
                menu.addAction(self[part.name])

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def set_keys(self, changed: Mapping[str, list[str]]) -> None:
        """Take over the reader's shortcuts; `changed` as in the settings."""
        keys = keys_in_force(dict(changed))
        for action in ACTIONS:
            qt_action = self[action.name]
            sequences = [QKeySequence(key, QKeySequence.SequenceFormat.PortableText) for key in keys[action.name]]
            qt_action.setShortcuts([sequence for sequence in sequences if not sequence.isEmpty()])
            shown = ", ".join(native(key) for key in keys[action.name])
            tip = action.tip or action.text.removesuffix("…")
            qt_action.setToolTip(plain_tip(f"{tip}  ({shown})" if shown else tip))

    def rename(self, name: str, text: str = "") -> None:
        """Give an action another text, taken as it is; "" for the table's own."""
        text = text or next(action.text for action in ACTIONS if action.name == name)
        self[name].setText(text.replace("&", "&&"))

    def set_checked(self, name: str, checked: bool) -> None:
        """Show whether something is in force."""
        self[name].setChecked(checked)

    def fill_menus(self, bar: QMenuBar) -> dict[Group, QMenu]:
        """Make one menu per group."""
        menus = {group: bar.addMenu(group.value) for group in Group}
        for action in (action for action in ACTIONS if not action.part_of):
            menu = menus[action.group]
            if action.name in BEGINS_SECTION:
                menu.addSeparator()
            menu.addAction(self[action.name])
        return menus

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Put every action with an icon into the tool bar."""
        before: Group | None = None
        pending = False
        for action in ACTIONS:
            pending = pending or action.name in BEGINS_SECTION
            if not action.icon or action.part_of:
                continue
            if before is not None and (pending or action.group is not before):
                bar.addSeparator()
            before, pending = action.group, False
            bar.addAction(self[action.name])
            button = bar.widgetForAction(self[action.name])
            if action.name in self.menus and isinstance(button, QToolButton):
                button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _make(self, action: Action) -> QAction:
        qt_action = QAction(action.text, self)
        qt_action.setObjectName(action.name)
        qt_action.setCheckable(action.checkable)
        qt_action.setAutoRepeat(action.repeats)
        qt_action.setShortcutContext(_CONTEXT[action.scope])
        qt_action.setMenuRole(QAction.MenuRole.NoRole)
        if action.icon:
            qt_action.setIcon(icon(action.icon))
            qt_action.setIconVisibleInMenu(False)
        qt_action.triggered.connect(partial(self._on_triggered, action.name))
        return qt_action

    def _on_triggered(self, name: str, _checked: bool = False) -> None:
        self.triggered.emit(name)


def native(key: str) -> str:
    """A shortcut of the table as this system writes it."""
    sequence = QKeySequence(key, QKeySequence.SequenceFormat.PortableText)
    return sequence.toString(QKeySequence.SequenceFormat.NativeText)
