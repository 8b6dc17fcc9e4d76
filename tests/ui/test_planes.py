"""Planes in the window: painted the right way round, moved and turned by the mouse, with the usual keys and tools."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from radviewer.app.desk import Layout
from radviewer.app.mpr import PLACES
from radviewer.domain.measurement import MarkKind
from radviewer.domain.measuring import measure
from radviewer.domain.planes import Orientation
from radviewer.domain.window import Window
from radviewer.export.screenshot import Screenshot, as_array, screenshot
from radviewer.render.annotations import Density
from radviewer.render.cross_lines import COLOURS, grips
from radviewer.render.picture import ViewPainter
from radviewer.render.presentation import ContrastStep, StepKind
from tests.block_phantom import BLOCKS, SIDE, VALUES, write_blocks
from tests.ui.conftest import Opener
from tests.ui.desks import NO_KEY, SHIFT, Reading, pixels

pytestmark = pytest.mark.ui

AXIAL, CORONAL, SAGITTAL = range(3)


@pytest.fixture
def study(reading: Opener, tmp_path: Path) -> Reading:
    """The volume with a block on the left, in front and above, in three planes."""
    write_blocks(tmp_path / "study")
    opened: Reading = reading(tmp_path / "study", size=(1000, 800))
    opened.run("planes")
    opened.room.desk.viewports[3].set_in_3d(False)
    opened.qtbot.waitUntil(lambda: all(v.image is not None for v in opened.room.desk.seen), timeout=20_000)
    return opened


def centre(study: Reading) -> NDArray[np.float64]:
    cross = study.room.mpr.cross(study.room.desk.viewports[AXIAL])
    assert cross is not None
    return np.array(cross.centre)


def look_at(study: Reading, letter: str) -> None:
    stack = study.room.desk.viewports[3].stack
    assert stack is not None
    study.room.mpr.look_at(stack, BLOCKS[letter])


SEEN = {
    AXIAL: {"L": (1, 0), "A": (0, -1)},
    CORONAL: {"L": (1, 0), "S": (0, -1)},
    SAGITTAL: {"A": (-1, 0), "S": (0, -1)},
}
"""Plane → block → which way it lies from the middle of the picture, right and down."""


def where(picture: NDArray[np.uint8], value: int) -> tuple[float, float]:
    """Where the middle of a block of one value lies from the middle of a picture: right, down, in shares of it."""
    grey = round((value + 1000) / 2000 * 255)  # in the window of the files
    rows, columns = np.nonzero((np.abs(picture.astype(int) - grey) < 8).all(axis=2))
    height, width = picture.shape[:2]
    return float(np.median(columns) / width - 0.5), float(np.median(rows) / height - 0.5)


@pytest.mark.parametrize("plane", SEEN)
def test_left_is_left_on_the_screen_and_in_the_exported_picture(study: Reading, plane: int) -> None:
    study.room.settings.change(density=Density.NONE.value)
    widget = study.desk.widgets[plane]
    for letter, way in SEEN[plane].items():
        look_at(study, letter)
        exported = as_array(screenshot(Screenshot(widget.view())))[: widget.view().transform.size[1]]
        for picture in (pixels(widget), exported):
            right, down = where(picture, VALUES[letter])
            assert np.sign(round(right * 10)) == way[0]
            assert np.sign(round(down * 10)) == way[1]


def test_letters_say_where_the_patient_lies(study: Reading) -> None:
    from radviewer.render.scale import edge_letters

    letters = []
    for place in range(3):
        view = study.desk.widgets[place].view()
        assert view.image is not None
        found = edge_letters(view.image.plane, view.transform, view.image.orientation)
        assert found is not None
        letters.append(found)
    assert [(f.left, f.right, f.top, f.bottom) for f in letters] == [
        ("R", "L", "A", "P"), ("R", "L", "S", "I"), ("A", "P", "S", "I"),
    ]  # fmt: skip


def test_the_centre_is_dragged(study: Reading) -> None:
    start = study.place(*_centre_on(study, AXIAL), AXIAL)
    before = centre(study)
    study.mouse(AXIAL).drag(start, (start[0] + 60, start[1] - 30))
    pixel = study.desk.widgets[AXIAL].transform
    millimetres = 1 / pixel.zoom
    moved = centre(study) - before
    assert moved[0] == pytest.approx(60 * millimetres, abs=1.5 * millimetres)  # to the right of the picture: left
    assert moved[1] == pytest.approx(-30 * millimetres, abs=1.5 * millimetres)
    assert moved[2] == pytest.approx(0, abs=1e-6)
    sagittal = study.room.desk.viewports[SAGITTAL].plane
    assert sagittal is not None
    assert sagittal.position[0] == pytest.approx(centre(study)[0], abs=1.0)


def _centre_on(study: Reading, place: int) -> tuple[float, float]:
    return study.desk.widgets[place].cross_lines()[0].centre


def _grip(study: Reading, place: int, orientation: Orientation) -> tuple[float, float]:
    widget = study.desk.widgets[place]
    line = next(line for line in widget.cross_lines() if line.orientation is orientation)
    at = widget.placement.to_logical(*grips(line, widget.transform)[0])
    return at.x(), at.y()


def test_a_line_is_turned(study: Reading) -> None:
    widget = study.desk.widgets[AXIAL]
    middle = widget.placement.to_logical(*widget.transform.to_view(*_centre_on(study, AXIAL)))
    grip = _grip(study, AXIAL, Orientation.CORONAL)
    radius, angle = math.hypot(grip[0] - middle.x(), grip[1] - middle.y()), math.radians(25)
    start = math.atan2(grip[1] - middle.y(), grip[0] - middle.x())
    end = (middle.x() + radius * math.cos(start + angle), middle.y() + radius * math.sin(start + angle))
    axial = study.room.desk.viewports[AXIAL]
    before, moved = axial.image, centre(study)
    study.mouse(AXIAL).drag(grip, end)
    coronal = study.room.desk.viewports[CORONAL]
    assert coronal.plane is not None
    assert coronal.cut is not None
    turned = math.degrees(math.acos(min(1.0, abs(coronal.plane.normal[1]))))
    assert turned == pytest.approx(25, abs=1.5)
    assert not coronal.cut.cut.draft  # in full once the button was let go
    assert axial.image is before
    np.testing.assert_allclose(centre(study), moved)


def test_after_a_turn_pictures_are_as_if_painted_for_the_first_time(study: Reading) -> None:
    x, y = _grip(study, AXIAL, Orientation.CORONAL)
    mouse = study.mouse(AXIAL)
    mouse.drag((x, y), (x + 60, y + 45))
    for place in (AXIAL, CORONAL, SAGITTAL):
        widget = study.desk.widgets[place]
        view = widget.view()
        assert not view.transform.draft
        anew = as_array(ViewPainter().picture(view))
        width, height = view.transform.size
        np.testing.assert_array_equal(pixels(widget)[:height, :width], anew)


def test_what_is_made_pixel_by_pixel_is_not_taken_for_a_draft_in_blocks(
    study: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    axial, coronal = (study.room.desk.viewports[place] for place in (AXIAL, CORONAL))
    widget = study.desk.widgets[CORONAL]
    study.room.mpr.turn(axial, 20, draft=True)
    assert widget.view().transform.draft
    coronal.set_steps((ContrastStep(StepKind.MEDIAN, 1.0),), "median")
    assert not widget.view().transform.draft
    coronal.set_steps((), "none")
    monkeypatch.setattr(study.room.fusion, "image", lambda viewport: viewport.image)  # blended with another series
    assert not widget.view().transform.draft


def test_lines_have_the_colour_of_their_planes(study: Reading) -> None:
    study.room.settings.change(density=Density.NONE.value)
    for place, own in enumerate(PLACES):
        picture = pixels(study.desk.widgets[place]).reshape(-1, 3).astype(int)
        for orientation, colour in COLOURS.items():
            wanted = np.array([colour.red(), colour.green(), colour.blue()])
            near = (np.abs(picture - wanted).max(axis=1) < 12).sum()
            assert (near > 100) == (orientation is not own)


def test_window_keys_and_tools_work_as_on_images(study: Reading) -> None:
    coronal = study.room.desk.viewports[CORONAL]
    study.room.desk.activate(CORONAL)
    coronal.set_voi(Window(40, 400))
    assert study.room.desk.viewports[AXIAL].presentation.voi == Window(40, 400)  # one window for all planes
    index = coronal.index
    study.mouse(CORONAL).wheel((60, 60))
    assert coronal.index == index + 1
    study.run("flip-horizontal")
    assert coronal.camera.flipped
    assert not study.room.desk.viewports[AXIAL].camera.flipped
    study.run("invert")
    assert study.room.desk.viewports[SAGITTAL].presentation.inverted


def test_a_length_is_in_millimetres_of_the_patient(study: Reading) -> None:
    study.choose("length")
    coronal = study.room.desk.viewports[CORONAL]
    study.room.desk.activate(CORONAL)
    assert coronal.image is not None
    rows, _ = coronal.image.stored.shape
    study.mouse(CORONAL).drag(study.place(0, 20, CORONAL), study.place(rows - 1, 20, CORONAL))
    (mark,) = study.marks
    assert mark.kind is MarkKind.LENGTH
    (length,) = measure(mark, coronal.image)
    assert length.unit == "mm"
    assert length.value == pytest.approx(SIDE, abs=1.0)
    coronal.scroll(1)
    assert not study.desk.widgets[CORONAL].shown_marks()
    coronal.scroll(-1)
    assert study.desk.widgets[CORONAL].shown_marks() == (mark,)


def test_shift_moves_the_cross_hair_of_all_viewports(study: Reading) -> None:
    at = study.place(20, 40, AXIAL)
    study.mouse(AXIAL).move(at, SHIFT)
    assert study.room.desk.viewports[CORONAL].crosshair is not None
    study.mouse(AXIAL).move(at, NO_KEY)
    assert study.room.desk.viewports[CORONAL].crosshair is None


def test_the_tool_brings_the_planes_to_a_click(study: Reading) -> None:
    study.choose("crosshair")
    study.mouse(CORONAL).click(study.place(10, 12, CORONAL))
    plane = study.room.desk.viewports[CORONAL].plane
    assert plane is not None
    np.testing.assert_allclose(centre(study), plane.to_patient(10, 12), atol=1.5)


def test_slabs_and_planes_by_command(study: Reading) -> None:
    study.room.desk.activate(SAGITTAL)
    for command, label in (
        ("slab-mip", "sagittal, MIP 10 mm"),
        ("slab-thicker", "sagittal, MIP 15 mm"),
        ("slab-mean", "sagittal, mean 15 mm"),
        ("slab-mean", "sagittal"),
        ("slab-minip", "sagittal, MinIP 10 mm"),
        ("slab-thinner", "sagittal, MinIP 8 mm"),
        ("planes-reset", "sagittal"),
        ("plane-coronal", "coronal"),
    ):
        study.run(command)
        stack = study.room.desk.viewports[SAGITTAL].stack
        assert stack is not None
        assert stack.label == label
    study.run("planes")
    assert study.room.desk.layout is Layout.ONE
    assert study.viewport.cut is None


def test_slabs_of_images_are_explained(reading: Opener, tmp_path: Path, qtbot: QtBot) -> None:
    write_blocks(tmp_path)
    opened: Reading = reading(tmp_path)
    with qtbot.waitSignal(opened.room.notice) as told:
        opened.run("slab-mip")
    assert told.args is not None
    assert "F7" in told.args[0]
