"""The findings of the active viewport's stack: which one is selected, the walk from one to the next, deciding."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from radviewer.app.attention import Attention
from radviewer.app.decisions import DecisionBook, utc_now
from radviewer.app.finding_rows import Kind, Masks, Row, RowState, judged, proposed_rows, without_copies
from radviewer.app.opinion_state import Idle
from radviewer.app.second_opinion import SecondOpinion
from radviewer.app.shown import Shown
from radviewer.domain.decision import (
    Circumstances,
    Decision,
    FindingKey,
    Impression,
    Policy,
    Presence,
    RejectReason,
    Spot,
    Verdict,
    stack_id,
)
from radviewer.domain.opinion import Opinion

if TYPE_CHECKING:
    from radviewer.app.desk import Desk
    from radviewer.app.mpr import Mpr
    from radviewer.app.settings import SettingsFile
    from radviewer.domain.study import Stack

_MOST_INSTANCES = 8  # named of a stack on which nothing is outlined


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are listed, and in which order.

    Attributes
    ----------
    flagged_only, pending_only : bool
    by : str
        "probability" (highest first), "label" or "state".

    """

    flagged_only: bool = False
    pending_only: bool = False
    by: str = "probability"


class Findings(QObject):
    """What the findings panel shows and does, without widgets."""

    changed = Signal()  # rows
    selection_changed = Signal()
    hasty = Signal(str)  # a gentle word after a decision

    def __init__(
        self,
        desk: Desk,
        opinion: SecondOpinion,
        book: DecisionBook,
        settings: SettingsFile,
        all_shown: Callable[[], tuple[Shown, ...]],
        masks: Masks,
        parent: QObject | None = None,
        mpr: Mpr | None = None,
    ) -> None:
        super().__init__(parent)
        self._mpr = mpr
        self._desk, self._opinion, self._book, self._settings = desk, opinion, book, settings
        self._all_shown, self._masks = all_shown, masks
        self.attention = Attention()
        self.filter = Filter()
        self._selected: FindingKey | None = None
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._saved: dict[str, tuple[Row, ...]] = {}
        self._bases: dict[str, tuple[tuple[Opinion, ...], tuple[Row, ...]]] = {}
        opinion.changed.connect(self._on_opinion)
        book.changed.connect(self._on_decided)
        desk.active_changed.connect(self._on_active)
        for viewport in desk.viewports:
            viewport.stack_changed.connect(self._on_active)

    # What there is

    def rows(self, shown: Shown | None) -> tuple[Row, ...]:
        """All rows of a stack, kept until something about it changes."""
        if shown is None:
            return ()
        key = shown.stack.key
        if key not in self._rows:
            stack = stack_id(shown.stack)
            impression = self._book.impression(stack)
            thought = {} if impression is None else dict(impression.labels)
            base = self._base(shown)
            saved, decided = self._saved_of(shown), self._book.in_force(stack)
            here = judged(base, decided, self._masks, thought)
            rows = (*base, *without_copies(saved, here))
            self._rows[key] = judged(rows, decided, self._masks, thought) if saved else here
        return self._rows[key]

    def _base(self, shown: Shown) -> tuple[Row, ...]:
        """Rows before anything was decided: made anew only when models have said something else."""
        said, key = self._opinion.opinions(shown), shown.stack.key
        kept = self._bases.get(key)
        if kept is None or kept[0] is not said:
            kept = self._bases[key] = (said, proposed_rows(shown, said))
        return kept[1]

    def _saved_of(self, shown: Shown) -> tuple[Row, ...]:
        """Outlines of files; none before the reader's own impression, where that comes first."""
        state = self._opinion.state(shown)
        hidden = isinstance(state, Idle) and state.awaits_impression
        return () if hidden else tuple(self._saved.get(shown.stack.key, ()))

    def add_saved(self, rows: dict[str, tuple[Row, ...]]) -> None:
        """Show outlines of segmentations that lie beside the images, by stack key."""
        for key, found in rows.items():
            self._saved[key] = (*self._saved.get(key, ()), *found)
        self._rows.clear()
        self.changed.emit()

    def listed(self, shown: Shown | None) -> tuple[Row, ...]:
        """Rows that pass the filter, in its order; anatomy always last."""
        chosen = [row for row in self.rows(shown) if self._passes(row)]
        return tuple(sorted(chosen, key=self._order))

    @property
    def selected(self) -> Row | None:
        """The selected row of the active stack, or None."""
        rows = self.rows(self._desk.active.subject)
        return next((row for row in rows if row.key == self._selected), None)

    def set_filter(self, **values: Any) -> None:
        """List other rows, or in another order."""
        self.filter = replace(self.filter, **values)
        self.changed.emit()

    # Ways

    def select(self, key: FindingKey | None, *, jump: bool = True) -> None:
        """Select a row of the active stack and show its key slice."""
        if key != self._selected:
            self._selected = key
            self.attention.select(key)
            self.selection_changed.emit()
        row = self.selected
        if jump and row is not None:
            self._look_at(row)

    def _look_at(self, row: Row) -> None:
        """Show the key slice; where the image is magnified, with the finding in the middle."""
        viewport, place = self._desk.active, row.place
        cut = viewport.cut
        if cut is not None:
            if place is not None and cut.of.geometry is not None and self._mpr is not None:
                point = cut.of.geometry.to_patient((float(place[0]), place[1], place[2]))
                self._mpr.reveal(cut.of, point)
            return
        if row.key_slice is not None:
            viewport.go_to(row.key_slice)
        if place is not None and viewport.camera.zoom is not None:
            viewport.set_camera(replace(viewport.camera, centre=place[1:]))

    def step(self, steps: int) -> bool:
        """Select the next or previous finding, in this stack or in the next one that has any; False: there is none."""
        places = [(s, row) for s in self._stacks() for row in self.listed(s) if row.kind is not Kind.ANATOMY]
        if not places:
            return False
        here = self._desk.active.subject
        at = next((i for i, (_, row) in enumerate(places) if row.key == self._selected), None)
        if at is None:
            first = next((i for i, (s, _) in enumerate(places) if here is not None and s.stack is here.stack), 0)
            at = first - 1 if steps > 0 else first
        shown, row = places[(at + steps) % len(places)]
        if here is None or shown.stack is not here.stack:
            self._desk.active.show(shown, row.key_slice)
        self.select(row.key)
        return True

    def clear(self) -> None:
        """Forget everything (another study was opened)."""
        self._rows.clear()
        self._bases.clear()
        self._saved.clear()
        self.attention.clear()
        self._selected = None
        self.changed.emit()

    # Decisions

    def accept(self, row: Row) -> None:
        """Accept a finding or an outline."""
        self._decide(row, Verdict.ACCEPTED, f"Accept {row.label}")

    def reject(self, row: Row, reason: RejectReason, text: str = "") -> None:
        """Reject a finding or an outline for a reason."""
        self._decide(row, Verdict.REJECTED, f"Reject {row.label}", reason=reason, text=text)

    def withdraw(self, row: Row) -> None:
        """Take the decision about a row back: it is pending again, or gone if it was the reader's own."""
        if row.decision is not None:
            self._decide(row, Verdict.WITHDRAWN, f"Take back: {row.label}")

    def edit(self, row: Row, mask: str, dice: float) -> bool:
        """Keep another outline, by the hash of its mask in the store; False when its stack is not open any more."""
        if self._shown_of(row) is None:
            return False
        self._decide(row, Verdict.EDITED, f"Edit {row.label}", mask=mask, dice=dice)
        return True

    def accept_anatomy(self, shown: Shown) -> int:
        """Accept every pending outline of the anatomy; returns how many. Findings are never accepted in bulk."""
        pending = [r for r in self.rows(shown) if r.kind is Kind.ANATOMY and r.state is RowState.PENDING]
        for row in pending:
            self.accept(row)
        return len(pending)

    def add_missed(self, shown: Shown, label: str, text: str, spot: Spot | None, mask: str | None = None) -> FindingKey:
        """Add a finding that no model has proposed, at a place or with a mask in the store."""
        circumstances = self._circumstances(shown, () if spot is None else (spot[0],))
        decision = missed_decision(shown, label, text, spot, mask, circumstances)
        self._book.decide(decision, f"Mark missed: {label}")
        return decision.finding

    def impression_of(self, shown: Shown, labels: tuple[tuple[str, Presence], ...], text: str) -> Impression:
        """What the reader thinks of a stack, ready to be locked."""
        ids = (shown.study.study_uid, shown.series.series_uid, stack_id(shown.stack))
        return Impression(*ids, labels, text, self._circumstances(shown, ()))

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return Policy(self._settings.now.policy)

    def _decide(
        self,
        row: Row,
        verdict: Verdict,
        doing: str,
        *,
        reason: RejectReason | None = None,
        text: str = "",
        mask: str | None = None,
        dice: float | None = None,
    ) -> None:
        shown = self._shown_of(row)
        if shown is None:
            return
        circumstances = replace(self._circumstances(shown, row.slices), seconds=self.attention.seconds(row.key))
        weights = next((o.weights_sha256 for o in self._opinion.opinions(shown) if o.model == row.key.model), ())
        decision = Decision(
            row.key,
            verdict,
            replace(circumstances, weights=weights),
            reason=reason,
            text=text,
            mask=mask,
            dice=dice,
            probability=row.probability,
            threshold=row.threshold,
        )
        self._book.decide(decision, doing)
        if row.kind is Kind.FINDING and verdict in (Verdict.ACCEPTED, Verdict.REJECTED):
            self._warn(decision.circumstances)

    def _shown_of(self, row: Row) -> Shown | None:
        """Stack a row belongs to, wherever the reader has gone meanwhile."""
        active = self._desk.active.subject
        here = () if active is None else (active,)
        return next((s for s in (*here, *self._all_shown()) if stack_id(s.stack) == row.key.stack), None)

    def _circumstances(self, shown: Shown, slices: tuple[int, ...]) -> Circumstances:
        settings, stack = self._settings.now, shown.stack
        return Circumstances(
            reader=settings.reader,
            when=utc_now(),
            policy=Policy(settings.policy),
            revealed=self._book.revealed(stack_id(stack)),
            slices_seen=self.attention.seen(stack.key, slices),
            slices=len(slices),
            instances=_instances(stack, slices),
        )

    def _warn(self, circumstances: Circumstances) -> None:
        unseen = circumstances.slices - circumstances.slices_seen
        if unseen > 0:
            what = "one slice" if unseen == 1 else f"{unseen} slices"
            self.hasty.emit(f"Decided with {what} of the finding not looked at. Ctrl+Z takes it back.")
        elif circumstances.seconds < self._settings.now.hasty_seconds:
            self.hasty.emit(f"Decided after {circumstances.seconds:.1f} s. Ctrl+Z takes it back.")

    def _stacks(self) -> tuple[Shown, ...]:
        return tuple(shown for shown in self._all_shown() if self.rows(shown))

    def _passes(self, row: Row) -> bool:
        if row.kind is not Kind.FINDING:
            return not self.filter.pending_only
        flagged = row.flagged or row.decision is not None
        return (not self.filter.flagged_only or flagged) and (not self.filter.pending_only or row.pending)

    def _order(self, row: Row) -> tuple[int, float | str, str]:
        storey = 2 if row.kind is Kind.ANATOMY else 0 if row.disagrees else 1
        match self.filter.by:
            case "label":
                return storey, row.label, ""
            case "state":
                return storey, float(list(RowState).index(row.state)), row.label
            case _:
                certainty = 2.0 if row.kind is Kind.MISSED else row.probability or 0.0
                return storey, -certainty, row.label

    def _on_opinion(self, key: str) -> None:
        self._rows.pop(key, None)
        self.changed.emit()

    def _on_decided(self, _stack: str | None) -> None:
        self._rows.clear()
        self.changed.emit()

    def _on_active(self) -> None:
        if self._selected is not None and self.selected is None:
            self.select(None)
        self.changed.emit()


def _instances(stack: Stack, slices: tuple[int, ...]) -> tuple[str, ...]:
    """SOP Instance UIDs of the slices a finding touches; of the first ones where it touches none."""
    frames = [stack.frames[i] for i in slices if i < len(stack.frames)] or stack.frames[:_MOST_INSTANCES]
    return tuple(dict.fromkeys(frame.file.sop_instance_uid for frame in frames))


def missed_decision(
    shown: Shown, label: str, text: str, spot: Spot | None, mask: str | None, circumstances: Circumstances
) -> Decision:
    """A finding of the reader's own."""
    key = FindingKey(shown.study.study_uid, shown.series.series_uid, stack_id(shown.stack), "", uuid.uuid4().hex, label)
    return Decision(key, Verdict.MISSED, circumstances, text=text, mask=mask, spot=spot)
