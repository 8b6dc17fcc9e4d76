"""The log as CSV and JSON Lines, and what it says as a whole."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_entries import LogRow
from radviewer.app.log_export import as_csv, as_json_lines
from radviewer.app.log_statistics import statistics_of
from radviewer.domain.decision import Decision, FindingKey, RejectReason, Verdict
from tests.app.decided import IDS, accepted, every_kind, key, said


@pytest.fixture
def rows(tmp_path: Path) -> list[LogRow]:
    log = DecisionLog(tmp_path / "decisions.sqlite")
    for entry in every_kind():
        log.append(entry)
    log.append(Decision(key(), Verdict.REJECTED, said("=1+1"), RejectReason.OTHER, "@cmd"))
    found = list(log.rows())
    log.close()
    return found


def test_json_lines_hold_every_entry_whole(rows: list[LogRow]) -> None:
    lines = [json.loads(line) for line in as_json_lines(rows).splitlines()]
    assert [line["kind"] for line in lines] == [row.kind for row in rows]
    assert lines[0]["entry"]["verdict"] == "accepted"
    assert lines[1]["previous"] == lines[0]["hash"]


def test_a_row_somebody_broke_is_exported_as_it_is(rows: list[LogRow]) -> None:
    broken = replace(rows[0], payload="{no json")
    assert json.loads(as_json_lines([broken]))["entry"] == "{no json"
    assert as_csv([broken]).count("\n") == 2


def test_csv_has_a_line_per_entry_and_nothing_a_spreadsheet_runs(rows: list[LogRow]) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert len(lines) == len(rows)
    assert lines[0]["label"] == "tuberculosis"
    assert lines[0]["probability"] == "0.8"
    assert lines[6]["verdict"] == ""  # a reveal
    assert lines[-1]["reader"] == "'=1+1"
    assert lines[-1]["text"] == "'@cmd"


def _of(label: str, verdict: Verdict, seconds: float, stack: str, **more: object) -> Decision:
    finding = FindingKey(*IDS[:2], stack, "chest-findings", "1.0.0", label)
    return Decision(finding, verdict, replace(said(), seconds=seconds), **more)  # type: ignore[arg-type]


def test_statistics_count_what_is_in_force() -> None:
    artefact = {"reason": RejectReason.ARTEFACT}
    found = statistics_of(
        [
            _of("tuberculosis", Verdict.ACCEPTED, 2, "a"),
            _of("tuberculosis", Verdict.REJECTED, 4, "a", **artefact),  # a change of mind
            _of("tuberculosis", Verdict.REJECTED, 6, "b", **artefact),
            _of("tuberculosis", Verdict.ACCEPTED, 8, "c"),
            _of("heart", Verdict.EDITED, 1, "a", mask="ab" * 32, dice=0.9),
            _of("nodule", Verdict.MISSED, 0, "d", spot=(0, 1.0, 2.0)),
            _of("pneumonia", Verdict.ACCEPTED, 1, "e"),
            _of("pneumonia", Verdict.WITHDRAWN, 1, "e"),
        ]
    )
    tallies = {tally.label: tally for tally in found.tallies}
    assert set(tallies) == {"tuberculosis", "heart"}
    assert (tallies["tuberculosis"].accepted, tallies["tuberculosis"].rejected) == (1, 2)
    assert tallies["tuberculosis"].agreement == pytest.approx(1 / 3)
    assert tallies["tuberculosis"].reasons == (("artefact", 2),)
    assert tallies["tuberculosis"].seconds == 6
    assert tallies["heart"].dice == 0.9
    assert found.missed == (("nodule", 1),)
    assert found.changed == 2


def test_an_empty_log_says_nothing() -> None:
    found = statistics_of([])
    assert (found.tallies, found.missed, found.changed) == ((), (), 0)
    assert as_csv([]).count("\n") == 1
    assert as_json_lines([]) == ""
    assert statistics_of([accepted()]).tallies[0].agreement == 1.0
