"""No mutated file or codestream crashes, hangs or fills memory: 500 and 2,000, ten times as many with
``RADVIEWER_MUTANTS=5000``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MUTANTS = int(os.environ.get("RADVIEWER_MUTANTS", "500"))
BATCH = 250
MOST_SECONDS = 10  # of processor time: the machine may be busy
MOST_MEGABYTES = 1024


def run_batch(kind: str, first: int, count: int, folder: Path) -> list[dict[str, Any]]:
    """Open a batch of mutants in another process; fail when that process dies."""
    command = [sys.executable, "-m", "tests.dicom.mutants", kind, str(first), str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    rows: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    after = f"opening mutant {first + len(rows)}, after {rows[-1:]}"
    assert done.returncode == 0, f"exit {done.returncode} {after}\n{done.stderr[-3000:]}"
    return rows


def check_cost(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if row["seconds"] > MOST_SECONDS] == []
    assert [row for row in rows if row["mb"] > MOST_MEGABYTES] == []


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(0, MUTANTS, BATCH))
def test_mutated_files_are_opened_or_refused(tmp_path: Path, first: int) -> None:
    rows = run_batch("files", first, BATCH, tmp_path)
    assert [row["seed"] for row in rows] == list(range(first, first + BATCH))
    check_cost(rows)
    shown = [row for row in rows if row["outcome"].startswith("(")]
    assert len(shown) > BATCH // 10, "most mutants are not DICOM any more: the mutations are too coarse"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(0, 4 * MUTANTS, 4 * BATCH))
def test_mutated_codestreams_are_decoded_or_refused(tmp_path: Path, first: int) -> None:
    rows = run_batch("codestreams", first, 4 * BATCH, tmp_path)
    assert len(rows) == 4 * BATCH
    check_cost(rows)
    shown = [row for row in rows if row["outcome"].startswith("(")]
    assert len(shown) > BATCH, "too few reach the codecs' inner workings"
