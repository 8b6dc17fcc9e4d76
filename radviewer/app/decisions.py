"""The reader's decisions about the open studies: in memory, undoable, in the log as they happen."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from radviewer.app.history import Change, History
from radviewer.domain.decision import Decision, FindingKey, Impression, Override, Reveal, Run, Verdict, latest
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    from radviewer.app.decision_log import DecisionLog
    from radviewer.app.log_entries import LogRow

Entry = Decision | Impression | Reveal | Override | Run

_RETRY_MS = 5_000


def utc_now() -> str:
    """Now, as the log writes it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class DecisionBook(QObject):
    """Decisions by stack.  What cannot be written is held, told once, and tried again in order."""

    changed = Signal(object)  # stack id, or None when all may have changed
    not_saved = Signal(str)
    saved_again = Signal()

    def __init__(self, log: DecisionLog, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = log
        self._history = history
        self._decisions: list[Decision] = []
        self._impressions: dict[str, Impression] = {}
        self._revealed: dict[str, str] = {}
        self._owed: list[Entry] = []
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_MS)
        self._retry.timeout.connect(self.flush)

    def open(self, study_uids: Iterable[str]) -> None:
        """Replace what is in memory by what the log holds of these studies."""
        self.flush()
        self._decisions.clear()
        self._impressions.clear()
        self._revealed.clear()
        try:
            for uid in dict.fromkeys(study_uids):
                self._read(uid)
        except NotSaved as error:
            self.not_saved.emit(str(error))
        self.changed.emit(None)

    def logged(self) -> tuple[tuple[LogRow, ...], tuple[Decision, ...]]:
        """Everything the log holds, of all studies: rows, and the decisions among them.

        Raises
        ------
        NotSaved
            If the log cannot be read.

        """
        return tuple(self._log.rows()), self._log.all_decisions()

    @property
    def owed(self) -> int:
        """How many entries are not on disk yet."""
        return len(self._owed)

    @property
    def all(self) -> tuple[Decision, ...]:
        """Every decision about the open studies, oldest first."""
        return tuple(self._decisions)

    def in_force(self, stack: str | None = None) -> dict[FindingKey, Decision]:
        """Decision in force about each finding, of one stack or of all."""
        return latest(d for d in self._decisions if stack is None or d.finding.stack == stack)

    def impression(self, stack: str) -> Impression | None:
        """The reader's locked impression of a stack."""
        return self._impressions.get(stack)

    def revealed(self, stack: str) -> str | None:
        """When an opinion on a stack was first shown to the reader."""
        return self._revealed.get(stack)

    def decide(self, decision: Decision, text: str) -> None:
        """Decide (undoable: undoing is a new decision); `text` says what ("Accept tuberculosis")."""
        before = self.in_force(decision.finding.stack).get(decision.finding)
        back = before or Decision(decision.finding, Verdict.WITHDRAWN, decision.circumstances)
        self._history.do(Change(text, lambda: self._add(_again(decision)), lambda: self._add(_again(back))))

    def lock(self, impression: Impression) -> None:
        """Keep an impression; a stack has one, the first."""
        if impression.stack not in self._impressions:
            self._impressions[impression.stack] = impression
            self._keep(impression)
            self.changed.emit(impression.stack)

    def reveal(self, reveal: Reveal) -> None:
        """Remember when an opinion was first shown."""
        if reveal.stack not in self._revealed:
            self._revealed[reveal.stack] = reveal.when
            self._keep(reveal)

    def note(self, entry: Override | Run) -> None:
        """Log that a model ran, or that a refusal was overridden."""
        self._keep(entry)

    def flush(self) -> None:
        """Try again to write what is owed, in order."""
        told = bool(self._owed)
        while self._owed:
            try:
                self._log.append(self._owed[0])
            except NotSaved:
                return
            del self._owed[0]
        self._retry.stop()
        if told:
            self.saved_again.emit()

    def close(self) -> None:
        """Write what is owed and let the log go."""
        self.flush()
        self._retry.stop()
        self._log.close()

    def _read(self, study_uid: str) -> None:
        self._decisions += self._log.decisions(study_uid)
        for impression in self._log.impressions(study_uid):
            self._impressions.setdefault(impression.stack, impression)
        for reveal in self._log.reveals(study_uid):
            self._revealed.setdefault(reveal.stack, reveal.when)

    def _add(self, decision: Decision) -> None:
        self._decisions.append(decision)
        self._keep(decision)
        self.changed.emit(decision.finding.stack)

    def _keep(self, entry: Entry) -> None:
        if self._owed:
            self._owed.append(entry)  # order matters more than speed
            self.flush()
            return
        try:
            self._log.append(entry)
        except NotSaved as error:
            self._owed.append(entry)
            self._retry.start()
            self.not_saved.emit(str(error))


def _again(decision: Decision) -> Decision:
    """The same decision, made now."""
    now = replace(decision.circumstances, when=utc_now())
    return replace(decision, circumstances=now, decision_id=uuid.uuid4().hex)
