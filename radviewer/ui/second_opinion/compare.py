"""Images of one patient side by side, finding by finding, in the order of time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from radviewer.app.comparison import Cell, Comparison, compared
from radviewer.app.finding_rows import UNITS
from radviewer.app.matching import Change, Match, Pairing, pairings
from radviewer.app.navigation import show_match
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.ui.dialogs.result_table import ResultTable
from radviewer.ui.second_opinion.row_list import capital, state_text

_NOTHING = "–"
_LESION_HEADINGS = ("Studies", "Finding", "Seen", "Volume", "Longest diameter")


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


def match_texts(match: Match) -> tuple[str, str, str, str]:
    """A lesion at two times, in numbers: its name, where it is seen, volume and longest diameter with their change."""
    seen = match.change.value
    if match.change is Change.MATCHED and not match.by_place:
        seen += ", matched by name alone"
    lesions = (match.before, match.after)
    volumes = tuple(None if lesion is None else lesion.volume_ml for lesion in lesions)
    diameters = tuple(None if lesion is None else lesion.diameter_mm for lesion in lesions)
    return (
        capital(match.label),
        seen,
        _sizes(volumes, match.volume_change, "ml", 2),
        _sizes(diameters, match.diameter_change, "mm", 1),
    )


def _sizes(values: tuple[float | None, ...], change: tuple[float, float] | None, unit: str, digits: int) -> str:
    """``"1.20 → 1.50 ml (+0.30 ml, +25 %)"``."""
    told = " → ".join(_NOTHING if value is None else f"{value:.{digits}f}" for value in values)
    if all(value is None for value in values):
        return _NOTHING
    if change is None:
        return f"{told} {unit}"
    return f"{told} {unit}  ({_signed(change[0], digits)} {unit}, {_signed(change[1], 0)} %)"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


class CompareDialog(ResultTable):
    """One column per image, one line per finding: a click shows the image; and the lesions of two studies.

    A click on a lesion shows it at both times, side by side.
    """

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("Compare images", "Findings of several images", parent)
        self._room = room
        self._comparison = compared(())
        self._matches: list[tuple[Pairing, Match]] = []
        self.lesions = QTableWidget()
        self.lesions.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.lesions.setAccessibleName("Lesions of an earlier and a later study")
        self.lesions.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.lesions.verticalHeader().hide()
        self.column.insertWidget(2, self.lesions, 1)
        room.findings.changed.connect(self.refresh)
        room.desk.links.changed.connect(self.refresh)
        self.table.cellClicked.connect(self._go)
        self.lesions.cellClicked.connect(self._go_to_lesion)
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
        images = tuple((column.shown, self._room.findings.rows(column.shown)) for column in self._comparison.columns)
        self._fill_lesions(pairings(images, self._room.desk.links))

    def _fill_lesions(self, found: tuple[Pairing, ...]) -> None:
        """One line per lesion of two studies; hidden where there are none."""
        self._matches = [(pairing, match) for pairing in found for match in pairing.matches]
        lines = [(pairing.title, *match_texts(match)) for pairing, match in self._matches]
        self.lesions.setVisible(bool(lines))
        self.lesions.setColumnCount(len(_LESION_HEADINGS))
        self.lesions.setHorizontalHeaderLabels(list(_LESION_HEADINGS))
        self.lesions.setRowCount(len(lines))
        for line, texts in enumerate(lines):
            for place, text in enumerate(texts):
                self.lesions.setItem(line, place, QTableWidgetItem(text))

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

    def _go_to_lesion(self, line: int, _column: int) -> None:
        show_match(self._room, *self._matches[line])
