"""Strokes touch what the brush covers and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radviewer.domain.overlap import dice
from radviewer.render.mask_editing import fill_holes, largest_parts, paint, paint_within, range_at, smooth

SHAPE = (20, 24)
masks = arrays.arrays(np.bool_, SHAPE)
points = st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 29)), min_size=1, max_size=4)
radii = st.tuples(st.floats(0.5, 6), st.floats(0.5, 6))


def covered(path: list[tuple[float, float]], radius: tuple[float, float]) -> np.ndarray:
    """The same by sampling the path densely."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    found = np.zeros(SHAPE, bool)
    ends = path[1:] or path
    for (r0, c0), (r1, c1) in zip(path if len(path) == 1 else path[:-1], ends, strict=True):
        for t in np.linspace(0, 1, 200):
            r, c = r0 + t * (r1 - r0), c0 + t * (c1 - c0)
            found |= ((rows - r) / radius[0]) ** 2 + ((columns - c) / radius[1]) ** 2 <= 1
    return found


@given(mask=masks, path=points, radius=radii, value=st.booleans())
def test_a_stroke_sets_what_the_brush_sweeps(
    mask: np.ndarray, path: list[tuple[float, float]], radius: tuple[float, float], value: bool
) -> None:
    before = mask.copy()
    after = paint(mask, path, radius, value=value)
    np.testing.assert_array_equal(mask, before)  # a copy was changed
    assert after.dtype == np.bool_
    sampled = covered(path, radius)
    wider = covered(path, (radius[0] + 0.3, radius[1] + 0.3))
    assert (after[sampled] == value).all()
    np.testing.assert_array_equal(after[~wider], before[~wider])


@given(mask=masks, path=points, radius=radii)
def test_erasing_the_same_way_leaves_nothing_of_the_stroke(
    mask: np.ndarray, path: list[tuple[float, float]], radius: tuple[float, float]
) -> None:
    erased = paint(paint(mask, path, radius, value=True), path, radius, value=False)
    assert not (erased & ~mask).any()


def test_a_brush_is_round_on_pixels_that_are_not() -> None:
    after = paint(np.zeros((41, 41), bool), [(20, 20)], (5, 10), value=True)
    rows, columns = np.nonzero(after)
    assert (rows.max() - rows.min(), columns.max() - columns.min()) == (10, 20)


def test_only_values_in_the_range_are_painted() -> None:
    values = np.arange(20 * 24, dtype=np.float64).reshape(SHAPE)
    low, high = range_at(values, (10, 12), 30)
    after = paint_within(np.zeros(SHAPE, bool), [(10, 12)], (8, 8), values, low, high)
    assert after[10, 12]
    assert not after[12, 12]
    assert (np.abs(values[after] - values[10, 12]) <= 30).all()


def test_the_range_of_a_point_beside_the_image_is_that_of_its_border() -> None:
    assert range_at(np.array([[1.0, 2.0], [3.0, 4.0]]), (-9, 9), 0.5) == (1.5, 2.5)


def test_smoothing_takes_off_fringes_and_keeps_the_body() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    rough = mask.copy()
    rough[20, 30:36] = True  # a hair
    rough[15, 15] = False  # a pinhole
    after = smooth(rough, 3)
    assert not after[20, 33]
    assert after[15, 15]
    assert dice(after, mask) > 0.98
    assert dice(smooth(after, 3), after) > 0.99


def test_holes_are_filled_and_bays_are_not() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:10, 2:10] = True
    mask[4:6, 4:6] = False  # a hole
    mask[7, 5:] = False  # a bay
    after = fill_holes(mask)
    assert after[4:6, 4:6].all()
    assert not after[7, 7]


def test_the_largest_parts_are_kept() -> None:
    mask = np.zeros((12, 12), bool)
    mask[1:4, 1:4] = True
    mask[4, 4] = True  # touches at a corner
    mask[8:10, 8:10] = True
    mask[11, 0] = True
    np.testing.assert_array_equal(largest_parts(mask, 3), mask)
    two = mask.copy()
    two[11, 0] = False
    np.testing.assert_array_equal(largest_parts(mask, 2), two)
    one = two.copy()
    one[8:10, 8:10] = False
    np.testing.assert_array_equal(largest_parts(mask, 1), one)
    assert not largest_parts(mask, 0).any()


@given(mask=masks, count=st.integers(0, 5))
def test_largest_parts_are_parts_of_the_mask(mask: np.ndarray, count: int) -> None:
    before = mask.copy()
    kept = largest_parts(mask, count)
    np.testing.assert_array_equal(mask, before)
    assert kept.dtype == np.bool_
    assert kept.shape == mask.shape
    assert not (kept & ~mask).any()
    np.testing.assert_array_equal(largest_parts(kept, count), kept)


@given(mask=masks, pixels=st.integers(0, 9))
def test_smoothing_and_filling_leave_their_input_alone(mask: np.ndarray, pixels: int) -> None:
    before = mask.copy()
    filled, smoothed = fill_holes(mask), smooth(mask, pixels)
    np.testing.assert_array_equal(mask, before)
    assert (filled.shape, filled.dtype) == (smoothed.shape, smoothed.dtype) == (mask.shape, mask.dtype)
    assert not (mask & ~filled).any()
    np.testing.assert_array_equal(fill_holes(filled), filled)


@given(mask=masks, path=points, radius=radii, low=st.floats(0, 1), span=st.floats(0, 1))
def test_painting_within_a_range_only_adds_what_the_brush_and_the_range_cover(
    mask: np.ndarray, path: list[tuple[float, float]], radius: tuple[float, float], low: float, span: float
) -> None:
    values = np.linspace(0, 2, mask.size).reshape(SHAPE)
    after = paint_within(mask, path, radius, values, low, low + span)
    swept = paint(np.zeros(SHAPE, bool), path, radius, value=True)
    np.testing.assert_array_equal(after, mask | (swept & (values >= low) & (values <= low + span)))


@pytest.mark.parametrize("change", [lambda m: smooth(m, 3), fill_holes, lambda m: largest_parts(m, 1)])
def test_nothing_comes_of_nothing(change: object) -> None:
    assert callable(change)
    assert not change(np.zeros((9, 9), bool)).any()
