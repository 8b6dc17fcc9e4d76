"""Outlines and heatmaps lie exactly where the image has them, however it is shown."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render.annotations import CornerTexts
from radviewer.render.contours import COLOURS, contours, outline_path
from radviewer.render.heat import colour_bar, heat_layer
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, OutlineStyle, SpotMark
from radviewer.render.picture import View, ViewPainter
from radviewer.render.presentation import Interpolation, Presentation
from radviewer.render.view import Camera, ViewTransform

pytestmark = pytest.mark.usefixtures("qapp")

SHAPE = (20, 30)


def letter() -> np.ndarray:
    """An F, which looks like none of its mirror images and turns."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[3:17, 5:8] = True
    mask[3:6, 5:18] = True
    mask[9:12, 5:14] = True
    return mask


def transform(camera: Camera, size: tuple[int, int] = (300, 240), spacing: PixelSpacing | None = None) -> ViewTransform:
    return ViewTransform(camera, SHAPE, size, spacing)


def grey(picture: QImage) -> np.ndarray:
    picture = picture.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return data[:, : picture.width() * 3].reshape(picture.height(), picture.width(), 3).astype(int)


def painted(mask: np.ndarray, where: ViewTransform, layers: OpinionLayers | None = None) -> np.ndarray:
    image = SliceImage(mask.astype(np.uint8) * np.uint8(200), vois=(Window(100, 200),), spacing=where.spacing)
    sharp = Presentation(interpolation=Interpolation.NEAREST)
    view = View(where, image, sharp, layers, show_orientation=False, show_scale=False)
    return grey(ViewPainter().picture(view))


CAMERAS = [
    Camera(zoom, centre, turns, flipped)
    for zoom, centre in ((None, None), (6.5, (8.0, 12.0)), (14.0, (4.0, 9.0)))
    for turns, flipped in itertools.product(range(4), (False, True))
]


@pytest.mark.parametrize("camera", CAMERAS, ids=str)
@pytest.mark.parametrize("spacing", [None, PixelSpacing(1.0, 0.5)], ids=["square", "tall pixels"])
def test_a_filled_mask_covers_exactly_the_pixels_of_the_image(camera: Camera, spacing: PixelSpacing | None) -> None:
    where = transform(camera, spacing=spacing)
    mask = letter()
    outline = Outline(mask, "heart", OutlineStyle.ANATOMY)
    plain = painted(mask, where)
    filled = painted(mask, where, OpinionLayers((outline,), fill=True, opacity=1.0))
    bright = plain[..., 1] > 100
    tinted = np.abs(filled - plain).max(axis=2) > 20
    square = np.ones((9, 9), np.uint8)  # the line itself lies on both sides of the edge
    seam = cv2.dilate(bright.astype(np.uint8), square) != cv2.erode(bright.astype(np.uint8), square)
    assert tinted[bright & ~seam].all()
    assert not tinted[~bright & ~seam].any()
    assert (bright & ~seam).any()


def test_an_outline_runs_along_the_edges_of_pixels() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 6] = True
    (line,) = contours(mask)
    assert {tuple(point) for point in line.tolist()} == {(3.5, 5.5), (3.5, 6.5), (4.5, 5.5), (4.5, 6.5)}


def test_an_outline_encloses_its_pixels_and_leaves_holes_out() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((12, 15)) > 0.5
        path = outline_path(mask)
        found = [[path.contains(QPointF(c, r)) for c in range(15)] for r in range(12)]
        np.testing.assert_array_equal(found, mask)


def test_no_mask_has_no_outline() -> None:
    assert contours(np.zeros((4, 4), np.bool_)) == ()
    assert outline_path(np.zeros((4, 4), np.bool_)).isEmpty()


@pytest.mark.parametrize("camera", CAMERAS, ids=str)
def test_heat_never_leaves_the_image(camera: Camera) -> None:
    where = transform(camera, (420, 360))
    heat = HeatLayer(np.ones(SHAPE, np.float32), "tuberculosis", 0.0, 1.0, (8, 8))
    blank = np.zeros(SHAPE, np.bool_)
    plain, heated = painted(blank, where), painted(blank, where, OpinionLayers(heat=heat))
    inside = np.array([[where.pixel_at(x + 0.5, y + 0.5) is not None for x in range(420)] for y in range(360)])
    box = np.zeros_like(inside)
    box[-110:, :220] = True  # the scale stands here
    changed = np.abs(heated - plain).max(axis=2) > 12
    border = np.zeros_like(inside)
    for axis, shift in itertools.product((0, 1), (-1, 1)):
        border |= np.roll(inside, shift, axis) != inside
    assert not changed[~inside & ~box & ~border].any()
    assert changed[inside & ~box & ~border].all()


