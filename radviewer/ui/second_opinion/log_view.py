"""The decision log as a whole: agreement per model and label as bars, reasons, times; and out as CSV or JSON Lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QTableWidgetItem, QWidget

from radviewer.app.log_entries import LogRow
from radviewer.app.log_export import as_csv, as_json_lines
from radviewer.app.log_statistics import Statistics, Tally, statistics_of
from radviewer.app.reading_room import ReadingRoom
from radviewer.domain.decision import Decision
from radviewer.errors import NotSaved
from radviewer.export.own_files import write_whole
from radviewer.ui.dialogs.result_table import ResultTable
from radviewer.ui.labels import count
from radviewer.ui.second_opinion.row_list import capital
from radviewer.ui.theme import colour

_HEADS = ("Finding", "Model", "Accepted", "Edited", "Rejected", "Agreement", "Median time", "Rejected as")
_PARTS = (("accepted", "accent"), ("edited", "warning"), ("rejected", "error"))


class LogDialog(ResultTable):
    """Statistics of the whole log."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("Decision log", "Decisions by model and finding", parent)
        self.resize(900, 640)
        self._rows: tuple[LogRow, ...] = ()
        decisions: tuple[Decision, ...] = ()
        problem = ""
        try:
            self._rows, decisions = room.decisions.logged()
        except NotSaved as error:
            problem = str(error)
        self.statistics = statistics_of(decisions)
        self.words.setText(problem or _in_words(self.statistics, len(self._rows)))
        self._fill(self.statistics)
        self.plot = self._make_plot(self.statistics)
        buttons = QHBoxLayout()
        for text, ending, make in (
            ("Export as CSV…", ".csv", as_csv),
            ("Export as JSON Lines…", ".jsonl", as_json_lines),
        ):
            buttons.addWidget(self._export_button(text, ending, make))
        buttons.addStretch(1)
        self.column.insertWidget(1, self.plot, 1)
        self.column.insertLayout(3, buttons)

    def export(self, target: Path, make: Callable[[tuple[LogRow, ...]], str]) -> None:
        """Write the log to a file.

        Raises
        ------
        NotSaved

        """
        write_whole(target, make(self._rows).encode("utf-8", "backslashreplace"))

    def _fill(self, statistics: Statistics) -> None:
        self.table.setColumnCount(len(_HEADS))
        self.table.setHorizontalHeaderLabels(list(_HEADS))
        self.table.verticalHeader().hide()
        self.table.setRowCount(len(statistics.tallies))
        for line, tally in enumerate(statistics.tallies):
            for place, text in enumerate(_cells(tally)):
                self.table.setItem(line, place, QTableWidgetItem(text))

    def _make_plot(self, statistics: Statistics) -> pg.PlotWidget:
        """Stacked bars: one per finding and model version."""
        plot = pg.PlotWidget(background=colour("field"))
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.setMinimumHeight(180)
        plot.setAccessibleName("Decisions by finding")
        plot.addLegend(offset=(-10, 10))
        below = [0] * len(statistics.tallies)
        for name, tint in _PARTS:
            heights = [int(getattr(tally, name)) for tally in statistics.tallies]
            bars = pg.BarGraphItem(
                x=range(len(heights)), y0=below, height=heights, width=0.6, brush=colour(tint), name=name
            )
            plot.addItem(bars)
            below = [a + b for a, b in zip(below, heights, strict=True)]
        labels = [(i, f"{tally.label} {tally.version}") for i, tally in enumerate(statistics.tallies)]
        plot.getAxis("bottom").setTicks([labels])
        plot.setLabel("left", "decisions")
        return plot

    def _export_button(self, text: str, ending: str, make: Callable[[tuple[LogRow, ...]], str]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.setEnabled(bool(self._rows))
        button.clicked.connect(lambda: self._ask(ending, make))
        return button

    def _ask(self, ending: str, make: Callable[[tuple[LogRow, ...]], str]) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export the decision log", f"decision-log{ending}")
        if not name:
            return
        try:
            self.export(Path(name), make)
        except NotSaved as error:
            self.words.setText(str(error))
        else:
            self.words.setText(f"Written to {name}. It names readers and UIDs, no patient.")


def _cells(tally: Tally) -> tuple[str, ...]:
    reasons = ", ".join(f"{reason} ({n})" for reason, n in tally.reasons)
    numbers = (f"{tally.accepted}", f"{tally.edited}", f"{tally.rejected}")
    return (
        capital(tally.label),
        f"{tally.model} {tally.version}",
        *numbers,
        f"{tally.agreement:.0%}",
        f"{tally.seconds:.1f} s",
        reasons,
    )


def _in_words(statistics: Statistics, rows: int) -> str:
    missed = ", ".join(f"{label} ({n})" for label, n in statistics.missed)
    lines = [f"{count(rows, 'entry')} in the log.".replace("entrys", "entries")]
    if missed:
        lines.append(f"Found by readers alone: {missed}.")
    if statistics.changed:
        lines.append(f"{count(statistics.changed, 'finding')} decided more than once.")
    return " ".join(lines)
