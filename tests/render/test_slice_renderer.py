"""Pictures of slices: windowing, orientation, colour and overlays, guarded by golden pictures."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.volume import OverlayPlane, SliceImage
from radviewer.domain.window import LookupTable, Voi, VoiFunction, Window
from radviewer.render.presentation import ContrastStep, Interpolation, Presentation, StepKind
from radviewer.render.recent import Recent
from radviewer.render.slice_renderer import SliceRenderer
from radviewer.render.view import Camera, ViewTransform
from radviewer.render.windowing import grey_levels
from tests.render.pictures import ORIENTATIONS, bytes_of, camera, compare, letter_f

F = letter_f()
WINDOW = Window(500, 1001)


def picture(
    image: SliceImage, presentation: Presentation | None = None, zoom: float = 2.0, size: tuple[int, int] = (100, 90)
) -> QImage:
    transform = ViewTransform(Camera(zoom=zoom), image.stored.shape[:2], size, image.spacing)
    return SliceRenderer().render(image, presentation or Presentation(), transform)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda o: f"{o[0] * 90}{'-flipped' if o[1] else ''}")
def test_golden_orientation(orientation: tuple[int, bool]) -> None:
    transform = ViewTransform(camera(orientation), F.shape, (70, 60))
    name = f"orientation-{orientation[0] * 90}{'-flipped' if orientation[1] else ''}"
    compare(SliceRenderer().render(SliceImage(F, vois=(WINDOW,)), Presentation(), transform), name)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_orientation_is_numpys(orientation: tuple[int, bool]) -> None:
    """The eight orientations of a picture at 1:1 are numpy's rotations and mirrorings of it."""
    turns, flipped = orientation
    transform = ViewTransform(camera(orientation, zoom=1.0), F.shape, (60, 60))
    shown = bytes_of(SliceRenderer().render(SliceImage(F, vois=(WINDOW,)), Presentation(), transform))
    expected = np.rot90(np.rint(grey_levels(F, WINDOW)), -turns)
    expected = expected[:, ::-1] if flipped else expected
    top, left = ((60 - n) // 2 for n in expected.shape)
    canvas = np.zeros((60, 60))
    canvas[top : top + expected.shape[0], left : left + expected.shape[1]] = expected
    assert np.array_equal(shown, canvas)


VOIS: dict[str, Voi] = {
    "linear": Window(500, 1001),
    "narrow": Window(150, 120),
    "exact": Window(500, 1000, VoiFunction.LINEAR_EXACT),
    "sigmoid": Window(500, 400, VoiFunction.SIGMOID),
    "table": LookupTable(100, (np.arange(900) % 300 * 218).astype(np.uint16), 16),
}


@pytest.mark.parametrize("name", VOIS)
def test_golden_window(name: str) -> None:
    compare(picture(SliceImage(F, vois=(VOIS[name],))), f"window-{name}")


@pytest.mark.parametrize("name", VOIS)
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 300.0), (-1.0, 900.0)])
def test_every_pixel_type_goes_through_the_same_pipeline(name: str, dtype: Any, slope: float, intercept: float) -> None:
    stored, voi = F.astype(dtype), VOIS[name]
    image = SliceImage(stored, slope, intercept)
    transform = ViewTransform(Camera(zoom=1.0), F.shape, (30, 40))
    for inverted in (False, True):
        shown = bytes_of(SliceRenderer().render(image, Presentation(voi=voi, inverted=inverted), transform))
        grey = np.rint(grey_levels(image.modality_values(), voi))
        assert np.array_equal(shown, 255 - grey if inverted else grey)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_eight_bits(dtype: Any) -> None:
    stored = np.arange(100).reshape(10, 10).astype(dtype)
    transform = ViewTransform(Camera(zoom=1.0), (10, 10), (10, 10))
    shown = bytes_of(
        SliceRenderer().render(SliceImage(stored, 1.0, -10.0), Presentation(voi=Window(40, 90)), transform)
    )
    assert np.array_equal(shown, np.rint(grey_levels(stored.astype(float) - 10, Window(40, 90))))


def test_golden_monochrome1() -> None:
    compare(picture(SliceImage(F, vois=(WINDOW,), inverted=True)), "monochrome1")


def test_two_inversions_cancel_out() -> None:
    plain = picture(SliceImage(F, vois=(WINDOW,)))
    twice = picture(SliceImage(F, vois=(WINDOW,), inverted=True), Presentation(inverted=True))
    assert np.array_equal(bytes_of(plain), bytes_of(twice))


def colours(rows: int = 24, columns: int = 32) -> NDArray[np.uint8]:
    image = np.zeros((rows, columns, 3), np.uint8)
    image[:12, :16] = (255, 0, 0)
    image[:12, 16:] = (0, 200, 0)
    image[12:, :16] = (0, 0, 150)
    image[12:, 16:] = (120, 60, 30)
    image[3:6] = (255, 255, 255)
    return image


