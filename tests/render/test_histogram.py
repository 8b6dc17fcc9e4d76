"""Histogram of an image's values, and windows by their ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction
from radviewer.render.histogram import histogram, window_between
from radviewer.render.windowing import voi_range


def test_whole_numbers_have_a_bin_each() -> None:
    found = histogram(SliceImage(np.array([[0, 0, 1], [3, 3, 3]], np.int16)))
    assert found is not None
    assert found.counts.tolist() == [2, 1, 0, 3]
    assert found.edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]


def test_values_are_in_the_images_unit() -> None:
    found = histogram(SliceImage(np.array([[0, 100]], np.int16), slope=2, intercept=-1000, unit="HU"))
    assert found is not None
    assert (found.edges[0], found.edges[-1]) == (-1000, -800)


def test_a_modality_table_is_looked_up() -> None:
    table = LookupTable(0, np.array([10, 20, 30], np.uint16), 16)
    found = histogram(SliceImage(np.array([[0, 1, 2, 2]], np.uint8), modality_lut=table))
    assert found is not None
    assert (found.edges[0], found.edges[-1], found.counts.sum()) == (9.5, 30.5, 4)


def test_padding_and_what_is_no_number_are_left_out() -> None:
    padded = histogram(SliceImage(np.array([[-2000, -2000, 5, 7]], np.int16), padding=(-2000, -2000)))
    assert padded is not None
    assert (padded.edges[0], padded.counts.sum()) == (4.5, 2)
    odd = histogram(SliceImage(np.array([[np.nan, np.inf, 1.0, 2.0]], np.float32)))
    assert odd is not None
    assert (odd.edges[0], odd.edges[-1], odd.counts.sum()) == (1, 2, 2)


@pytest.mark.parametrize("stored", [np.full((2, 2), np.nan, np.float32), np.full((2, 2), -1, np.int16)])
def test_without_any_value_there_is_none(stored: NDArray[Any]) -> None:
    assert histogram(SliceImage(stored, padding=(-1, -1))) is None


def test_one_value_only_has_one_bin_around_it() -> None:
    found = histogram(SliceImage(np.full((4, 4), 7, np.int16)), bins=8)
    assert found is not None
    assert (found.edges[0], found.edges[-1], found.counts.sum()) == (6.5, 7.5, 16)


def test_colour_counts_luminance() -> None:
    found = histogram(SliceImage(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)))
    assert found is not None
    assert found.edges[0] == pytest.approx(0.114 * 255)
    assert found.edges[-1] == pytest.approx(0.299 * 255)


def test_a_large_film_is_sampled_evenly() -> None:
    ramp = np.tile(np.arange(2000, dtype=np.uint16), (2000, 1))
    found = histogram(SliceImage(ramp), bins=10)
    assert found is not None
    assert found.counts.sum() < 500_000
    shares = found.counts / found.counts.sum()
    assert np.abs(shares - 0.1).max() < 0.002


ends = st.floats(-1e5, 1e5)


@given(ends, ends, st.sampled_from(list(VoiFunction)))
def test_a_window_between_two_values_shows_exactly_those(one: float, other: float, function: VoiFunction) -> None:
    black, white = sorted((one, other))
    window = window_between(other, one, function)
    low, high = voi_range(window)
    slack = 1.0 if window.width >= 32 else 1e-4  # wide windows are rounded
    assert math.isclose(low, black, abs_tol=slack + 1e-6)
    assert math.isclose(high, white, abs_tol=slack + 1e-6)
