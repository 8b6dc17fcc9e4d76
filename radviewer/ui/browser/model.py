"""The study browser's rows and what is known of each: progress, marks, what is on screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, Signal

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.domain.measurement import MarkKind
from radviewer.domain.study import Stack
from radviewer.render.annotations import Density
from radviewer.ui.browser.rows import ObjectRow, PatientRow, Row, StackRow, StudyRow, rows_of
from radviewer.ui.labels import count, plain_tip

STACK_MIME = "application/x-radviewer-stack"
"""Drag data: the stack's key, UTF-8."""

ROW_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


@dataclass(frozen=True, slots=True)
class StackState:
    """What is known of one stack besides its header."""

    loaded: float | None = None  # 0–1 while and after loading; None before
    marks: int = 0
    key_images: int = 0
    seen: bool = False  # in some viewport
    active: bool = False  # in the active viewport


class BrowserModel(QAbstractListModel):
    """Rows of the study browser.

    What is known of a stack changes several times a second; `touched` says so instead of
    `dataChanged`, upon which Qt would lay out all rows again.
    """

    touched = Signal(QModelIndex)  # an invalid one for all rows

    def __init__(self, room: ReadingRoom) -> None:
        super().__init__(room)
        self._room = room
        self._rows: list[Row] = []
        self._row_of: dict[str, int] = {}
        self._loaded: dict[str, float] = {}
        self._marks: dict[str, Counter[bool]] = {}  # series UID → how many (are key images?)
        self._images: dict[tuple[str, str, int], str] = {}  # image of a mark → stack key
        self.density = Density(room.settings.now.density)
        room.studies_changed.connect(self.rebuild)
        room.marks.changed.connect(self._on_marks)
        room.cache.progressed.connect(self._on_progress)
        room.cache.dropped.connect(self._on_dropped)
        room.desk.active_changed.connect(self._on_desk)
        room.desk.layout_changed.connect(self._on_desk)
        for viewport in room.desk.viewports:
            viewport.stack_changed.connect(self._on_desk)

    def set_density(self, density: Density) -> None:
        """Name patients at full density only."""
        if density is not self.density:
            self.density = density
            self.rebuild()

    def rebuild(self) -> None:
        """List what is open now."""
        result = self._room.session.result
        self.beginResetModel()
        self._rows = [] if result is None else list(rows_of(result, self.density))
        self._row_of = {r.shown.stack.key: i for i, r in enumerate(self._rows) if isinstance(r, StackRow)}
        self._loaded = {key: loaded for key, loaded in self._loaded.items() if key in self._row_of}
        self._images = {}
        for row in self._rows:
            if isinstance(row, StackRow):
                stack, series_uid = row.shown.stack, row.shown.series.series_uid
                self._images |= {(series_uid, f.file.sop_instance_uid, f.index): stack.key for f in stack.frames}
        self._count_marks()
        self.endResetModel()

    @property
    def patients(self) -> int:
        """How many different patients are open."""
        return sum(isinstance(row, PatientRow) for row in self._rows)

    def row(self, index: Index) -> Row | None:
        """Return the row behind an index."""
        return self._rows[index.row()] if index.isValid() else None

    def shown(self, index: Index) -> Shown | None:
        """Return the stack behind an index, or None for other rows."""
        row = self.row(index)
        return row.shown if isinstance(row, StackRow) else None

    def index_of(self, stack: Stack | None) -> QModelIndex:
        """Index of a stack; invalid when it is not listed."""
        row = None if stack is None else self._row_of.get(stack.source.key)
        return QModelIndex() if row is None else self.index(row)

    def rowCount(self, parent: Index = _ROOT) -> int:
        """How many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Texts for Qt and assistive programs; the row itself for the delegate."""
        row = self.row(index)
        if row is None:
            return None
        if role == ROW_ROLE:
            return row
        if role == STATE_ROLE:
            return self._state(row.shown.stack) if isinstance(row, StackRow) else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(_lines(row, self._state(row.shown.stack)) if isinstance(row, StackRow) else _lines(row))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(_lines(row)))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Stacks can be dragged; headings are passed over."""
        row = self.row(index)
        if isinstance(row, StackRow):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
        if isinstance(row, ObjectRow):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.NoItemFlags

    def mimeTypes(self) -> list[str]:
        """What is dragged."""
        return [STACK_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """Key of the dragged stack."""
        data = QMimeData()
        shown = self.shown(indexes[0]) if indexes else None
        if shown is not None:
            data.setData(STACK_MIME, shown.stack.key.encode())
        return data

    def refresh(self, key: str) -> None:
        """Paint one stack's row again."""
        row = self._row_of.get(key)
        if row is not None:
            self.touched.emit(self.index(row))

    def _state(self, stack: Stack) -> StackState:
        marks = self._marks.get(stack.key, Counter())
        seen = any(v.stack is not None and v.stack.source is stack for v in self._room.desk.seen)
        here = self._room.desk.active.stack
        active = here is not None and here.source is stack
        return StackState(self._loaded.get(stack.key), marks[False], marks[True], seen, active)

    def _count_marks(self) -> None:
        self._marks = {}
        for mark in self._room.marks.all:
            image = mark.image
            key = self._images.get((image.series_uid, image.sop_instance_uid, image.frame))
            if key is not None:
                self._marks.setdefault(key, Counter())[mark.kind is MarkKind.KEY_IMAGE] += 1

    def _refresh_all(self) -> None:
        self.touched.emit(QModelIndex())

    def _on_marks(self) -> None:
        self._count_marks()
        self._refresh_all()

    def _on_desk(self) -> None:
        self._refresh_all()

    def _on_progress(self, key: str, done: int, total: int) -> None:
        self._loaded[key] = done / total
        self.refresh(key)

    def _on_dropped(self, key: str) -> None:
        self._loaded.pop(key, None)
        self.refresh(key)


def _lines(row: Row, state: StackState | None = None) -> list[str]:
    if isinstance(row, PatientRow | StudyRow | ObjectRow):
        return [text for text in (row.title, row.detail) if text]
    stack = row.shown.stack
    lines = [row.title, row.description, *([stack.label] if stack.label else []), row.detail]
    if state is not None and state.marks:
        lines.append(count(state.marks, "mark"))
    if state is not None and state.key_images:
        lines.append(count(state.key_images, "key image"))
    return lines + [f"Warning: {warning}" for warning in stack.warnings]
