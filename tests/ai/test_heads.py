from __future__ import annotations

import numpy as np
import pytest

from radviewer.ai.films import Refused
from radviewer.ai.heads import Head, head_of
from tests.ai.series import HEAD, ellipsoid, head

SIZE = 96


def _elliptic(
    shape: tuple[int, int, int], centre: tuple[float, float], half: tuple[float, float], seed: int = 0
) -> np.ndarray:
    """The same section on all slices: air noise, bright scalp, dark skull, brain of two tissues."""
    rng = np.random.default_rng(seed)
    values = np.abs(rng.normal(0, 10, shape))
    for share, value in ((1.0, 800.0), (0.92, 80.0), (0.86, 380.0), (0.5, 460.0)):
        inside = ellipsoid(shape, (shape[0] / 2, *centre), (1e6, share * half[0], share * half[1]))
        values[inside] = value + rng.normal(0, 25, int(inside.sum()))
    return np.clip(values, 0, None)


def _edges(found: Head) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of the cut-out on the slice, in pixels."""
    place, n = found.placement, found.grey.shape[-1]
    return (
        place.origin_row,
        place.origin_row + n * place.step_row,
        place.origin_column,
        place.origin_column + n * place.step_column,
    )


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.6, 0.6), (1.0, 0.5), (0.4, 0.8)])
def test_the_cut_out_is_a_square_in_the_patient_around_the_head(spacing: tuple[float, float]) -> None:
    shape = (6, round(110 / spacing[0]), round(100 / spacing[1]))
    centre = (50.0 / spacing[0], 54.0 / spacing[1])
    found = head_of(_elliptic(shape, centre, (40 / spacing[0], 32 / spacing[1])), SIZE, spacing)
    top, bottom, left, right = _edges(found)
    side = 80 * 1.08  # mm: the head's longer side and the margin
    assert ((bottom - top) * spacing[0], (right - left) * spacing[1]) == pytest.approx((side, side), abs=3)
    assert ((bottom + top) / 2 * spacing[0], (right + left) / 2 * spacing[1]) == pytest.approx((50, 54), abs=1.5)
    assert found.shape == shape[1:]
    assert found.grey.shape == (6, SIZE, SIZE)


@pytest.mark.parametrize(
    ("spacing", "half"), [((1.0, 1.0), (45, 40)), ((1.0, 0.5), (40, 60)), ((0.5, 1.0), (53, 36))], ids=str
)
def test_the_placement_brings_cells_back_to_their_pixels(
    spacing: tuple[float, float], half: tuple[float, float]
) -> None:
    values = _elliptic((4, 120, 130), (55, 65), half)
    spot = ellipsoid((4, 120, 130), (2, 40, 60), (1e6, 8, 8))
    values[spot] = 900
    found = head_of(values, SIZE, spacing)
    back = found.placement.map(found.grey[1], (120, 130)) > 0.8
    back &= ellipsoid((4, 120, 130), (2, 40, 60), (1e6, 14, 14))[1]  # the scalp is bright, too
    rows, columns = np.nonzero(back)
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == pytest.approx((40, 60), abs=0.3)
    assert back.sum() == pytest.approx(spot[1].sum(), rel=0.15)


def test_scale_and_offset_change_nothing() -> None:
    values = head()
    straight = head_of(values, SIZE)
    assert straight.grey.min() == 0
    assert straight.grey.max() == 1
    for scaled in (values * 0.01, values * 37 + 5000, values.astype(np.float64) - 3000):
        found = head_of(scaled, SIZE)
        assert found.placement == straight.placement
        np.testing.assert_allclose(found.grey, straight.grey, atol=0.002)


def test_eight_bits_show_what_twelve_do() -> None:
    values = np.rint(head()).astype(np.uint16)
    twelve = head_of(values, SIZE)
    eight = head_of(np.rint(values * (255 / values.max())).astype(np.uint8), SIZE)
    np.testing.assert_allclose(eight.grey, twelve.grey, atol=0.02)


def test_air_is_black_and_the_brain_in_the_lower_half_of_the_scale() -> None:
    found = head_of(head(), SIZE)
    assert float(np.median(found.grey[4, :4])) < 0.06
    middle = found.grey[4, SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 + 4 : SIZE // 2 + 16]
    assert float(np.median(middle)) == pytest.approx(0.35, abs=0.05)


def test_slices_beside_the_head_have_small_shares_and_do_not_move_the_box() -> None:
    values = head()
    around = np.abs(np.random.default_rng(1).normal(0, 12, (3, *HEAD[1:]))).astype(np.float32)
    found = head_of(np.concatenate([around, values, around]), SIZE)
    assert found.shares[3:-3].min() > 0.25
    assert found.shares[:3].max() < 0.1
    assert found.shares[-3:].max() < 0.1
    assert _edges(found) == pytest.approx(_edges(head_of(values, SIZE)), abs=1.5)


@pytest.mark.parametrize("cropped", [False, True])
def test_a_brain_without_skull_is_found(cropped: bool) -> None:
    shape = (8, 90, 80)
    brain = np.where(ellipsoid(shape, (4, 45, 40), (12, 40, 32)), 300.0, 0)
    values = np.where(brain > 0, brain + np.random.default_rng(0).normal(0, 40, shape), 0)
    if cropped:
        values = values[:, 5:85, 8:72]
    found = head_of(values, SIZE)
    top, bottom, left, right = _edges(found)
    assert (bottom - top, right - left) == pytest.approx((80 * 1.08, 80 * 1.08), abs=3)
    assert float(np.median(found.grey[4, 40:56, 40:56])) == pytest.approx(0.35, abs=0.05)


def test_a_single_slice_and_a_flat_disc_are_read() -> None:
    assert head_of(head()[4:5], SIZE).grey.shape == (1, SIZE, SIZE)
    disc = np.where(ellipsoid((5, 80, 80), (2, 40, 40), (1e6, 30, 30)), 500, 0).astype(np.int16)
    found = head_of(disc, SIZE)
    assert np.isfinite(found.grey).all()
    assert _edges(found) == pytest.approx((7.6, 72.4, 7.6, 72.4), abs=1.5)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((5, 60, 60), np.uint16),
        np.full((5, 60, 60), 700, np.int16),
        np.random.default_rng(0).normal(0, 1, (5, 60, 60)),
        np.random.default_rng(0).integers(0, 4096, (1, 300, 300)),
        np.abs(np.random.default_rng(0).normal(0, 9, (12, 200, 160))),
        np.random.default_rng(0).random((3, 4, 5)),
        np.random.default_rng(0).random((3, 1, 1)),
        np.linspace(0, 100, 64)[None, :, None] + np.zeros((4, 1, 70)),
    ],
    ids=["zeros", "flat", "noise", "one noisy slice", "air", "tiny", "one pixel", "ramp"],
)
def test_what_is_no_head_is_refused(values: np.ndarray) -> None:
    with pytest.raises(Refused):
        head_of(values, SIZE)


@pytest.mark.parametrize("shape", [(3, 1, 40), (3, 40, 1), (2, 2, 900), (1, 900, 3)])
def test_strange_shapes_are_read_or_refused(shape: tuple[int, int, int]) -> None:
    try:
        found = head_of(np.random.default_rng(0).integers(0, 900, shape), SIZE)
    except Refused:
        return
    assert np.isfinite(found.grey).all()
