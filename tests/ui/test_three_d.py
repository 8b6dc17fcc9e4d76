"""The 3D view: left is left, shear is sheared, a click names its place, and nothing of VTK stays behind."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from radviewer.app.finding_rows import saved_row
from radviewer.app.orbit import VIEWS, Orbit
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.app.shown import Shown
from radviewer.app.volume_presets import VolumePreset, read_volume_presets
from radviewer.domain.geometry import Geometry
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress
from radviewer.render.lettering import Lettering
from radviewer.ui.three_d import opengl
from radviewer.ui.three_d.annotations import edge_letters, wrapped
from radviewer.ui.three_d.budget import FEWEST, GOAL, MOST, Budget, fitted
from radviewer.ui.three_d.canvas import Canvas
from radviewer.ui.three_d.pictures import Pictures
from radviewer.ui.three_d.scene import Content, Quality, Scene, ShownSurface
from radviewer.ui.three_d.view import ThreeDView
from radviewer.volumes.render_volume import RenderVolume, prepare
from radviewer.volumes.surfaces import surface_of
from tests import phantoms
from tests.qt_objects import destroy

pytestmark = pytest.mark.ui

SHAPE = (24, 28, 32)
SIZE = (160, 120)
WAIT = 60_000

AXIAL = np.array([[0, 0, 1.0, -20], [0, 1.1, 0, 30], [1.5, 0, 0, 400], [0, 0, 0, 1]])
SAGITTAL = np.array([[1.5, 0, 0, -20], [0, 0, 1.1, 30], [0, -1.0, 0, 400], [0, 0, 0, 1]])
LEFT_HANDED = AXIAL @ np.array([[-1.0, 0, 0, 23], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
TILTED = np.array([[0, 0, 1.0, 0], [0.8, 1.1, 0, 0], [1.5, 0, 0, 0], [0, 0, 0, 1]])  # 28° of gantry tilt
AFFINES = {"axial": AXIAL, "sagittal": SAGITTAL, "left-handed": LEFT_HANDED, "tilted": TILTED}

Block = tuple[slice, slice, slice]
BLOCK: Block = (slice(17, 22), slice(3, 8), slice(23, 29))  # superior, anterior, left in AXIAL


def bone() -> VolumePreset:
    return next(preset for preset in read_volume_presets() if preset.name == "CT bone")


def volume_of(affine: NDArray[np.float64], *blocks: Block) -> RenderVolume:
    """Air with bright blocks."""
    stored = np.full(SHAPE, -1000, np.int16)
    for block in blocks:
        stored[block] = 1200
    slices = tuple(SliceImage(plane, unit="HU") for plane in stored)
    return prepare(Volume(stored, slices, Geometry(SHAPE, affine), {}), Progress(lambda *_: None))


def centre(block: Block, affine: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (affine @ (*((one.start + one.stop - 1) / 2 for one in block), 1))[:3]
    return (float(x), float(y), float(z))


def brightness(picture: QImage) -> NDArray[np.float64]:
    """(height, width), 0–255."""
    grey = picture.convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return lines[:, : grey.width()].astype(np.float64)


def bright_place(picture: QImage) -> tuple[float, float]:
    """Middle of what is bright, x and y in pixels."""
    rows, columns = np.nonzero(brightness(picture) > 30)
    assert rows.size > 20
    return (float(columns.min() + columns.max() + 1) / 2, float(rows.min() + rows.max() + 1) / 2)


@pytest.fixture
def scene(qapp: object) -> Iterator[Scene]:
    assert qapp is not None
    made = Scene()
    yield made
    made.finalise()
    made.finalise()  # twice is no error


# Left is left


@pytest.mark.parametrize(
    ("view", "right", "up"),
    [
        ("A", True, True),
        ("P", False, True),
        ("L", False, True),
        ("R", True, True),
        ("S", False, True),
        ("I", True, True),
    ],
)
def test_a_block_on_the_patients_left_lies_where_it_should(scene: Scene, view: str, right: bool, up: bool) -> None:
    """The block is left, anterior and superior of the middle."""
    scene.set_volume(volume_of(AXIAL, BLOCK))
    scene.set_look(bone(), None)
    low, high = volume_of(AXIAL, BLOCK).bounds
    orbit = Orbit().seen_from(view).fitted(low, high, SIZE)
    x, y = bright_place(scene.render(orbit, SIZE, Quality.REST))
    assert (x > SIZE[0] / 2 + 5) == right
    assert (y < SIZE[1] / 2 - 5) == up
    letters = edge_letters(orbit)
    names = {"left": letters["left"], "right": letters["right"]}
    assert names["right" if right else "left"] in ("L" if view in "APSI" else "A")
    assert letters["top"] == ("A" if view in "SI" else "S")


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("affine", AFFINES)
def test_the_volume_lies_in_the_patient_sheared_as_it_is(scene: Scene, affine: str, quality: Quality) -> None:
    """Two blocks in the same rows and columns of far slices: with a tilt one lies beside the other."""
    for block in ((slice(2, 5), slice(10, 15), slice(8, 13)), (slice(19, 22), slice(10, 15), slice(8, 13))):
        volume = volume_of(AFFINES[affine], block)
        scene.set_volume(volume)
        scene.set_look(bone(), None)
        for view in VIEWS:
            orbit = Orbit().seen_from(view).fitted(*volume.bounds, SIZE)
            found = bright_place(scene.render(orbit, SIZE, quality))
            expected = orbit.place(centre(block, AFFINES[affine]), SIZE)[:2]
            assert found == pytest.approx(expected, abs=2.0)


@pytest.mark.parametrize("opacity", [0.6, 1.0])
@pytest.mark.parametrize("affine", AFFINES)
def test_a_surface_lies_on_the_voxels_it_was_made_of(scene: Scene, affine: str, opacity: float) -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[BLOCK] = True
    grid = Geometry(SHAPE, AFFINES[affine])
    volume = volume_of(AFFINES[affine])
    scene.set_surfaces({1: ShownSurface(surface_of(mask, grid), (1, 1, 1), opacity)})
    orbit = Orbit().seen_from("A").turned(0.1, 0.05).fitted(*volume.bounds, SIZE)
    found = bright_place(scene.render(orbit, SIZE, Quality.REST))
    assert found == pytest.approx(orbit.place(centre(BLOCK, AFFINES[affine]), SIZE)[:2], abs=1.5)


def test_the_cube_and_letters_are_in_the_exported_picture(qtbot: QtBot) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    pictures = Pictures(canvas)
    pictures.show(Content(volume_of(AXIAL, BLOCK), bone()))
    canvas.set_pictures(pictures)
    canvas.reset(volume_of(AXIAL, BLOCK).bounds)
    picture = brightness(canvas.picture((400, 300)))
    assert picture.shape == (300, 400)
    for part in (picture[140:160, :30], picture[140:160, -30:], picture[:30, 190:210], picture[-30:, 190:210]):
        assert part.max() > 150  # a letter at each edge
    assert picture[-70:, :70].max() > 100  # the cube
    canvas.set_pictures(None)
    pictures.finalise()


# Look


def test_the_clipping_box_cuts_the_volume_and_no_surface(scene: Scene) -> None:
    volume = volume_of(AXIAL, BLOCK, (slice(2, 6), slice(18, 25), slice(2, 8)))
    mask = np.zeros(SHAPE, np.bool_)
    mask[8:16, 10:18, 12:20] = True
    orbit = Orbit().seen_from("A").fitted(*volume.bounds, SIZE)
    scene.set_volume(volume)
    scene.set_look(bone(), None)
    whole = brightness(scene.render(orbit, SIZE, Quality.REST))
    low, high = volume.bounds
    middle = (low + high) / 2
    scene.set_look(bone(), (np.array((middle[0], low[1], low[2])), high))  # the right half is cut away
    left = brightness(scene.render(orbit, SIZE, Quality.REST))
    assert whole[:, :75].max() > 50
    assert left[:, :75].max() < 5
    assert left[:, 85:].max() > 50
    scene.set_look(None, None)
    assert brightness(scene.render(orbit, SIZE, Quality.REST)).max() < 5
    scene.set_surfaces({1: ShownSurface(surface_of(mask, volume.geometry), (1, 1, 1), 0.7)})
    assert brightness(scene.render(orbit, SIZE, Quality.REST)).max() > 50


@pytest.mark.parametrize("name", [preset.name for preset in read_volume_presets()])
def test_every_preset_shows_something(scene: Scene, name: str) -> None:
    stored = np.random.default_rng(0).integers(-900, 900, SHAPE).astype(np.int16)
    slices = tuple(SliceImage(plane, unit="HU") for plane in stored)
    volume = prepare(Volume(stored, slices, Geometry(SHAPE, AXIAL), {}), Progress(lambda *_: None))
    scene.set_volume(volume)
    scene.set_look(next(preset for preset in read_volume_presets() if preset.name == name), None)
    orbit = Orbit().fitted(*volume.bounds, SIZE)
    assert brightness(scene.render(orbit, SIZE, Quality.REST)).max() > 20


def test_values_mean_the_same_whatever_their_scale(scene: Scene) -> None:
    """The same Hounsfield units stored with another slope and intercept give the same picture."""
    pictures = []
    for slope, intercept, dtype in ((1.0, 0.0, np.int16), (0.5, -1024.0, np.uint16), (-1.0, 0.0, np.int16)):
        stored = np.full(SHAPE, (-1000 - intercept) / slope).astype(dtype)
        stored[BLOCK] = (1200 - intercept) / slope
        slices = tuple(SliceImage(plane, slope, intercept, unit="HU") for plane in stored)
        volume = prepare(Volume(stored, slices, Geometry(SHAPE, AXIAL), {}), Progress(lambda *_: None))
        scene.set_volume(volume)
        scene.set_look(bone(), None)
        pictures.append(brightness(scene.render(Orbit().fitted(*volume.bounds, SIZE), SIZE, Quality.REST)))
    assert np.abs(pictures[0] - pictures[1]).max() <= 6
    assert (np.abs(pictures[0] - pictures[2]) > 30).mean() < 0.02


@pytest.mark.parametrize("name", [preset.name for preset in read_volume_presets() if preset.modality == "CT"])
@pytest.mark.parametrize("affine", ["axial", "tilted"])
def test_leaving_out_what_cannot_be_seen_changes_no_picture(scene: Scene, affine: str, name: str) -> None:
    """The ray's samples begin elsewhere, which moves grey values a little."""
    volume = volume_of(AFFINES[affine], BLOCK)
    preset = next(one for one in read_volume_presets() if one.name == name)
    scene.set_volume(volume)
    scene.set_look(preset, None)
    orbit = Orbit().seen_from("A").turned(0.2, 0.1).fitted(*volume.bounds, SIZE)
    cropped = brightness(scene.render(orbit, SIZE, Quality.REST))
    mapper = scene._casts[Quality.REST]._mapper
    assert mapper.GetCropping()
    mapper.CroppingOff()
    whole = brightness(scene.render(orbit, SIZE, Quality.REST))
    assert whole.max() > 20
    assert ((cropped > 5) == (whole > 5)).mean() > 0.99
    assert np.abs(cropped - whole).mean() < 1


