from __future__ import annotations

import numpy as np

from radviewer.evaluation.overlays import SIDE, backdrop, captioned, with_heat, with_outlines


def test_a_film_becomes_a_picture_of_fixed_size() -> None:
    film = np.linspace(-500, 3000, 2000 * 1000).reshape(2000, 1000)
    picture = backdrop(film)
    assert picture.shape == (SIDE, SIDE // 2, 3)
    assert picture[0].mean() < 10
    assert picture[-1].mean() > 245
    assert (picture[..., 0] == picture[..., 2]).all()


def test_outlines_lie_on_the_edge_of_the_mask_only() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    mask = np.zeros((320, 320), bool)
    mask[80:160, 80:160] = True
    drawn = with_outlines(picture, [mask])
    assert drawn[160, 240].any()
    assert not drawn[240, 240].any()
    assert not drawn[400, 400].any()
    assert not picture.any()
    assert not np.array_equal(drawn, with_outlines(picture, [mask], truth=True))


def test_heat_colours_only_where_it_is() -> None:
    picture = np.full((SIDE, SIDE, 3), 100, np.uint8)
    heat = np.zeros((64, 64), np.float32)
    heat[:32] = 1
    drawn = with_heat(picture, heat)
    assert (drawn[-10:] == 100).all()
    assert drawn[10, 10, 2] > drawn[10, 10, 0] + 60


def test_the_caption_is_above() -> None:
    picture = np.full((50, 300, 3), 9, np.uint8)
    drawn = captioned(picture, "film 7")
    assert drawn.shape == (74, 300, 3)
    assert (drawn[24:] == 9).all()
    assert drawn[:24].max() > 200
