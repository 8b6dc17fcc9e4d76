"""No mutated file crashes, hangs or fills memory: 500 here, more with ``RADVIEWER_MUTANTS=5000``."""

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


def run_batch(first: int, folder: Path) -> list[dict[str, Any]]:
    """Open a batch of mutants in another process; fail when that process dies."""
    command = [sys.executable, "-m", "tests.dicom.mutants", str(first), str(BATCH), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    rows: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    after = f"opening mutant {first + len(rows)}, after {rows[-1:]}"
    assert done.returncode == 0, f"exit {done.returncode} {after}\n{done.stderr[-3000:]}"
    return rows


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(0, MUTANTS, BATCH))
def test_mutants_are_opened_or_refused(tmp_path: Path, first: int) -> None:
    rows = run_batch(first, tmp_path)
    assert [row["seed"] for row in rows] == list(range(first, first + BATCH))
    assert [row for row in rows if row["seconds"] > MOST_SECONDS] == []
    assert [row for row in rows if row["mb"] > MOST_MEGABYTES] == []
    shown = [row for row in rows if row["outcome"].startswith("(")]
    assert len(shown) > BATCH // 10, "most mutants are not DICOM any more: the mutations are too coarse"