def test_a_maximum_is_the_highest_value_whatever_the_slope(scene: Scene) -> None:
    pictures = []
    preset = next(one for one in read_volume_presets() if one.name == "CT maximum")
    for slope in (1.0, -1.0):
        stored = np.full(SHAPE, -1000 * slope).astype(np.int16)
        stored[BLOCK] = 500 * slope
        slices = tuple(SliceImage(plane, slope, unit="HU") for plane in stored)
        volume = prepare(Volume(stored, slices, Geometry(SHAPE, AXIAL), {}), Progress())
        scene.set_volume(volume)
        scene.set_look(preset, None)
        pictures.append(brightness(scene.render(Orbit().fitted(*volume.bounds, SIZE), SIZE, Quality.REST)))
    assert pictures[0].max() > 100
    assert np.abs(pictures[0] - pictures[1]).max() <= 6


# Drafts and fine pictures


def test_drafts_have_as_many_pixels_as_can_be_made_in_time() -> None:
    budget = Budget()
    for _ in range(20):
        budget.spent("quick", GOAL / 10)
        budget.spent("slow", budget.pixels("slow") * 1e-6 * 2)
        budget.spent("hopeless", 1.0)
    assert budget.pixels("quick") == MOST
    assert budget.pixels("slow") * 2e-6 == pytest.approx(GOAL, rel=0.05)
    assert budget.pixels("hopeless") == FEWEST
    assert fitted((800, 600), 120_000) == (400, 300)
    assert fitted((80, 60), 120_000) == (80, 60)
    assert fitted((5000, 1), 100) == (707, 1)


