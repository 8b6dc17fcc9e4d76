"""What was found in a folder with many studies, ranked by probability: ``summary.csv`` and ``summary.html``.

Neither names a patient: a row is found again by its file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from html import escape
from string import Template

from radviewer.domain.study import ScanResult
from radviewer.export.opinions import Json

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""Beginnings, some of them in full width, that a spreadsheet would take for a formula."""


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
    measurements: str
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
    found = sorted(_rows(scanned, entries), key=lambda row: row[0])
    return tuple(replace(row, rank=rank) for rank, (_, row) in enumerate(found, 1))


_Order = tuple[bool, bool, float, str]


def _rows(scanned: ScanResult, entries: Sequence[Json]) -> Iterator[tuple[_Order, TriageRow]]:
    """Rows, each with its place: of the probability itself, not of the digits that are shown."""
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
                probability = finding["probability"]
                yield (
                    (not finding["flagged"], probability is None, -(probability or 0.0), file),
                    TriageRow(
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
                        _measured(finding["measurements"]),
                        finding["picture"] or "",
                    ),
                )


def _measured(measurements: Json) -> str:
    """In one cell: ``area 12.5 cm2; …``, units as UCUM writes them."""
    known = ((name, one["value"], one["unit"]) for name, one in measurements.items() if one["value"] is not None)
    return "; ".join(f"{name} {value:.4g}{'' if unit == '1' else f' {unit}'}" for name, value, unit in known)


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
    value = _printable(value)
    return f"'{value}" if value.lstrip().startswith(_FORMULA) else value


def _printable(text: str) -> str:
    """Without control characters, which break lines or turn their direction."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _html(text: str) -> str:
    return escape(_printable(text))


def as_html(rows: Sequence[TriageRow], silent: int) -> bytes:
    """A page that loads nothing."""
    heads = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "\n".join(_line(row) for row in rows)
    flagged = sum(row.flagged == "yes" for row in rows)
    applies = f" No bundled model applies to {silent} other stacks of images." if silent else ""
    text = _PAGE.substitute(heads=heads, body=body, flagged=flagged, rows=len(rows), applies=applies)
    return text.encode("utf-8", "backslashreplace")


_HEADS = (
    "",
    "Finding",
    "Probability",
    "Flagged from",
    "Result",
    "File",
    "Stack",
    "Modality",
    "Study date",
    "Model",
    "Measured",
)


def _line(row: TriageRow) -> str:
    words = {"yes": "flagged", "no": "ran, not flagged"}.get(row.flagged, f"{row.status}: {row.reason}")
    file = _html(row.file)
    if row.picture:
        file = f'<a href="{_html(row.picture)}">{file}</a>'
    cells = (
        str(row.rank),
        _html(row.label),
        row.probability[:4],
        row.threshold[:4],
        _html(words),
        file,
        str(row.stack),
        _html(row.modality),
        _html(row.study_date),
        _html(f"{row.model} {row.version}"),
        _html(row.measurements),
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
