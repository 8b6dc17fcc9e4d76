"""The study browser as a list: arrows walk, Enter, double click and drag open."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.thumbnails import Thumbnails
from radviewer.ui.browser.delegate import BrowserDelegate
from radviewer.ui.browser.model import BrowserModel

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class BrowserPanel(QListView):
    """List of what is open."""

    chosen = Signal(object)  # Shown: to be opened in the active viewport

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._model = BrowserModel(room)
        self.thumbnails = Thumbnails(room.queue, room.cache, self)
        self.setModel(self._model)
        self.setItemDelegate(BrowserDelegate(self.thumbnails))
        self.setAccessibleName("Studies and series")
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMinimumWidth(200)
        self.doubleClicked.connect(self._choose)
        self._model.touched.connect(self._repaint)
        self._model.modelReset.connect(self._follow)
        self.thumbnails.ready.connect(self._model.refresh)
        room.session.started.connect(self.thumbnails.clear)
        room.studies_changed.connect(self._on_studies)
        room.desk.active_changed.connect(self._follow)
        for viewport in room.desk.viewports:
            viewport.stack_changed.connect(self._follow)

    @property
    def browser_model(self) -> BrowserModel:
        """The rows."""
        return self._model

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens; the rest is the list's own walking."""
        if event.key() in _ENTER:
            self._choose(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _choose(self, index: QModelIndex) -> None:
        shown = self._model.shown(index)
        if shown is not None:
            self.chosen.emit(shown)

    def _repaint(self, index: QModelIndex) -> None:
        if index.isValid():
            self.update(index)
        else:
            self.viewport().update()

    def _on_studies(self) -> None:
        if self._room.session.result is None:
            self.thumbnails.clear()

    def _follow(self) -> None:
        """Mark the row of what the active viewport shows."""
        index = self._model.index_of(self._room.desk.active.stack)
        if index.isValid() and index != self.currentIndex():
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scrollTo(index)
