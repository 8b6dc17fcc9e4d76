from __future__ import annotations

import numpy as np
import pytest

from radviewer.training.augment import (
    Geometry,
    random_affine,
    random_clutter,
    random_film,
    random_tone,
    warp,
)


@pytest.fixture
def film() -> np.ndarray:
    ramp = np.linspace(0, 1, 96, dtype=np.float32)
    return ramp[:, None] * ramp[None]


def test_the_same_seed_makes_the_same_film(film: np.ndarray) -> None:
    def made(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return random_clutter(rng, random_film(rng, film))

    np.testing.assert_array_equal(made(4), made(4))
    assert not np.array_equal(made(4), made(5))


@pytest.mark.parametrize("seed", range(12))
def test_films_stay_between_0_and_1_and_the_original_untouched(film: np.ndarray, seed: int) -> None:
    before = film.copy()
    rng = np.random.default_rng(seed)
    found = random_clutter(rng, random_film(rng, film))
    assert found.shape == film.shape
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    np.testing.assert_array_equal(film, before)


@pytest.mark.parametrize("seed", range(6))
def test_tone_curves_never_turn_back(seed: int) -> None:
    ramp = np.linspace(0, 1, 500, dtype=np.float32)[None]
    assert (np.diff(random_tone(np.random.default_rng(seed), ramp)[0]) >= 0).all()


def test_without_ranges_nothing_moves(film: np.ndarray) -> None:
    still = Geometry(degrees=0, zoom=(1, 1), aspect=1, shift=0, shear=0)
    matrix = random_affine(np.random.default_rng(0), 96, still)
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)
    flipped = warp(film, random_affine(np.random.default_rng(0), 96, still, flip=True), fill=0.0)
    np.testing.assert_allclose(flipped, film[:, ::-1], atol=1e-6)


def test_film_and_outline_move_together() -> None:
    outline = np.zeros((96, 96), np.uint8)
    outline[30:60, 20:50] = 4
    film = (outline > 0).astype(np.float32)
    for seed in range(8):
        matrix = random_affine(np.random.default_rng(seed), 96, Geometry())
        moved = warp(outline, matrix, fill=0.0, nearest=True)
        assert set(np.unique(moved)) <= {0, 4}
        seen = warp(film, matrix, fill=0.0) > 0.5
        assert (seen != (moved > 0)).mean() < 0.01