@pytest.mark.parametrize("inverted", [False, True], ids=["plain", "inverted"])
def test_golden_colour(inverted: bool) -> None:
    name = "colour-inverted" if inverted else "colour"
    compare(picture(SliceImage(colours()), Presentation(inverted=inverted)), name)


def test_colour_is_shown_as_it_is() -> None:
    transform = ViewTransform(Camera(zoom=1.0), (24, 32), (32, 24))
    shown = SliceRenderer().render(SliceImage(colours()), Presentation(), transform)
    assert shown.format() == QImage.Format.Format_RGB888
    assert np.array_equal(bytes_of(shown), colours())


def test_colour_takes_a_window() -> None:
    transform = ViewTransform(Camera(zoom=1.0), (24, 32), (32, 24))
    shown = bytes_of(SliceRenderer().render(SliceImage(colours()), Presentation(voi=Window(64, 129)), transform))
    assert np.abs(shown.astype(int) - (colours().astype(int) * 2).clip(0, 255)).max() <= 2


@pytest.mark.parametrize("interpolation", list(Interpolation), ids=lambda i: i.value)
def test_golden_interpolation_with_tall_pixels(interpolation: Interpolation) -> None:
    image = SliceImage(F[::2, ::3], vois=(WINDOW,), spacing=PixelSpacing(1.0, 0.6))
    compare(picture(image, Presentation(interpolation=interpolation), 4.3), f"tall-{interpolation.value}")


def test_golden_reduced() -> None:
    stored = letter_f(480, 360)
    stored[100:400:2] += 300
    compare(picture(SliceImage(stored, vois=(WINDOW,)), zoom=0.17), "reduced")


@pytest.mark.parametrize("inverted", [False, True])
def test_padding_and_surroundings_are_black_even_when_inverted(inverted: bool) -> None:
    stored = np.where(np.arange(40) < 20, -2000, 400) * np.ones((30, 1))
    image = SliceImage(stored.astype(np.int16), padding=(-2000.0, -2000.0), inverted=inverted, vois=(Window(0, 1001),))
    transform = ViewTransform(Camera(zoom=3.0), (30, 40), (200, 150))
    shown = bytes_of(SliceRenderer().render(image, Presentation(), transform))
    left, top, right, bottom = (int(v) for v in transform.image_rectangle())
    anatomy = np.zeros(shown.shape, np.bool_)
    anatomy[top:bottom, left + 60 : right] = True
    assert np.all(shown[~anatomy] == 0)
    assert len(np.unique(shown[anatomy])) == 1
    assert shown[anatomy][0] > 0


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (33, 21), (101, 53)])
@pytest.mark.parametrize("colour", [False, True])
def test_any_width_of_viewport(size: tuple[int, int], colour: bool) -> None:
    """Lines of a QImage are padded to four bytes."""
    stored = np.full((24, 32, 3) if colour else (24, 32), 90, np.uint8)
    shown = picture(SliceImage(stored), Presentation(voi=Window(128, 256)), zoom=9.0, size=size)
    assert (shown.width(), shown.height()) == size
    assert bytes_of(shown).min() == bytes_of(shown).max() == 90


def test_out_of_view_all_is_black() -> None:
    transform = ViewTransform(Camera(zoom=50.0, centre=(-40.0, 10.0)), F.shape, (100, 100))
    renderer, image = SliceRenderer(), SliceImage(F)
    assert bytes_of(renderer.render(image, Presentation(), transform)).max() == 0
    assert renderer.overlay(OverlayPlane(F > 500, "G"), transform) is None


def test_golden_overlay() -> None:
    transform = ViewTransform(Camera(zoom=2.3, quarter_turns=1), F.shape, (110, 90))
    renderer = SliceRenderer()
    shown = renderer.render(SliceImage(F, vois=(Window(500, 3000),)), Presentation(), transform)
    canvas = shown.convertToFormat(QImage.Format.Format_RGB32)
    placed = renderer.overlay(OverlayPlane(F > 900, "G"), transform)
    assert placed is not None
    painter = QPainter(canvas)
    painter.drawImage(placed.left, placed.top, placed.picture)
    painter.end()
    compare(canvas, "overlay")


def test_a_picture_outlives_everything_it_was_made_from() -> None:
    renderer = SliceRenderer()
    image = SliceImage(F.copy(), vois=(WINDOW,))
    transform = ViewTransform(Camera(zoom=2.0), F.shape, (100, 90))
    shown = renderer.render(image, Presentation(), transform)
    before = bytes_of(shown)
    renderer.render(SliceImage(F[::-1].copy()), Presentation(inverted=True), transform)
    renderer.clear()
    del renderer, image
    gc.collect()
    assert np.array_equal(bytes_of(shown), before)


