"""Images of one patient side by side, finding by finding, in the order of time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidgetItem, QWidget

from radviewer.app.comparison import Cell, Comparison, compared
from radviewer.app.finding_rows import UNITS
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Shown
from radviewer.ui.dialogs.result_table import ResultTable
from radviewer.ui.second_opinion.row_list import capital, state_text

_NOTHING = "–"


def comparable(room: ReadingRoom) -> tuple[Shown, ...]:
    """Stacks of the active one's patient about which models have spoken."""
    active = room.desk.active.subject
    if active is None:
        return ()
    return tuple(s for s in room.all_shown() if _same_patient(s, active) and room.findings.rows(s))


def _same_patient(one: Shown, other: Shown) -> bool:
    if one.study is other.study:
        return True
    return bool(one.study.patient_id) and one.study.patient_id == other.study.patient_id


def cell_text(cell: Cell) -> str:
    """Probability, size and state of a finding, with what changed since the image before."""
    lines = []
    if cell.row.probability is not None:
        change = "" if cell.change is None else f"  ({_signed(cell.change, 2)})"
        lines.append(f"{cell.row.probability:.2f}{change}")
    if cell.size is not None:
        growth = "" if cell.growth is None else f"  ({_signed(100 * cell.growth, 0)} %)"
        lines.append(f"{cell.size:.3g} {UNITS.get(cell.unit, cell.unit)}{growth}")
    lines.append(state_text(cell.row))
    return "\n".join(lines)


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


class CompareDialog(ResultTable):
    """A table: one column per image, one line per finding; a click shows the image."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("Compare images", "Findings of several images", parent)
        self._room = room
        self._comparison = compared(())
        room.findings.changed.connect(self.refresh)
        self.table.cellClicked.connect(self._go)
        self.refresh()

    def refresh(self) -> None:
        """Compare again."""
        stacks = comparable(self._room)
        self._comparison = compared(tuple((shown, self._room.findings.rows(shown)) for shown in stacks))
        self.words.setText(
            "Changes are since the image before, by the same model and version. Research use only."
            if len(stacks) > 1
            else "The second opinion has spoken about fewer than two images of this patient."
        )
        self._fill(self._comparison)

    def _fill(self, comparison: Comparison) -> None:
        self.table.setColumnCount(len(comparison.columns))
        self.table.setRowCount(len(comparison.labels))
        self.table.setHorizontalHeaderLabels([column.title for column in comparison.columns])
        self.table.setVerticalHeaderLabels([capital(label) for label in comparison.labels])
        for line, label in enumerate(comparison.labels):
            for place in range(len(comparison.columns)):
                cell = comparison.cells.get((label, place))
                item = QTableWidgetItem(_NOTHING if cell is None else cell_text(cell))
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.table.setItem(line, place, item)

    def _go(self, line: int, place: int) -> None:
        """Show the image of a cell and select its finding."""
        label = self._comparison.labels[line]
        cell = self._comparison.cells.get((label, place))
        self._room.desk.active.show(self._comparison.columns[place].shown)
        if cell is not None:
            self._room.findings.select(cell.row.key)
