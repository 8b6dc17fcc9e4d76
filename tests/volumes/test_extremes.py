"""Extremes of blocks: nothing that can be seen is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radviewer.progress import Cancelled, Progress
from radviewer.volumes import memory
from radviewer.volumes.extremes import extremes_of, seen_range


@pytest.mark.parametrize("shape", [(20, 33, 41), (3, 2, 9), (17, 8, 8), (2, 1, 1)])
def test_blocks_hold_all_that_lies_between_their_voxels(shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(1).integers(-1000, 1000, shape).astype(np.int16)
    found = extremes_of(values)
    assert found.lows.shape == tuple(max(-(-(n - 1) // 8), 1) for n in shape)
    assert found.lows.min() == values.min()
    assert found.highs.max() == values.max()
    corner = values[:9, :9, :9]
    assert (found.lows[0, 0, 0], found.highs[0, 0, 0]) == (corner.min(), corner.max())
    last = values[tuple(slice((b - 1) * 8, None) for b in found.lows.shape)]
    assert (found.lows[-1, -1, -1], found.highs[-1, -1, -1]) == (last.min(), last.max())


def test_the_box_is_around_what_holds_the_values() -> None:
    values = np.zeros((40, 40, 40), np.int16)
    values[18, 3, 30] = 100
    found = extremes_of(values)
    assert found.box(50, np.inf) == ((16, 24), (0, 8), (24, 32))
    assert found.box(-np.inf, np.inf) == ((0, 39), (0, 39), (0, 39))
    assert found.box(200, 300) is None


def test_values_met_only_on_the_way_between_two_voxels_count() -> None:
    values = np.full((4, 4, 32), -1000, np.float32)
    values[:, :, 16:] = 40  # a lung's edge: nothing has -500, but between two voxels it is met
    assert extremes_of(values).box(-600, -400) == ((0, 3), (0, 3), (8, 16))


def test_ranges_of_curves() -> None:
    assert seen_range([(0, 0.0), (1, 0.5), (2, 0.0), (3, 0.0)]) == (0, 2)
    assert seen_range([(3, 0.0), (2, 0.0), (1, 0.5), (0, 0.0)]) == (0, 2)
    assert seen_range([(0, 0.0), (1, 0.5)]) == (0, np.inf)
    assert seen_range([(0, 0.2), (1, 0.0)]) == (-np.inf, 1)


def test_it_can_be_stopped() -> None:
    stopped = Progress()
    stopped.cancel()
    with pytest.raises(Cancelled):
        extremes_of(np.zeros((4, 4, 4)), stopped.check)


def test_memory_is_what_the_system_says(tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal: 99 kB\nMemAvailable:   12 kB\n", encoding="ascii")
    assert memory.available(said) == 12 * 1024
    said.write_text("MemAvailable:\n", encoding="ascii")
    assert memory.available(said) > 1 << 20
    assert memory.available(tmp_path / "missing") > 1 << 20
