"""Volumes made ready for 3D: values keep their meaning, copies their place, and what cannot be shown is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage, Volume
from radviewer.domain.window import LookupTable
from radviewer.errors import NothingToRead, TooLarge
from radviewer.progress import Cancelled, Progress
from radviewer.volumes.blocks import block_mean, blocks_affine, coarsest_fitting
from radviewer.volumes.render_volume import patient_box, prepare, refusal_of_stack
from tests.app.hand_made import stack

AFFINE = np.array([[0, 0, 0.5, 10], [1, 0.5, 0, 20], [3.0, 0, 0, 30], [0, 0, 0, 1]], np.float64)


def progress() -> Progress:
    return Progress(lambda *_: None)


def volume(stored: NDArray[Any], problems: tuple[int, ...] = (), regular: bool = True, **image: Any) -> Volume:
    """A volume of slices that are alike, but for values given one for each slice."""
    slices: list[SliceImage | None] = []
    for number, plane in enumerate(stored):
        own = {name: value[number] if isinstance(value, list) else value for name, value in image.items()}
        slices.append(None if number in problems else SliceImage(plane, **own))
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    grid = Geometry(shape, AFFINE) if regular else None
    return Volume(stored, tuple(slices), grid, dict.fromkeys(problems, "It is broken."))


def ramp(dtype: Any = np.int16, shape: tuple[int, int, int] = (6, 8, 10)) -> NDArray[Any]:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def test_stored_values_stay_as_they_are_when_the_slices_share_their_scale() -> None:
    stored = ramp()
    made = prepare(volume(stored, slope=2.0, intercept=-1024.0, unit="HU"), progress())
    assert made.fine.values is stored
    assert (made.slope, made.intercept, made.unit) == (2.0, -1024.0, "HU")
    assert made.stored(-1024) == 0
    assert made.percentile(100) == pytest.approx(2 * 479 - 1024)
    assert made.notes == ()


def test_slices_with_scales_of_their_own_become_modality_values() -> None:
    stored = ramp(np.uint16)
    made = prepare(volume(stored, slope=[1.0, 2, 3, 4, 5, 6], unit="SUVbw"), progress())
    assert made.fine.values.dtype == np.float32
    assert (made.slope, made.intercept) == (1.0, 0.0)
    assert np.array_equal(made.fine.values[4], stored[4] * 5.0)


def test_a_modality_table_is_applied() -> None:
    table = LookupTable(0, np.arange(1000, dtype=np.uint16)[::-1].copy(), 16)
    made = prepare(volume(ramp(), modality_lut=table), progress())
    assert made.fine.values[0, 0, 3] == 996


@pytest.mark.parametrize("dtype", [np.int32, np.float64, np.int8])
def test_other_types_become_floats(dtype: Any) -> None:
    made = prepare(volume(ramp(dtype) % 100, slope=2.0), progress())
    assert made.fine.values.dtype == np.float32
    assert made.slope == 2.0


def test_padding_and_missing_slices_are_empty_and_count_for_nothing() -> None:
    stored = ramp() + np.int16(100)
    stored[:, :2] = 30_000
    stored[3] = 0
    made = prepare(volume(stored, problems=(3,), padding=(30_000.0, 30_000.0)), progress())
    assert (made.fine.values[0, :2] == 120).all()
    assert (made.fine.values[3] == 120).all()
    assert made.percentile(100) == 579
    assert made.notes == ("One slice could not be read: the volume is empty there.",)
    assert stored[0, 0, 0] == 30_000  # the images stay as they are


def test_values_that_are_no_numbers_are_empty() -> None:
    stored = ramp(np.float32)
    stored[2, 3, 4] = np.nan
    made = prepare(volume(stored), progress())
    assert made.fine.values[2, 3, 4] == 0
    assert np.isfinite(made.quantiles).all()


def test_copies_are_means_of_blocks_in_their_place() -> None:
    stored = ramp(shape=(8, 16, 16))
    made = prepare(volume(stored), progress(), fine_voxels=1024, coarse_voxels=128)
    assert made.fine.values.size <= 1024
    assert made.coarse.values.size <= 128
    assert "coarser than the images" in made.notes[0]
    for level in (made.fine, made.coarse):
        # the ramp is linear in the index: its value at a block's middle is the block's mean
        index = np.linalg.solve(AFFINE, level.affine_lps @ (1, 1, 1, 1))[:3]
        assert level.values[1, 1, 1] == pytest.approx(index @ (256, 16, 1), abs=0.51)


def test_the_finest_axes_are_made_coarser_first() -> None:
    assert coarsest_fitting((300, 512, 512), (1.0, 0.7, 0.7), 32_000_000) == (1, 2, 2)
    assert coarsest_fitting((30, 512, 512), (5.0, 0.5, 0.5), 1_000_000) == (1, 3, 3)
    assert coarsest_fitting((30, 51, 51), (5.0, 0.5, 0.5), 1_000_000) == (1, 1, 1)


def test_blocks_at_the_end_repeat_the_last_voxel() -> None:
    means = block_mean(np.arange(5, dtype=np.int16).reshape(1, 1, 5), (2, 2, 2))
    assert means.tolist() == [[[0.5, 2.5, 4.0]]]
    assert blocks_affine(np.eye(4), (2, 3, 1))[:3, 3].tolist() == [0.5, 1.0, 0.0]


def test_the_box_holds_the_outer_voxels_edges() -> None:
    low, high = patient_box(Geometry((2, 3, 4), np.diag([4.0, 2, 1, 1])))
    assert low.tolist() == [-2, -1, -0.5]
    assert high.tolist() == [6, 5, 3.5]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (volume(ramp(), regular=False), "regular grid"),
        (volume(ramp(shape=(2, 8, 8))), "2 × 8 × 8 voxels.*at least 3"),
        (volume(ramp(shape=(1, 8, 8))), "at least 3"),
        (volume(ramp(shape=(3, 1, 8))), "at least 3"),
        (volume(ramp(), problems=tuple(range(6))), "No slice"),
        (volume(np.zeros((4, 5, 6), np.int16), padding=(0.0, 0.0)), "nothing but padding"),
        (Volume(np.zeros((4, 5, 6, 3), np.uint8), (None,) * 4, None, {}), "in colour"),
    ],
)
def test_what_is_no_volume_is_refused(bad: Volume, said: str) -> None:
    with pytest.raises(NothingToRead, match=said):
        prepare(bad, progress())


def test_more_than_the_memory_allows_is_refused_with_the_size() -> None:
    with pytest.raises(TooLarge, match=r"6 × 8 × 10 voxels needs .* GB of memory"):
        prepare(volume(ramp()), progress(), memory_limit=1000)


def test_the_memory_it_may_take_is_that_of_the_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radviewer.volumes.memory.available", lambda: 3 << 20)
    with pytest.raises(TooLarge, match=r"needs .* GB of memory, more than the 0.0 GB"):
        prepare(volume(np.zeros((50, 60, 70), np.int16)), progress())
    monkeypatch.setattr("radviewer.volumes.memory.available", lambda: 300 << 30)
    assert prepare(volume(np.zeros((50, 60, 70), np.int16)), progress()).fine.values.shape == (50, 60, 70)


def test_it_can_be_stopped() -> None:
    stopped = progress()
    stopped.cancel()
    with pytest.raises(Cancelled):
        prepare(volume(ramp()), stopped, fine_voxels=100)


def test_stacks_are_judged_by_their_headers() -> None:
    assert "at least 3" in str(refusal_of_stack(stack(depths=[0, 1])))
    assert "one slice" in str(refusal_of_stack(stack(depths=[0])))
    assert "regular grid" in str(refusal_of_stack(stack(depths=[0, 1, 5, 6])))
    good = stack()
    regular = Stack(good.kind, good.frames, Geometry(good.shape, AFFINE))
    assert refusal_of_stack(regular) is None
