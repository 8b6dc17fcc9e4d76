from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from radviewer.render.contours import COLOURS, LESION, OTHERS, colour_of, contours, paint_contours
from radviewer.render.heat import colour_bar, heat_colours, heat_layer
from radviewer.render.view import Camera, ViewTransform
from tests.render.pictures import bytes_of

pytestmark = pytest.mark.usefixtures("qapp")


def opacity_of(layer: QImage) -> np.ndarray:
    width, height = layer.width(), layer.height()
    data = np.frombuffer(layer.constBits(), np.uint8).reshape(height, width, 4)
    return data[..., 3].copy()


def test_no_heat_is_transparent_and_the_scale_is_fixed() -> None:
    colours = heat_colours()
    assert colours[0, 3] == 0
    assert (np.diff(colours[:, 3].astype(int)) >= 0).all()
    lightness = colours[:, :3].astype(float) @ (0.11, 0.59, 0.3)
    assert (np.diff(lightness) > -2).all()
    transform = ViewTransform(Camera(), (20, 20), (100, 100))
    weak = opacity_of(heat_layer(np.full((20, 20), 0.1, np.float32), transform))
    strong = opacity_of(heat_layer(np.ones((20, 20), np.float32), transform))
    assert weak[50, 50] < strong[50, 50] / 3


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flipped", [False, True])
def test_the_layer_lies_on_the_image_however_it_is_turned(turns: int, flipped: bool) -> None:
    heat = np.zeros((40, 30), np.float32)
    heat[10:14, 20:24] = 1
    transform = ViewTransform(Camera(quarter_turns=turns, flipped=flipped), heat.shape, (400, 400))
    rows, columns = np.nonzero(opacity_of(heat_layer(heat, transform)) == opacity_of(heat_layer(heat, transform)).max())
    x, y = transform.to_view(11.5, 21.5)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=1)


def test_a_map_longer_than_opencv_warps() -> None:
    heat = np.zeros((400, 40_000), np.float32)
    heat[:, 20_000:] = 1
    layer = opacity_of(heat_layer(heat, ViewTransform(Camera(), heat.shape, (4000, 50))))
    assert layer[25, 1000] == 0
    assert layer[25, 3000] > 100


def test_values_that_are_no_number_are_no_heat() -> None:
    heat = np.full((20, 20), np.nan, np.float32)
    assert opacity_of(heat_layer(heat, ViewTransform(Camera(), heat.shape, (40, 40)))).max() == 0


def test_the_bar_runs_from_nothing_to_the_layers_strongest_colour() -> None:
    bar = bytes_of(colour_bar(200, 10, ground=90))
    assert bar.shape == (10, 200, 3)
    assert (bar[:, 0] == 90).all()
    assert (bar[0] == bar[-1]).all()
    assert bar[0, -1].sum() > bar[0, 0].sum() + 150


def test_contours_are_closed_and_know_holes() -> None:
    mask = np.zeros((30, 30), bool)
    mask[5:20, 5:25] = True
    mask[10:15, 10:15] = False
    mask[25:28, 25:28] = True
    found = contours(mask)
    assert len(found) == 3
    assert min(float(outline.min()) for outline in found) == 4.5
    assert contours(np.zeros((5, 5), bool)) == ()


def test_a_mask_is_outlined_in_its_colour_and_stays_empty_inside() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    picture = QImage(400, 400, QImage.Format.Format_RGB32)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    paint_contours(painter, mask, LESION, ViewTransform(Camera(), mask.shape, (400, 400)))
    painter.end()
    shown = bytes_of(picture)
    assert shown[200, 97:104].max() > 150
    assert shown[150:250, 150:250].max() == 0


def test_each_structure_has_its_own_colour() -> None:
    colours = {colour.rgb() for colour in (*COLOURS.values(), *OTHERS)}
    assert len(colours) == len(COLOURS) + len(OTHERS)
    assert colour_of("heart") == COLOURS["heart"]


def test_what_has_no_colour_of_its_own_keeps_the_one_it_is_given() -> None:
    given = [colour_of(f"finding {i}") for i in range(40)]
    assert {colour.rgb() for colour in given} == {colour.rgb() for colour in OTHERS}
    assert given == [colour_of(f"finding {i}") for i in range(40)]
    assert colour_of("something new") == OTHERS[2]  # in every session
