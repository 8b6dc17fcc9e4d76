"""The table of a folder with many studies: its order, and what must not be in it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from radviewer.domain.study import ScanResult
from radviewer.export.triage import as_csv, as_html, ranked, summary_files

NOBODY = ScanResult(Path(), (), (), ())


def finding(label: str, probability: float | None, threshold: float = 0.5, **values: Any) -> dict[str, Any]:
    flagged = probability is not None and probability >= threshold
    found = {"label": label, "status": "ran", "reason": None, "probability": probability, "threshold": threshold}
    return found | {"flagged": flagged, "picture": None} | values


def entry(file: str, *findings: dict[str, Any], status: str = "ran", reason: str | None = None) -> dict[str, Any]:
    answer = {"model": "m", "version": "1", "status": status, "reason": reason, "findings": list(findings)}
    return {"study_uid": "1", "series_uid": "2", "stack": 0, "files": [{"path": file}], "results": [answer]}


def test_what_is_flagged_comes_first_and_what_did_not_run_last() -> None:
    entries = [
        entry("a", finding("x", 0.4), finding("y", 0.45, 0.42)),
        entry("b", finding("x", None, status="refused", reason="A child."), finding("y", 0.44)),
        entry("c", finding("x", 0.9)),
        entry("d", finding("x", None), status="failed", reason="It crashed."),
    ]
    rows = ranked(NOBODY, entries)
    assert [(row.rank, row.file, row.label) for row in rows] == [
        (1, "c", "x"),
        (2, "a", "y"),
        (3, "b", "y"),
        (4, "a", "x"),
        (5, "b", "x"),
        (6, "d", "x"),
    ]
    assert [(row.status, row.reason) for row in rows[-2:]] == [("refused", "A child."), ("failed", "It crashed.")]


def test_nothing_is_run_or_loaded_by_who_opens_it() -> None:
    hostile = '=HYPERLINK("http://x")<script>alert(1)</script>'
    rows = ranked(NOBODY, [entry(hostile, finding("x", 0.9, picture='a"><b>.png'))])
    (line,) = list(csv.reader(io.StringIO(as_csv(rows).decode("utf-8-sig"))))[1:]
    assert "'" + hostile in line
    page = as_html(rows, 2).decode()
    assert "<script" not in page
    assert '"><b>' not in page
    assert "default-src 'none'" in page
    assert "No bundled model applies to 2 other series." in page


def test_not_flagged_is_not_normal() -> None:
    page = as_html(ranked(NOBODY, [entry("a", finding("x", 0.1))]), 0).decode()
    assert "ran, not flagged" in page
    assert "no statement" in page
    assert "Research use only" in page


def test_without_a_model_there_is_no_table() -> None:
    nothing = entry("a") | {"results": []}
    assert summary_files(NOBODY, [nothing]) == {}
