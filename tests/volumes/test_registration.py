"""Rigid registration: known displacements are found, failures are told, nonsense is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress
from radviewer.volumes.registration import (
    NotRegistrable,
    Registration,
    Subject,
    moved,
    register,
    rotation_degrees,
    subject_of,
)
from tests.volumes.heads import CENTRE, displacement, grid, head

MM, DEGREES = 0.5, 0.5
SMALL = grid((8, 40, 40), (16.0, 5.0, 5.0))


def found(fixed: Subject, moving: Subject) -> Registration:
    return register(fixed, moving, Progress(), threads=1)


def missed(result: Registration, truth: NDArray[np.float64]) -> tuple[float, float]:
    """Distance in mm at the head's centre, and degrees, between what was found and the truth."""
    error = np.linalg.inv(truth) @ result.matrix
    return float(np.linalg.norm(np.subtract(moved(error, CENTRE), CENTRE))), rotation_degrees(error)


def assert_found(result: Registration, truth: NDArray[np.float64]) -> None:
    mm, degrees = missed(result, truth)
    assert (mm, degrees) < (MM, DEGREES)
    assert degrees < DEGREES
    assert not result.failed


def test_a_displacement_of_12_mm_and_8_degrees_is_found() -> None:
    truth = displacement()
    result = found(head(grid()), head(grid(), truth))
    assert_found(result, truth)
    assert result.quality_words.startswith("good")
    assert result.inconsistency < 0.5
    assert result.overlap > 0.9
    assert result.information > result.information_before


def test_two_contrasts_on_other_grids_are_registered() -> None:
    truth = displacement(-6, (-5, 9, -8))
    other = grid((24, 80, 88), (5.0, 2.6, 2.4))
    assert_found(found(head(grid()), head(other, truth, contrast=2)), truth)


def test_tilted_slices_are_registered_where_they_lie() -> None:
    truth = displacement(5, (4, 4, -6))
    assert_found(found(head(grid(tilt=12)), head(grid(), truth)), truth)


def test_padding_takes_no_part() -> None:
    truth = displacement()
    fixed, moving = head(grid()), head(grid(), truth)
    valid = np.ones(moving.values.shape, np.bool_)
    valid[:, :, :14] = valid[:, 85:] = False
    values = np.where(valid, moving.values, np.float32(-2000))
    assert_found(found(fixed, replace(moving, values=values, valid=valid)), truth)


def test_the_same_volumes_give_the_same_matrix() -> None:
    fixed, moving = head(SMALL), head(SMALL, displacement(3, (2, 3, 4)))
    assert np.allclose(found(fixed, moving).matrix, found(fixed, moving).matrix, rtol=0, atol=1e-9)


def test_far_apart_frames_begin_with_the_centres_together() -> None:
    truth = displacement(4, (0, 0, 0))
    truth[:3, 3] += (300, -500, 900)
    geometry = grid()
    affine = geometry.affine_lps.copy()
    affine[:3, 3] += (300, -500, 900)
    assert_found(found(head(geometry), head(Geometry(geometry.shape, affine), truth)), truth)


def test_noise_is_told_as_a_failure() -> None:
    fixed = head(SMALL)
    noise = np.random.default_rng(3).normal(0, 1, fixed.values.shape).astype(np.float32)
    result = found(fixed, replace(fixed, values=noise))
    assert result.failed
    assert result.quality_words.startswith("failed")
    assert result.quality < 0.2


def test_the_inverse_leads_back() -> None:
    result = Registration(displacement(), 0.2, 0.6, 0.4, 0.1, 1.0)
    assert np.allclose(result.inverse @ result.matrix, np.eye(4))
    assert result.rotation_degrees == pytest.approx(8)


@pytest.mark.parametrize(
    ("inconsistency", "edges", "overlap", "words"),
    [
        (0.3, 0.6, 0.9, "good (1.00)"),
        (2.0, 0.6, 0.9, "doubtful (0.73)"),
        (0.3, 0.2, 0.9, "doubtful (0.32)"),
        (0.3, 0.6, 0.3, "doubtful (0.60)"),
        (9.0, 0.6, 0.9, "failed (0.00)"),
        (0.3, 0.05, 0.9, "failed (0.00)"),
        (0.3, 0.6, 0.1, "failed (0.20)"),
    ],
)
def test_each_sign_of_trouble_is_heard(inconsistency: float, edges: float, overlap: float, words: str) -> None:
    assert Registration(np.eye(4), inconsistency, edges, 0.4, 0.1, overlap).quality_words == words


def test_it_stops_when_asked() -> None:
    progress = Progress(lambda done, _total, _text: progress.cancel() if done == 3 else None)
    with pytest.raises(Cancelled):
        register(head(grid()), head(grid(), displacement()), progress, threads=1)


def test_progress_is_told_in_order() -> None:
    told: list[tuple[int, int]] = []
    register(head(SMALL), head(SMALL), Progress(lambda done, total, _: told.append((done, total))), threads=1)
    assert [done for done, _ in told] == list(range(told[0][1]))


def test_thin_and_constant_series_are_refused() -> None:
    fixed, thin, flat = head(grid()), head(grid((3, 96, 96)), name="series 7"), head(grid())
    with pytest.raises(NotRegistrable, match="series 7 has 3 slices"):
        found(fixed, thin)
    with pytest.raises(NotRegistrable, match="one value"):
        found(replace(flat, values=np.full_like(flat.values, 7)), fixed)
    with pytest.raises(NotRegistrable, match="one value"):
        found(fixed, replace(fixed, valid=np.zeros(fixed.values.shape, np.bool_)))


def test_volumes_without_a_common_part_are_refused() -> None:
    needle = Geometry((8, 8, 8), np.diag((0.01, 0.01, 0.01, 1.0)))
    dot = Subject(np.random.default_rng(0).normal(0, 1, needle.shape).astype(np.float32), needle, name="series 9")
    with pytest.raises(NotRegistrable, match="no common part"):
        found(head(grid()), dot)


def _volume(stored: NDArray[np.int16], geometry: Geometry | None) -> Volume:
    slices = tuple(SliceImage(plane, slope=2.0, intercept=-5.0, padding=(-9, -9)) for plane in stored)
    return Volume(stored, slices, geometry, {})


def test_a_volume_gives_modality_values_and_leaves_padding_out() -> None:
    stored = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    stored[0, 0, 0] = -9
    subject = subject_of(_volume(stored, grid((4, 5, 6))), "series 1")
    assert subject.valid is not None
    assert not subject.valid[0, 0, 0]
    assert subject.values[3, 4, 5] == stored[3, 4, 5] * 2 - 5


def test_a_slice_that_could_not_be_read_takes_no_part() -> None:
    volume = _volume(np.ones((4, 5, 6), np.int16), grid((4, 5, 6)))
    subject = subject_of(replace(volume, slices=(None, *volume.slices[1:])), "series 1")
    assert subject.valid is not None
    assert not subject.valid[0].any()
    assert subject.valid[1:].all()


def test_colour_and_irregular_series_are_refused() -> None:
    with pytest.raises(NotRegistrable, match="no regular spacing"):
        subject_of(_volume(np.ones((4, 5, 6), np.int16), None), "series 1")
    colour = Volume(np.zeros((4, 5, 6, 3), np.uint8), (None,) * 4, grid((4, 5, 6)), {})
    with pytest.raises(NotRegistrable, match="colour"):
        subject_of(colour, "series 1")
