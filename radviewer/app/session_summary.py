"""What came of this reading: agreement between reader and second opinion, and what the reveal changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.domain.decision import Impression, Presence


class Agreement(Enum):
    """How the reader's impression and the second opinion go together; the value is what is read."""

    DISAGREE = "disagree"
    OPEN = "unsure"  # the reader was
    AGREE = "agree"


@dataclass(frozen=True, slots=True)
class Compared:
    """One label of one stack.

    Attributes
    ----------
    presence : Presence
        As the reader locked it.
    flagged : bool
    probability : float
    verdict : RowState
        What was decided after the reveal.
    changed : bool
        Whether that is something else than the impression.

    """

    label: str
    presence: Presence
    flagged: bool
    probability: float
    verdict: RowState
    agreement: Agreement
    changed: bool


def against(impression: Impression, rows: Iterable[Row]) -> tuple[Compared, ...]:
    """Compare an impression with what models said, disagreements first."""
    said = {row.label: row for row in rows if row.kind is Kind.FINDING and row.probability is not None}
    found = [_one(label, presence, said[label]) for label, presence in impression.labels if label in said]
    return tuple(sorted(found, key=lambda item: list(Agreement).index(item.agreement)))


def _one(label: str, presence: Presence, row: Row) -> Compared:
    if presence is Presence.UNSURE:
        agreement = Agreement.OPEN
    else:
        agreement = Agreement.AGREE if (presence is Presence.PRESENT) == row.flagged else Agreement.DISAGREE
    accepted = row.state in (RowState.ACCEPTED, RowState.EDITED)
    rejected = row.state is RowState.REJECTED
    changed = (presence is not Presence.PRESENT and accepted) or (presence is Presence.PRESENT and rejected)
    return Compared(label, presence, row.flagged, row.probability or 0.0, row.state, agreement, changed)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over all open stacks.

    Attributes
    ----------
    flagged, accepted, edited, rejected, pending, missed : int
        Of findings; anatomy is not counted.
    reasons : tuple of (str, int)
        Why findings were rejected, the most frequent first.
    agree, disagree, unsure, changed : int
        Of labels with an impression that was locked before.

    """

    flagged: int = 0
    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    pending: int = 0
    missed: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    agree: int = 0
    disagree: int = 0
    unsure: int = 0
    changed: int = 0


def summed(rows: Iterable[Row], compared: Iterable[Compared]) -> Summary:
    """Count rows and comparisons of a session."""
    listed, pairs = list(rows), list(compared)
    findings = [row for row in listed if row.kind is Kind.FINDING]
    reasons: dict[str, int] = {}
    for row in findings:
        if row.decision is not None and row.decision.reason is not None:
            reasons[row.decision.reason.value] = reasons.get(row.decision.reason.value, 0) + 1

    def count(state: RowState) -> int:
        return sum(row.state is state for row in findings)

    def agreed(agreement: Agreement) -> int:
        return sum(pair.agreement is agreement for pair in pairs)

    return Summary(
        flagged=sum(row.flagged for row in findings),
        accepted=count(RowState.ACCEPTED),
        edited=count(RowState.EDITED),
        rejected=count(RowState.REJECTED),
        pending=sum(row.pending for row in findings),
        missed=sum(row.kind is Kind.MISSED for row in listed),
        reasons=tuple(sorted(reasons.items(), key=lambda item: -item[1])),
        agree=agreed(Agreement.AGREE),
        disagree=agreed(Agreement.DISAGREE),
        unsure=agreed(Agreement.OPEN),
        changed=sum(pair.changed for pair in pairs),
    )
