"""Marks and key images: a list of what the reader has drawn; a click jumps there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.mark_planes import plane_heading
from radviewer.app.marks import noun
from radviewer.app.navigation import jump_to, marked_places
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.domain.measurement import ImageReference, Mark
from radviewer.domain.reformat import Reformat
from radviewer.domain.volume import SliceImage
from radviewer.render.mark_text import label
from radviewer.ui.labels import plain_label, plain_tip
from radviewer.ui.theme import icon

_MARK = Qt.ItemDataRole.UserRole
_IMAGE = Qt.ItemDataRole.UserRole + 1
_SETTLE_MS = 60
_SLICES_MS = 400  # while a series is loading


@dataclass(frozen=True, slots=True)
class _Measured:
    mark: Mark
    image: SliceImage
    text: str


class MarkTree(QTreeWidget):
    """Images with their marks below; Enter jumps, Del deletes, F2 edits the text."""

    def __init__(self, jump: Callable[[], None], delete: Callable[[], None]) -> None:
        super().__init__()
        self._jump, self._delete = jump, delete
        self.setColumnCount(2)
        self.setHeaderLabels(["Mark", "Text"])
        self.setAccessibleName("Marks and key images")
        self.setRootIsDecorated(False)
        self.setIndentation(16)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setStretchLastSection(False)
        self.header().resizeSection(1, 90)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Act on the current row."""
        if self.state() is QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._jump()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._delete()
        elif event.key() == Qt.Key.Key_F2:
            self.edit_text()
        else:
            super().keyPressEvent(event)

    def edit_text(self) -> None:
        """Edit the text of the current row's mark."""
        item = self.currentItem()
        if item is not None and item.data(0, _MARK) is not None:
            self.setColumnHidden(1, False)
            self.editItem(item, 1)


