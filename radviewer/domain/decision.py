"""What the reader decides about findings: frozen values, appended to a log and never changed.

Undoing a decision is a new decision (`Verdict.WITHDRAWN`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radviewer.domain.study import Stack

Spot = tuple[int, float, float]
"""``(slice, row, column)`` on the stack's own grid, pixel centres at integers."""


class Verdict(Enum):
    """What was decided; the value is what is written to disk, never change it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EDITED = "edited"  # accepted with another outline
    MISSED = "missed"  # the reader's own finding, which no model proposed
    WITHDRAWN = "withdrawn"  # an earlier decision is taken back: the finding is pending again


class RejectReason(Enum):
    """Why a finding was rejected; the value is what is written to disk, never change it."""

    ARTEFACT = "artefact"
    NORMAL_VARIANT = "normal variant"
    KNOWN = "known / in prior"
    WRONG_SITE = "wrong site"
    WRONG_EXTENT = "wrong extent"
    WRONG_LABEL = "wrong label"
    OTHER = "other"


class Policy(Enum):
    """When the reader gets to see a second opinion; the value is what settings and log store."""

    READ_FIRST = "read first"  # hidden until the reader has locked an impression
    ON_REQUEST = "on request"
    CONCURRENT = "concurrent"  # runs as soon as the series is loaded


class Presence(Enum):
    """The reader's own impression of one label, before the second opinion is shown."""

    PRESENT = "present"
    ABSENT = "absent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class FindingKey:
    """Names one finding of one model on one stack; the same after the program was started again.

    Attributes
    ----------
    study_uid, series_uid : str
    stack : str
        SHA-256 over SOP Instance UIDs and frame numbers of the stack, in order.
    model, version : str
        For what no model has proposed: "", and an id of its own, so that a label may be missed more than once.
    label : str

    """

    study_uid: str
    series_uid: str
    stack: str
    model: str
    version: str
    label: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a decision came about.

    Attributes
    ----------
    reader : str
    when : str
        ISO 8601, UTC.
    policy : Policy
    revealed : str or None
        When the opinion was first shown to the reader, ISO 8601, UTC.
    seconds : float
        The finding was the selected one for so long.
    slices_seen, slices : int
        Of the slices the finding touches.
    instances : tuple of str
        SOP Instance UIDs of the stack.
    weights : tuple of (str, str)
        File and SHA-256 of the weights that took part.

    """

    reader: str
    when: str
    policy: Policy
    revealed: str | None = None
    seconds: float = 0.0
    slices_seen: int = 0
    slices: int = 0
    instances: tuple[str, ...] = ()
    weights: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one reader about one finding.

    Attributes
    ----------
    reason : RejectReason or None
        Exactly for rejected findings.
    text : str
        Free; needed with `RejectReason.OTHER`.
    mask : str or None
        SHA-256 of the reader's mask in the store; exactly for edited findings, and for missed ones that were drawn.
    dice : float or None
        Overlap of the edited mask with the proposed one.
    spot : Spot or None
        Where a missed finding lies.
    probability, threshold : float or None
        As the reader was shown them.

    Raises
    ------
    ValueError
        If verdict, reason, text, mask and place do not go together.

    """

    finding: FindingKey
    verdict: Verdict
    circumstances: Circumstances
    reason: RejectReason | None = None
    text: str = ""
    mask: str | None = None
    dice: float | None = None
    spot: Spot | None = None
    probability: float | None = None
    threshold: float | None = None
    decision_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.REJECTED) != (self.reason is not None):
            raise ValueError("a finding is rejected for a reason, and only a rejected one has one")
        if self.reason is RejectReason.OTHER and not self.text.strip():
            raise ValueError("the reason 'other' is said in words")
        if self.verdict is Verdict.EDITED and self.mask is None:
            raise ValueError("an edited finding has a mask")
        if self.verdict is Verdict.MISSED and self.mask is None and self.spot is None:
            raise ValueError("a missed finding lies somewhere")
        if self.verdict in (Verdict.ACCEPTED, Verdict.REJECTED, Verdict.WITHDRAWN) and self.mask is not None:
            raise ValueError(f"a finding that is {self.verdict.value} keeps its own mask")


@dataclass(frozen=True, slots=True)
class Impression:
    """What the reader thought before the second opinion was shown, locked.

    Attributes
    ----------
    study_uid, series_uid, stack : str
        As in `FindingKey`.
    labels : tuple of (str, Presence)
    text : str

    """

    study_uid: str
    series_uid: str
    stack: str
    labels: tuple[tuple[str, Presence], ...]
    text: str
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Reveal:
    """When an opinion on a stack was first shown to the reader, and under which policy."""

    study_uid: str
    series_uid: str
    stack: str
    reader: str
    when: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Override:
    """The reader had a model run although it refused; `reason` is the model's."""

    study_uid: str
    series_uid: str
    stack: str
    model: str
    version: str
    reason: str
    reader: str
    when: str


@dataclass(frozen=True, slots=True)
class Run:
    """A model ran on a stack; `outcome` is the word of `domain.opinion.Outcome`."""

    study_uid: str
    series_uid: str
    stack: str
    model: str
    version: str
    outcome: str
    reader: str
    when: str


def stack_id(stack: Stack) -> str:
    """Name of a stack that is the same after a restart, wherever its files lie.

    SHA-256 over SOP Instance UIDs and frame numbers, in order.
    """
    names = hashlib.sha256()
    for frame in stack.frames:
        names.update(f"{frame.file.sop_instance_uid}\x00{frame.index}\x00".encode("utf-8", "backslashreplace"))
    return names.hexdigest()


def latest(decisions: Iterable[Decision]) -> dict[FindingKey, Decision]:
    """Decision in force about each finding, of decisions in the order they were made; withdrawn ones are left out."""
    found: dict[FindingKey, Decision] = {}
    for decision in decisions:
        if decision.verdict is Verdict.WITHDRAWN:
            found.pop(decision.finding, None)
        else:
            found[decision.finding] = decision
    return found
