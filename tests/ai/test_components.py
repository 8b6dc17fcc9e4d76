from __future__ import annotations

import cv2
import numpy as np
import pytest

from radviewer.ai.components import without_specks


def _boxes(*boxes: tuple[int, int, int, int, int, int]) -> np.ndarray:
    mask = np.zeros((6, 20, 20), np.bool_)
    for first, last, top, bottom, left, right in boxes:
        mask[first:last, top:bottom, left:right] = True
    return mask


BIG = (0, 3, 0, 10, 0, 10)  # 300 cells


def test_small_foci_are_dropped_and_large_ones_kept() -> None:
    found = _boxes(BIG, (5, 6, 0, 3, 0, 3), (5, 6, 10, 15, 10, 16))  # 9 and 30 cells
    kept = without_specks(found, 0.1)
    np.testing.assert_array_equal(kept, _boxes(BIG, (5, 6, 10, 15, 10, 16)))
    assert kept.dtype.name == "bool"
    np.testing.assert_array_equal(without_specks(found, 0.101), _boxes(BIG))
    np.testing.assert_array_equal(without_specks(found, 0.03), found)


def test_a_small_part_on_a_slice_belongs_to_what_it_touches_above_or_below() -> None:
    tip = (3, 4, 9, 10, 9, 10)
    np.testing.assert_array_equal(without_specks(_boxes(BIG, tip), 0.5), _boxes(BIG, tip))
    beside = (3, 4, 10, 11, 10, 11)  # touches a corner of the slice below only
    np.testing.assert_array_equal(without_specks(_boxes(BIG, beside), 0.5), _boxes(BIG))


def test_corners_connect_within_a_slice() -> None:
    corner = (0, 1, 10, 11, 10, 11)
    np.testing.assert_array_equal(without_specks(_boxes(BIG, corner), 0.5), _boxes(BIG, corner))


def test_legs_that_meet_on_a_later_slice_are_one_focus() -> None:
    legs = _boxes((0, 3, 0, 4, 0, 4), (0, 3, 0, 4, 12, 16), (3, 4, 0, 4, 0, 16))
    apart = _boxes((5, 6, 0, 10, 0, 14))  # 140 cells: more than one leg, less than both
    np.testing.assert_array_equal(without_specks(legs | apart, 0.87), legs | apart)
    np.testing.assert_array_equal(without_specks(legs | apart, 0.88), legs)


@pytest.mark.parametrize("shape", [(0, 4, 4), (1, 5, 5), (3, 2, 2)])
def test_nothing_stays_nothing_and_all_stays_all(shape: tuple[int, int, int]) -> None:
    for value in (False, True):
        mask = np.full(shape, value)
        np.testing.assert_array_equal(without_specks(mask, 0.5), mask)


def test_foci_are_those_of_a_flood_fill() -> None:
    rng = np.random.default_rng(0)
    found = np.stack([cv2.GaussianBlur(rng.random((24, 24)), (0, 0), 1.2) for _ in range(8)]) > 0.55
    left, sizes, named = found.copy(), [0], np.zeros(found.shape, int)
    while left.any():
        stack = [tuple(int(v) for v in np.argwhere(left)[0])]
        left[stack[0]] = False
        sizes.append(0)
        while stack:
            z, y, x = stack.pop()
            named[z, y, x] = len(sizes) - 1
            sizes[-1] += 1
            around = [(z, y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)] + [(z - 1, y, x), (z + 1, y, x)]
            for cell in around:
                if all(0 <= c < n for c, n in zip(cell, found.shape, strict=True)) and left[cell]:
                    left[cell] = False
                    stack.append(cell)
    assert len(sizes) > 5
    for share in (0.02, 0.2, 0.7):
        expected = found & (np.array(sizes)[named] >= share * max(sizes))
        np.testing.assert_array_equal(without_specks(found, share), expected)
