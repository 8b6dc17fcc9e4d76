from __future__ import annotations

import numpy as np
import pytest

from radviewer.ai.films import Placement, Refused, film_of, network_input
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction, Window


def _noise(shape: tuple[int, ...] = (300, 200), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4000, shape).astype(np.uint16)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (np.zeros((300, 300, 3), np.uint8) + np.arange(3, dtype=np.uint8) * 60, "colour"),
        (np.zeros((300, 300), np.uint16), "blank"),
        (np.full((300, 300), 4095, np.uint16), "blank"),
        (_noise((40, 300)), "too small"),
        (np.broadcast_to(np.uint16(3), (20_000, 20_000)), "larger than any"),
    ],
)
def test_what_is_no_film_is_refused(stored: np.ndarray, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        film_of(SliceImage(stored))


def test_rescale_to_infinity_is_refused() -> None:
    with pytest.raises(Refused, match="finite"):
        film_of(SliceImage(_noise(), slope=float("inf")))


def test_grey_stored_as_rgb_is_read() -> None:
    grey = (_noise() // 16).astype(np.uint8)
    film = film_of(SliceImage(np.stack([grey] * 3, axis=-1)))
    np.testing.assert_array_equal(film.grey, film_of(SliceImage(grey)).grey)


def test_monochrome1_is_shown_as_monochrome2() -> None:
    stored = _noise()
    one = film_of(SliceImage((4000 - stored).astype(np.uint16), inverted=True))
    two = film_of(SliceImage(stored))
    np.testing.assert_allclose(network_input(one, 64)[0], network_input(two, 64)[0], atol=1e-5)


def test_padding_does_not_count() -> None:
    stored = _noise().astype(np.int16)
    padded = np.pad(stored, 30, constant_values=-2000)
    film = film_of(SliceImage(padded, padding=(-2000, -2000)))
    assert film.grey.shape == stored.shape
    np.testing.assert_array_equal(film.grey, stored)
    assert (film.placement.origin_row, film.placement.origin_column) == (30, 30)


def test_voi_lut_bends_and_window_only_cuts() -> None:
    stored = _noise()
    table = LookupTable(0, np.sqrt(np.arange(4000) * 4000).astype(np.uint16), 12)
    bent = film_of(SliceImage(stored, vois=(table,))).grey
    np.testing.assert_allclose(bent, np.sqrt(stored * 4000.0), atol=1)
    cut = film_of(SliceImage(stored, vois=(Window(2000, 1000),))).grey
    assert cut.min() == 1000
    assert cut.max() == 3000
    sigmoid = film_of(SliceImage(stored, vois=(Window(2000, 1000, VoiFunction.SIGMOID),))).grey
    assert 0 <= sigmoid.min() < sigmoid.max() <= 1


def test_window_beside_the_data_is_ignored() -> None:
    stored = _noise()
    np.testing.assert_array_equal(film_of(SliceImage(stored, vois=(Window(90_000, 10),))).grey, stored)


@pytest.mark.parametrize("shape", [(256, 256), (1955, 1841), (700, 2300)])
def test_way_to_the_network_and_back_keeps_places(shape: tuple[int, int]) -> None:
    rows, columns = shape
    stored = np.random.default_rng(0).integers(0, 50, shape).astype(np.int16)
    stored[rows // 4 : rows // 2, columns // 5 : columns // 3] += 1000
    grey, placement = network_input(film_of(SliceImage(stored)), 256)
    mask = placement.mask(grey - 0.7, shape)
    truth = stored >= 1000
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.97
    found, wanted = np.argwhere(mask).mean(axis=0), np.argwhere(truth).mean(axis=0)
    cell = max(shape) / 256
    np.testing.assert_allclose(found, wanted, atol=0.15 * cell + 0.5)


def test_placements_compose() -> None:
    outer, inner = Placement(10.0, 20.0, 2.0, 4.0), Placement(3.0, 5.0, 0.5, 0.25)
    assert outer.within(inner) == Placement(16.0, 40.0, 1.0, 1.0)


def test_map_is_linear_between_cell_centres_and_zero_outside() -> None:
    raster = np.array([[1.0, 3.0]], np.float32)
    found = Placement(2.0, 0.0, 1.0, 2.0).map(raster, (4, 4))
    np.testing.assert_allclose(found[2], [0.75, 1.5, 2.5, 2.25])
    assert found[0].max() == 0


def test_bands_join_without_a_seam() -> None:
    raster = np.random.default_rng(3).random((64, 64)).astype(np.float32)
    found = Placement(0.0, 0.0, 20.0, 1.0).map(raster, (1280, 64))
    steps = np.abs(np.diff(found[100:-100], axis=0)).max(axis=1)
    assert steps[411] <= steps.max()  # rows 511 | 512, where two bands meet
    np.testing.assert_allclose(found[511:513].mean(axis=0), (found[510] + found[513]) / 2, atol=0.02)