class MarksPanel(QWidget):
    """List of marks with their values, and what can be done with them."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._measured: dict[str, _Measured] = {}
        self._incomplete = False
        self.tree = MarkTree(self.jump, self.delete)
        self.tree.itemClicked.connect(self.jump)
        self.tree.currentItemChanged.connect(self._update_buttons)
        self.tree.itemChanged.connect(self._on_edited)
        self.empty = plain_label(
            "No marks yet. Draw one with the measure tools, or press K for a key image.", "muted", wrap=True
        )
        self.rename = QPushButton("Edit text")
        self.rename.clicked.connect(self.tree.edit_text)
        self.remove = QPushButton("Delete")
        self.remove.clicked.connect(self.delete)
        below = QHBoxLayout()
        below.addWidget(self.rename)
        below.addWidget(self.remove)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.empty, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.tree, 100)
        column.addLayout(below)
        self.setMinimumSize(220, 150)
        self._soon = self._timer(_SETTLE_MS)
        self._slices = self._timer(_SLICES_MS)
        room.marks.changed.connect(self._later)
        room.marks.selection_changed.connect(self._show_selected)
        room.studies_changed.connect(self._later)
        room.cache.slice_ready.connect(self._on_slice)
        room.cache.loaded.connect(self._later)
        self.rebuild()

    def jump(self) -> None:
        """Show the image of the current row, and select its mark."""
        item = self.tree.currentItem()
        if item is None:
            return
        image: ImageReference = item.data(0, _IMAGE)
        mark_id = item.data(0, _MARK)
        mark = next((m for m in self._room.marks.on(image) if m.mark_id == mark_id), None)
        if jump_to(self._room, image, mark):
            self._room.marks.select(None if mark is None else mark.mark_id)

    def delete(self) -> None:
        """Delete the mark of the current row (undoable)."""
        item = self.tree.currentItem()
        if item is not None and item.data(0, _MARK) is not None:
            self._room.marks.remove(item.data(0, _MARK))

    def rebuild(self) -> None:
        """List the marks of what is open, in the browser's order."""
        if self.tree.state() is QAbstractItemView.State.EditingState:
            self._soon.start()  # the list would be drawn away under the reader's hands
            return
        current = self.tree.currentItem()
        kept = None if current is None else (current.data(0, _IMAGE), current.data(0, _MARK))
        self._incomplete = False
        with QSignalBlocker(self.tree):
            self.tree.clear()
            for image, shown, index in marked_places(self._room):
                self._add_image(image, shown, index)
            self.tree.expandAll()
            for item in self._items():
                if (item.data(0, _IMAGE), item.data(0, _MARK)) == kept:
                    self.tree.setCurrentItem(item)
        self._measured = {
            k: m for k, m in self._measured.items() if any(k == mark.mark_id for mark in self._room.marks.all)
        }
        self.tree.setColumnHidden(1, not any(mark.text for mark in self._room.marks.all))
        any_marks = self.tree.topLevelItemCount() > 0
        self.empty.setVisible(not any_marks)
        self.tree.setVisible(any_marks)
        self._update_buttons()
        self._show_selected()

    def _add_image(self, image: ImageReference, shown: Shown, index: int) -> None:
        series = shown.series
        number = "" if series.number is None else f" {series.number}"
        planes = isinstance(shown.stack, Reformat)
        name = f"{series.modality or 'Series'}{number}"
        if isinstance(shown.stack, Reformat):
            heading = f"{plane_heading(shown.stack, index)}, {name}"
        else:
            heading = f"{name}, image {index + 1}"
        item = QTreeWidgetItem(self.tree, [heading, ""])
        item.setData(0, _IMAGE, image)
        item.setToolTip(0, plain_tip(item.text(0)))
        key = self._room.marks.key_image(image)
        if key is not None:
            item.setIcon(0, icon("key-image"))
            item.setToolTip(0, plain_tip(f"Key image: {item.text(0)}"))
            item.setData(0, _IMAGE, key.image)  # of planes: the slab it was chosen on
            self._name(item, key)
        decoded = None if planes else self._room.cache.slice(shown.stack, index)
        for mark in self._room.marks.on(image):
            value = self._value_on_plane(mark) if planes else self._value(mark, decoded)
            child = QTreeWidgetItem(item, [value, ""])
            child.setIcon(0, icon(mark.kind.value))
            child.setData(0, _IMAGE, mark.image)
            child.setToolTip(0, plain_tip(child.text(0)))
            self._name(child, mark)

    def _name(self, item: QTreeWidgetItem, mark: Mark) -> None:
        item.setData(0, _MARK, mark.mark_id)
        item.setText(1, mark.text)
        item.setToolTip(1, plain_tip(mark.text))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)

    def _value(self, mark: Mark, image: SliceImage | None) -> str:
        """What a mark measures; its name while the image is not decoded."""
        known = self._measured.get(mark.mark_id)
        if known is not None and known.mark == mark and (image is None or known.image is image):
            return known.text
        name = noun(mark.kind)
        if image is None:
            self._incomplete = True
            return name[:1].upper() + name[1:]
        lines = [line for line in label(mark, image) if line != mark.text]
        text = ", ".join(" ".join(line.split()) for line in lines) or name[:1].upper() + name[1:]
        self._measured[mark.mark_id] = _Measured(mark, image, text)
        return text

    def _value_on_plane(self, mark: Mark) -> str:
        """The same of a mark on a plane, which is cut as it was, and only for marks that are new."""
        known, place = self._measured.get(mark.mark_id), self._room.place_of(mark.image)
        if place is None or (known is not None and known.mark == mark):
            return self._value(mark, None)
        shown, index = place
        return self._value(mark, self._room.cache.slice(shown.stack, index))

    def _items(self) -> list[QTreeWidgetItem]:
        return self.tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive, 0)

    def _show_selected(self) -> None:
        selected = self._room.marks.selected
        if selected is None:
            return
        for item in self._items():
            if item.data(0, _MARK) == selected.mark_id:
                with QSignalBlocker(self.tree):
                    self.tree.setCurrentItem(item)
                self._update_buttons()

    def _update_buttons(self) -> None:
        item = self.tree.currentItem()
        on = item is not None and item.data(0, _MARK) is not None
        self.rename.setEnabled(on)
        self.remove.setEnabled(on)

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        mark_id = item.data(0, _MARK)
        if column == 1 and mark_id is not None and any(m.mark_id == mark_id for m in self._room.marks.all):
            self._room.marks.rename(mark_id, " ".join(item.text(1).split()))

    def _on_slice(self) -> None:
        if self._incomplete and not self._slices.isActive():
            self._slices.start()

    def _later(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _timer(self, milliseconds: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(self.rebuild)
        return timer
