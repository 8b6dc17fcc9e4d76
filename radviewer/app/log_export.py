"""The decision log as files for other programs: CSV, one column per thing, or JSON Lines, one entry per line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from radviewer.app.log_entries import LogRow, entry_of
from radviewer.domain.decision import Decision

_CHAIN = ("sequence", "kind", "at", "reader", "study_uid", "series_uid", "stack", "hash")
_DECISION = (
    "model", "version", "label", "verdict", "reason", "text", "probability", "threshold", "dice", "policy",
    "revealed", "seconds", "slices_seen", "slices", "mask", "decision_id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json_lines(rows: Iterable[LogRow]) -> str:
    """One JSON object per entry: the row's own columns, and the entry under "entry"."""
    lines = []
    for row in rows:
        told = {name: getattr(row, name) for name in (*_CHAIN, "previous", "signature")}
        lines.append(json.dumps(told | {"entry": _payload(row)}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _payload(row: LogRow) -> object:
    """The entry; the text itself where it is no JSON any more (`radviewer verify-log` names such rows)."""
    try:
        return json.loads(row.payload)
    except (ValueError, RecursionError):
        return row.payload


def as_csv(rows: Iterable[LogRow]) -> str:
    """One line per entry; what only decisions have is empty for the others.

    Texts that a spreadsheet would run as a formula begin with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_CHAIN, *_DECISION))
    for row in rows:
        entry = entry_of(row)
        cells = _cells(entry) if isinstance(entry, Decision) else [""] * len(_DECISION)
        writer.writerow([_harmless(cell) for cell in (*(getattr(row, name) for name in _CHAIN), *cells)])
    return text.getvalue()


def _cells(decision: Decision) -> list[object]:
    said, finding = decision.circumstances, decision.finding
    values = (
        finding.model, finding.version, finding.label, decision.verdict.value,
        None if decision.reason is None else decision.reason.value, decision.text, decision.probability,
        decision.threshold, decision.dice, said.policy.value, said.revealed, round(said.seconds, 2),
        said.slices_seen, said.slices, decision.mask, decision.decision_id,
    )  # fmt: skip
    return ["" if value is None else value for value in values]


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
