"""Entries of the decision log as rows: one canonical encoding, and back."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from radviewer.domain.decision import (
    Circumstances,
    Decision,
    FindingKey,
    Impression,
    Override,
    Policy,
    Presence,
    RejectReason,
    Reveal,
    Run,
    Spot,
    Verdict,
)

Entry = Decision | Impression | Reveal | Override | Run
BEGINNING = "0" * 64
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log.

    Attributes
    ----------
    payload : str
        Canonical JSON of the entry.
    previous, hash : str
        SHA-256 of the row before and of this one.
    signature : str or None
        HMAC-SHA-256 of `hash` with the site's key, where there is one.

    """

    sequence: int
    kind: str
    at: str
    reader: str
    study_uid: str
    series_uid: str
    stack: str
    payload: str
    previous: str
    hash: str
    signature: str | None

    def expected_hash(self) -> str:
        """What `hash` must be."""
        return hash_of(self.sequence, self.kind, self.at, self.reader, self.ids, self.payload, self.previous)

    @property
    def ids(self) -> tuple[str, str, str]:
        """Study, series, stack."""
        return (self.study_uid, self.series_uid, self.stack)


def hash_of(
    sequence: int, kind: str, at: str, reader: str, ids: tuple[str, str, str], payload: str, previous: str
) -> str:
    """SHA-256 over everything a row holds, unambiguously encoded."""
    return hashlib.sha256(_canonical([sequence, kind, at, reader, *ids, payload, previous]).encode()).hexdigest()


def signature_of(key: bytes | None, text: str) -> str | None:
    """HMAC-SHA-256 with the site's key; None without one."""
    return None if key is None else hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def row_of(entry: Entry, sequence: int, previous: str, key: bytes | None) -> LogRow:
    """The entry as the row that follows another one."""
    kind, at, reader, ids = _told(entry)
    payload = _canonical(asdict(entry))
    found = hash_of(sequence, kind, at, reader, ids, payload, previous)
    return LogRow(sequence, kind, at, reader, *ids, payload, previous, found, signature_of(key, found))


def _told(entry: Entry) -> tuple[str, str, str, tuple[str, str, str]]:
    match entry:
        case Decision(finding, _, said):
            when, reader, ids = said.when, said.reader, (finding.study_uid, finding.series_uid, finding.stack)
        case Impression(study, series, stack, circumstances=said):
            when, reader, ids = said.when, said.reader, (study, series, stack)
        case Reveal() | Override() | Run():
            when, reader, ids = entry.when, entry.reader, (entry.study_uid, entry.series_uid, entry.stack)
    study, series, stack = ids
    return type(entry).__name__.lower(), column(when), column(reader), (column(study), column(series), column(stack))


def column(text: str) -> str:
    """Text as a column holds it: what is no Unicode (a name in another encoding) as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def row_from(values: Sequence[Any]) -> LogRow:
    """A row as the database gives it; a value of a type that was never written becomes a text that was not, either."""
    sequence, *texts, signature = values
    kind, at, reader, study, series, stack, payload, previous, found = (
        value if isinstance(value, str) else repr(value) for value in texts
    )
    signed = None if signature is None else str(signature)
    return LogRow(int(sequence), kind, at, reader, study, series, stack, payload, previous, found, signed)


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_word)


def _word(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    raise TypeError(f"{type(value).__name__} cannot be logged")


def entry_of(row: LogRow) -> Entry | None:
    """What a row says; None when it says nothing that can be understood."""
    try:
        values = json.loads(row.payload)
        return _PARSERS[row.kind](values)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None


def _decision(values: dict[str, Any]) -> Decision:
    reason, mask, spot = values.pop("reason"), values.pop("mask"), values.pop("spot")
    return Decision(
        FindingKey(**_texts(values.pop("finding"))),
        Verdict(values.pop("verdict")),
        _circumstances(values.pop("circumstances")),
        reason=None if reason is None else RejectReason(reason),
        mask=None if mask is None else _text(mask),
        spot=None if spot is None else _spot(*spot),
        dice=_number(values.pop("dice")),
        probability=_number(values.pop("probability")),
        threshold=_number(values.pop("threshold")),
        **_texts(values),
    )


def _spot(index: Any, row: Any, column: Any) -> Spot:
    return _whole(index), float(row), float(column)


def _impression(values: dict[str, Any]) -> Impression:
    labels = tuple((_text(label), Presence(presence)) for label, presence in values.pop("labels"))
    said = _circumstances(values.pop("circumstances"))
    return Impression(**_texts(values), labels=labels, circumstances=said)


def _circumstances(values: dict[str, Any]) -> Circumstances:
    revealed = values.pop("revealed")
    return Circumstances(
        policy=Policy(values.pop("policy")),
        revealed=None if revealed is None else _text(revealed),
        seconds=float(values.pop("seconds")),
        slices_seen=_whole(values.pop("slices_seen")),
        slices=_whole(values.pop("slices")),
        instances=tuple(_text(uid) for uid in values.pop("instances")),
        weights=tuple((_text(file), _text(sha256)) for file, sha256 in values.pop("weights")),
        **_texts(values),
    )


def _reveal(values: dict[str, Any]) -> Reveal:
    return Reveal(policy=Policy(values.pop("policy")), **_texts(values))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _override(values: dict[str, Any]) -> Override:
    return Override(**_texts(values))


def _run(values: dict[str, Any]) -> Run:
    return Run(**_texts(values))


_PARSERS: dict[str, Callable[[dict[str, Any]], Entry]] = {
    "decision": _decision,
    "impression": _impression,
    "reveal": _reveal,
    "override": _override,
    "run": _run,
}
