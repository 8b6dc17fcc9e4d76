"""The shortcut editor."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.actions import ACTIONS, Group, clashes, keys_in_force
from radviewer.app.settings import SettingsFile
from radviewer.ui.action_set import native
from radviewer.ui.labels import plain_label
from radviewer.ui.theme import colour, icon

_MOST_KEYS = 2
_NAME = Qt.ItemDataRole.UserRole
_PORTABLE = QKeySequence.SequenceFormat.PortableText


class ShortcutEditor(QDialog):
    """All commands with up to two shortcuts each; what clashes cannot be kept."""

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(640, 600)
        self._settings = settings
        self.keys = keys_in_force(settings.now.shortcuts)
        self._texts = {action.name: action.text.removesuffix("…") for action in ACTIONS}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search command or key")
        self.search.setAccessibleName("Search in keyboard shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._filter)
        self.tree = self._make_tree()
        self.edits = tuple(self._make_edit(i) for i in range(_MOST_KEYS))
        self.reset_one = QPushButton("Default for this command")
        self.reset_all = QPushButton("Defaults for all")
        self.reset_one.clicked.connect(self._reset_chosen)
        self.reset_all.clicked.connect(self._reset_all)
        self.clash = plain_label(role="error", wrap=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.addButton(self.reset_one, QDialogButtonBox.ButtonRole.ResetRole)
        self.buttons.addButton(self.reset_all, QDialogButtonBox.ButtonRole.ResetRole)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self.choose(ACTIONS[0].name)
        self._refresh()

    def choose(self, name: str) -> None:
        """Select one command."""
        self.tree.setCurrentItem(self.items[name])

    @property
    def chosen(self) -> str | None:
        """Name of the selected command, or None on a heading."""
        item = self.tree.currentItem()
        return None if item is None else item.data(0, _NAME)

    def assign(self, name: str, keys: tuple[str, ...]) -> None:
        """Give a command other shortcuts, in portable notation."""
        self.keys[name] = tuple(key for key in keys if key)
        self._refresh()

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setColumnCount(2)
        tree.setHeaderLabels(["Command", "Keys"])
        tree.setAccessibleName("Commands and their keys")
        tree.setRootIsDecorated(False)
        tree.setIndentation(12)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tree.header().resizeSection(1, 220)
        tree.header().setStretchLastSection(False)
        self.items: dict[str, QTreeWidgetItem] = {}
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        for group in Group:
            heading = QTreeWidgetItem(tree, [group.value.replace("&", ""), ""])
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = heading.font(0)
            font.setBold(True)
            heading.setFont(0, font)
            items: list[QTreeWidgetItem] = []
            self._groups.append((heading, items))
            for action in (a for a in ACTIONS if a.group is group):
                item = QTreeWidgetItem(heading, [self._texts[action.name], ""])
                item.setData(0, _NAME, action.name)
                self.items[action.name] = item
                items.append(item)
        tree.expandAll()
        tree.currentItemChanged.connect(self._show_chosen)
        return tree

    def _make_edit(self, place: int) -> QKeySequenceEdit:
        edit = QKeySequenceEdit()
        edit.setMaximumSequenceLength(1)
        edit.setClearButtonEnabled(True)
        edit.setAccessibleName(("Shortcut", "Second shortcut")[place])
        edit.keySequenceChanged.connect(self._on_edited)
        return edit

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Shortcut", self.edits[0])
        form.addRow("Second shortcut", self.edits[1])
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addLayout(form)
        column.addWidget(self.clash)
        column.addWidget(self.buttons)

    def _on_edited(self) -> None:
        if self.chosen is not None:
            self.assign(self.chosen, tuple(edit.keySequence().toString(_PORTABLE) for edit in self.edits))

    def _show_chosen(self) -> None:
        keys = self.keys[self.chosen] if self.chosen is not None else ()
        for place, edit in enumerate(self.edits):
            with QSignalBlocker(edit):
                edit.setKeySequence(QKeySequence(keys[place] if place < len(keys) else "", _PORTABLE))
            edit.setEnabled(self.chosen is not None)
        self.reset_one.setEnabled(self.chosen is not None)

    def _reset_chosen(self) -> None:
        if self.chosen is not None:
            self.assign(self.chosen, next(action.keys for action in ACTIONS if action.name == self.chosen))
            self._show_chosen()

    def _reset_all(self) -> None:
        self.keys = keys_in_force({})
        self._refresh()
        self._show_chosen()

    def _refresh(self) -> None:
        """Show the keys, and what clashes."""
        found = clashes(self.keys)
        clashing = {name for names in found.values() for name in names}
        for name, item in self.items.items():
            item.setText(1, ", ".join(native(key) for key in self.keys[name]))
            item.setForeground(1, colour("error" if name in clashing else "text"))
        sentences = [
            f"{native(key)} is given to {' and '.join(self._texts[name] for name in names)}."
            for key, names in found.items()
        ]
        self.clash.setText("\n".join(sentences[:3]))
        self.clash.setVisible(bool(sentences))
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(not found)

    def _filter(self, text: str) -> None:
        wanted = text.strip().casefold()
        for item in self.items.values():
            item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())
        for heading, items in self._groups:
            heading.setHidden(all(item.isHidden() for item in items))
        chosen = self.chosen
        if chosen is None or self.items[chosen].isHidden():  # keys must never go to a command out of sight
            seen = next((item for item in self.items.values() if not item.isHidden()), None)
            self.tree.setCurrentIndex(QModelIndex() if seen is None else self.tree.indexFromItem(seen))

    def _save(self) -> None:
        changed = {a.name: list(self.keys[a.name]) for a in ACTIONS if self.keys[a.name] != a.keys}
        self._settings.change(shortcuts=changed)
        self.accept()