def test_caches_do_not_mix_up_images() -> None:
    """Every combination, twice over and in another order, gives what a fresh renderer gives."""
    images = [
        SliceImage(F),
        SliceImage(F, slope=2.0),
        SliceImage(F[::-1].copy()),
        SliceImage(F, padding=(0.0, 60.0)),
        SliceImage(F, inverted=True),
        SliceImage(F.astype(np.float32)),
    ]
    presentations = [
        Presentation(voi=WINDOW),
        Presentation(voi=VOIS["table"]),
        Presentation(voi=WINDOW, interpolation=Interpolation.NEAREST),
        Presentation(voi=WINDOW, steps=(ContrastStep(StepKind.CLAHE, 3.0),)),
        Presentation(voi=Window(300, 900), steps=(ContrastStep(StepKind.CLAHE, 3.0),)),
        Presentation(voi=WINDOW, steps=(ContrastStep(StepKind.MEDIAN, 1),)),
    ]
    transforms = [ViewTransform(Camera(zoom=z), F.shape, (60, 60)) for z in (0.4, 1.7)]
    used = SliceRenderer()
    cases = [(i, p, t) for i in images for p in presentations for t in transforms]
    by_transform = sorted(cases, key=lambda case: case[2].zoom)
    for image, presentation, transform in [*cases, *cases[::-1], *cases[::7], *by_transform]:
        fresh = SliceRenderer().render(image, presentation, transform)
        assert used.render(image, presentation, transform) == fresh


def test_a_renderer_does_not_keep_a_volume_alive() -> None:
    volume = np.zeros((4, 40, 30), np.int16)
    alive = weakref.ref(volume)
    renderer = SliceRenderer()
    transform = ViewTransform(Camera(), (40, 30), (60, 60))
    for plane in volume:
        image = SliceImage(plane, vois=(WINDOW,))
        renderer.render(image, Presentation(), transform)
        renderer.render(image, Presentation(steps=(ContrastStep(StepKind.MEDIAN, 1),)), transform)
    del volume, plane, image
    gc.collect()
    assert alive() is None


def test_steps_can_be_prepared_beforehand() -> None:
    renderer, image = SliceRenderer(), SliceImage(F, vois=(WINDOW,))
    presentation = Presentation(steps=(ContrastStep(StepKind.MEDIAN, 1),))
    assert renderer.is_prepared(image, Presentation())
    assert not renderer.is_prepared(image, presentation)
    renderer.prepare(image, presentation)
    assert renderer.is_prepared(image, presentation)
    renderer.clear()
    assert not renderer.is_prepared(image, presentation)


def test_an_image_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="in a view of"):
        SliceRenderer().render(SliceImage(F), Presentation(), ViewTransform(Camera(), (7, 7), (50, 50)))


def test_stored_values_may_be_read_only_and_not_contiguous() -> None:
    volume = np.zeros((40, 30, 5), np.int16)
    volume[:, :, 2] = F
    volume.setflags(write=False)
    shown = picture(SliceImage(volume[:, :, 2], vois=(WINDOW,)))
    assert np.array_equal(bytes_of(shown), bytes_of(picture(SliceImage(F, vois=(WINDOW,)))))


def test_recent_keeps_the_last_up_to_its_capacity() -> None:
    kept: Recent[str] = Recent(10, len)
    for key, text in enumerate(["aaaa", "bbbb", "cc"]):
        kept.put(key, text)
    assert kept.get(0) == "aaaa"  # now the most recently used
    kept.put(3, "dddd")
    assert [kept.get(key) for key in range(4)] == ["aaaa", None, "cc", "dddd"]
    kept.put(4, "e" * 50)  # larger than all: kept alone
    assert [kept.get(key) for key in range(5)] == [None, None, None, None, "e" * 50]
    kept.put(4, "e")
    kept.put(5, "f" * 9)
    assert kept.get(4) == "e"
    kept.clear()
    assert kept.get(5) is None


def test_a_large_viewport_looks_as_qt_would_draw_it() -> None:
    """Against an independent implementation: Qt's own smooth scaling of the windowed picture."""
    rows, columns = np.mgrid[:64, :64]
    stored = (500 + 300 * np.sin(rows / 9) + 150 * np.cos(columns / 7)).astype(np.int16)
    transform = ViewTransform(Camera(zoom=5.0), (64, 64), (320, 320))
    shown = bytes_of(SliceRenderer().render(SliceImage(stored, vois=(WINDOW,)), Presentation(), transform))
    grey = np.rint(grey_levels(stored, WINDOW)).astype(np.uint8)
    source = QImage(grey.tobytes(), 64, 64, 64, QImage.Format.Format_Grayscale8)
    scaled = source.scaled(320, 320, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    difference = np.abs(shown.astype(int) - bytes_of(scaled.convertToFormat(QImage.Format.Format_Grayscale8)))
    assert difference[10:-10, 10:-10].mean() < 2
