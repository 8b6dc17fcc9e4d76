from __future__ import annotations

import math

import numpy as np
import pytest

from radviewer.ai.extent import diameters, largest_part


def _ellipse(half: tuple[float, float], degrees: float, spacing: tuple[float, float]) -> np.ndarray:
    rows, columns = (round(140 / step) for step in spacing)
    y = (np.arange(rows)[:, None] + 0.5 - rows / 2) * spacing[0]
    x = (np.arange(columns)[None, :] + 0.5 - columns / 2) * spacing[1]
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    inside: np.ndarray = ((c * x + s * y) / half[0]) ** 2 + ((-s * x + c * y) / half[1]) ** 2 <= 1
    return inside


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 1.0), (1.0, 0.4), (0.25, 0.25)])
@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 130])
def test_the_axes_of_an_ellipse(degrees: float, spacing: tuple[float, float]) -> None:
    found = diameters(_ellipse((50, 20), degrees, spacing), spacing)
    pixel = math.hypot(*spacing)
    assert found == pytest.approx((100, 40), abs=1.6 * pixel)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.5)])
def test_a_rectangle_is_as_long_as_its_diagonal(spacing: tuple[float, float]) -> None:
    mask = np.zeros((20, 40), np.bool_)
    mask[5:9, 10:34] = True
    height, width = 4 * spacing[0], 24 * spacing[1]
    diagonal = math.hypot(height, width)
    assert diameters(mask, spacing) == pytest.approx((diagonal, 2 * height * width / diagonal))


def test_a_bar_of_pixels() -> None:
    mask = np.zeros((9, 30), np.bool_)
    mask[4, 3:23] = True
    longest, across = diameters(mask, (1.0, 1.0))
    assert longest == pytest.approx(math.hypot(20, 1))
    assert across == pytest.approx(2 * 20 / math.hypot(20, 1))


@pytest.mark.parametrize("at", [(0, 0), (3, 7), (9, 11)])
def test_one_pixel_has_the_size_of_its_borders(at: tuple[int, int]) -> None:
    mask = np.zeros((10, 12), np.bool_)
    mask[at] = True
    diagonal = math.hypot(3, 4)
    assert diameters(mask, (3.0, 4.0)) == pytest.approx((diagonal, 2 * 12 / diagonal))


def test_only_the_largest_part_counts() -> None:
    mask = _ellipse((30, 20), 0, (1.0, 1.0))
    alone = diameters(mask, (1.0, 1.0))
    mask[0, 0] = mask[-1, -1] = True
    assert diameters(mask, (1.0, 1.0)) == alone
    assert largest_part(mask).sum() == mask.sum() - 2


def test_corners_connect_and_nothing_has_no_diameter() -> None:
    assert largest_part(np.eye(4, dtype=np.bool_)).sum() == 4
    empty = np.zeros((4, 4), np.bool_)
    assert not largest_part(empty).any()
    with pytest.raises(ValueError, match="empty"):
        diameters(empty, (1.0, 1.0))


def test_a_large_ragged_outline_is_measured_at_once() -> None:
    noise = np.random.default_rng(0).random((600, 600)) < 0.8
    longest, across = diameters(noise & _ellipse((60, 60), 0, (140 / 600, 140 / 600)), (140 / 600, 140 / 600))
    assert (longest, across) == pytest.approx((120, 120), abs=1)
