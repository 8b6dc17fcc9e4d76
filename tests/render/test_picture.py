"""A whole viewport: the same picture on a screen, at twice the resolution, and off-screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

from radviewer.domain.geometry import ImagePlane, PixelSpacing
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.volume import OverlayPlane, SliceImage
from radviewer.domain.window import Window
from radviewer.render.annotations import CornerTexts
from radviewer.render.layout import LETTER
from radviewer.render.lettering import Lettering, font
from radviewer.render.picture import CROSSHAIR, REFERENCE, View, ViewPainter
from radviewer.render.presentation import Presentation
from radviewer.render.slice_renderer import OVERLAY_COLOUR, SliceRenderer
from radviewer.render.view import Camera, ViewTransform
from tests.render.pictures import bytes_of, compare, letter_f

pytestmark = pytest.mark.usefixtures("qapp")

SPACING = PixelSpacing(0.5, 0.5)
PLANE = ImagePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), 0.5, 0.5)
IMAGE = SliceImage(letter_f(), vois=(Window(500, 1001),), plane=PLANE, spacing=SPACING)
MARK = Mark(MarkKind.LENGTH, ImageReference("1", "2", "3", 0), ((12, 12), (30, 22)), mark_id="m")
CORNERS = CornerTexts(("Doe, John",), ("Series 4",), ("Image 1 / 1",), ("W 1001  L 500",))


def view_of(size: tuple[int, int] = (300, 240), ratio: float = 1.0, image: SliceImage = IMAGE, **fields: Any) -> View:
    rows, columns = image.stored.shape[:2]
    transform = ViewTransform(Camera(), (rows, columns), size, image.spacing, ratio)
    return View(transform, image, corners=CORNERS, **fields)


def with_colour(picture: QImage, colour: QColor, tolerance: int = 40) -> int:
    """How many pixels are about of a colour."""
    difference = bytes_of(picture).astype(int) - (colour.red(), colour.green(), colour.blue())
    return int((np.abs(difference).max(axis=2) <= tolerance).sum())


def bare(view: View) -> View:
    return replace(view, corners=CornerTexts(), show_orientation=False, show_scale=False)


def test_without_annotations_a_view_is_the_image() -> None:
    view = bare(view_of())
    shown = bytes_of(ViewPainter().picture(view))
    image = bytes_of(SliceRenderer().render(IMAGE, Presentation(), view.transform))
    assert np.array_equal(shown, np.repeat(image[..., None], 3, axis=2))


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_screens_of_any_ratio_show_what_an_export_shows(ratio: float) -> None:
    """A canvas with a device-pixel ratio, as a widget paints on, against the plain picture."""
    view = view_of((300, 240), ratio, marks=(MARK,), selected="m", reference_lines=(((0, 0), (39, 29)),))
    canvas = QImage(300, 240, QImage.Format.Format_RGB32)
    canvas.setDevicePixelRatio(ratio)
    painter = QPainter(canvas)
    ViewPainter().paint(painter, view)
    painter.end()
    assert np.array_equal(bytes_of(canvas), bytes_of(ViewPainter().picture(view)))


def test_twice_the_resolution_is_the_same_picture_only_finer() -> None:
    single = ViewPainter().picture(view_of((300, 240), 1.0, marks=(MARK,)))
    double = ViewPainter().picture(view_of((600, 480), 2.0, marks=(MARK,)))
    reduced = bytes_of(double).reshape(240, 2, 300, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - bytes_of(single)).mean() < 4


def test_painting_leaves_the_painter_as_it_was_and_stays_in_its_viewport() -> None:
    canvas = QImage(400, 300, QImage.Format.Format_RGB32)
    canvas.fill(QColor("blue"))
    painter = QPainter(canvas)
    pen = painter.pen()
    ViewPainter().paint(painter, view_of((300, 240), marks=(MARK,)))
    assert painter.pen() == pen
    assert painter.transform().isIdentity()
    assert not painter.hasClipping()
    painter.end()
    outside = np.concatenate([bytes_of(canvas)[:, 300:].reshape(-1, 3), bytes_of(canvas)[240:].reshape(-1, 3)])
    assert np.all(outside == (0, 0, 255))


def test_each_part_is_there_and_can_be_left_out() -> None:
    painter = ViewPainter()
    view = bare(view_of())
    without = with_colour(painter.picture(view), LETTER)
    assert with_colour(painter.picture(replace(view, show_orientation=True)), LETTER) > without + 20
    line = (((0.0, 0.0), (39.0, 29.0)),)
    assert with_colour(painter.picture(replace(view, reference_lines=line)), REFERENCE) > 50
    assert with_colour(painter.picture(replace(view, crosshair=(20.0, 15.0))), CROSSHAIR) > 30
    assert not np.array_equal(bytes_of(painter.picture(replace(view, marks=(MARK,)))), bytes_of(painter.picture(view)))


def test_overlay_planes_can_be_switched_off() -> None:
    image = replace(IMAGE, overlays=(OverlayPlane(IMAGE.stored > 900, "G"),))
    view = bare(view_of(image=image))
    colour = QColor.fromRgba(OVERLAY_COLOUR)
    assert with_colour(ViewPainter().picture(view), colour, 2) > 1000
    off = replace(view, presentation=Presentation(show_overlays=False))
    assert with_colour(ViewPainter().picture(off), colour, 2) == 0


def test_a_missing_image_says_why_in_plain_text() -> None:
    message = "The file a<b>.dcm ends early: 1,024 of 8,192 bytes are there. Copy it again from its source."
    transform = ViewTransform(Camera(), (1, 1), (320, 240))
    view = View(transform, None, corners=CORNERS, message=message)
    shown = bytes_of(ViewPainter().picture(view))
    assert shown[80:160, 40:280].max() > 150
    html = bytes_of(ViewPainter().picture(replace(view, message=message.replace("<b>", ""))))
    assert not np.array_equal(shown, html)
    assert bytes_of(ViewPainter().picture(replace(view, message="", corners=CornerTexts()))).max() == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (40, 20), (90, 500)])
def test_viewports_of_any_size(size: tuple[int, int]) -> None:
    view = view_of(size, 2.0, marks=(MARK,), selected="m", message="A long sentence that never fits.", crosshair=(3, 3))
    picture = ViewPainter().picture(view)
    assert (picture.width(), picture.height()) == size


def test_golden_view_loosely() -> None:
    """Texts differ by a few grey levels between font libraries: their places must not."""
    picture = ViewPainter().picture(view_of((320, 260), marks=(MARK,), selected="m", crosshair=(30, 5)))
    reduced = picture.scaled(80, 65, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    compare(reduced, "view", tolerance=60)


def test_the_bundled_font_is_there_without_any_on_the_system() -> None:
    metrics = Lettering().metrics(12)
    assert font(12).family() == "DejaVu Sans"
    for letter in "AÄß°²µ−·×–":
        assert metrics.inFontUcs4(ord(letter))
    assert QGuiApplication.instance() is not None


def test_texts_have_a_halo_on_white() -> None:
    canvas = QImage(200, 40, QImage.Format.Format_RGB32)
    canvas.fill(QColor("white"))
    painter = QPainter(canvas)
    Lettering().draw(painter, 10, 10, "Doe", 12, QColor("white"))
    painter.end()
    assert bytes_of(canvas).min() < 120


def test_clear_forgets() -> None:
    painter = ViewPainter()
    before = painter.picture(view_of(marks=(MARK,)))
    painter.clear()
    assert painter.picture(view_of(marks=(MARK,))) == before
