"""Keys and mouse on one page, drawn from the tables."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from radviewer.app.actions import ACTIONS, MOUSE, Group
from radviewer.ui.action_set import native
from radviewer.ui.labels import plain_label
from radviewer.ui.theme import icon

_COLUMNS = (4, 3, 2, 1)  # the first number that fits the screen
_EDGES = 56  # beside the page
_MOUSE_TITLE = "Mouse"
Line = tuple[str, str]  # keys, text
Block = tuple[str, list[Line]]


def blocks_of(keys: dict[str, tuple[str, ...]], titles: dict[str, str], search: str = "") -> list[Block]:
    """Groups of ``(keys, text)`` lines; with `search`, only lines that hold it.

    Parameters
    ----------
    keys : dict
        Action name → shortcuts in force.
    titles : dict
        Action name → another text than the table's (names of window presets).
    search : str
        "" for everything.

    """
    blocks: list[Block] = [(_MOUSE_TITLE, [(hint.gesture, hint.text) for hint in MOUSE])]
    for group in Group:
        lines = [
            (", ".join(native(key) for key in keys[a.name]) or "–", titles.get(a.name, a.text).removesuffix("…"))
            for a in ACTIONS
            if a.group is group
        ]
        blocks.append((group.value.replace("&", ""), lines))
    wanted = search.strip().casefold()
    found = [(title, [line for line in lines if wanted in " ".join(line).casefold()]) for title, lines in blocks]
    return [(title, lines) for title, lines in found if lines]


def columns_of(blocks: list[Block], columns: int) -> list[list[Block]]:
    """Share blocks out over columns of about equal height; a long block goes on in the next."""
    heights = [len(lines) + 2 for _, lines in blocks]
    limit = max(8, -(-(sum(heights) + columns) // columns))
    while len(result := _poured(blocks, limit)) > columns:
        limit += 1  # blocks that go on repeat their heading, and short ends are left empty
    return result


def _poured(blocks: list[Block], limit: int) -> list[list[Block]]:
    """As many columns as it takes, each of at most `limit` lines."""
    result: list[list[Block]] = [[]]
    room = limit
    for title, lines in blocks:
        rest = lines
        while rest:
            if room < 4:
                result.append([])
                room = limit
            taken, rest = rest[: room - 2], rest[room - 2 :]
            result[-1].append((title, taken))
            room -= len(taken) + 2
    return result


class CheatSheet(QDialog):
    """All commands with their keys, in columns, with a search entry."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self._keys: dict[str, tuple[str, ...]] = {}
        self._titles: dict[str, str] = {}
        self._columns = _COLUMNS[0]
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search in keys and mouse")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._rebuild)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self._area, 1)

    def show_keys(self, keys: dict[str, tuple[str, ...]], titles: dict[str, str]) -> None:
        """Draw the page for the shortcuts in force; see `blocks_of`."""
        self._keys, self._titles = keys, titles
        screen = self.screen().availableSize()
        for self._columns in _COLUMNS:
            page = self._rebuild().sizeHint()
            if page.width() + _EDGES <= screen.width():
                break
        self.resize(min(screen.width(), page.width() + _EDGES), min(screen.height() - 40, page.height() + 88))

    def _rebuild(self) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(24)
        for blocks in columns_of(blocks_of(self._keys, self._titles, self.search.text()), self._columns):
            row.addWidget(_column(blocks), 0, Qt.AlignmentFlag.AlignTop)
        row.addStretch(1)
        self._area.setWidget(page)
        return page


def _column(blocks: list[Block]) -> QWidget:
    widget = QWidget()
    grid = QGridLayout(widget)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(1)
    line = 0
    for title, lines in blocks:
        if line:
            grid.setRowMinimumHeight(line, 8)
            line += 1
        grid.addWidget(plain_label(title, "heading"), line, 0, 1, 2)
        for keys, text in lines:
            line += 1
            grid.addWidget(plain_label(keys, "muted"), line, 0)
            grid.addWidget(plain_label(text), line, 1)
        line += 1
    grid.setColumnStretch(1, 1)
    return widget
