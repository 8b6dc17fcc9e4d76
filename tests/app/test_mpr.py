"""Planes through a volume on the desk: left is left, millimetres are right, the cross-hair holds them together."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from radviewer.app.desk import Layout
from radviewer.app.mpr import PAUSE_MS, PLACES
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.planes import Axes, Orientation, Slab, axes_of
from radviewer.domain.reformat import Cut, reformatted
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render.view import Camera, ViewTransform
from tests import phantoms
from tests.app.hand_made import heard
from tests.app.rooms import WAIT, opened
from tests.block_phantom import BLOCKS, VALUES, write_blocks
from tests.phantoms import AXIAL, CORONAL, SAGITTAL

OBLIQUE = (0.98, 0.17364818, 0.09, -0.17, 0.984, -0.05)


def right_angled(orientation: tuple[float, ...]) -> tuple[float, ...]:
    row = np.array(orientation[:3]) / np.linalg.norm(orientation[:3])
    column = np.array(orientation[3:]) - row * float(row @ orientation[3:])
    return (*row.tolist(), *(column / np.linalg.norm(column)).tolist())


ACQUIRED: dict[str, dict[str, Any]] = {
    "axial": {"orientation": AXIAL},
    "axial from above": {"orientation": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)},
    "coronal": {"orientation": CORONAL},
    "sagittal": {"orientation": SAGITTAL},
    "oblique": {"orientation": right_angled(OBLIQUE)},
    "tilted": {"orientation": AXIAL, "tilt": 15.0},
    "anisotropic": {"orientation": AXIAL, "step": 3.0, "spacing": (0.5, 1.2)},
}
SCREEN = {Orientation.AXIAL: ("L", "A"), Orientation.CORONAL: ("L", "S"), Orientation.SAGITTAL: ("A", "S")}
"""Letters that lie to the side and above: which block is seen where."""


def in_planes(qtbot: QtBot, room: ReadingRoom, folder: Path) -> dict[Orientation, Viewport]:
    opened(qtbot, room, folder)
    assert room.mpr.open(room.desk.active.shown)
    qtbot.waitUntil(lambda: all(v.image is not None for v in room.desk.seen), timeout=WAIT)
    return dict(zip(PLACES, room.desk.seen, strict=False))


def found(image: SliceImage, value: int) -> tuple[float, float] | None:
    """Middle, ``(row, column)``, of where a plane shows a block; None where it does not."""
    places = np.argwhere(np.abs(image.modality_values() - value) < 60)
    if len(places) < 9:
        return None
    row, column = np.median(places, axis=0).tolist()  # the borders of brighter blocks pass through the value too
    return (row, column)


@pytest.fixture
def planes(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> dict[Orientation, Viewport]:
    write_blocks(tmp_path)
    return in_planes(qtbot, room, tmp_path)


@pytest.mark.parametrize("how", ACQUIRED.values(), ids=ACQUIRED)
def test_left_is_left_in_every_plane(qtbot: QtBot, room: ReadingRoom, tmp_path: Path, how: dict[str, Any]) -> None:
    write_blocks(tmp_path, **how)
    planes = in_planes(qtbot, room, tmp_path)
    source = room.desk.seen[3].stack
    assert source is not None
    for orientation, viewport in planes.items():
        side, above = SCREEN[orientation]
        for letter in (side, above):
            room.mpr.look_at(source, BLOCKS[letter])
            image, plane = viewport.image, viewport.plane
            assert image is not None
            assert plane is not None
            place = found(image, VALUES[letter])
            assert place is not None, (orientation, letter)
            assert_allclose(plane.to_patient(*place), BLOCKS[letter], atol=2.0)
            rows, columns = image.stored.shape
            if letter == side:  # the patient's left lies at the right of the picture, the front at its left
                assert (place[1] > columns / 2) == (letter == "L")
            else:
                assert place[0] < rows / 2


def test_axial_planes_of_axial_slices_are_the_slices(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    source = room.desk.seen[3]
    volume = None if source.stack is None else room.cache.volume(source.stack)
    assert volume is not None
    axial = planes[Orientation.AXIAL]
    for index in (0, 7, 30):
        axial.go_to(index)
        assert axial.image is not None
        assert_array_equal(axial.image.stored, volume.stored[index])
        assert axial.plane is not None
        assert_allclose(axial.plane.position, source.stack.frames[index].plane.position)  # type: ignore[union-attr]


def test_millimetres_are_right_in_every_plane(planes: dict[Orientation, Viewport]) -> None:
    for viewport in planes.values():
        image, plane = viewport.image, viewport.plane
        assert image is not None
        assert plane is not None
        assert image.spacing is not None
        here, there = plane.to_patient(3, 5), plane.to_patient(13, 29)
        millimetres = np.hypot(10 * image.spacing.row, 24 * image.spacing.column)
        assert np.linalg.norm(np.subtract(here, there)) == pytest.approx(millimetres)
        assert image.unit == "HU"


def test_the_cross_hair_goes_where_the_reader_scrolls(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    before = coronal.index
    axial.go_to(4)
    cross = room.mpr.cross(coronal)
    assert cross is not None
    assert axial.plane is not None
    assert cross.centre[2] == pytest.approx(axial.plane.position[2])
    assert coronal.index == before


def test_all_planes_go_to_a_point(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    stack = room.desk.seen[3].stack
    assert stack is not None
    told = heard(room.mpr.changed)
    room.mpr.look_at(stack, (11.0, -7.0, 20.0))
    for viewport, axis in ((planes[Orientation.AXIAL], 2), (planes[Orientation.CORONAL], 1)):
        assert viewport.plane is not None
        assert viewport.plane.position[axis] == pytest.approx((11.0, -7.0, 20.0)[axis], abs=1.0)
    assert len(told) == 1
    room.mpr.look_at(stack, (1e6, 0.0, 0.0))
    cross = room.mpr.cross(planes[Orientation.AXIAL])
    assert cross is not None
    assert cross.centre[0] == pytest.approx(30.0)  # the border of the volume


def test_a_turn_leaves_the_plane_it_is_seen_on(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    assert axial.image is not None
    before, window = axial.image.stored, Window(40, 400)
    coronal.set_voi(window)
    room.mpr.turn(axial, 30, draft=True)
    assert coronal.cut is not None
    assert coronal.cut.cut.draft
    room.mpr.finish(coronal.cut.of)
    assert not coronal.cut.cut.draft
    assert coronal.presentation.voi == window
    assert axial.image is not None
    assert axial.image.stored.shape == before.shape
    assert coronal.plane is not None
    # Clockwise as seen on the axial picture: the coronal plane's left end goes to the back.
    assert_allclose(coronal.plane.row_direction, (np.cos(np.pi / 6), 0.5, 0), atol=1e-6)
    assert "oblique" in coronal.cut.label


def test_a_turn_on_the_sagittal_picture_is_clockwise_too(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    room.mpr.turn(planes[Orientation.SAGITTAL], 30)
    axial = planes[Orientation.AXIAL].plane
    assert axial is not None
    # Its line points to the back, at the right of the picture; clockwise it goes down.
    assert_allclose(axial.column_direction, (0, np.cos(np.pi / 6), -0.5), atol=1e-6)


def test_a_turn_in_small_steps_ends_as_one_at_once(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    turns = ((Orientation.AXIAL, 25.0), (Orientation.CORONAL, -10.0), (Orientation.SAGITTAL, 40.0))
    for on, degrees in turns:
        room.mpr.turn(planes[on], degrees)
    at_once = [(v.image, v.plane, v.cut) for v in planes.values()]
    room.mpr.reset(planes[Orientation.AXIAL])
    for on, degrees in turns:
        own = planes[on].image
        for _ in range(20):
            room.mpr.turn(planes[on], degrees / 20, draft=True)
            assert planes[on].image is own  # goes on being seen in full, and is not cut again
            for other in planes.values():
                assert other is planes[on] or (other.cut is not None and other.cut.cut.draft)
        turned_on = planes[on].cut
        assert turned_on is not None
        room.mpr.finish(turned_on.of)
    for viewport, (image, plane, cut) in zip(planes.values(), at_once, strict=True):
        assert viewport.cut is not None
        assert cut is not None
        assert plane is not None
        assert image is not None
        assert viewport.image is not None
        assert not viewport.cut.cut.draft
        cross = room.mpr.cross(viewport)
        assert cross is not None
        assert viewport.cut.cut.axes == cross.axes  # also of the one that others were turned on
        assert viewport.plane is not None
        assert_allclose(viewport.plane.position, plane.position, atol=1e-6)
        assert_allclose(viewport.plane.normal, plane.normal, atol=1e-9)
        off = viewport.image.stored.astype(float) - image.stored.astype(float)
        assert (np.abs(off) > 1).mean() < 0.01  # pixels beside the volume's border


def test_a_pause_in_turning_shows_planes_in_full(
    room: ReadingRoom, planes: dict[Orientation, Viewport], qtbot: QtBot
) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    room.mpr.turn(axial, 25, draft=True)
    qtbot.waitUntil(lambda: coronal.cut is not None and not coronal.cut.cut.draft)
    room.mpr.turn(axial, 1, draft=True)  # the reader goes on
    assert coronal.cut is not None
    assert coronal.cut.cut.draft


def test_a_study_that_was_closed_is_not_cut_after_a_pause(
    room: ReadingRoom, planes: dict[Orientation, Viewport], qtbot: QtBot
) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    room.mpr.turn(axial, 25, draft=True)
    room.mpr.clear()
    later = QTimer(room, singleShot=True, interval=2 * PAUSE_MS)
    with qtbot.waitSignal(later.timeout):
        later.start()  # fires after a pause that began before
    assert coronal.cut is not None
    assert coronal.cut.cut.draft


def test_planes_that_are_hidden_while_they_turn_are_seen_in_full_again(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    room.mpr.turn(axial, 25, draft=True)
    assert coronal.cut is not None
    room.desk.set_layout(Layout.ONE)
    assert coronal not in room.desk.seen
    room.mpr.finish(coronal.cut.of)
    assert not coronal.cut.cut.draft


def test_lines_are_told_once_of_all_planes_that_turn(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    told: list[None] = []
    room.desk.moved.connect(lambda: told.append(None))
    room.mpr.turn(planes[Orientation.AXIAL], 25)
    assert len(told) == 1


@pytest.mark.parametrize("camera", [Camera(), Camera(zoom=4.0, centre=(20.0, 12.0)), Camera(quarter_turns=1)])
def test_the_centre_stays_where_it_is_on_the_screen(
    room: ReadingRoom, planes: dict[Orientation, Viewport], camera: Camera
) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    assert coronal.cut is not None
    room.mpr.look_at(coronal.cut.of, BLOCKS["L"])
    coronal.set_camera(camera)
    before, scale = _centre_on_screen(room, coronal)
    for _ in range(6):
        room.mpr.turn(axial, 15, draft=True)
        assert _centre_on_screen(room, coronal)[0] == pytest.approx(before, abs=0.75)  # whole pixels
        assert _centre_on_screen(room, coronal)[1] == pytest.approx(scale, rel=1e-6)
    room.mpr.reset(axial)
    assert coronal.camera.zoom == camera.zoom
    assert coronal.camera.extent is None or camera.zoom is not None


def _centre_on_screen(room: ReadingRoom, viewport: Viewport) -> tuple[tuple[float, float], float | None]:
    """Where the planes meet, device pixels, and how large a millimetre is."""
    cross, plane, stack = room.mpr.cross(viewport), viewport.plane, viewport.stack
    assert cross is not None
    assert plane is not None
    assert stack is not None
    frame = stack.frames[viewport.index]
    transform = ViewTransform(viewport.camera, stack.shape[1:], (400, 300), frame.spacing)
    return transform.to_view(*plane.to_pixel(cross.centre)[:2]), transform.pixels_per_mm


def test_planes_that_were_hung_are_left_for_the_volume_once(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    room.mpr.clear()  # nothing is known of what was there before
    volume = planes[Orientation.AXIAL].subject
    assert volume is not None
    room.mpr.leave()
    assert room.desk.layout is Layout.ONE
    assert room.desk.active.stack is volume.stack
    assert not room.desk.active.in_3d
    assert sum(viewport.shown is not None for viewport in room.desk.viewports) == 1


def test_planes_beside_the_slices_are_left_where_they_are(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    volume = planes[Orientation.AXIAL].subject
    assert volume is not None
    room.mpr.leave()
    room.desk.set_layout(Layout.TWO)
    slices, beside = room.desk.seen
    slices.show(volume)
    room.mpr.show(beside, volume, Orientation.CORONAL)
    room.mpr.leave()
    assert room.desk.layout is Layout.TWO
    assert [viewport.stack for viewport in room.desk.seen] == [volume.stack, volume.stack]


def test_what_is_looked_for_is_in_sight_whatever_was_turned_before(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    coronal = planes[Orientation.CORONAL]
    assert coronal.cut is not None
    source = coronal.cut.of
    for camera in (Camera(), Camera(zoom=6.0, centre=(10.0, 10.0))):
        coronal.set_camera(camera)
        for degrees in (90, -35, 90):
            room.mpr.look_at(source, (-26.0, 0.0, 0.0))
            room.mpr.turn(planes[Orientation.AXIAL], degrees)
            room.mpr.reveal(source, (0.0, -26.0, 0.0))
            (x, y), _ = _centre_on_screen(room, coronal)
            assert 0 <= x <= 400
            assert 0 <= y <= 300
        assert coronal.camera.zoom is None or coronal.camera.zoom == camera.zoom


def test_planes_that_were_turned_are_opened_again_as_they_lie(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    coronal.set_camera(Camera(zoom=4.0, centre=(20.0, 12.0)))
    room.mpr.turn(axial, 30)
    shown = coronal.subject
    room.mpr.leave()
    room.mpr.open(shown)
    assert coronal.cut is not None
    assert coronal.camera == Camera()  # what was looked at lies elsewhere on this grid


def test_turned_planes_that_are_shown_again_are_looked_at_as_before(
    room: ReadingRoom, planes: dict[Orientation, Viewport]
) -> None:
    """The cross-hair was moved meanwhile: their grid begins elsewhere."""
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    room.mpr.turn(axial, 30)
    coronal.set_camera(Camera(zoom=4.0, centre=(20.0, 12.0), flipped=True))
    volume, plane = coronal.subject, coronal.plane
    assert volume is not None
    assert plane is not None
    middle = plane.to_patient(20.0, 12.0)
    room.mpr.look_at(volume.stack, (3.3, 2.1, 0.4))
    room.mpr.show(coronal, volume, Orientation.AXIAL)
    room.mpr.show(coronal, volume, Orientation.CORONAL)
    assert coronal.camera.zoom == 4.0
    assert coronal.camera.flipped
    assert coronal.plane is not None
    assert coronal.camera.centre == pytest.approx(coronal.plane.to_pixel(middle)[:2])


def test_a_draft_shows_the_plane_itself(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial, coronal = planes[Orientation.AXIAL], planes[Orientation.CORONAL]
    room.mpr.turn(axial, 25, draft=True)
    draft, plane, cut = coronal.image, coronal.plane, coronal.cut
    assert draft is not None
    assert cut is not None
    room.mpr.finish(cut.of)
    full = coronal.image
    assert full is not None
    assert coronal.plane == plane  # not a millimetre off
    assert full.spacing == draft.spacing
    assert full.stored.shape == draft.stored.shape


def test_turned_planes_meet_in_the_centre(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    stack = room.desk.seen[3].stack
    assert stack is not None
    room.mpr.look_at(stack, BLOCKS["L"])
    room.mpr.turn(planes[Orientation.AXIAL], 37)
    room.mpr.turn(planes[Orientation.CORONAL], -21)
    for viewport in planes.values():
        assert viewport.image is not None
        assert viewport.plane is not None
        place = found(viewport.image, VALUES["L"])
        assert place is not None
        assert_allclose(viewport.plane.to_patient(*place), BLOCKS["L"], atol=1.5)


def test_a_slab_shows_what_lies_across_it(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial = planes[Orientation.AXIAL]
    axial.go_to(axial.cut.planes.nearest((0, 0, 12.0)) if axial.cut is not None else 0)
    assert axial.image is not None
    assert found(axial.image, VALUES["L"]) is None
    room.mpr.set_slab(axial, Slab.MIP, 30.0)
    assert axial.image is not None
    assert found(axial.image, VALUES["L"]) is not None
    assert axial.cut is not None
    assert axial.cut.label == "axial, MIP 30 mm"
    room.mpr.set_slab(axial, Slab.MIP, 1e9)
    assert axial.cut.cut.thickness == 200
    room.mpr.reset(axial)
    assert axial.cut.label == "axial"


def test_leaving_shows_what_was_there_before(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    volume = next(shown for shown in room.all_shown() if len(shown.stack.frames) == 5)
    room.desk.active.show(volume)
    room.desk.set_layout(Layout.TWO)
    before = [v.shown for v in room.desk.viewports]
    assert room.mpr.open(room.desk.active.shown)
    assert room.mpr.active
    room.mpr.leave()
    assert not room.mpr.active
    assert room.desk.layout is Layout.TWO
    assert [v.shown for v in room.desk.seen] == before[:2]


def test_marks_on_planes_are_found_again(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    coronal = planes[Orientation.CORONAL]
    reference = coronal.reference
    room.mpr.set_slab(coronal, Slab.MIP, 10.0)
    assert coronal.reference == reference  # the slab is another way to look at the same place
    room.mpr.turn(coronal, 10)
    room.mpr.reset(coronal)
    coronal.go_to(reference.frame if reference is not None else 0)
    assert coronal.reference == reference


def test_the_opinion_is_that_of_the_volume(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    subject, source = planes[Orientation.CORONAL].subject, room.desk.seen[3].shown
    assert subject is not None
    assert source is not None
    assert subject.stack is source.stack


def test_masks_are_cut_where_they_lie(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    source = room.desk.seen[3].stack
    volume = None if source is None else room.cache.volume(source)
    assert source is not None
    assert volume is not None
    mask = volume.stored == VALUES["L"]
    room.mpr.look_at(source, BLOCKS["L"])
    room.mpr.turn(planes[Orientation.AXIAL], 20)
    for viewport in planes.values():
        assert viewport.cut is not None
        assert viewport.image is not None
        plane = room.cache.cutter.mask(mask, viewport.cut, viewport.index)
        assert plane is room.cache.cutter.mask(mask, viewport.cut, viewport.index)
        seen = viewport.image.stored > 800
        assert (plane & seen).sum() > 0.7 * max(plane.sum(), seen.sum())


REFUSED = {
    "one slice": ({"slices": 1}, "needs? at least 3|has one image"),
    "two slices": ({"slices": 2}, "2 images"),
    "uneven": ({"at": [(0, 0, z) for z in (0.0, 2, 4, 9, 11)]}, "wrong millimetres"),
}


@pytest.mark.parametrize(("made", "why"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_planes_is_refused_in_a_sentence(
    qtbot: QtBot, room: ReadingRoom, tmp_path: Path, made: dict[str, Any], why: str
) -> None:
    phantoms.volume(tmp_path, **made)
    opened(qtbot, room, tmp_path)
    with qtbot.waitSignal(room.notice) as told:
        assert not room.mpr.open(room.desk.active.shown)
    assert told.args is not None
    qtbot.waitUntil(lambda: room.desk.active.image is not None, timeout=WAIT)
    assert re.search(why, told.args[0])
    assert room.desk.active.cut is None


def test_colour_is_refused(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    for z in range(4):
        pixels = np.zeros((8, 10, 3), np.uint8)
        where: dict[str, Any] = {"ImagePositionPatient": [0, 0, 2.0 * z], "ImageOrientationPatient": list(AXIAL)}
        phantoms.save(phantoms.image(pixels, instance=z + 1, PixelSpacing=[1, 1], **where), tmp_path / f"{z}.dcm")
    opened(qtbot, room, tmp_path)
    with qtbot.waitSignal(room.notice) as told:
        assert not room.mpr.open(room.desk.active.shown)
    assert told.args is not None
    assert "colour" in told.args[0] or "wrong millimetres" in told.args[0]


def test_planes_of_a_volume_that_cannot_be_loaded_say_why(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    write_blocks(tmp_path)
    room.cache.set_budget(1000)
    opened(qtbot, room, tmp_path)
    assert room.mpr.open(room.desk.active.shown)
    axial, coronal = room.desk.seen[:2]
    qtbot.waitUntil(lambda: coronal.problem is not None and axial.image is not None, timeout=WAIT)
    assert "memory" in (coronal.problem or "")
    assert coronal.image is None


def test_slices_that_could_not_be_read_are_empty_on_planes(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    write_blocks(tmp_path)
    broken = sorted(tmp_path.iterdir())[10]
    broken.write_bytes(broken.read_bytes()[:-2000])
    planes = in_planes(qtbot, room, tmp_path)
    coronal = planes[Orientation.CORONAL]
    assert coronal.image is not None
    hidden = coronal.image.padding_mask()
    assert hidden is not None
    assert hidden.any()


def test_slices_of_different_slopes_are_cut_as_modality_values(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    phantoms.pet(tmp_path, slices=5)
    opened(qtbot, room, tmp_path)
    shown = room.desk.active.shown
    assert shown is not None
    assert room.mpr.open(shown)
    qtbot.waitUntil(lambda: room.desk.seen[0].image is not None, timeout=WAIT)
    axial = room.desk.seen[0]
    for index in range(len(shown.stack.frames)):
        axial.go_to(index)
        original = room.cache.slice(shown.stack, index)
        assert original is not None
        assert axial.image is not None
        inner = axial.image.stored.shape[0] == original.stored.shape[0]
        assert inner == (axial.image.stored.shape == original.stored.shape)
        assert axial.image.modality_values().max() <= original.modality_values().max() * 1.01 + 1e-6


def test_the_same_planes_have_the_same_names(planes: dict[Orientation, Viewport]) -> None:
    cut = planes[Orientation.SAGITTAL].cut
    assert cut is not None
    again = reformatted(cut.of, cut.cut)
    assert again.key == cut.key
    assert again.frames[3].file.sop_instance_uid == cut.frames[3].file.sop_instance_uid
    assert again.frames[-1].plane == cut.frames[len(cut.frames) - 1].plane
    assert len(again.frames[2:5]) == 3
    with pytest.raises(IndexError):
        again.frames[len(again.frames)]


@pytest.mark.parametrize("reverse", [False, True])
def test_planes_that_are_slices_are_there_before_the_volume(
    qtbot: QtBot, room: ReadingRoom, tmp_path: Path, *, reverse: bool
) -> None:
    orientation = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0) if reverse else AXIAL  # seen from above: not as axial planes hang
    write_blocks(tmp_path, orientation)
    opened(qtbot, room, tmp_path)
    shown = room.desk.active.shown
    assert shown is not None
    source = shown.stack.source
    cut = reformatted(source, Cut(Orientation.AXIAL, axes_of_stack(source), axes_of_stack(source)))
    if reverse:
        assert cut.original(3) is None
        return
    assert [cut.original(i) for i in (0, 4, len(source.frames) - 1)] == [0, 4, len(source.frames) - 1]
    slab = replace(cut.cut, slab=Slab.MIP, thickness=9.0)
    assert reformatted(source, slab).original(4) is None
    assert reformatted(source, replace(cut.cut, orientation=Orientation.CORONAL)).original(4) is None


def axes_of_stack(stack: Stack) -> Axes:
    assert stack.geometry is not None
    return axes_of(stack.geometry)
