"""Which models ran on a stack, which refused, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from radviewer.domain.opinion import Opinion, Outcome
from radviewer.ui.labels import ElidedLabel, plain_label, plain_tip

_WORDS = {Outcome.RAN: "ran", Outcome.REFUSED: "refused", Outcome.FAILED: "failed"}


class ModelsBar(QWidget):
    """One line per model: its outcome, its card, running it again or all the same; below it, what it read and how."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._shown: tuple[object, ...] = ()

    def show_models(
        self,
        models: tuple[str, ...],
        opinions: tuple[Opinion, ...],
        *,
        running: tuple[str, ...],
        busy: bool,
        run: Callable[[str], None],
        override: Callable[[Opinion], None],
        card: Callable[[str], None],
    ) -> None:
        """List the models that apply to a stack; while it is `busy`, none can be run."""
        state = (models, *(id(opinion) for opinion in opinions), running, busy)
        if state == self._shown:
            return
        self._shown = state
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        said = {opinion.model: opinion for opinion in opinions}
        for name in models:
            opinion = said.get(name)
            said_of = _said_of(name, opinion, running=name in running)
            self._column.addWidget(self._line(name, opinion, said_of, busy, run, override, card))
            if opinion is not None and opinion.outcome is Outcome.RAN and opinion.reason:
                self._column.addWidget(plain_label(opinion.reason, "muted", wrap=True))

    def _line(
        self,
        name: str,
        opinion: Opinion | None,
        text: str,
        busy: bool,
        run: Callable[[str], None],
        override: Callable[[Opinion], None],
        card: Callable[[str], None],
    ) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        label = ElidedLabel()
        label.show_text(text)
        if opinion is not None and opinion.reason:
            label.setToolTip(plain_tip(opinion.reason))
        row.addWidget(label, 1)
        if opinion is not None and opinion.outcome is Outcome.REFUSED:
            row.addWidget(
                _button(
                    "Run anyway",
                    f"{name} refused; the log says that you ran it anyway",
                    busy,
                    lambda: override(opinion),
                )
            )
        else:
            row.addWidget(_button("Run" if opinion is None else "Again", f"Run {name}", busy, lambda: run(name)))
        row.addWidget(_button("Card", f"What {name} was made for, and how well it does it", False, lambda: card(name)))
        return line


def _said_of(name: str, opinion: Opinion | None, *, running: bool) -> str:
    if running:
        return f"{name}: running"
    return f"{name}: not run" if opinion is None else f"{name} {opinion.version}: {_WORDS[opinion.outcome]}"


def _button(text: str, tip: str, disabled: bool, clicked: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setFlat(True)
    button.setAutoDefault(False)
    button.setToolTip(plain_tip(tip))
    button.setAccessibleName(tip)
    button.setDisabled(disabled)
    button.clicked.connect(lambda: clicked())
    return button
