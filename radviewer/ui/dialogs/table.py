"""A list in columns with search and copy: skipped files, notices, DICOM tags."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from radviewer.ui.labels import count, plain_label, plain_tip
from radviewer.ui.theme import icon

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_SHOWN_LENGTH = 500  # of one cell; the whole is copied


class RowsModel(QAbstractTableModel):
    """Rows of plain text under headings."""

    def __init__(self, headings: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headings = tuple(headings)
        self.rows: tuple[tuple[str, ...], ...] = ()

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """How many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """How many columns there are."""
        return 0 if parent.isValid() else len(self._headings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Text of a cell, one line."""
        if not index.isValid():
            return None
        text = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text[:_SHOWN_LENGTH].replace("\n", " ").replace("\r", " ")
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(text)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Headings of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return self._headings[section]
        return None


class TableDialog(QDialog):
    """Window beside the main one: search entry, table, "Copy" and "Close".

    Parameters
    ----------
    title : str
    noun : str
        What a row is, in the singular: "file".
    headings : sequence of str
        The last column takes the space that is left.
    widths : sequence of int
        Of all columns but the last, in characters.

    """

    def __init__(
        self, title: str, noun: str, headings: Sequence[str], widths: Sequence[int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(860, 520)
        self._noun = noun
        self.model = RowsModel(headings, self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self.model)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._filter.setFilterKeyColumn(-1)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName(f"Search in {title}")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.table = self._make_table(title, widths)
        self.counted = plain_label(role="muted")
        self.about = plain_label(role="muted", wrap=True)
        self.about.hide()
        self._lay_out()

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Replace all rows."""
        self.model.show_rows(rows)
        self._count()

    def show_about(self, text: str) -> None:
        """A line above the table; "" for none."""
        self.about.setText(text)
        self.about.setVisible(bool(text))

    def copy(self) -> None:
        """Copy the selected rows, or all that are listed, as lines of tab-separated text."""
        chosen = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        rows = chosen or range(self._filter.rowCount())
        sources = (self._filter.mapToSource(self._filter.index(row, 0)).row() for row in rows)
        QGuiApplication.clipboard().setText("\n".join("\t".join(self.model.rows[row]) for row in sources))

    def _make_table(self, title: str, widths: Sequence[int]) -> QTableView:
        table = QTableView()
        table.setModel(self._filter)
        table.setAccessibleName(title)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setHighlightSections(False)
        for column, width in enumerate(widths):
            table.setColumnWidth(column, table.fontMetrics().averageCharWidth() * width + 16)
        table.horizontalHeader().setSectionResizeMode(len(widths), QHeaderView.ResizeMode.Stretch)
        return table

    def _lay_out(self) -> None:
        copy, close = QPushButton("Copy"), QPushButton("Close")
        copy.setToolTip("Copy the selected rows, or all that are listed  (Ctrl+C)")
        copy.clicked.connect(self.copy)
        close.clicked.connect(self.close)
        for button in (copy, close):
            button.setAutoDefault(False)
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.table, self.copy)
        shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.search.setFocus)
        below = QHBoxLayout()
        below.addWidget(self.counted, 1)
        below.addWidget(copy)
        below.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        for part in (self.search, self.about):
            column.addWidget(part)
        column.addWidget(self.table, 1)
        column.addLayout(below)

    def _on_search(self, text: str) -> None:
        self._filter.setFilterFixedString(text.strip())
        self._count()

    def _count(self) -> None:
        listed, everything = self._filter.rowCount(), self.model.rowCount()
        text = count(everything, self._noun)
        self.counted.setText(text if listed == everything else f"{listed:,} of {text}")
