"""The 3D view in the window: over its viewport, beside the planes, in pictures, and given back."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from radviewer.app.desk import Layout
from tests.block_phantom import BLOCKS, write_blocks
from tests.ui.conftest import Opener, WindowOpener
from tests.ui.desks import Reading
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui


@pytest.fixture
def study(reading: Opener, tmp_path: Path) -> Reading:
    write_blocks(tmp_path / "study")
    opened: Reading = reading(tmp_path / "study", size=(1000, 800))
    return opened


def in_3d(study: Reading) -> None:
    study.run("volume-3d")
    view = study.widget.in_3d.view
    assert view is not None
    study.qtbot.waitUntil(lambda: view.state.volume is not None, timeout=20_000)


def test_it_covers_its_viewport_and_is_given_back(study: Reading) -> None:
    in_3d(study)
    view = study.widget.in_3d.view
    assert view is not None
    assert view.geometry() == study.widget.rect()
    assert study.desk.commands.checked("volume-3d")
    left = weakref.ref(view.canvas)
    del view
    study.run("volume-3d")
    assert study.widget.in_3d.view is None
    assert not study.desk.commands.checked("volume-3d")
    study.qtbot.waitUntil(lambda: gc.collect() >= 0 and left() is None, timeout=20_000)


def test_another_stack_is_shown_as_images(study: Reading) -> None:
    in_3d(study)
    shown = study.viewport.shown
    assert shown is not None
    study.viewport.show(shown)
    assert study.widget.in_3d.view is None


def test_beside_planes_it_marks_where_they_meet(study: Reading) -> None:
    study.run("planes")
    assert study.room.desk.layout is Layout.FOUR
    view = study.desk.widgets[3].in_3d.view
    assert view is not None
    study.qtbot.waitUntil(lambda: view.state.volume is not None, timeout=20_000)
    stack = study.room.desk.viewports[3].stack
    assert stack is not None
    study.room.mpr.look_at(stack, BLOCKS["A"])
    assert view.canvas.point == pytest.approx(BLOCKS["A"])
    view.picked.emit((10.0, 4.0, -6.0))
    cross = study.room.mpr.cross(study.room.desk.viewports[0])
    assert cross is not None
    assert cross.centre == pytest.approx((10.0, 4.0, -6.0))
    axial = study.room.desk.viewports[0].plane
    assert axial is not None
    assert axial.position[2] == pytest.approx(-6.0, abs=1.0)


def test_a_picked_point_is_found_in_the_images_too(study: Reading) -> None:
    study.room.desk.set_layout(Layout.TWO)
    shown = study.viewport.shown
    assert shown is not None
    images = study.room.desk.viewports[1]
    images.show(shown)
    in_3d(study)
    view = study.widget.in_3d.view
    assert view is not None
    view.picked.emit((0.0, 0.0, -20.0))
    assert images.plane is not None
    assert images.plane.position[2] == pytest.approx(-20.0, abs=1.0)


def test_ct_opens_in_planes_and_3d_and_is_saved_as_a_picture(main_window: WindowOpener, tmp_path: Path) -> None:
    write_blocks(tmp_path / "study", step=1.0)
    opened: Opened = main_window(tmp_path / "study", planes=True)
    desk = opened.room.desk
    assert desk.layout is Layout.FOUR
    assert [v.cut.cut.orientation.value for v in desk.seen[:3] if v.cut is not None] == ["axial", "coronal", "sagittal"]
    opened.qtbot.waitUntil(lambda: all(v.image is not None for v in desk.seen), timeout=20_000)
    view = opened.window.desk.widgets[3].in_3d.view
    assert view is not None
    opened.qtbot.waitUntil(lambda: view.state.volume is not None, timeout=20_000)
    pictures = opened.window.commands.pictures
    for widget in opened.window.desk.widgets[:4]:
        picture = pictures.picture(widget)
        assert picture is not None
        assert picture.height() > widget.height()  # with its legend
