"""Two images in one picture: blended, and as a checkerboard."""

from __future__ import annotations

import numpy as np
import pytest

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import VoiFunction, Window
from radviewer.render.blend import AMBER, FusionMode, FusionStyle, fused, plain
from radviewer.render.presentation import Interpolation, Presentation

AS_IT_IS = Presentation(voi=Window(128, 256))
EVERYWHERE = np.ones((8, 12), np.bool_)


def _flat(value: int, *, slope: float = 1.0, padding: tuple[float, float] | None = None) -> SliceImage:
    return SliceImage(np.full((8, 12), value, np.int16), slope=slope, padding=padding)


def _board(cells: int) -> FusionStyle:
    return FusionStyle(FusionMode.CHECKERBOARD, cells=cells)


def test_a_blend_takes_its_share_of_each() -> None:
    for share in (0.0, 0.25, 1.0):
        rgb = fused((_flat(200), AS_IT_IS), (_flat(100), AS_IT_IS), EVERYWHERE, FusionStyle(share=share)).stored
        assert rgb.shape == (8, 12, 3)
        assert rgb[3, 3] == pytest.approx([(1 - share) * 200 + share * 100 * tint for tint in AMBER], abs=0.6)


def test_each_image_is_in_its_own_window() -> None:
    narrow = Presentation(voi=Window(1000, 2, VoiFunction.LINEAR_EXACT))
    rgb = fused((_flat(100), AS_IT_IS), (_flat(1005), narrow), EVERYWHERE, FusionStyle(share=1.0)).stored
    assert rgb[0, 0, 0] == 255
    inverted = Presentation(voi=Window(128, 256), inverted=True)
    rgb = fused((_flat(55), inverted), (_flat(0), AS_IT_IS), EVERYWHERE, FusionStyle(share=0.0)).stored
    assert set(rgb.ravel().tolist()) == {200}


def test_beside_the_moving_image_the_fixed_one_is_alone() -> None:
    inside = EVERYWHERE.copy()
    inside[:, 6:] = False
    rgb = fused((_flat(200), AS_IT_IS), (_flat(0), AS_IT_IS), inside, FusionStyle(share=1.0)).stored
    assert (rgb[:, 6:] == 200).all()
    assert (rgb[:, :6] == 0).all()


def test_a_checkerboard_alternates_square_by_square() -> None:
    rgb = fused((_flat(200), AS_IT_IS), (_flat(0), AS_IT_IS), EVERYWHERE, _board(6)).stored
    assert (rgb[:2, :2] == 200).all()
    assert (rgb[:2, 2:4] == 0).all()
    assert (rgb[2:4, :2] == 0).all()
    assert (rgb[2:4, 2:4] == 200).all()


def test_padding_of_the_fixed_image_is_black() -> None:
    rgb = fused((_flat(200, padding=(200, 200)), AS_IT_IS), (_flat(0), AS_IT_IS), EVERYWHERE, FusionStyle(share=0.0))
    assert (rgb.stored == 0).all()


def test_the_picture_is_shown_as_it_is() -> None:
    image = fused((_flat(200, slope=2.0), AS_IT_IS), (_flat(80), AS_IT_IS), EVERYWHERE, FusionStyle(share=0.0))
    own = Presentation(voi=Window(9, 3), inverted=True, interpolation=Interpolation.NEAREST)
    assert plain(own) == Presentation(interpolation=Interpolation.NEAREST)
    assert (image.slope, image.padding, image.vois, image.is_colour) == (1.0, None, (), True)


def test_only_grey_images_of_one_shape_are_put_together() -> None:
    colour = SliceImage(np.zeros((8, 12, 3), np.uint8))
    for fixed, moving, inside in (
        (colour, _flat(1), EVERYWHERE),
        (_flat(1), colour, EVERYWHERE),
        (_flat(1), _flat(1), EVERYWHERE[:4]),
    ):
        with pytest.raises(ValueError, match="two grey images"):
            fused((fixed, AS_IT_IS), (moving, AS_IT_IS), inside, FusionStyle())


@pytest.mark.parametrize(("share", "cells"), [(-0.1, 8), (1.1, 8), (0.5, 1), (0.5, 33)])
def test_a_style_out_of_range_is_none(share: float, cells: int) -> None:
    with pytest.raises(ValueError, match="not a style"):
        FusionStyle(share=share, cells=cells)
