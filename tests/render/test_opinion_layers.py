"""Outlines and heatmaps lie exactly where the image has them, however it is shown."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render import opinion_painter
from radviewer.render.annotations import CornerTexts
from radviewer.render.contours import COLOURS, Piece, Shape, contours, on_view, shape_of
from radviewer.render.heat import colour_bar, heat_layer
from radviewer.render.heat_scale import free_box
from radviewer.render.lettering import Lettering
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, OutlineStyle, SpotMark
from radviewer.render.opinion_painter import OpinionPainter
from radviewer.render.picture import View, ViewPainter
from radviewer.render.placing import Box
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


@pytest.mark.parametrize("camera", CAMERAS, ids=str)
@pytest.mark.parametrize("shape", ["square", "by spacing", "by aspect"])
def test_the_area_is_the_image_pixels_to_the_last_pixel_of_the_screen(camera: Camera, shape: str) -> None:
    spacing = PixelSpacing(1.0, 0.5) if shape == "by spacing" else None
    aspect = (1.0, 2.0) if shape == "by aspect" else (1.0, 1.0)
    where = ViewTransform(camera, SHAPE, (300, 240), spacing, aspect=aspect)
    mask = letter()
    picture = QImage(300, 240, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.black)
    painter = QPainter(picture)
    painter.fillPath(on_view(where).map(shape_of(mask).area), Qt.GlobalColor.white)
    painter.end()
    pixels = [[where.pixel_at(x + 0.5, y + 0.5) for x in range(300)] for y in range(240)]
    expected = np.array([[pixel is not None and bool(mask[pixel]) for pixel in line] for line in pixels])
    found = grey(picture)[..., 0] > 0
    clear = np.array(
        [[_edge_distance(where, x, y) > 0.01 for x in range(300)] for y in range(240)]
    )  # a screen pixel whose very centre an edge crosses may go either way
    assert expected.any()
    np.testing.assert_array_equal(found[clear], expected[clear])


def _edge_distance(where: ViewTransform, x: int, y: int) -> float:
    """Of a screen pixel's centre from the nearest edge of an image pixel, in image pixels."""
    return min(abs((v + 0.5) - round(v + 0.5)) for v in where.to_image(x + 0.5, y + 0.5))


@pytest.mark.parametrize("pixel", [(0, 0), (0, 29), (19, 0), (19, 29), (7, 11)])
@pytest.mark.parametrize("camera", [Camera(), Camera(quarter_turns=1, flipped=True)], ids=str)
def test_a_single_pixel_is_a_square_also_at_the_border(pixel: tuple[int, int], camera: Camera) -> None:
    where = ViewTransform(camera, SHAPE, (400, 400))
    mask, blank = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
    mask[pixel] = True
    shown = painted(blank, where, OpinionLayers((Outline(mask, "heart", OutlineStyle.ANATOMY),)))
    rows, columns = np.nonzero(np.abs(shown - painted(blank, where)).max(axis=2) > 60)
    middle = ((columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2)
    assert middle == pytest.approx(where.to_view(*pixel), abs=1.0)
    for extent in (np.ptp(rows), np.ptp(columns)):
        assert where.zoom - 1 <= extent <= where.zoom + 4
    x, y = (round(v) for v in where.to_view(*pixel))
    assert shown[y, x].max() == 0  # not filled


def test_a_mask_of_the_whole_image_is_outlined_at_its_border() -> None:
    (line,) = contours(np.ones(SHAPE, np.bool_))
    assert (line.min(axis=0).tolist(), line.max(axis=0).tolist()) == ([-0.5, -0.5], [19.5, 29.5])


def corners_of(piece: Piece) -> np.ndarray:
    return np.array([(p.x(), p.y()) for p in (piece.line.at(i) for i in range(piece.line.size()))])


def test_the_pieces_of_an_outline_run_round_it_once() -> None:
    rough = np.random.default_rng(0).random((60, 70)) > 0.4
    shape, lines = shape_of(rough), contours(rough)
    assert len(shape.pieces) > len(lines)  # at least one is in pieces
    ends = [[(p.x(), p.y()) for p in (piece.line.first(), piece.line.last())] for piece in shape.pieces]
    way = 0.0
    for i, piece in enumerate(shape.pieces):
        if sum(piece.before) == 0:
            way, begin = 0.0, ends[i][0]
        assert sum(piece.before) == way
        points = corners_of(piece)
        way += float(np.abs(np.diff(points, axis=0)).sum())
        last = i + 1 == len(ends) or sum(shape.pieces[i + 1].before) == 0
        assert ends[i][1] == (begin if last else ends[i + 1][0])
    length = sum(np.abs(np.roll(line, -1, axis=0) - line).sum() for line in lines)
    whole = sum(np.abs(np.diff(corners_of(piece), axis=0)).sum() for piece in shape.pieces)
    assert whole == length


def test_an_outline_runs_along_the_edges_of_pixels() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 6] = True
    (line,) = contours(mask)
    assert {tuple(point) for point in line.tolist()} == {(3.5, 5.5), (3.5, 6.5), (4.5, 5.5), (4.5, 6.5)}


