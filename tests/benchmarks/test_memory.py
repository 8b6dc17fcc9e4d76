"""Memory of a loaded series above the empty program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.ct_series import CODINGS, Coding, slices, write_series
from tests.benchmarks.window_runs import LOADED, run

SLICES = 300
LIMIT = 1.5  # times the volume in its native dtype


@pytest.mark.benchmark
@pytest.mark.ui
@pytest.mark.timeout(300)
@pytest.mark.parametrize("coding", CODINGS[:2], ids=lambda coding: coding.name)
def test_memory_of_a_loaded_series(tmp_path: Path, coding: Coding) -> None:
    few = slices(4)
    write_series(tmp_path / "series", few[np.arange(SLICES) % len(few)], coding)
    lines = run(LOADED, str(tmp_path / "series"))
    empty = int(lines[0])
    highest, volume = map(int, lines[1].split())
    print(f"\n{coding.name}, {SLICES} × 512²: empty {empty >> 10} MiB, highest {highest >> 10} MiB, "
          f"volume {volume >> 10} MiB: {(highest - empty) / volume:.2f} × the volume (limit {LIMIT})")  # fmt: skip
    assert highest - empty <= LIMIT * volume
