"""Two series side by side: linked by hand, registered, laid over one another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from radviewer.app.desk import Layout
from radviewer.app.links import LinkKind
from radviewer.domain.geometry import Geometry
from radviewer.domain.planes import Orientation
from radviewer.domain.volume import SliceImage
from radviewer.render.blend import FusionMode
from radviewer.ui.reference_lines import lines_of
from radviewer.volumes.alike import Alike
from radviewer.volumes.registration import Affine, Registration, moved
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.desks import pixels
from tests.ui.windows import Opened
from tests.volumes.heads import displacement, grid, head

pytestmark = pytest.mark.ui

SHAPE = (12, 48, 48)
GRID = grid(SHAPE, (10.0, 4.4, 4.4))
AWAY = displacement(6, (6.0, -5.0, 20.0))


def write(folder: Path, number: int, where: NDArray[np.float64] | None = None, grid: Geometry = GRID) -> None:
    """A series of the head, in a frame of reference of its own."""
    values = np.clip(np.rint(head(grid, where, noise=1.0).values), 0, 999).astype(np.int16)
    for index, plane in enumerate(values):
        place = [float(v) for v in grid.to_patient((float(index), 0.0, 0.0))]
        ds = phantoms.image(
            plane,
            modality="MR",
            series=f"s{number}",
            instance=index + 1,
            SeriesNumber=number,
            SeriesDescription=f"head {number}",
            ImagePositionPatient=place,
            ImageOrientationPatient=list(phantoms.AXIAL),
            PixelSpacing=[4.4, 4.4],
            FrameOfReferenceUID=phantoms.make_uid("frame", number),
            ImageType=["ORIGINAL", "PRIMARY"],
        )
        phantoms.save(ds, folder / f"{number}-{index}.dcm")


@pytest.fixture
def window(main_window: WindowOpener, tmp_path: Path) -> Opened:
    """Two heads, the second displaced, in two viewports."""
    write(tmp_path, 1)
    write(tmp_path, 2, AWAY)
    opened = main_window(tmp_path)
    desk = opened.room.desk
    desk.set_layout(Layout.TWO)
    for viewport, shown in zip(desk.viewports, opened.room.all_shown(), strict=False):
        viewport.show(shown)
    desk.activate(0)
    opened.wait(lambda: all(v.stack is not None and opened.room.cache.volume(v.stack) for v in desk.seen))
    return opened


def notes(window: Opened, index: int) -> str:
    """What the lower left corner of a viewport says."""
    return "\n".join(window.window.desk.widgets[index].view().corners.bottom_left)


def register(window: Opened) -> None:
    window.trigger("register")
    assert window.room.registering.running is not None
    window.qtbot.waitUntil(lambda: window.room.registering.running is None, timeout=100_000)


def test_a_registered_series_follows_through_the_transform(window: Opened) -> None:
    first, second = window.room.desk.seen
    assert first.stack is not None
    assert second.stack is not None
    first.go_to(3)
    still = second.index
    first.go_to(6)
    assert second.index == still
    assert "registered" not in notes(window, 0)
    register(window)
    links = window.room.desk.links
    assert links.kind(first.stack, second.stack) is LinkKind.REGISTERED
    for index in (3, 7):
        first.go_to(index)
        assert first.plane is not None
        expected = GRID.to_index(moved(AWAY, first.plane.to_patient(23.5, 23.5)))[0]
        assert abs(second.index - expected) < 0.75
    for place in (0, 1):
        assert "registered, quality good" in notes(window, place)
    assert any("quality good" in notice for notice in window.notices)
    window.qtbot.waitUntil(window.window.actions_set["unlink"].isEnabled, timeout=20_000)
    window.trigger("unlink")
    assert links.kind(first.stack, second.stack) is LinkKind.NONE
    assert "registered" not in notes(window, 0)


def test_reference_lines_go_through_a_registration(window: Opened) -> None:
    first, second = window.room.desk.seen
    assert first.stack is not None
    assert second.stack is not None
    window.room.mpr.show(second, list(window.room.all_shown())[1], Orientation.CORONAL)
    window.wait(lambda: second.image is not None)
    desk, links = window.room.desk, window.room.desk.links
    assert lines_of(desk, first) == ((), None)
    links.put(first.stack, second.stack, Registration(AWAY, 0.3, 0.6, 0.4, 0.1, 0.9))
    (line,), _ = lines_of(desk, first)
    assert first.plane is not None
    assert second.plane is not None
    for end in line:
        there = moved(AWAY, first.plane.to_patient(*end))
        row, column, off = second.plane.to_pixel(there)
        assert off == pytest.approx(0, abs=1e-6)
        assert -0.6 <= row <= second.stack.shape[1] - 0.4
        assert -0.6 <= column <= second.stack.shape[2] - 0.4
    assert window.window.desk.widgets[0].view().reference_lines == (line,)
    second.set_in_3d(True)  # its image is no longer seen
    assert window.window.desk.widgets[0].view().reference_lines == ()
    second.set_in_3d(False)
    assert window.window.desk.widgets[0].view().reference_lines == (line,)
    desk.activate(1)
    _, active = lines_of(desk, first)
    assert active == line
    links.unlink(first.stack, second.stack)
    assert lines_of(desk, first) == ((), None)
    assert window.window.desk.widgets[0].view().reference_lines == ()


def test_a_link_by_hand_makes_no_reference_lines(window: Opened) -> None:
    first, second = window.room.desk.seen
    window.trigger("link-here")
    window.room.mpr.show(second, list(window.room.all_shown())[1], Orientation.CORONAL)
    assert lines_of(window.room.desk, first) == ((), None)


def test_two_images_are_linked_by_hand(window: Opened) -> None:
    first, second = window.room.desk.seen
    first.go_to(4)
    second.go_to(7)
    window.trigger("link-here")
    first.go_to(6)
    assert second.index == 9
    assert "linked by hand" in notes(window, 1)


def test_series_are_laid_over_one_another(window: Opened) -> None:
    first, _ = window.room.desk.seen
    widget = window.window.desk.widgets[0]
    window.trigger("blend")
    assert window.room.fusion.over(first) is None
    assert any("is linked with this one" in notice for notice in window.notices)
    window.trigger("link-here")
    grey = pixels(widget).astype(int)
    window.trigger("blend")
    blended = pixels(widget).astype(int)
    middle = (slice(blended.shape[0] // 3, blended.shape[0] // 2), slice(blended.shape[1] // 3, blended.shape[1] // 2))
    assert (blended[middle][..., 0] - blended[middle][..., 2]).max() > 30
    assert abs(grey[middle][..., 0] - grey[middle][..., 2]).max() == 0
    assert "series 1" in notes(window, 0)
    assert "50 % amber series 2" in notes(window, 0)
    assert "linked by hand" in notes(window, 0)
    window.trigger("fusion-more")
    assert "60 % amber series 2" in notes(window, 0)
    window.trigger("checkerboard")
    over = window.room.fusion.over(first)
    assert over is not None
    assert over.style.mode is FusionMode.CHECKERBOARD
    assert not np.array_equal(pixels(widget), blended)
    window.trigger("fusion-off")
    assert np.array_equal(pixels(widget).astype(int), grey)


def test_a_slider_on_the_image_says_how_much_of_the_other_series_is_seen(window: Opened) -> None:
    first, _ = window.room.desk.seen
    widget, bar = window.window.desk.widgets[0], window.window.desk.fusion_bars[0]
    assert not bar.isVisible()
    window.trigger("link-here")
    window.trigger("blend")
    assert bar.isVisible()
    assert widget.rect().contains(bar.geometry())
    assert (bar.slider.value(), bar.words.text()) == (50, "50 % amber")
    half = pixels(widget)
    bar.slider.setValue(83)
    assert "83 % amber series 2" in notes(window, 0)
    assert not np.array_equal(pixels(widget), half)
    window.trigger("fusion-less")
    assert bar.slider.value() == 73
    window.trigger("checkerboard")
    assert bar.words.text() == "8 squares"
    bar.slider.setValue(12)
    over = window.room.fusion.over(first)
    assert over is not None
    assert over.style.cells == 12
    bar.off.click()
    assert window.room.fusion.over(first) is None
    assert not bar.isVisible()


def test_the_slider_is_moved_by_keys_that_scroll_nothing(window: Opened) -> None:
    first, _ = window.room.desk.seen
    widget, bar = window.window.desk.widgets[0], window.window.desk.fusion_bars[0]
    window.trigger("link-here")
    window.trigger("blend")
    bar.slider.setFocus(Qt.FocusReason.TabFocusReason)
    before = first.index
    window.key(Qt.Key.Key_Right)
    window.key(Qt.Key.Key_Up)
    assert bar.slider.value() == 52
    window.key(Qt.Key.Key_PageDown)
    assert bar.slider.value() == 42
    window.key(Qt.Key.Key_End)
    assert bar.slider.value() == 100
    assert first.index == before
    window.key(Qt.Key.Key_Escape)
    assert widget.hasFocus()
    bar.slider.setFocus(Qt.FocusReason.TabFocusReason)
    window.trigger("fusion-off")
    assert widget.hasFocus()


def test_the_other_series_is_resampled_once_however_much_of_it_is_seen(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SliceImage] = []
    on = Alike.on

    def counted(alike: Alike, image: SliceImage, matrix: Affine) -> tuple[SliceImage, NDArray[np.bool_]] | None:
        asked.append(image)
        return on(alike, image, matrix)

    monkeypatch.setattr(Alike, "on", counted)
    window.trigger("link-here")
    window.trigger("blend")
    first = window.room.desk.seen[0]
    for share in (0.2, 0.4, 0.9):
        window.room.fusion.set_share(first, share)
        assert window.room.fusion.image(first) is not None
    assert len(asked) == 1
    first.scroll(1)
    assert window.room.fusion.image(first) is not None
    assert len(asked) == 2


def test_marks_over_a_blend_are_measured_on_the_image_itself(window: Opened) -> None:
    window.trigger("link-here")
    window.trigger("blend")
    view = window.window.desk.widgets[0].view()
    assert view.image is not None
    assert view.image.is_colour
    assert view.measured is window.room.desk.active.image


def test_closing_the_study_gives_up_a_registration(window: Opened) -> None:
    window.trigger("register")
    window.room.close_study()
    assert window.room.registering.running is None
    assert not any("Registered" in notice for notice in window.notices)
