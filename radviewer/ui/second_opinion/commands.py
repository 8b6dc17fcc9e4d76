"""What the actions of the second opinion do: a table from the name of an action to a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer
from PySide6.QtGui import QKeySequence

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.opinion_state import Idle
from radviewer.domain.decision import RejectReason
from radviewer.ui.second_opinion.reject_menu import reject_menu, show_menu

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow

HOLD_MS = 250
"""A press longer than this is a hold: what it turned over is turned back at its end."""


class OpinionCommands:
    """Commands by the name of their action, and whether those that can be checked are in force."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._room = room = window.room
        self.held = QElapsedTimer()
        overlays = room.overlays
        self.table: dict[str, Callable[[], object]] = {
            "run-opinion": self._run,
            "cancel-opinion": self._cancel,
            "impression": self._impression,
            "next-finding": lambda: self._step(1),
            "previous-finding": lambda: self._step(-1),
            "accept-finding": self._accept,
            "reject-finding": self._reject,
            "withdraw-decision": self._withdraw,
            "accept-anatomy": self._accept_anatomy,
            "edit-finding": self._edit,
            "toggle-overlays": self._press_toggle,
            "toggle-heatmap": lambda: overlays.change(heatmap=not overlays.now.heatmap),
            "toggle-fill": lambda: overlays.change(fill=not overlays.now.fill),
        }
        self.checks: dict[str, Callable[[], bool]] = {
            "edit-finding": lambda: room.mask_edit.active,
            "toggle-overlays": lambda: overlays.now.on,
            "toggle-heatmap": lambda: overlays.now.heatmap,
            "toggle-fill": lambda: overlays.now.fill,
        }

    def on_key_released(self, key: str) -> None:
        """A key was let go in a viewport: holding the overlays' key was only a peek."""
        keys = self._window.actions_set["toggle-overlays"].shortcuts()
        if not key or key in {shortcut.toString(QKeySequence.SequenceFormat.PortableText) for shortcut in keys}:
            self.release_toggle()

    def release_toggle(self) -> None:
        """End a hold: what it turned over is turned back."""
        if self.held.isValid() and self.held.elapsed() > HOLD_MS:
            self._room.overlays.toggle()
        self.held.invalidate()

    def enabled(self) -> dict[str, bool]:
        """Which actions can be chosen just now."""
        room = self._room
        shown = room.desk.active.subject
        state = room.opinion.state(shown)
        row = room.findings.selected
        any_model = shown is not None and bool(room.opinion.models_for(shown))
        waits = isinstance(state, Idle) and state.awaits_impression
        judged = row is not None and row.kind is not Kind.MISSED and row.state is not RowState.REFUSED
        return {
            "run-opinion": any_model and not waits,
            "cancel-opinion": room.opinion.is_running(shown),
            "impression": any_model and waits,
            "accept-finding": judged,
            "reject-finding": judged,
            "edit-finding": self._room.mask_edit.active or (row is not None and row.state is not RowState.REFUSED),
            "withdraw-decision": row is not None and row.decision is not None,
            "accept-anatomy": any(r.kind is Kind.ANATOMY for r in room.findings.rows(shown)),
        }

    def _run(self) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.opinion.run(shown)

    def _cancel(self) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.opinion.cancel(shown)

    def _step(self, steps: int) -> None:
        if not self._room.findings.step(steps):
            self._room.notice.emit("There is no finding to go to.")

    def _row(self) -> Row | None:
        row = self._room.findings.selected
        if row is None:
            self._room.notice.emit("Select a finding first: , and . go from one to the next.")
        return row

    def _accept(self) -> None:
        row = self._row()
        if row is not None and row.state is not RowState.REFUSED:
            self._room.findings.accept(row)

    def _reject(self) -> None:
        row = self._row()
        if row is None or row.state is RowState.REFUSED:
            return

        def rejected(reason: RejectReason, text: str) -> None:
            self._room.findings.reject(row, reason, text)

        show_menu(reject_menu(self._window, row.label, rejected), self._window.desk)

    def _withdraw(self) -> None:
        row = self._row()
        if row is not None:
            self._room.findings.withdraw(row)

    def _edit(self) -> None:
        """Begin to edit the selected outline, or keep what was edited."""
        edit, shown = self._room.mask_edit, self._room.desk.active.subject
        if edit.active:
            edit.finish()
            return
        row = self._row()
        if row is not None and shown is not None and row.state is not RowState.REFUSED:
            edit.begin(shown, row)

    def _accept_anatomy(self) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.findings.accept_anatomy(shown)

    def _press_toggle(self) -> None:
        self.held.start()
        self._room.overlays.toggle()

    def _impression(self) -> None:
        from radviewer.ui.second_opinion.impression import ask_impression

        shown = self._room.desk.active.subject
        if shown is not None:
            ask_impression(self._window, self._room, shown)
