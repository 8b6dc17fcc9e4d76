"""What was found in a folder with many studies, ranked by probability: ``summary.csv`` and ``summary.html``.

Neither names a patient: a row is found again by its file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from html import escape
from string import Template

from radviewer.domain.study import ScanResult
from radviewer.export.opinions import Json

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet would take for a formula."""


@dataclass(frozen=True, slots=True)
class TriageRow:
    """One finding of one stack; its fields are the table's columns."""

    rank: int
    label: str
    probability: str
    threshold: str
    flagged: str
    status: str
    reason: str
    modality: str
    study_date: str
    file: str
    stack: int
    model: str
    version: str
    picture: str


def summary_files(scanned: ScanResult, entries: Sequence[Json]) -> dict[str, bytes]:
    """Both files by name; none when no model was asked about anything."""
    rows = ranked(scanned, entries)
    if not rows:
        return {}
    silent = sum(not entry["results"] for entry in entries)
    return {"summary.csv": as_csv(rows), "summary.html": as_html(rows, silent)}


def ranked(scanned: ScanResult, entries: Sequence[Json]) -> tuple[TriageRow, ...]:
    """Rows: flagged first, then by probability; what did not run comes last."""
    found = sorted(_rows(scanned, entries), key=_order)
    return tuple(TriageRow(rank, *astuple(row)[1:]) for rank, row in enumerate(found, 1))


def _order(row: TriageRow) -> tuple[bool, bool, float, str]:
    return (row.flagged != "yes", not row.probability, -float(row.probability or 0), row.file)


def _rows(scanned: ScanResult, entries: Sequence[Json]) -> Iterator[TriageRow]:
    about = {
        (study.study_uid, series.series_uid): (series.modality or "", study.date or "")
        for study in scanned.studies
        for series in study.series
    }
    for entry in entries:
        modality, date = about.get((entry["study_uid"], entry["series_uid"]), ("", ""))
        file = entry["files"][0]["path"] if entry["files"] else ""
        for answer in entry["results"]:
            for finding in answer["findings"]:
                status = finding["status"] if answer["status"] == "ran" else answer["status"]
                yield TriageRow(
                    0,
                    finding["label"],
                    _number(finding["probability"]),
                    _number(finding["threshold"]),
                    "yes" if finding["flagged"] else "no" if finding["probability"] is not None else "",
                    status,
                    finding["reason"] or answer["reason"] or "",
                    modality,
                    date,
                    file,
                    entry["stack"],
                    answer["model"],
                    answer["version"],
                    finding["picture"] or "",
                )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def as_csv(rows: Sequence[TriageRow]) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets want; nothing in it is taken for a formula."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([field.name for field in fields(TriageRow)])
    for row in rows:
        table.writerow([_plain(str(value)) for value in astuple(row)])
    return text.getvalue().encode("utf-8-sig", "backslashreplace")


def _plain(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def as_html(rows: Sequence[TriageRow], silent: int) -> bytes:
    """A page that loads nothing."""
    heads = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "\n".join(_line(row) for row in rows)
    flagged = sum(row.flagged == "yes" for row in rows)
    applies = f" No bundled model applies to {silent} other series." if silent else ""
    text = _PAGE.substitute(heads=heads, body=body, flagged=flagged, rows=len(rows), applies=applies)
    return text.encode("utf-8", "backslashreplace")


_HEADS = ("", "Finding", "Probability", "Flagged from", "Result", "File", "Modality", "Study date", "Model")


def _line(row: TriageRow) -> str:
    words = {"yes": "flagged", "no": "ran, not flagged"}.get(row.flagged, f"{row.status}: {row.reason}")
    file = escape(row.file)
    if row.picture:
        file = f'<a href="{escape(row.picture)}">{file}</a>'
    cells = (
        str(row.rank),
        escape(row.label),
        row.probability[:4],
        row.threshold[:4],
        escape(words),
        file,
        escape(row.modality),
        escape(row.study_date),
        escape(f"{row.model} {row.version}"),
    )
    kind = ' class="flagged"' if row.flagged == "yes" else ""
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Second opinions by probability</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.45 sans-serif; color: #1d232b; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .3rem } p { color: #5b6672; margin: .2rem 0 1.2rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: #5b6672; font-weight: normal }
th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid #d8dde3 }
td { vertical-align: top; overflow-wrap: anywhere }
td:nth-child(1), td:nth-child(3), td:nth-child(4) { white-space: nowrap; font-variant-numeric: tabular-nums }
tr.flagged td:nth-child(2), tr.flagged td:nth-child(3) { font-weight: bold }
</style></head><body>
<h1>Second opinions by probability</h1>
<p>Research use only. Not a medical device. $flagged of $rows findings flagged; one that is not flagged is no statement
that the image is normal.$applies</p>
<table><thead><tr>$heads</tr></thead>
<tbody>
$body
</tbody></table>
</body></html>
"""
)
