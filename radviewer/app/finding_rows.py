"""Rows of the findings panel: what models say about one stack, and what the reader decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.app.opinion_runs import finding_key, ids_of
from radviewer.app.shown import Shown
from radviewer.dicom.decision_reports import ReportedDecision
from radviewer.domain.decision import Decision, FindingKey, Presence, Spot, Verdict
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Mask, Opinion, Outcome, Structure


class Kind(Enum):
    """What a row stands for."""

    FINDING = "finding"
    ANATOMY = "anatomy"
    MISSED = "missed"  # the reader's own
    SAVED = "saved"  # an outline of a DICOM Segmentation that lies beside the images


class RowState(Enum):
    """How far the reader is with a row; the value is what is read."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EDITED = "edited"
    MISSED = "marked by the reader"
    REFUSED = "refused"
    NOT_FLAGGED = "not flagged"


STATE_OF_VERDICT = {
    Verdict.ACCEPTED: RowState.ACCEPTED,
    Verdict.REJECTED: RowState.REJECTED,
    Verdict.EDITED: RowState.EDITED,
    Verdict.MISSED: RowState.MISSED,
    Verdict.WITHDRAWN: RowState.PENDING,  # only in reports: here it is no decision in force
}


SAVED_VERSION = "file"
"""Stands for the version in the keys of saved outlines."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One line of the panel.

    Attributes
    ----------
    mask : ndarray or None
        Outline in force, on the stack's grid: the reader's if it was edited.
    proposed : ndarray or None
        Outline as the model drew it.
    decision : Decision or None
        In force.
    slices : tuple of int
        The slices it touches; of a film with a heatmap only, its one slice.
    key_slice : int or None
    impression : Presence or None
        What the reader had locked about this label before.

    """

    kind: Kind
    key: FindingKey
    label: str
    state: RowState
    probability: float | None = None
    threshold: float | None = None
    flagged: bool = False
    reason: str = ""
    evidence: str = ""
    measurements: tuple[Quantity, ...] = ()
    mask: Mask | None = None
    proposed: Mask | None = None
    finding: Finding | None = None
    decision: Decision | None = None
    slices: tuple[int, ...] = ()
    key_slice: int | None = None
    impression: Presence | None = None
    _kept: dict[tuple[str, int], NDArray[Any]] = field(default_factory=dict, repr=False)

    @property
    def disagrees(self) -> bool:
        """Whether the reader's impression and the model say different things."""
        if self.impression is None or self.probability is None or self.impression is Presence.UNSURE:
            return False
        return (self.impression is Presence.PRESENT) != self.flagged

    @property
    def place(self) -> Spot | None:
        """Where to look: the middle of the outline on its largest slice, the hottest cell, or the reader's spot."""
        if self.decision is not None and self.decision.spot is not None:
            return self.decision.spot
        index = self.key_slice
        if index is None:
            return None
        if self.mask is not None and self.mask[index].any():
            rows, columns = np.nonzero(self.mask[index])
            return (index, float(rows.mean()), float(columns.mean()))
        if self.finding is not None and self.finding.heatmap is not None:
            heat = self.finding.heatmap[index]
            row, column = divmod(int(heat.argmax()), heat.shape[1])
            return (index, float(row), float(column))
        return None

    def slice_mask(self, index: int) -> NDArray[np.bool_]:
        """The mask on one slice: the same array every time, so that painters know it again."""
        if self.mask is None:
            raise ValueError("this row has no mask")
        return self._kept.setdefault(("mask", index), self.mask[index])

    def slice_heat(self, index: int) -> NDArray[np.float32]:
        """The heatmap on one slice: the same array every time."""
        if self.finding is None or self.finding.heatmap is None:
            raise ValueError("this row has no heatmap")
        return self._kept.setdefault(("heat", index), self.finding.heatmap[index])

    @property
    def pending(self) -> bool:
        """Whether the reader has still to decide about it."""
        return self.kind is Kind.FINDING and self.flagged and self.state is RowState.PENDING


Masks = Callable[[str], Mask | None]


def rows_of(
    shown: Shown,
    opinions: tuple[Opinion, ...],
    decided: dict[FindingKey, Decision],
    masks: Masks,
    impressions: Mapping[str, Presence] = MappingProxyType({}),
) -> tuple[Row, ...]:
    """Rows of a stack: findings, then what the reader added, then anatomy."""
    return judged(proposed_rows(shown, opinions), decided, masks, impressions)


def proposed_rows(shown: Shown, opinions: tuple[Opinion, ...]) -> tuple[Row, ...]:
    """What models say of a stack, nothing decided: masks are gone through here, once."""
    findings = [_finding(shown, o, f) for o in opinions if o.outcome is Outcome.RAN for f in o.findings]
    anatomy = [_structure(shown, o, part) for o in opinions for part in o.anatomy]
    return (*findings, *anatomy)


def judged(
    rows: tuple[Row, ...], decided: dict[FindingKey, Decision], masks: Masks, impressions: Mapping[str, Presence]
) -> tuple[Row, ...]:
    """Rows with what the reader decided, and what the reader added.

    Parameters
    ----------
    rows : tuple of Row
        From `proposed_rows`.
    decided : dict
        Decisions in force about the stack.
    masks : callable
        Masks the reader drew, by their hash; None for what is not there any more.
    impressions : mapping
        What the reader had locked before, by label.

    """
    found = [_decided(row, decided.get(row.key), impressions) for row in rows]
    own = [row for row in found if row.kind is Kind.FINDING] + list(_missed(decided))
    others = [row for row in found if row.kind in (Kind.ANATOMY, Kind.SAVED)]
    return tuple(_with_own(row, masks) for row in (*own, *others))


