from __future__ import annotations

import numpy as np
import pytest

from radviewer.ai.intensity import content_box, equalised


@pytest.fixture
def film() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.cumsum(rng.random((60, 80)), axis=1).astype(np.float32)


def test_linear_exposure_changes_nothing(film: np.ndarray) -> None:
    np.testing.assert_allclose(equalised(film * 37 + 900), equalised(film), atol=1e-3)


def test_inverted_film_gives_inverted_values(film: np.ndarray) -> None:
    np.testing.assert_allclose(equalised(-film), 1 - equalised(film), atol=2e-3)


def test_tone_curve_changes_little(film: np.ndarray) -> None:
    bent = equalised(np.sqrt(film / film.max()))
    straight = film / film.max()
    assert np.abs(bent - equalised(film)).max() < 0.75 * np.abs(np.sqrt(straight) - straight).max()


def test_pixels_that_do_not_count_do_not_move_the_scale(film: np.ndarray) -> None:
    padded = np.pad(film, 20, constant_values=-1e4)
    counted = np.pad(np.ones(film.shape, bool), 20)
    np.testing.assert_allclose(equalised(padded, counted)[20:-20, 20:-20], equalised(film), atol=1e-6)


def test_blank_is_grey() -> None:
    assert (equalised(np.full((8, 8), 7.0)) == 0.5).all()


@pytest.mark.parametrize("border", [0.0, 1e5])
def test_flat_borders_are_cut_off(film: np.ndarray, border: float) -> None:
    padded = np.pad(film, ((5, 7), (11, 3)), constant_values=border)
    assert content_box(padded) == (5, 11, 65, 91)


def test_letter_on_a_border_is_no_content(film: np.ndarray) -> None:
    padded = np.pad(film, 12, constant_values=0.0)
    padded[2:5, 2:5] = film.max()
    assert content_box(padded) == (12, 12, 72, 92)


def test_blank_image_stays_whole() -> None:
    assert content_box(np.zeros((30, 40))) == (0, 0, 30, 40)