def test_an_outline_encloses_its_pixels_and_leaves_holes_out() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((12, 15)) > 0.5
        path = shape_of(mask).area
        found = [[path.contains(QPointF(c, r)) for c in range(15)] for r in range(12)]
        np.testing.assert_array_equal(found, mask)


def test_no_mask_has_no_outline() -> None:
    assert contours(np.zeros((4, 4), np.bool_)) == ()
    assert shape_of(np.zeros((4, 4), np.bool_)).area.isEmpty()


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


@pytest.mark.parametrize("size", [(400, 300), (1600, 1000)])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_scale_of_the_heatmap_stands_where_nothing_else_does(size: tuple[int, int], ratio: float) -> None:
    pixels = (round(size[0] * ratio), round(size[1] * ratio))
    where = ViewTransform(Camera(), SHAPE, pixels, PixelSpacing(1, 1), ratio)
    texts = tuple(f"a line that is rather long {i}" for i in range(4))
    letters = SliceImage(np.zeros(SHAPE, np.uint8), spacing=PixelSpacing(1, 1), orientation=("L", "F"))
    view = View(where, letters, corners=CornerTexts(texts, texts, texts[:2], texts[:2]))
    taken = ViewPainter()._annotations(view).boxes
    heat = HeatLayer(np.ones(SHAPE, np.float32), "malignant lesion", 0.0, 1.0, (16, 16))
    box = scale_of(OpinionLayers(heat=heat), where, taken)
    assert sum(box.overlap(other) for other in taken) == 0
    assert 0 <= box.left <= box.right <= pixels[0] / 2
    assert pixels[1] / 2 < box.bottom <= pixels[1]