def _decided(row: Row, decision: Decision | None, impressions: Mapping[str, Presence]) -> Row:
    impression = impressions.get(row.label) if row.kind is Kind.FINDING else None
    if decision is None or row.state is RowState.REFUSED:
        return row if impression is None else replace(row, impression=impression)
    return replace(row, decision=decision, state=STATE_OF_VERDICT[decision.verdict], impression=impression)


def _with_own(row: Row, masks: Masks) -> Row:
    """The row with the mask its decision names."""
    name = None if row.decision is None else row.decision.mask
    own = None if name is None else masks(name)
    if own is None:
        return row
    touched = _touched(own)
    largest = int(own.sum(axis=(1, 2)).argmax()) if touched else row.key_slice
    return replace(row, _kept={}, mask=own, slices=touched or row.slices, key_slice=largest)


def _finding(shown: Shown, opinion: Opinion, finding: Finding) -> Row:
    if finding.outcome is not Outcome.RAN:
        state = RowState.REFUSED
    else:
        state = RowState.PENDING if finding.flagged else RowState.NOT_FLAGGED
    key_slice = finding.key_slice
    return Row(
        Kind.FINDING,
        finding_key(shown, opinion, finding.label),
        finding.label,
        state,
        finding.probability,
        finding.threshold,
        finding.flagged,
        finding.reason or "",
        finding.evidence,
        finding.measurements,
        finding.mask,
        finding.mask,
        finding,
        slices=finding.slices or (() if key_slice is None else (key_slice,)),
        key_slice=key_slice,
    )


def _structure(shown: Shown, opinion: Opinion, structure: Structure) -> Row:
    slices = _touched(structure.mask)
    return Row(
        Kind.ANATOMY,
        finding_key(shown, opinion, structure.label),
        structure.label,
        RowState.PENDING,
        measurements=structure.measurements,
        mask=structure.mask,
        proposed=structure.mask,
        slices=slices,
        key_slice=int(structure.mask.sum(axis=(1, 2)).argmax()) if slices else None,
    )


def saved_row(shown: Shown, file: str, label: str, mask: Mask, who: str) -> Row:
    """An outline from a DICOM Segmentation; `who` drew it, in words."""
    key = FindingKey(*ids_of(shown), file, SAVED_VERSION, label)
    slices = _touched(mask)
    largest = int(mask.sum(axis=(1, 2)).argmax()) if slices else None
    return Row(
        Kind.SAVED, key, label, RowState.PENDING, reason=who, mask=mask, proposed=mask, slices=slices, key_slice=largest
    )


def reported_row(shown: Shown, file: str, said: ReportedDecision, words: str) -> Row:
    """A decision from a report; `words` say whose."""
    key = FindingKey(*ids_of(shown), file, "file", said.label)
    state = STATE_OF_VERDICT[said.verdict]
    return Row(Kind.SAVED, key, said.label, state, said.probability, reason=words)


def without_copies(saved: tuple[Row, ...], rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Outlines of files that no row shows already: an export lies beside the opinion it was made of."""
    return tuple(row for row in saved if not any(_is_copy(row, other) for other in rows))


def _is_copy(one: Row, other: Row) -> bool:
    """Whether a row of a file says nothing new: its outline is there, or its finding was decided about here."""
    if one.mask is None:
        return one.label == other.label and other.decision is not None
    if one.label != other.label or one.mask is None or other.mask is None:
        return False
    return one.slices == other.slices and np.array_equal(one.mask, other.mask)


def _touched(mask: Mask) -> tuple[int, ...]:
    """Slices a mask touches."""
    return tuple(int(i) for i in np.flatnonzero(mask.any(axis=(1, 2))))


def _missed(decided: dict[FindingKey, Decision]) -> Iterator[Row]:
    for key, decision in decided.items():
        if decision.verdict is Verdict.MISSED:
            place = None if decision.spot is None else decision.spot[0]
            yield Row(
                Kind.MISSED,
                key,
                key.label,
                RowState.MISSED,
                reason=decision.text,
                decision=decision,
                slices=() if place is None else (place,),
                key_slice=place,
            )


def size_text(row: Row) -> str:
    """All measurements in words: ``"area 412 cm², cardiothoracic ratio 47 %"``."""
    return ", ".join(f"{q.name} {_amount(q)}" for q in row.measurements)


def short_size(row: Row) -> str:
    """The most telling measurement alone: a ratio, else the first."""
    if not row.measurements:
        return ""
    told = next((q for q in row.measurements if q.unit == "%"), row.measurements[0])
    return f"{'ratio' if told.unit == '%' else told.name} {_amount(told)}"


def _amount(quantity: Quantity) -> str:
    value = quantity.value
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {UNITS.get(quantity.unit, quantity.unit)}".strip()


UNITS = {"mm2": "mm²", "cm2": "cm²", "{pixels}": "pixels", "1": ""}
