"""Every tool, by the mouse, on files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from radviewer.app.actions import ACTIONS
from radviewer.app.mark_store import MarkStore
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.render.windowing import as_window, effective_voi
from radviewer.ui.text_entry import TextEntry
from radviewer.ui.tools import TOOLS
from tests.phantoms import image, item, save, volume
from tests.ui.conftest import Opener
from tests.ui.desks import LEFT, MIDDLE, RIGHT, Reading

pytestmark = pytest.mark.ui

Points = Sequence[tuple[float, float]]


@pytest.fixture
def study(reading: Opener, tmp_path: Path) -> Reading:
    """Seven slices of 64 × 80, in a viewport in which they are seen at five to one."""
    folder = tmp_path / "study"
    volume(folder, 7, shape=(64, 80), spacing=(0.5, 0.5), WindowCenter=-500, WindowWidth=2000)
    opened: Reading = reading(folder)
    return opened


def near(reading: Reading, mark: Mark, points: Points) -> bool:
    """Whether a mark has these points, to a screen pixel."""
    return bool(np.allclose(mark.points, points, atol=1.01 / reading.widget.transform.zoom))


def entry(reading: Reading) -> TextEntry:
    (found,) = (e for e in reading.widget.findChildren(TextEntry) if e.isVisible())
    return found


def length(reading: Reading, *points: tuple[float, float]) -> Mark:
    """Draw a length and go back to window/level."""
    reading.choose("length")
    reading.mouse().drag(*reading.places(*points))
    reading.choose("window")
    return reading.marks[-1]


def test_there_is_an_action_for_every_tool_and_a_tool_for_every_action() -> None:
    assert {action.name for action in ACTIONS if action.name.startswith("tool-")} == set(TOOLS)


TWO_POINTS = ["length", "rectangle", "ellipse", "arrow"]


@pytest.mark.parametrize("tool", TWO_POINTS)
def test_two_points_by_a_drag(study: Reading, tool: str) -> None:
    study.choose(tool)
    ends = [(10, 12), (40, 60)]
    study.mouse().drag(*study.places(*ends))
    (mark,) = study.marks
    assert mark.kind.value == tool
    assert near(study, mark, ends)
    assert study.room.marks.selected == mark
    assert MarkStore(study.room.marks._store._path).read(mark.image.study_uid) == (mark,)


@pytest.mark.parametrize("tool", TWO_POINTS)
def test_two_points_by_two_clicks(study: Reading, tool: str) -> None:
    study.choose(tool)
    first, second = study.places((10, 12), (40, 60))
    mouse = study.mouse()
    mouse.click(first)
    assert study.marks == []
    mouse.move(study.place(30, 50))
    gesture = study.widget.gesture
    assert gesture is not None
    assert gesture.draft is not None
    mouse.click(second)
    (mark,) = study.marks
    assert near(study, mark, [(10, 12), (40, 60)])
    assert study.widget.gesture is None


@pytest.mark.parametrize(
    ("tool", "points"),
    [("angle", [(10, 10), (40, 20), (20, 60)]), ("cobb", [(8, 10), (12, 60), (50, 12), (40, 62)])],
)
def test_more_points_by_clicks(study: Reading, tool: str, points: Points) -> None:
    study.choose(tool)
    mouse = study.mouse()
    for place in study.places(*points):
        mouse.move(place)
        mouse.click(place)
    (mark,) = study.marks
    assert mark.kind.value == tool
    assert near(study, mark, points)


def test_a_cobb_angle_by_two_drags(study: Reading) -> None:
    study.choose("cobb")
    points = [(8, 10), (12, 60), (50, 12), (40, 62)]
    mouse = study.mouse()
    mouse.drag(*study.places(*points[:2]))
    assert study.marks == []
    mouse.move(study.place(45, 20))
    assert study.widget.gesture is not None
    assert len(study.widget.gesture.lines) == 1  # the first line stays seen, no line joins the two
    mouse.drag(*study.places(*points[2:]))
    assert near(study, study.marks[0], points)


def test_an_angle_by_a_drag_and_a_click(study: Reading) -> None:
    study.choose("angle")
    points = [(10, 10), (40, 20), (20, 60)]
    mouse = study.mouse()
    mouse.drag(*study.places(*points[:2]))
    mouse.move(study.place(*points[2]))
    mouse.click(study.place(*points[2]))
    assert near(study, study.marks[0], points)


def test_freehand_follows_the_pointer_and_closes(study: Reading) -> None:
    study.choose("freehand")
    ring = [(32 + 20 * math.sin(a), 40 + 20 * math.cos(a)) for a in np.linspace(0, 2 * math.pi, 40)]
    study.mouse().drag(*study.places(*ring), steps=2)
    (mark,) = study.marks
    assert mark.kind is MarkKind.FREEHAND
    radii = [math.dist(point, (32, 40)) for point in mark.points]
    assert (min(radii), max(radii)) == pytest.approx((20, 20), abs=0.5)


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if tool.draws])
def test_what_is_too_small_was_not_meant(study: Reading, tool: str) -> None:
    study.room.toolbox.choose(tool)
    mouse = study.mouse()
    x, y = study.place(20, 20)
    for _ in range(4):
        mouse.click((x, y))
    assert study.marks == []
    mouse.drag((x, y), (x + 5, y), (x, y))
    study.run("reset")
    assert study.marks == []


def test_points_stay_on_the_image(study: Reading) -> None:
    study.choose("length")
    study.mouse().drag(study.place(20, 20), (2, 2), (-50, -80))
    assert study.marks[0].points[1] == (-0.5, -0.5)


def test_esc_gives_up_the_mark_before_it_resets_the_view(study: Reading) -> None:
    study.run("rotate-right")
    study.choose("length")
    mouse = study.mouse()
    mouse.click(study.place(10, 10))
    mouse.move(study.place(30, 30))
    study.run("reset")
    assert study.widget.gesture is None
    assert study.viewport.camera.quarter_turns == 1
    mouse.click(study.place(12, 12))  # begins another, does not end the one given up
    assert study.marks == []
    study.run("reset")
    study.run("reset")
    assert study.viewport.camera.quarter_turns == 0


@pytest.mark.parametrize("how", ["wheel", "another tool", "another stack", "undo"])
def test_a_mark_being_drawn_is_given_up(study: Reading, how: str) -> None:
    study.choose("length")
    mouse = study.mouse()
    mouse.click(study.place(10, 10))
    mouse.move(study.place(30, 30))
    if how == "wheel":
        mouse.wheel(study.place(30, 30))
    elif how == "another tool":
        study.choose("angle")
    elif how == "undo":
        study.run("undo")
    else:
        study.viewport.clear()
    assert study.widget.gesture is None
    assert study.marks == []


def test_zooming_and_panning_go_on_with_the_mark(study: Reading) -> None:
    study.choose("length")
    mouse = study.mouse()
    mouse.click(study.place(10, 10))
    mouse.wheel(study.place(10, 10), 240, modifiers=Qt.KeyboardModifier.ControlModifier)
    mouse.drag(study.place(20, 20), study.place(10, 10), button=MIDDLE)
    mouse.click(study.place(30, 34))
    assert near(study, study.marks[0], [(10, 10), (30, 34)])


def test_a_mark_is_undone_and_done_again(study: Reading) -> None:
    mark = length(study, (10, 10), (30, 30))
    study.run("undo")
    assert study.marks == []
    study.run("redo")
    assert study.marks == [mark]


def test_marks_come_back_after_a_restart_on_their_own_image_only(
    study: Reading, reading: Opener, tmp_path: Path
) -> None:
    study.viewport.go_to(5)
    mark = length(study, (10, 10), (30, 30))
    later: Reading = reading(tmp_path / "study")
    assert later.marks == [mark]
    assert later.widget.shown_marks() == ()
    later.viewport.go_to(5)
    assert later.widget.shown_marks() == (mark,)
    assert later.widget.view().marks == (mark,)
    later.run("next-marked")
    later.viewport.go_to(0)
    later.run("next-marked")
    assert later.viewport.index == 5


class TestEditing:
    def test_a_press_on_a_mark_moves_it_whatever_the_tool(self, study: Reading) -> None:
        mark = length(study, (10, 10), (30, 40))
        study.room.marks.select(None)
        study.choose("ellipse")
        study.mouse().drag(study.place(20, 25), study.place(26, 31))
        (moved,) = study.marks
        assert moved.mark_id == mark.mark_id
        assert near(study, moved, [(16, 16), (36, 46)])
        assert study.room.marks.selected == moved
        study.run("undo")
        assert study.marks == [mark]

    def test_a_handle_moves_one_point(self, study: Reading) -> None:
        mark = length(study, (10, 10), (30, 40))
        study.mouse().drag(study.place(30, 40), study.place(50, 70))
        assert near(study, study.marks[0], [(10, 10), (50, 70)])
        assert study.marks[0].mark_id == mark.mark_id
        assert study.marks[0].points[0] == mark.points[0]

    @pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
    def test_a_corner_of_a_region_moves(self, study: Reading, kind: str) -> None:
        study.choose(kind)
        study.mouse().drag(*study.places((10, 10), (40, 50)))
        study.mouse().drag(*study.places((10, 50), (20, 70)))
        box = np.sort(np.array(study.marks[0].points), axis=0)
        assert box == pytest.approx(np.array([[20, 10], [40, 70]]), abs=0.3)

    def test_only_the_release_is_kept(self, study: Reading) -> None:
        mark = length(study, (10, 10), (30, 40))
        mouse = study.mouse()
        mouse.press(study.place(20, 25))
        mouse.move(study.place(40, 45))
        assert study.marks == [mark]
        (seen,) = study.widget.view().marks
        assert near(study, seen, [(30, 30), (50, 60)])  # live
        study.run("reset")
        mouse.release(study.place(40, 45))
        assert study.marks == [mark]
        assert study.room.history.undo_text == "Add length"

    def test_a_click_only_selects(self, study: Reading) -> None:
        mark = length(study, (10, 10), (30, 40))
        study.room.marks.select(None)
        x, y = study.place(20, 25)
        study.mouse().drag((x, y), (x + 1, y + 1))
        assert study.marks == [mark]
        assert study.room.marks.selected == mark

    def test_a_click_on_the_empty_image_selects_nothing(self, study: Reading) -> None:
        length(study, (10, 10), (30, 40))
        study.mouse().click(study.place(55, 10))
        assert study.room.marks.selected is None

    def test_window_and_level_still_work_beside_a_mark(self, study: Reading) -> None:
        length(study, (10, 10), (30, 40))
        x, y = study.place(55, 10)
        study.mouse().drag((x, y), (x + 60, y))
        assert study.viewport.presentation.voi is not None
        assert study.room.marks.selected is not None  # windowing is no deselecting

    def test_a_mark_stays_on_the_image_when_it_is_moved(self, study: Reading) -> None:
        length(study, (10, 10), (30, 40))
        study.mouse().drag(study.place(20, 25), (2, 2), (-500, -500))
        low = np.min(study.marks[0].points, axis=0)
        assert low == pytest.approx([-0.5, -0.5])
        assert np.ptp(study.marks[0].points, axis=0) == pytest.approx([20, 30], abs=0.3)

    def test_delete_takes_the_selected_mark_away(self, study: Reading) -> None:
        first = length(study, (10, 10), (10, 40))
        second = length(study, (40, 10), (40, 40))
        study.room.marks.select(first.mark_id)
        study.run("delete-mark")
        assert study.marks == [second]
        study.run("delete-mark")  # nothing is selected
        assert study.marks == [second]

    def test_a_mark_out_of_sight_is_not_deleted(self, study: Reading) -> None:
        mark = length(study, (10, 10), (10, 40))
        study.viewport.scroll(1)
        study.run("delete-mark")
        assert study.marks == [mark]

    def test_alt_and_arrows_move_it_by_pixels_of_the_image(self, study: Reading) -> None:
        mark = length(study, (10, 10), (10, 40))
        study.run("rotate-right")  # up on the screen is now left in the image
        QTest.keyClick(study.widget, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
        points = np.array(mark.points)
        assert np.array(study.marks[0].points) - points == pytest.approx(np.array([[0, -1], [0, -1]]))
        far = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(study.widget, Qt.Key.Key_Right, far)
        assert np.array(study.marks[0].points) - points == pytest.approx(np.array([[-10, -1], [-10, -1]]))
        study.run("undo")
        study.run("undo")
        assert study.marks == [mark]

    def test_other_keys_do_nothing_to_it(self, study: Reading) -> None:
        mark = length(study, (10, 10), (10, 40))
        event = QKeyEvent(QEvent.Type.KeyPress, 0x7FFFFFFF, Qt.KeyboardModifier.AltModifier)
        QApplication.sendEvent(study.widget, event)
        QTest.keyClick(study.widget, Qt.Key.Key_Up)
        assert study.marks == [mark]

    def test_the_pointer_shows_what_it_would_take(self, study: Reading) -> None:
        mark = length(study, (10, 10), (10, 40))
        mouse = study.mouse()
        mouse.move(study.place(10, 25))
        assert study.widget.view().hovered == mark.mark_id
        assert study.widget.cursor().shape() is Qt.CursorShape.PointingHandCursor
        mouse.move(study.place(50, 25))
        assert study.widget.view().hovered is None
        assert study.widget.cursor().shape() is Qt.CursorShape.ArrowCursor


class TestArrowText:
    def test_the_text_is_typed_in_its_place(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        QTest.keyClicks(entry(study), "  cyst  no. 2 ")
        QTest.keyClick(entry(study), Qt.Key.Key_Return)
        assert [m.text for m in study.marks] == ["cyst no. 2"]
        study.run("undo")
        assert [m.text for m in study.marks] == [""]

    def test_esc_leaves_it_as_it_was(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        QTest.keyClicks(entry(study), "cyst")
        QTest.keyClick(entry(study), Qt.Key.Key_Escape)
        assert [m.text for m in study.marks] == [""]
        assert study.viewport.shown is not None

    def test_a_double_click_edits_it(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        QTest.keyClicks(entry(study), "cyst")
        QTest.keyClick(entry(study), Qt.Key.Key_Return)
        study.choose("window")
        study.mouse().double_click(study.place(20, 25))
        assert entry(study).text() == "cyst"
        QTest.keyClicks(entry(study), "node")
        study.mouse().click(study.place(60, 70))  # a click elsewhere keeps it
        entry_closed = [e for e in study.widget.findChildren(TextEntry) if e.isVisible()]
        if entry_closed:  # without a window manager no focus is lost: close it as Qt would
            entry_closed[0].finish(keep=True)
        assert [m.text for m in study.marks] == ["node"]

    def test_going_to_another_image_keeps_the_text(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        QTest.keyClicks(entry(study), "cyst")
        study.mouse().wheel(study.place(50, 60))
        assert [m.text for m in study.marks] == ["cyst"]
        assert not [e for e in study.widget.findChildren(TextEntry) if e.isVisible()]

    def test_keys_go_to_the_text_not_to_the_viewport(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        for key in (Qt.Key.Key_R, Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_Up):
            event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
            event.ignore()
            QApplication.sendEvent(entry(study), event)
            assert event.isAccepted()

    def test_it_survives_its_arrow_being_undone(self, study: Reading) -> None:
        study.choose("arrow")
        study.mouse().drag(*study.places((10, 10), (30, 40)))
        open_entry = entry(study)
        study.run("undo")
        open_entry.finish(keep=True)
        assert study.marks == []


class TestLooking:
    def test_window_and_level(self, study: Reading) -> None:
        x, y = study.place(30, 40)
        study.mouse().drag((x, y), (x + 50, y - 30))
        window = study.viewport.presentation.voi
        image = study.viewport.image
        assert image is not None
        own = as_window(image.vois[0])
        assert window is not None
        shown = as_window(window)
        assert shown.width > own.width
        assert shown.center < own.center
        study.viewport.scroll(1)
        assert study.viewport.presentation.voi == window  # sticky

    def test_window_and_level_start_from_a_lookup_table(self, reading: Opener, tmp_path: Path) -> None:
        lut = item(LUTDescriptor=[256, 0, 8], LUTData=np.arange(256, dtype="<u2").tobytes(), LUTExplanation="device")
        file = save(image(np.arange(80, dtype=np.uint16).reshape(8, 10), VOILUTSequence=[lut]), tmp_path / "a.dcm")
        opened: Reading = reading(file)
        img = opened.viewport.image
        assert img is not None
        start = as_window(effective_voi(img, opened.viewport.presentation))
        x, y = opened.place(4, 5)
        opened.mouse().drag((x, y), (x + 1, y))
        voi = opened.viewport.presentation.voi
        assert voi is not None
        assert as_window(voi).center == pytest.approx(start.center, abs=2)
        assert as_window(voi).width == pytest.approx(start.width, rel=0.02)

    def test_zoom_keeps_the_point_pressed(self, study: Reading) -> None:
        x, y = study.place(20, 30)
        study.mouse().drag((x, y), (x, y - 120), button=RIGHT)
        assert study.widget.transform.zoom == pytest.approx(2 * study.widget.transform.fit_zoom)
        assert study.place(20, 30) == pytest.approx((x, y), abs=1)

    def test_the_zoom_and_pan_tools_do_what_the_other_buttons_do(self, study: Reading) -> None:
        study.choose("zoom")
        x, y = study.place(20, 30)
        study.mouse().drag((x, y), (x, y - 120))
        assert study.widget.transform.zoom == pytest.approx(2 * study.widget.transform.fit_zoom)
        study.choose("pan")
        x, y = study.place(20, 30)
        study.mouse().drag((x, y), (x + 33, y - 21))
        assert study.place(20, 30) == pytest.approx((x + 33, y - 21), abs=1)

    def test_middle_drag_pans(self, study: Reading) -> None:
        study.run("one-to-one")
        x, y = study.place(20, 30)
        study.mouse().drag((x, y), (x + 15, y + 10), button=MIDDLE)
        assert study.place(20, 30) == (x + 15, y + 10)

    def test_ctrl_wheel_zooms_at_the_pointer(self, study: Reading) -> None:
        x, y = study.place(20, 30)
        study.mouse().wheel((x, y), 120, modifiers=Qt.KeyboardModifier.ControlModifier)
        assert study.widget.transform.zoom > study.widget.transform.fit_zoom
        assert study.place(20, 30) == pytest.approx((x, y), abs=1)
        assert study.viewport.index == 3

    @pytest.mark.parametrize("button", [LEFT, MIDDLE, RIGHT])
    def test_a_click_moves_nothing(self, study: Reading, button: Qt.MouseButton) -> None:
        study.desk.widgets[0].menu_wanted.disconnect()
        for tool in ("window", "zoom", "pan", "scroll"):
            study.choose(tool)
            study.mouse().click(study.place(20, 30), button)
        assert study.viewport.camera.zoom is None
        assert study.viewport.presentation.voi is None
        assert study.viewport.index == 3

    def test_the_scroll_tool(self, study: Reading) -> None:
        study.choose("scroll")
        x, y = study.place(30, 40)
        study.mouse().drag((x, y), (x, y + 45))
        assert study.viewport.index == 5
        study.mouse().drag((x, y), (x, y - 400))
        assert study.viewport.index == 0

    def test_the_probe_tool_shows_the_value_beside_the_pointer(self, study: Reading) -> None:
        study.choose("probe")
        mouse = study.mouse()
        mouse.press(study.place(20, 30))
        gesture = study.widget.gesture
        assert gesture is not None
        stored = 300 + 200 + 30
        assert gesture.label == f"−{1024 - stored} HU"
        mouse.move(study.place(21, 30))
        assert gesture.label == f"−{1024 - stored - 10} HU"
        mouse.release(study.place(21, 30))
        assert study.widget.gesture is None

    def test_a_release_that_never_came_ends_the_drag(self, study: Reading) -> None:
        study.choose("pan")
        mouse = study.mouse()
        mouse.press(study.place(20, 30))
        mouse.buttons = Qt.MouseButton.NoButton  # let go outside of the program
        mouse.move(study.place(40, 50))
        assert study.viewport.camera.zoom is None
        x, y = study.place(20, 30)
        mouse.drag((x, y), (x + 10, y))
        assert study.place(20, 30) == (x + 10, y)


def test_no_marks_while_a_scan_shows_its_first_image(study: Reading) -> None:
    shown, picture = study.viewport.shown, study.viewport.image
    assert shown is not None
    assert picture is not None
    study.viewport.show(shown, preview=picture)
    study.choose("length")
    study.mouse().drag(*study.places((10, 10), (30, 30)))
    assert study.marks == []