@pytest.fixture
def pictures(qapp: object) -> Iterator[Pictures]:
    assert qapp is not None
    made = Pictures()
    made.show(Content(volume_of(AXIAL, BLOCK), bone()))
    yield made
    made.finalise()
    made.finalise()  # twice is no error
    destroy(made)


def test_fine_pictures_are_those_of_a_scene(qtbot: QtBot, scene: Scene, pictures: Pictures) -> None:
    scene.show(pictures.content)
    orbit = Orbit().seen_from("A").fitted(*volume_of(AXIAL, BLOCK).bounds, SIZE)
    expected = brightness(scene.render(orbit, SIZE, Quality.REST))
    with qtbot.waitSignal(pictures.fine, timeout=WAIT) as told:
        pictures.ask(orbit, SIZE)
    assert np.array_equal(brightness(told.args[0]), expected)
    assert np.array_equal(brightness(pictures.now(orbit, SIZE)), expected)
    assert bright_place(pictures.draft(orbit, SIZE)) == pytest.approx(bright_place(told.args[0]), abs=2)


def test_only_the_last_fine_picture_asked_for_is_told(qtbot: QtBot, pictures: Pictures) -> None:
    low, high = volume_of(AXIAL, BLOCK).bounds
    told: list[QImage] = []
    pictures.fine.connect(told.append)
    for view in "LPAS":
        pictures.ask(Orbit().seen_from(view).fitted(low, high, SIZE), SIZE)
    orbit = Orbit().seen_from("R").fitted(low, high, SIZE)
    with qtbot.waitSignal(pictures.fine, timeout=WAIT):
        pictures.ask(orbit, SIZE)
    (last,) = told
    assert np.array_equal(brightness(last), brightness(pictures.now(orbit, SIZE)))
    pictures.ask(orbit, SIZE)
    pictures.drop()
    pictures.now(orbit, SIZE)  # behind it in the thread
    QApplication.sendPostedEvents()
    assert len(told) == 1


