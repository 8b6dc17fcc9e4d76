"""The findings panel: where the active series stands, what was found, what the reader decides."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.opinion_state import Idle, Running, opinions_in
from radviewer.app.reading_room import ReadingRoom
from radviewer.domain.decision import Policy
from radviewer.domain.opinion import Opinion
from radviewer.ui.choice_box import ChoiceBox
from radviewer.ui.labels import plain_label
from radviewer.ui.second_opinion.compare import comparable
from radviewer.ui.second_opinion.detail import Detail
from radviewer.ui.second_opinion.edit_bar import EditBar
from radviewer.ui.second_opinion.models_bar import ModelsBar
from radviewer.ui.second_opinion.overlay_bar import OverlayBar
from radviewer.ui.second_opinion.row_list import RowList
from radviewer.ui.second_opinion.status import headline, reading_text, role_of

_SORTS = {"By probability": "probability", "By name": "label", "By state": "state"}
_HASTY_MS = 6_000
_SETTLE_MS = 20
_NARROWEST = 330


class FindingsPanel(QWidget):
    """What the second opinion says about the active viewport's stack.

    Parameters
    ----------
    room : ReadingRoom
    act : callable
        Carries out an action by its name.
    show_card : callable
        Shows a model's card.

    """

    def __init__(
        self,
        room: ReadingRoom,
        act: Callable[[str], None],
        show_card: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._room, self._act, self._show_card = room, act, show_card
        self.headline = plain_label("", wrap=True)
        self.policy = plain_label("", "muted", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.reading = plain_label("", "muted", wrap=True)
        self.run = self._button("Run", "run-opinion")
        self.cancel = self._button("Cancel", "cancel-opinion")
        self.impression = self._button("Lock impression…", "impression")
        self.overlays = OverlayBar(room.overlays)
        self.flagged_only = QCheckBox("Flagged only")
        self.pending_only = QCheckBox("Pending only")
        self.sort = ChoiceBox()
        self.sort.setAccessibleName("Order")
        for text, name in _SORTS.items():
            self.sort.addItem(text, name)
        self.rows = RowList(act)
        self.detail = Detail(act)
        self.edit_bar = EditBar(room)
        self.hasty = plain_label("", "muted", wrap=True)
        self.models = ModelsBar()
        self.accept_anatomy = self._button("Accept all outlines", "accept-anatomy")
        self.missed = self._button("AI missed this…", "tool-missed")
        self.compare = self._button("Compare images…", "compare-images")
        self._forget = self._timer(_HASTY_MS, lambda: self.hasty.setText(""))
        self._soon = self._timer(_SETTLE_MS, self.refresh)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.run, self.cancel, self.impression):
            buttons.addWidget(button)
        buttons.addStretch(1)
        choices = QHBoxLayout()
        choices.setSpacing(10)
        for widget in (self.flagged_only, self.pending_only):
            choices.addWidget(widget)
        choices.addStretch(1)
        below = QHBoxLayout()
        below.setSpacing(6)
        below.addWidget(self.accept_anatomy)
        below.addWidget(self.missed)
        below.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(8)
        above = (self.headline, self.progress, self.reading, buttons, self.overlays)
        for part in (*above, choices, self.sort, self.rows, self.hasty, self.edit_bar, self.detail):
            column.addLayout(part) if isinstance(part, QHBoxLayout) else column.addWidget(part)
        column.addLayout(below)
        column.addWidget(self.compare)
        column.addWidget(self.models)
        column.addWidget(self.policy)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        only = plain_label("Research use only. Not a medical device.", "muted")
        only.setContentsMargins(10, 4, 10, 6)
        whole.addWidget(only)
        self.setMinimumWidth(_NARROWEST)

    def _connect(self) -> None:
        room = self._room
        room.opinion.changed.connect(self._later)
        room.opinion.prepared.connect(self._later)
        room.opinion.glimpses.changed.connect(self._show_reading)
        room.findings.changed.connect(self._later)
        room.findings.selection_changed.connect(self._later)
        room.findings.hasty.connect(self._on_hasty)
        room.settings.changed.connect(self._later)
        room.mask_edit.changed.connect(self._later)
        room.desk.active_changed.connect(self._later)
        for viewport in room.desk.viewports:
            viewport.image_changed.connect(self._show_slice)
        self.rows.currentItemChanged.connect(self._on_row)
        self.rows.itemClicked.connect(self._on_row)
        self.flagged_only.toggled.connect(lambda on: room.findings.set_filter(flagged_only=on))
        self.pending_only.toggled.connect(lambda on: room.findings.set_filter(pending_only=on))
        self.sort.currentIndexChanged.connect(lambda _i: room.findings.set_filter(by=self.sort.currentData()))

    def refresh(self) -> None:
        """Bring everything to the state of the active stack."""
        room = self._room
        shown, state = room.desk.active.subject, room.opinion.state(room.desk.active.subject)
        opinions = opinions_in(state)
        running = isinstance(state, Running)
        self.headline.setText(headline(state, prepared=room.opinion.is_prepared) if shown is not None else "")
        self._set_role(self.headline, role_of(state))
        self.progress.setVisible(running)
        if isinstance(state, Running):
            self.progress.setRange(0, state.total)
            self.progress.setValue(state.done)
            self.progress.setAccessibleName(state.text or "Running")
        models = () if shown is None else room.opinion.models_for(shown)
        self.run.setVisible(bool(models) and not running)
        self.run.setText("Run again" if opinions else "Run")
        self.cancel.setVisible(running)
        waits = isinstance(state, Idle) and state.awaits_impression
        self.run.setEnabled(not waits)
        self.impression.setVisible(waits)
        rows = room.findings.listed(shown)
        selected = room.findings.selected
        self.rows.show_rows(rows, None if selected is None else selected.key)
        self.rows.setFixedHeight(min(len(rows), 8) * max(1, self.rows.sizeHintForRow(0)) + 4)
        self.detail.show_row(selected, None if selected is None else room.opinion.card(selected.key.model))
        self.detail.setHidden(selected is None or room.mask_edit.active)
        self._show_slice()
        has_rows = bool(room.findings.rows(shown))
        for widget in (self.flagged_only, self.pending_only, self.sort):
            widget.setVisible(has_rows)
        self._show_reading()
        self.accept_anatomy.setVisible(any(o.anatomy for o in opinions))
        self.missed.setVisible(bool(opinions))
        images = comparable(room)
        self.compare.setVisible(len(images) > 1)
        self.compare.setText(f"Compare {len(images)} images…")
        self.models.show_models(
            models,
            opinions,
            running=state.models if isinstance(state, Running) else (),
            busy=running or waits,
            run=self._run_one,
            override=self._override,
            card=self._show_card,
        )
        self._show_policy()

    def _show_slice(self) -> None:
        self.detail.show_slice(self._room.desk.active.index)

    def _show_reading(self) -> None:
        """Say how far a model is that reads slice by slice, and what its outlines are until it is done."""
        room = self._room
        shown = room.desk.active.subject
        reading = room.opinion.reading(shown)
        self.reading.setText("" if reading is None else f"{reading_text(reading)}. Fine dashes are provisional.")
        self.reading.setVisible(reading is not None)
        self.overlays.setVisible(reading is not None or bool(room.findings.rows(shown)))

    def _show_policy(self) -> None:
        policy = Policy(self._room.settings.now.policy)
        words = {
            Policy.READ_FIRST: "Read first: hidden until you lock an impression.",
            Policy.ON_REQUEST: "On request: anatomy is outlined at once, findings when you ask.",
            Policy.CONCURRENT: "Concurrent: runs as soon as a series is loaded.",
        }
        owed = self._room.decisions.owed
        late = f"\n{owed} entries of the decision log are not on disk yet; they are tried again." if owed else ""
        self.policy.setText(words[policy] + late)

    def _run_one(self, model: str) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.opinion.run(shown, (model,))

    def _override(self, opinion: Opinion) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.opinion.override(shown, opinion)

    def _on_row(self) -> None:
        row = self.rows.current()
        if row is not None:
            self._room.findings.select(row.key)

    def _on_hasty(self, text: str) -> None:
        self.hasty.setText(text)
        self._forget.start()

    def _later(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _button(self, text: str, action: str) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self._act(action))
        return button

    def _timer(self, milliseconds: int, then: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(then)
        return timer

    @staticmethod
    def _set_role(label: QWidget, role: str) -> None:
        if label.property("role") != role:
            with QSignalBlocker(label):
                label.setProperty("role", role)
            label.style().unpolish(label)
            label.style().polish(label)
