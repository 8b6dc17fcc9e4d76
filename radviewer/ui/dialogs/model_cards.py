"""Model cards: what each bundled model was made for, on what it was measured, and how well it does."""

from __future__ import annotations

import html
from collections.abc import Iterator

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from radviewer.ai.cards import Card, Metric
from radviewer.app.second_opinion import SecondOpinion
from radviewer.ui.choice_box import ChoiceBox
from radviewer.ui.labels import plain_label


class ModelCards(QDialog):
    """One card at a time."""

    def __init__(self, opinion: SecondOpinion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.resize(760, 640)
        self._cards = {card.name: card for card in opinion.cards}
        self.choice = ChoiceBox()
        self.choice.setAccessibleName("Model")
        for card in self._cards.values():
            self.choice.addItem(f"{card.name} {card.version}", card.name)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setAccessibleName("Model card")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(plain_label("Research use only. Not a medical device."))
        column.addWidget(self.choice)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        self.choice.currentIndexChanged.connect(self._show)
        self._show()

    def choose(self, model: str) -> None:
        """Show one model's card."""
        index = self.choice.findData(model)
        if index >= 0:
            self.choice.setCurrentIndex(index)

    def _show(self) -> None:
        card = self._cards.get(self.choice.currentData())
        self.text.setHtml("<p>No model is available.</p>" if card is None else "".join(_parts(card)))


def _parts(card: Card) -> Iterator[str]:
    yield f"<h3>{_text(card.title)}</h3><p>{_text(card.intended_use)}</p>"
    yield f"<p><b>Not for:</b> {_text(card.not_intended)}</p>"
    for finding in card.findings:
        yield f"<p><b>{_text(finding.label.capitalize())}</b>: flagged from {finding.threshold:.2f} "
        yield f"({_text(finding.operating_point)}). {_text(finding.evidence)}</p>"
    yield "<p><b>Known failures</b></p><ul>" + "".join(f"<li>{_text(t)}</li>" for t in card.failure_modes) + "</ul>"
    yield "<p><b>Measured</b>, 95 % intervals</p><table cellspacing='0' cellpadding='3'>"
    yield from (_line(metric) for metric in card.metrics)
    yield "</table><p><b>Made from</b></p><ul>"
    yield from (f"<li>{_text(s.name)}, n {s.n}: {_text(s.licence)}. {_text(s.citation)}</li>" for s in card.sources)
    yield f"</ul><p><b>Licence:</b> {_text(card.licence)}</p>"


def _line(metric: Metric) -> str:
    value = f"{metric.value:.3f} [{metric.low:.3f}–{metric.high:.3f}]"
    cells = (metric.name, value, f"n {metric.n}", metric.group)
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return html.escape(text)
