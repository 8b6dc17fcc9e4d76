"""What came of this session: decisions, agreement, and what changed after the reveal."""

from __future__ import annotations

from PySide6.QtWidgets import QTableWidgetItem, QWidget

from radviewer.app.finding_rows import Row
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.session_summary import Compared, Summary, against, summed
from radviewer.domain.decision import stack_id
from radviewer.ui.dialogs.result_table import ResultTable
from radviewer.ui.labels import count
from radviewer.ui.second_opinion.row_list import capital

_HEADS = ("Finding", "You", "Second opinion", "Together", "Then")


class SummaryDialog(ResultTable):
    """Counts in words, then every label with a locked impression, disagreements on top."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("Summary of this session", "Impressions and second opinion", parent)
        self._room = room
        self.table.setColumnCount(len(_HEADS))
        self.table.setHorizontalHeaderLabels(list(_HEADS))
        self.table.verticalHeader().hide()
        room.findings.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Count again."""
        rows: list[Row] = []
        pairs: list[Compared] = []
        for shown in self._room.all_shown():
            here = self._room.findings.rows(shown)
            rows += here
            impression = self._room.decisions.impression(stack_id(shown.stack))
            if impression is not None:
                pairs += against(impression, here)
        self.words.setText(_in_words(summed(rows, pairs)))
        self.table.setVisible(bool(pairs))
        self.table.setRowCount(len(pairs))
        for line, pair in enumerate(pairs):
            for place, text in enumerate(_cells(pair)):
                self.table.setItem(line, place, QTableWidgetItem(text))


def _cells(pair: Compared) -> tuple[str, ...]:
    said = f"{'flagged' if pair.flagged else 'not flagged'}, {pair.probability:.2f}"
    then = f"{pair.verdict.value}{' (changed)' if pair.changed else ''}"
    return (capital(pair.label), pair.presence.value, said, pair.agreement.value, then)


def _in_words(summary: Summary) -> str:
    lines = [
        f"{count(summary.flagged, 'finding')} flagged: {summary.accepted} accepted, {summary.edited} edited, "
        f"{summary.rejected} rejected, {summary.pending} pending.",
        f"{count(summary.missed, 'finding')} added that no model had found.",
    ]
    if summary.reasons:
        lines.append("Rejected as: " + ", ".join(f"{reason} ({n})" for reason, n in summary.reasons) + ".")
    judged = summary.agree + summary.disagree + summary.unsure
    if judged:
        lines.append(
            f"Of {count(judged, 'label')} with an impression locked before: {summary.agree} agree, "
            f"{summary.disagree} disagree, {summary.unsure} unsure; {summary.changed} changed after the reveal."
        )
    return "\n".join(lines)
