"""The table of a folder with many studies: its order, and what must not be in it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from radviewer.domain.study import ScanResult, Series, Study
from radviewer.export.triage import as_csv, as_html, ranked, summary_files

NOBODY = ScanResult(Path(), (), (), ())


def finding(label: str, probability: float | None, threshold: float = 0.5, **values: Any) -> dict[str, Any]:
    flagged = probability is not None and probability >= threshold
    found = {"label": label, "status": "ran", "reason": None, "probability": probability, "threshold": threshold}
    return found | {"flagged": flagged, "picture": None, "measurements": {}} | values


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


def test_the_order_is_that_of_the_probability_itself() -> None:
    rows = ranked(NOBODY, [entry("a", finding("x", 0.90001)), entry("b", finding("x", 0.90002))])
    assert [row.file for row in rows] == ["b", "a"]


def test_measurements_are_in_short() -> None:
    sizes = {"area": {"value": 12.3456, "unit": "cm2"}, "ratio": {"value": 0.5, "unit": "1"}}
    (row,) = ranked(
        NOBODY, [entry("a", finding("x", 0.9, measurements=sizes | {"odd": {"value": None, "unit": "mm"}}))]
    )
    assert row.measurements == "area 12.35 cm2; ratio 0.5"
    assert "area 12.35 cm2" in as_html([row], 0).decode()


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@a", " =1", "\t=1", "\n=1", "\uff1d1"])
def test_no_cell_is_a_formula(hostile: str) -> None:
    rows = ranked(NOBODY, [entry(hostile, finding("x", None), status="failed", reason=hostile)])
    (line,) = list(csv.DictReader(io.StringIO(as_csv(rows).decode("utf-8-sig"))))
    assert line["file"].startswith(("'", "\ufffd"))
    assert line["reason"] == line["file"]


def test_nothing_turns_the_direction_of_the_page() -> None:
    page = as_html(ranked(NOBODY, [entry("a\u202eb", finding("x", 0.9))]), 0).decode()
    assert "\u202e" not in page


def test_no_patient_is_named() -> None:
    series = Series("2", 1, "DX", "Mustermann", None, ())
    study = Study("1", "20200102", "Mustermann", "Mustermann^Max", "ID-4711", (series,))
    files = summary_files(ScanResult(Path(), (study,), (), ()), [entry("a", finding("x", 0.9))])
    assert sorted(files) == ["summary.csv", "summary.html"]
    for data in files.values():
        assert b"20200102" in data
        assert b"Mustermann" not in data
        assert b"4711" not in data


def test_nothing_is_run_or_loaded_by_who_opens_it() -> None:
    hostile = '=HYPERLINK("http://x")<script>alert(1)</script>'
    rows = ranked(NOBODY, [entry(hostile, finding("x", 0.9, picture='a"><b>.png'))])
    (line,) = list(csv.reader(io.StringIO(as_csv(rows).decode("utf-8-sig"))))[1:]
    assert "'" + hostile in line
    page = as_html(rows, 2).decode()
    assert "<script" not in page
    assert '"><b>' not in page
    assert "default-src 'none'" in page
    assert "No bundled model applies to 2 other stacks of images." in page


def test_not_flagged_is_not_normal() -> None:
    page = as_html(ranked(NOBODY, [entry("a", finding("x", 0.1))]), 0).decode()
    assert "ran, not flagged" in page
    assert "no statement" in page
    assert "Research use only" in page


def test_without_a_model_there_is_no_table() -> None:
    nothing = entry("a") | {"results": []}
    assert summary_files(NOBODY, [nothing]) == {}
