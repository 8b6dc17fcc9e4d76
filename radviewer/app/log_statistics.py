"""What the decision log says as a whole: per model version and label, how often readers agreed, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from radviewer.domain.decision import Decision, FindingKey, Verdict, latest


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisions in force about one label of one model version.

    Attributes
    ----------
    accepted, edited, rejected : int
    reasons : tuple of (str, int)
        Of rejections, the most frequent first.
    seconds : float
        Median time the finding was looked at before the decision.
    dice : float or None
        Median overlap of edited outlines with the proposed ones.

    """

    model: str
    version: str
    label: str
    accepted: int
    edited: int
    rejected: int
    reasons: tuple[tuple[str, int], ...]
    seconds: float
    dice: float | None

    @property
    def agreement(self) -> float:
        """Share of decisions that let the finding stand, edited or not."""
        total = self.accepted + self.edited + self.rejected
        return (self.accepted + self.edited) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the whole log: tallies, and what readers found that no model had, by label."""

    tallies: tuple[Tally, ...]
    missed: tuple[tuple[str, int], ...]
    changed: int  # findings that were decided more than once


def statistics_of(decisions: Iterable[Decision]) -> Statistics:
    """Count decisions, in the order they were made."""
    listed = list(decisions)
    in_force = latest(listed)
    times = Counter(decision.finding for decision in listed)
    groups: dict[tuple[str, str, str], list[Decision]] = {}
    for decision in in_force.values():
        if decision.verdict is not Verdict.MISSED:
            groups.setdefault(_group(decision.finding), []).append(decision)
    missed = Counter(d.finding.label for d in in_force.values() if d.verdict is Verdict.MISSED)
    return Statistics(
        tuple(_tally(*group, decided) for group, decided in sorted(groups.items())),
        tuple(missed.most_common()),
        sum(count > 1 for count in times.values()),
    )


def _group(finding: FindingKey) -> tuple[str, str, str]:
    return finding.model, finding.version, finding.label


def _tally(model: str, version: str, label: str, decided: list[Decision]) -> Tally:
    verdicts = Counter(decision.verdict for decision in decided)
    reasons = Counter(decision.reason.value for decision in decided if decision.reason is not None)
    overlaps = [decision.dice for decision in decided if decision.dice is not None]
    return Tally(
        model,
        version,
        label,
        verdicts[Verdict.ACCEPTED],
        verdicts[Verdict.EDITED],
        verdicts[Verdict.REJECTED],
        tuple(reasons.most_common()),
        median(decision.circumstances.seconds for decision in decided),
        median(overlaps) if overlaps else None,
    )