def scale_of(layers: OpinionLayers, where: ViewTransform, taken: list[Box]) -> Box:
    picture = QImage(*where.size, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    boxes = OpinionPainter(Lettering()).paint(painter, layers, where, taken)
    painter.end()
    assert boxes[: len(taken)] == taken
    return boxes[len(taken)]


def test_the_scale_goes_to_the_right_before_it_covers_anything() -> None:
    where = transform(Camera())
    left = Box(0, 0, 120, 240)
    assert free_box((100, 60), where, [left]) == Box(192, 172, 100, 60)
    everywhere = Box(0, 0, 300, 200)
    assert free_box((100, 60), where, [everywhere]) == Box(8, 172, 100, 60)


def test_labels_of_marks_keep_clear_of_the_scale() -> None:
    where = ViewTransform(Camera(), SHAPE, (600, 400))
    image = SliceImage(np.zeros(SHAPE, np.uint8))
    layers = OpinionLayers(heat=HeatLayer(np.zeros(SHAPE, np.float32), "pneumonia", 0.0, 1.0, (8, 8)))
    box = scale_of(layers, where, [])
    tip = where.to_image(box.left + 60, box.top - 60)
    tail = where.to_image(box.left + 60, box.top - 4)  # the text goes on from here, if it may
    mark = Mark(MarkKind.ARROW, ImageReference("1", "2", "3", 0), (tip, tail), "below")
    bare = View(where, image, opinion=layers, show_orientation=False, show_scale=False)
    marked = View(where, image, opinion=layers, marks=(mark,), show_orientation=False, show_scale=False)
    plain, shown = (grey(ViewPainter().picture(view)) for view in (bare, marked))
    inside = slice(int(box.top) + 8, int(box.bottom)), slice(int(box.left), int(box.right))
    np.testing.assert_array_equal(shown[inside], plain[inside])
    assert (shown != plain).any()


@pytest.mark.parametrize("layers", [None, OpinionLayers(), OpinionLayers(fill=True)], ids=["none", "empty", "fill"])
def test_no_opinion_paints_nothing(layers: OpinionLayers | None) -> None:
    np.testing.assert_array_equal(
        painted(letter(), transform(Camera()), layers), painted(letter(), transform(Camera()))
    )


def test_an_outline_without_a_pixel_paints_nothing() -> None:
    empty = Outline(np.zeros(SHAPE, np.bool_), "heart", OutlineStyle.PROPOSED, selected=True)
    shown = painted(letter(), transform(Camera()), OpinionLayers((empty,), fill=True))
    np.testing.assert_array_equal(shown, painted(letter(), transform(Camera())))


def test_a_selected_outline_beside_the_view_is_not_named() -> None:
    where = transform(Camera(zoom=40.0, centre=(18.0, 28.0)))
    far = np.zeros(SHAPE, np.bool_)
    far[1, 1] = True
    shown = painted(letter(), where, OpinionLayers((Outline(far, "heart", OutlineStyle.PROPOSED, selected=True),)))
    np.testing.assert_array_equal(shown, painted(letter(), where))


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


def test_what_was_kept_is_never_shown_for_something_else() -> None:
    image = SliceImage(np.zeros(SHAPE, np.uint8), vois=(Window(100, 200),))
    rng = np.random.default_rng(0)
    heats = [rng.random(SHAPE, dtype=np.float32) for _ in range(2)]
    masks = [letter(), letter()[::-1].copy()]
    views = [
        View(
            transform(camera),
            image,
            opinion=OpinionLayers(
                (Outline(mask, "heart", style),), heat=HeatLayer(heat, "glioma", threshold, opacity, (8, 8)), fill=True
            ),
        )
        for camera in (Camera(), Camera(flipped=True))
        for mask, style in zip(masks, (OutlineStyle.PROPOSED, OutlineStyle.EDITED), strict=True)
        for heat, threshold, opacity in ((heats[0], 0.2, 1.0), (heats[0], 0.6, 1.0), (heats[1], 0.6, 0.5))
    ]
    kept = ViewPainter()
    for view in [*views, *reversed(views)]:
        np.testing.assert_array_equal(grey(kept.picture(view)), grey(ViewPainter().picture(view)))


def test_the_shape_of_a_mask_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Shape] = []

    def counted(mask: np.ndarray) -> Shape:
        made.append(shape_of(mask))
        return made[-1]

    monkeypatch.setattr(opinion_painter, "shape_of", counted)
    image, mask = SliceImage(np.zeros(SHAPE, np.uint8)), letter()
    painter = ViewPainter()
    for camera in CAMERAS[:5]:
        layers = OpinionLayers((Outline(mask, "heart", OutlineStyle.PROPOSED, selected=True),))
        painter.picture(View(transform(camera), image, opinion=layers))
    assert len(made) == 1


def test_findings_and_structures_have_colours_of_their_own() -> None:
    assert len({colour.name() for colour in COLOURS.values()}) == len(COLOURS)
    lightness = [QColor(colour).lightnessF() for colour in COLOURS.values()]
    assert min(lightness) > 0.35  # readable on a dark film


def test_the_colour_bar_is_the_same_for_every_image() -> None:
    assert colour_bar(150, 9) == colour_bar(150, 9)
