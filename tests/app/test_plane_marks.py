"""Marks on planes cut out of a volume: they are found again, turned as they were, also after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from radviewer.app import navigation
from radviewer.app.mark_planes import plane_words, read, written
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.planes import Orientation, Slab
from radviewer.domain.reformat import Reformat
from tests.app.rooms import WAIT, opened
from tests.app.test_mpr import in_planes
from tests.block_phantom import BLOCKS, write_blocks
from tests.qt_objects import destroy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_blocks(tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def restarted(qapp: object) -> Iterator[ReadingRoom]:
    """The program, started again."""
    assert qapp is not None
    made = ReadingRoom(SettingsFile())
    yield made
    assert made.close()
    destroy(made)


def drawn(room: ReadingRoom, viewport: Viewport) -> Mark:
    """A length of 10 pixels about the middle of what a viewport shows."""
    assert viewport.reference is not None
    mark = Mark(MarkKind.LENGTH, viewport.reference, ((30.0, 25.0), (30.0, 35.0)))
    room.marks.add(mark)
    return mark


def kept(room: ReadingRoom, mark: Mark) -> ImageReference:
    """How a mark names its plane once it was read from disk."""
    return next(m.image for m in room.marks.all if m.mark_id == mark.mark_id)


def place(room: ReadingRoom, image: ImageReference) -> tuple[Reformat, int]:
    found = room.place_of(image)
    assert found is not None
    shown, index = found
    assert isinstance(shown.stack, Reformat)
    return shown.stack, index


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_a_plane_is_found_again_after_a_restart(
    qtbot: QtBot, room: ReadingRoom, restarted: ReadingRoom, folder: Path, orientation: Orientation, degrees: float
) -> None:
    planes = in_planes(qtbot, room, folder)
    other = Orientation.CORONAL if orientation is Orientation.AXIAL else Orientation.AXIAL
    if degrees:
        room.mpr.turn(planes[other], degrees)
    viewport = planes[orientation]
    viewport.scroll(5)
    room.mpr.set_slab(viewport, Slab.MIP, 6.0)
    mark, before = drawn(room, viewport), viewport.plane
    room.marks.flush()

    opened(qtbot, restarted, folder)
    image = kept(restarted, mark)
    assert navigation.jump_to(restarted, image, mark)
    active = restarted.desk.active
    qtbot.waitUntil(lambda: active.image is not None, timeout=WAIT)
    assert active.reference == mark.image
    assert [m.mark_id for m in restarted.marks.on(image)] == [mark.mark_id]
    assert active.cut is not None
    assert viewport.cut is not None
    assert active.cut.cut == viewport.cut.cut
    assert active.plane == before
    assert viewport.image is not None
    assert active.image is not None
    np.testing.assert_array_equal(active.image.stored, viewport.image.stored)


def test_a_jump_turns_the_planes_in_sight_and_brings_the_cross_hair(
    qtbot: QtBot, room: ReadingRoom, folder: Path
) -> None:
    planes = in_planes(qtbot, room, folder)
    coronal = planes[Orientation.CORONAL]
    room.mpr.turn(planes[Orientation.AXIAL], 30.0)
    mark, was = drawn(room, coronal), coronal.plane
    room.mpr.reset(coronal)
    assert coronal.cut is not None
    room.mpr.look_at(coronal.cut.of, BLOCKS["L"])
    room.desk.activate(room.desk.viewports.index(planes[Orientation.AXIAL]))
    assert coronal.plane != was
    assert navigation.jump_to(room, mark.image, mark)
    assert room.desk.active is coronal
    assert coronal.plane == was
    cross = room.mpr.cross(coronal)
    assert cross is not None
    assert was is not None
    assert cross.centre == pytest.approx(was.to_patient(30.0, 30.0))
    sagittal = planes[Orientation.SAGITTAL]
    assert sagittal.plane is not None
    assert abs(sagittal.plane.to_pixel(cross.centre)[2]) < 0.6


def test_the_thickness_of_a_slab_makes_no_other_plane_but_is_remembered(
    qtbot: QtBot, room: ReadingRoom, folder: Path
) -> None:
    coronal = in_planes(qtbot, room, folder)[Orientation.CORONAL]
    thin = coronal.reference
    room.mpr.set_slab(coronal, Slab.MIP, 8.0)
    thick = coronal.reference
    assert thin == thick
    assert thin is not None
    assert thick is not None
    room.marks.add(Mark(MarkKind.KEY_IMAGE, thick))
    assert room.marks.key_image(thin) is not None
    assert plane_words(*place(room, thick)) == "coronal, MIP 8 mm, P 0.0 mm"
    assert plane_words(*place(room, thin)) == "coronal, P 0.0 mm"


def test_planes_are_among_the_marked_images(qtbot: QtBot, room: ReadingRoom, folder: Path) -> None:
    planes = in_planes(qtbot, room, folder)
    sagittal, coronal = (drawn(room, planes[o]) for o in (Orientation.SAGITTAL, Orientation.CORONAL))
    listed = [image for image, _, _ in navigation.marked_places(room)]
    assert listed == [coronal.image, sagittal.image]
    room.desk.activate(0)
    assert navigation.next_marked(room)
    assert room.desk.active.reference == coronal.image
    assert navigation.next_marked(room)
    assert room.desk.active.reference == sagittal.image
    assert navigation.next_marked(room)
    assert room.desk.active.reference == coronal.image


def test_what_cannot_be_cut_again_is_nowhere(qtbot: QtBot, room: ReadingRoom, folder: Path) -> None:
    coronal = in_planes(qtbot, room, folder)[Orientation.CORONAL]
    image = coronal.reference
    assert image is not None
    assert image.planes is not None
    source = image.planes
    cut = source.cut
    for wrong in (
        replace(image, frame=100_000),
        replace(image, sop_instance_uid="2.25.1"),
        replace(image, study_uid="1.2"),
        replace(image, planes=replace(source, sop_instance_uid="1.2")),
        replace(image, planes=replace(source, cut=replace(cut, axes=replace(cut.axes, left=(0.0, 0.0, 0.0))))),
    ):
        assert room.place_of(wrong) is None
        assert not navigation.jump_to(room, wrong)


def test_how_planes_are_cut_is_written_and_read(qtbot: QtBot, room: ReadingRoom, folder: Path) -> None:
    planes = in_planes(qtbot, room, folder)
    room.mpr.turn(planes[Orientation.SAGITTAL], 12.5, draft=True)
    reference = planes[Orientation.AXIAL].reference
    assert reference is not None
    source = reference.planes
    assert source is not None
    assert not source.cut.draft
    assert read(written(source)) == source
    assert read(written(None)) is None