def test_a_picture_after_one_that_was_left_unfinished_is_whole(scene: Scene) -> None:
    volume = volume_of(AXIAL, BLOCK)
    scene.show(Content(volume, bone()))
    orbit = Orbit().seen_from("A").fitted(*volume.bounds, SIZE)
    before = brightness(scene.render(orbit, SIZE, Quality.REST))
    scene.abort()
    assert np.array_equal(brightness(scene.render(orbit, SIZE, Quality.REST)), before)


# Picking


@pytest.mark.parametrize("opacity", [0.6, 1.0])
def test_a_click_on_a_surface_names_its_place(scene: Scene, opacity: float) -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[BLOCK] = True
    volume = volume_of(TILTED)
    scene.set_surfaces({1: ShownSurface(surface_of(mask, volume.geometry), (1, 1, 1), opacity)})
    orbit = Orbit().seen_from("A").fitted(*volume.bounds, SIZE)
    middle = centre(BLOCK, TILTED)
    x, y, _ = orbit.place(middle, SIZE)
    point = scene.pick(orbit, SIZE, x, y)
    assert point is not None
    assert point[0] == pytest.approx(middle[0], abs=1)
    assert point[2] == pytest.approx(middle[2], abs=1)
    assert middle[1] - 6 < point[1] < middle[1] - 1.5  # on its anterior side
    assert scene.pick(orbit, SIZE, 2, 2) is None


def test_a_click_on_the_volume_names_its_place(scene: Scene) -> None:
    volume = volume_of(TILTED, BLOCK)
    scene.set_volume(volume)
    scene.set_look(bone(), None)
    orbit = Orbit().seen_from("L").fitted(*volume.bounds, SIZE)
    middle = centre(BLOCK, TILTED)
    x, y, _ = orbit.place(middle, SIZE)
    point = scene.pick(orbit, SIZE, x, y)
    assert point is not None
    assert point[1:] == pytest.approx(middle[1:], abs=1)
    assert point[0] == pytest.approx(middle[0] + 3, abs=1)  # its left side


# OpenGL


def test_opengl_is_tried_in_another_process() -> None:
    assert opengl.problem(Progress()) is None


class Trial:
    """A process that ends with a status, or never."""

    def __init__(self, status: int | None) -> None:
        self.args: list[str] = []
        self.status, self.waited, self.killed = status, 0.0, False

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.killed or self.status is not None  # or the window would wait for it

    def wait(self, timeout: float) -> int:
        self.waited += timeout
        if self.status is None:
            raise subprocess.TimeoutExpired([], timeout)
        return self.status

    def kill(self) -> None:
        self.killed = True


