"""What is known about the selected finding, and what can be decided about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QGridLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from radviewer.ai.cards import Card, FindingCard
from radviewer.app.finding_rows import Kind, Row, RowState, size_text
from radviewer.ui.labels import plain_label, plain_tip
from radviewer.ui.second_opinion.row_list import capital, state_text

_STEPS = 100


class Detail(QWidget):
    """Texts, buttons and the sensitivity slider of one row."""

    def __init__(self, act: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row: Row | None = None
        self._card: FindingCard | None = None
        self.title = plain_label("", "heading", wrap=True)
        self.text = plain_label("", wrap=True)
        self.slice = plain_label("")
        self.evidence = plain_label("", "muted", wrap=True)
        self.buttons = {
            "accept-finding": self._button("Accept", "Enter", act, "accept-finding"),
            "reject-finding": self._button("Reject…", "X", act, "reject-finding"),
            "edit-finding": self._button("Edit", "E", act, "edit-finding"),
            "withdraw-decision": self._button("Take back", "Del", act, "withdraw-decision"),
        }
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, _STEPS - 1)
        self.slider.setAccessibleName("What another threshold would flag")
        self.slider.valueChanged.connect(self._show_expected)
        self.expected = plain_label("", "muted", wrap=True)
        self.sensitivity = QWidget()
        self._lay_out()
        self.show_row(None, None)

    def _lay_out(self) -> None:
        inner = QVBoxLayout(self.sensitivity)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        inner.addWidget(plain_label("What another threshold would flag", "muted"))
        inner.addWidget(self.slider)
        inner.addWidget(self.expected)
        grid = QGridLayout()
        grid.setSpacing(6)
        for i, button in enumerate(self.buttons.values()):
            grid.addWidget(button, i // 2, i % 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        for widget in (self.title, self.text, self.slice):
            column.addWidget(widget)
        column.addLayout(grid)
        column.addWidget(self.sensitivity)
        column.addWidget(self.evidence)

    def show_row(self, row: Row | None, card: Card | None) -> None:
        """Show another row, or none."""
        self.setVisible(row is not None)
        if row is None:
            self._row = None
            return
        other = self._row is None or self._row.key != row.key
        self._row = row
        self._card = None if card is None else next((f for f in card.findings if f.label == row.label), None)
        self.title.setText(capital(row.label))
        self.text.setText(_lines(row))
        self.evidence.setText(row.evidence)
        self.evidence.setVisible(bool(row.evidence))
        open_to = row.state is not RowState.REFUSED
        self.buttons["accept-finding"].setEnabled(open_to and row.kind is not Kind.MISSED)
        self.buttons["reject-finding"].setEnabled(open_to and row.kind is not Kind.MISSED)
        self.buttons["edit-finding"].setEnabled(open_to)
        self.buttons["withdraw-decision"].setEnabled(row.decision is not None)
        self.sensitivity.setVisible(row.probability is not None and self._card is not None)
        if other and row.threshold is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(row.threshold * _STEPS))
        self._show_expected()

    def show_slice(self, index: int) -> None:
        """Say how likely the finding is on the slice on screen, where its model judges slices."""
        finding = None if self._row is None else self._row.finding
        judged = () if finding is None else finding.slice_probabilities
        there = 0 <= index < len(judged)
        self.slice.setVisible(there)
        text = f"This slice: {_chance(judged[index])}." if there else ""
        if text != self.slice.text():  # at every step of the wheel
            self.slice.setText(text)

    def _show_expected(self) -> None:
        row, card = self._row, self._card
        if row is None or card is None or row.probability is None:
            return
        at = self.slider.value() / _STEPS
        flagged = "would be flagged" if row.probability >= at else "would not be flagged"
        text = f"From {at:.2f}: {flagged}."
        nearest = min(card.operating_curve, key=lambda point: abs(point.threshold - at), default=None)
        if nearest is not None:
            text += f" Expected sensitivity {nearest.sensitivity:.2f}, specificity {nearest.specificity:.2f}."
        text += f" The model's own threshold is {card.threshold:.2f}."
        self.expected.setText(text)

    @staticmethod
    def _button(text: str, key: str, act: Callable[[str], None], name: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(plain_tip(f"{text.removesuffix('…')}  ({key})"))
        button.setAutoDefault(False)
        button.clicked.connect(lambda: act(name))
        return button


def _chance(probability: float | None) -> str:
    return "not read" if probability is None else _percent(probability)


def _where(row: Row, key: int) -> str:
    """On which slices, and why `key` is the one shown first."""
    on = f"On {len(row.slices)} slices"
    if key not in row.slices:
        return f"{on}; likeliest on {key + 1}, where nothing is outlined."
    likeliest = row.finding is not None and row.finding.likeliest == key
    return f"{on}; {'likeliest' if likeliest else 'largest'} on {key + 1}."


def _lines(row: Row) -> str:
    lines = []
    if row.probability is not None and row.threshold is not None:
        lines.append(f"Probability {row.probability:.2f}; flagged from {row.threshold:.2f}.")
    if size := size_text(row):
        lines.append(f"{capital(size)}.")
    if len(row.slices) > 1 and row.key_slice is not None:
        lines.append(_where(row, row.key_slice))
    if row.reason:
        lines.append(row.reason)
    if row.decision is not None and row.decision.text:
        lines.append(f"“{row.decision.text}”")
    lines.append(f"{capital(state_text(row))}.")
    return "\n".join(lines)


def _percent(probability: float) -> str:
    """In whole per cent; what is possible is never called impossible or certain."""
    if 0 < probability < 0.01:
        return "less than 1 %"
    if 0.99 < probability < 1:
        return "more than 99 %"
    return f"{100 * probability:.0f} %"
