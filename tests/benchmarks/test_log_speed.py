"""How long a decision takes to be on disk when the log is long.

``python -m pytest -m benchmark -s tests/benchmarks/test_log_speed.py`` on a quiet machine.
"""

from __future__ import annotations

import sqlite3
from dataclasses import astuple
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_entries import row_of
from tests.app.decided import STUDY, accepted

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROWS, APPENDS, LIMIT_MS = 100_000, 300, 5.0


def _long_log(path: Path) -> DecisionLog:
    """A log of `ROWS` rows, written in one go."""
    log = DecisionLog(path)
    log.append(accepted())
    (previous,) = sqlite3.connect(path).execute("SELECT hash FROM entry").fetchone()
    rows = []
    for sequence in range(2, ROWS + 1):
        row = row_of(accepted(f"label {sequence % 7}"), sequence, previous, None)
        previous = row.hash
        rows.append(astuple(row))
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(f"INSERT INTO entry VALUES ({', '.join('?' * 11)})", rows)
        connection.execute("UPDATE head SET sequence = ?, hash = ?", (ROWS, previous))
    connection.close()
    return log


def test_appending_to_a_long_log(tmp_path: Path) -> None:
    log = _long_log(tmp_path / "decisions.sqlite")
    times = []
    for i in range(APPENDS):
        start = perf_counter()
        log.append(accepted(f"new {i}"))
        times.append((perf_counter() - start) * 1000)
    p50, p95 = np.percentile(times, [50, 95])
    print(f"\nappend with {ROWS:,} rows: median {p50:.2f} ms, p95 {p95:.2f} ms, n {APPENDS} (limit {LIMIT_MS})")
    start = perf_counter()
    assert log.verify().problem == ""
    print(f"verify {ROWS + APPENDS:,} rows: {perf_counter() - start:.1f} s")
    assert len(log.decisions(STUDY)) == ROWS + APPENDS
    log.close()
    assert p95 <= LIMIT_MS