def test_heat_below_the_threshold_is_not_painted() -> None:
    heat = np.linspace(0, 1, SHAPE[1], dtype=np.float32)[None].repeat(SHAPE[0], axis=0)
    where = transform(Camera())
    layer = heat_layer(heat, where, threshold=0.5).convertToFormat(QImage.Format.Format_ARGB32)
    data = np.frombuffer(layer.constBits(), np.uint8).reshape(240, 300, 4)
    columns = np.flatnonzero(data[120, :, 3])
    assert columns.size
    (_, first), (_, last) = (where.to_image(x + 0.5, 120.5) for x in (columns[0], columns[-1]))
    assert first == pytest.approx(SHAPE[1] / 2, abs=1)
    assert last > SHAPE[1] - 2


@pytest.mark.parametrize("size", [(400, 300), (1600, 1000)])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_scale_of_the_heatmap_covers_no_text(size: tuple[int, int], ratio: float) -> None:
    pixels = (round(size[0] * ratio), round(size[1] * ratio))
    where = ViewTransform(Camera(), SHAPE, pixels, PixelSpacing(1, 1), ratio)
    texts = tuple(f"line {i}" for i in range(4))
    corners = CornerTexts(texts, texts, texts[:2], texts[:2])
    heat = HeatLayer(np.ones(SHAPE, np.float32), "pneumonia", 0.0, 1.0, (8, 8))
    image = SliceImage(np.zeros(SHAPE, np.uint8), vois=(Window(100, 200),), spacing=PixelSpacing(1, 1))
    without = View(where, image, corners=corners)
    painter = ViewPainter()
    boxes = painter._annotations(without).boxes
    plain = grey(painter.picture(without))
    heated = grey(painter.picture(View(where, image, corners=corners, opinion=OpinionLayers(heat=heat))))
    for box in boxes:
        rows = slice(max(0, int(box.top)), int(box.bottom) + 1)
        columns = slice(max(0, int(box.left)), int(box.right) + 1)
        ink = plain[rows, columns].min(axis=2) > 200
        assert (heated[rows, columns].min(axis=2)[ink] > 150).all()


def test_styles_can_be_told_without_their_colour() -> None:
    where = transform(Camera())
    mask = letter()
    pictures = {}
    for style in OutlineStyle:
        layers = OpinionLayers((Outline(mask, "heart", style),))
        pictures[style] = painted(np.zeros(SHAPE, np.bool_), where, layers).max(axis=2) > 90
    solid = {OutlineStyle.ANATOMY, OutlineStyle.ACCEPTED}
    for one, other in itertools.combinations(OutlineStyle, 2):
        if not {one, other} <= solid:
            assert (pictures[one] != pictures[other]).sum() > 30, (one, other)


def test_the_selected_outline_is_broader_and_named() -> None:
    where = transform(Camera())
    mask = letter()
    blank = np.zeros(SHAPE, np.bool_)
    plain = painted(blank, where, OpinionLayers((Outline(mask, "heart", OutlineStyle.ANATOMY),)))
    chosen = painted(blank, where, OpinionLayers((Outline(mask, "heart", OutlineStyle.ANATOMY, selected=True),)))
    assert (chosen.max(axis=2) > 90).sum() > 1.2 * (plain.max(axis=2) > 90).sum()


@pytest.mark.parametrize("camera", CAMERAS[::3], ids=str)
def test_a_spot_is_ringed_where_it_is(camera: Camera) -> None:
    where = transform(camera)
    spot = SpotMark(6.0, 11.0, "pneumonia")
    blank = np.zeros(SHAPE, np.bool_)
    changed = np.abs(painted(blank, where, OpinionLayers(spots=(spot,))) - painted(blank, where)).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    middle = ((columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2)
    assert middle == pytest.approx(where.to_view(6.0, 11.0), abs=1.0)


def test_painting_twice_is_the_same_picture() -> None:
    where = transform(Camera(zoom=9.0, centre=(8, 9)))
    mask, heat = letter(), np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    layers = OpinionLayers(
        (Outline(mask, "heart", OutlineStyle.PROPOSED, selected=True),),
        heat=HeatLayer(heat, "tuberculosis", 0.2, 0.7, (8, 8)),
        fill=True,
    )
    image = SliceImage(mask.astype(np.uint8) * np.uint8(200), vois=(Window(100, 200),))
    painter = ViewPainter()
    first, second = (grey(painter.picture(View(where, image, opinion=layers))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_findings_and_structures_have_colours_of_their_own() -> None:
    assert len({colour.name() for colour in COLOURS.values()}) == len(COLOURS)
    lightness = [QColor(colour).lightnessF() for colour in COLOURS.values()]
    assert min(lightness) > 0.35  # readable on a dark film


def test_the_colour_bar_is_the_same_for_every_image() -> None:
    assert colour_bar(150, 9) == colour_bar(150, 9)