@pytest.mark.parametrize("status", [-11, 1, None])
def test_a_trial_that_crashes_or_hangs_is_a_sentence(status: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(status)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: trial)
    assert opengl.problem(Progress()) == opengl.MISSING
    assert trial.waited <= 61


def test_a_trial_that_cannot_begin_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert opengl.problem(Progress()) == opengl.MISSING


def test_a_trial_that_is_no_longer_wanted_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, progress = Trial(None), Progress()
    progress.cancel()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: trial)
    with pytest.raises(Cancelled):
        opengl.problem(progress)
    assert trial.killed


def test_closing_during_the_trial_waits_for_nothing(qtbot: QtBot, ct: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that never ends: the view is given back, and the queue's thread with it."""
    room = ReadingRoom(SettingsFile())
    begun = threading.Event()
    popen = subprocess.Popen

    def endless(_command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        made = popen([sys.executable, "-c", "input()"], **{**options, "stdin": subprocess.PIPE})
        begun.set()
        return made

    monkeypatch.setattr(subprocess, "Popen", endless)
    view = ThreeDView(room, problem=opengl.problem)
    view.show_stack(ct)
    qtbot.waitUntil(begun.is_set, timeout=WAIT)
    view.finalise()
    assert room.close()  # every thread has ended
    destroy(view)
    destroy(room)


@pytest.mark.expects_log("VTK: .*has 0 connections but is not optional")
def test_what_vtk_says_goes_to_the_log(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    opengl.redirect_messages()
    with caplog.at_level(logging.WARNING):
        vtkWindowedSincPolyDataFilter().Update()
    assert "0x" not in caplog.text
    assert capfd.readouterr().err == ""


# The view


@pytest.fixture
def room(qapp: QApplication) -> Iterator[ReadingRoom]:
    assert qapp is not None
    made = ReadingRoom(SettingsFile())
    yield made
    assert made.close()
    destroy(made)


@pytest.fixture
def ct(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> Shown:
    stored = np.zeros(SHAPE, np.int16)
    stored[BLOCK] = 2200
    phantoms.volume(
        tmp_path / "ct", SHAPE[0], shape=SHAPE[1:], spacing=(1.1, 1.0), PixelData=[plane.tobytes() for plane in stored]
    )
    phantoms.film(tmp_path / "film.dcm", series="film")
    with qtbot.waitSignal(room.session.opened, timeout=WAIT):
        room.open(tmp_path)
    return next(s for s in room.all_shown() if s.stack.geometry is not None)


Opened = Callable[..., ThreeDView]


@pytest.fixture
def open_view(qtbot: QtBot, room: ReadingRoom) -> Iterator[Opened]:
    views: list[ThreeDView] = []

    def opened(shown: Shown | None, problem: str | None = None) -> ThreeDView:
        view = ThreeDView(room, problem=lambda _: problem)
        views.append(view)
        view.resize(420, 320)
        with qtbot.waitExposed(view):
            view.show()
        view.show_stack(shown)
        return view

    yield opened
    for view in views:
        view.finalise()
        view.close()
        destroy(view)


def at_rest(qtbot: QtBot, view: ThreeDView) -> None:
    with qtbot.waitSignal(view.canvas.rendered, timeout=WAIT, check_params_cb=lambda q: q is Quality.REST):
        view.canvas.touch()


def seen(view: ThreeDView) -> NDArray[np.float64]:
    return brightness(view.canvas.grab().toImage())


def press(view: ThreeDView, start: tuple[float, float], end: tuple[float, float], button: Qt.MouseButton) -> None:
    """Press, move in two steps, let go; device pixels are logical ones here."""
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    steps = [
        (QEvent.Type.MouseButtonPress, start, button, button),
        (QEvent.Type.MouseMove, middle, Qt.MouseButton.NoButton, button),
        (QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton, button),
        (QEvent.Type.MouseButtonRelease, end, button, Qt.MouseButton.NoButton),
    ]
    for kind, at, changed, held in steps:
        place = QPointF(*at)
        event = QMouseEvent(
            kind, place, QPointF(view.canvas.mapToGlobal(place)), changed, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(view.canvas, event)


def key(view: ThreeDView, letter: str) -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key(ord(letter)), Qt.KeyboardModifier.NoModifier, letter)
    QApplication.sendEvent(view.canvas, event)


def test_a_series_is_shown_coarse_then_fine(qtbot: QtBot, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct)
    qualities: list[object] = []
    view.canvas.rendered.connect(qualities.append)
    at_rest(qtbot, view)
    assert Quality.MOVING in qualities
    assert qualities[-1] is Quality.REST
    assert view.canvas.pictures is not None
    x, y = bright_place(view.canvas.pictures.now(view.canvas.orbit, SIZE))
    assert x > SIZE[0] / 2  # the patient's left
    assert y < SIZE[1] / 2
    assert seen(view).max() > 100


def test_the_mouse_turns_moves_and_zooms(qtbot: QtBot, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct)
    at_rest(qtbot, view)
    home = view.canvas.orbit
    press(view, (100, 100), (160, 100), Qt.MouseButton.LeftButton)
    turned = view.canvas.orbit
    assert turned.direction != home.direction
    assert turned.span == home.span
    press(view, (100, 100), (130, 100), Qt.MouseButton.MiddleButton)
    assert view.canvas.orbit.focus != turned.focus
    press(view, (100, 100), (100, 60), Qt.MouseButton.RightButton)
    assert view.canvas.orbit.span < turned.span
    view.bar.reset.click()
    assert view.canvas.orbit == home


def test_nothing_of_the_bar_is_cut_off(qtbot: QtBot, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct)  # shown before there is anything to choose
    view.resize(408, 320)  # a quarter of a small window
    at_rest(qtbot, view)
    presets = view.bar.presets
    option = QStyleOptionComboBox()
    presets.initStyleOption(option)
    field = QStyle.SubControl.SC_ComboBoxEditField
    seen = presets.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, presets)
    widest = max(presets.fontMetrics().horizontalAdvance(presets.itemText(i)) for i in range(presets.count()))
    assert widest <= seen.width()
    for button in (*view.bar.sides.values(), view.bar.reset, view.bar.panel):
        text = button.fontMetrics().horizontalAdvance(button.text())
        assert text + 4 <= button.width(), button.text()


@pytest.mark.parametrize("by", ["key", "button"])
def test_sides_by_key_and_button(qtbot: QtBot, open_view: Opened, ct: Shown, by: str) -> None:
    view = open_view(ct)
    at_rest(qtbot, view)
    for letter in VIEWS:
        if by == "key":
            key(view, letter)
        else:
            view.bar.sides[letter].click()
        assert view.canvas.orbit.direction == Orbit().seen_from(letter).direction
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_R, Qt.KeyboardModifier.NoModifier, "r")
    override.ignore()
    QApplication.sendEvent(view.canvas, override)
    assert override.isAccepted()  # the window's own R does not act here


def test_a_click_is_told_and_a_drag_is_not(qtbot: QtBot, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct)
    at_rest(qtbot, view)
    told: list[object] = []
    view.picked.connect(told.append)
    assert ct.stack.geometry is not None
    middle = centre(BLOCK, ct.stack.geometry.affine_lps)
    x, y, _ = view.canvas.orbit.place(middle, view.canvas.device_size)
    press(view, (x, y), (x, y), Qt.MouseButton.LeftButton)
    assert len(told) == 1
    assert np.array(told[0])[[0, 2]] == pytest.approx(np.array(middle)[[0, 2]], abs=1.5)
    press(view, (x, y), (x + 30, y), Qt.MouseButton.LeftButton)
    press(view, (2, 2), (2, 2), Qt.MouseButton.LeftButton)
    assert len(told) == 1


def test_surfaces_are_listed_shown_and_hidden(qtbot: QtBot, room: ReadingRoom, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct)
    mask = np.zeros(SHAPE, np.bool_)
    mask[4:12, 8:20, 4:14] = True
    room.findings.add_saved({ct.stack.key: (saved_row(ct, "f", "glioma", mask, "x"),)})
    qtbot.waitUntil(lambda: bool(view.canvas.labels), timeout=WAIT)
    assert view.canvas.labels[0].text.startswith("Glioma: volume")
    view.bar.panel.click()
    (line,) = view.panel.lines
    assert line.shown.isChecked()
    line.opacity.setValue(100)
    assert view.state.listed[0].look.opacity == 1.0
    line.shown.click()
    assert view.canvas.labels == ()
    view.panel.labels.click()
    view.panel.volume.click()
    view.panel.sliders["L"].setValue(30)
    assert view.state.look.high[0] == pytest.approx(0.7)
    assert view.panel.clipped.isChecked()
    view.panel.sliders["R"].setValue(100)  # not past the other end
    assert view.state.look.low[0] < view.state.look.high[0]
    assert not view.state.look.volume


def test_without_opengl_a_sentence_stands_there(qtbot: QtBot, open_view: Opened, ct: Shown) -> None:
    view = open_view(ct, problem=opengl.MISSING)
    qtbot.waitUntil(lambda: view.state.volume is not None, timeout=WAIT)
    assert view.canvas.pictures is None
    assert seen(view).max() > 100  # the sentence
    press(view, (50, 50), (90, 90), Qt.MouseButton.LeftButton)
    press(view, (50, 50), (50, 50), Qt.MouseButton.LeftButton)
    assert view.picture((200, 150)).width() == 200


def test_what_is_no_volume_is_said_and_a_volume_may_follow(
    qtbot: QtBot, room: ReadingRoom, open_view: Opened, ct: Shown
) -> None:
    film = next(s for s in room.all_shown() if s.stack is not ct.stack)
    view = open_view(film)
    assert "no volume" in view.state.message
    assert seen(view).max() > 100
    view.show_stack(ct)
    at_rest(qtbot, view)
    view.show_stack(None)
    assert view.canvas.pictures is None


def test_long_sentences_are_broken_into_lines(qapp: object) -> None:
    assert qapp is not None
    lettering = Lettering()
    lines = wrapped(lettering, opengl.MISSING, 12, 300)
    assert len(lines) > 2
    assert " ".join(lines) == opengl.MISSING
    assert all(lettering.width(line, 12) <= 300 for line in lines)


def vtk_objects() -> int:
    from vtkmodules.vtkCommonCore import vtkObjectBase

    gc.collect()
    return sum(issubclass(type(one), vtkObjectBase) for one in gc.get_objects())


def test_every_object_of_a_scene_is_deleted(qapp: object) -> None:
    from vtkmodules.vtkCommonCore import vtkCommand

    assert qapp is not None
    scene = Scene()
    volume = volume_of(AXIAL, BLOCK)
    mask = np.zeros(SHAPE, np.bool_)
    mask[BLOCK] = True
    scene.set_volume(volume)
    scene.set_look(bone(), volume.bounds)
    scene.set_surfaces({n: ShownSurface(surface_of(mask, volume.geometry), (1, 1, 1), n / 2) for n in (1, 2)})
    scene.render(Orbit().fitted(*volume.bounds, SIZE), SIZE, Quality.REST)
    parts = [scene._window, *scene._layers, *(cast.prop for cast in scene._casts.values())]
    parts += [cast.prop.GetMapper() for cast in scene._casts.values()]
    parts += [part for _, actor in scene._actors.values() for part in (actor, actor.GetMapper())]
    deleted: list[str] = []
    for part in parts:
        part.AddObserver(vtkCommand.DeleteEvent, lambda _part, event: deleted.append(event))
    count = len(parts)
    del part, parts
    scene.finalise()
    gc.collect()
    assert len(deleted) == count == 11


def test_nothing_of_vtk_stays_behind(qtbot: QtBot, room: ReadingRoom, ct: Shown) -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[BLOCK] = True
    room.findings.add_saved({ct.stack.key: (saved_row(ct, "f", "glioma", mask, "x"),)})
    views: list[ThreeDView] = []
    counts = []
    for cycle in range(25):
        views.append(ThreeDView(room, problem=lambda _: None))
        views[0].resize(200, 150)
        with qtbot.waitExposed(views[0]):
            views[0].show()
        views[0].show_stack(ct)
        qtbot.waitUntil(lambda: bool(views[0].canvas.labels), timeout=WAIT)
        at_rest(qtbot, views[0])
        if cycle == 0:
            assert vtk_objects() > 5  # they can be counted
        views[0].finalise()
        views[0].close()
        destroy(views.pop())
        if cycle in (1, 24):  # collecting garbage takes long
            counts.append(vtk_objects())
    assert counts[1] <= counts[0]
