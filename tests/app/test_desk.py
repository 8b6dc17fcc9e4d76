from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject

from radviewer.app.desk import MOST_VIEWPORTS, Desk, Layout, shares_frame
from radviewer.app.history import History
from radviewer.app.positions import SlicePositions
from radviewer.domain.geometry import ImagePlane
from radviewer.domain.study import Stack
from radviewer.domain.window import Window
from tests.app.hand_made import HandCache, heard, plane, shown, stack
from tests.qt_objects import destroy

pytestmark = pytest.mark.usefixtures("qapp")


class Room:
    def __init__(self) -> None:
        self.parent = QObject()
        self.cache = HandCache(self.parent)
        self.desk = Desk(self.cache, History(self.parent), self.parent)

    def put(self, index: int, stack: Stack) -> Stack:
        self.desk.viewports[index].show(shown(stack))
        return stack

    def indices(self) -> list[int]:
        return [viewport.index for viewport in self.desk.seen]


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    destroy(room.parent)


def test_a_layout_shows_the_page_of_the_active_viewport(room: Room) -> None:
    desk = room.desk
    told = heard(desk.layout_changed)
    desk.set_layout(Layout.FOUR)
    desk.activate(2)
    desk.set_layout(Layout.ONE)
    assert desk.seen == (desk.viewports[2],)
    desk.set_layout(Layout.TWO)
    assert desk.seen == desk.viewports[2:4]
    desk.set_layout(Layout.FOUR)
    assert desk.seen == desk.viewports[:4]
    assert desk.active_index == 2
    assert len(told) == 4


@pytest.mark.parametrize("layout", Layout)
def test_every_page_is_full_and_holds_the_active_viewport(room: Room, layout: Layout) -> None:
    desk = room.desk
    for index in range(MOST_VIEWPORTS):
        desk.set_layout(Layout.ONE)
        desk.activate(index)
        desk.set_layout(layout)
        assert len(desk.seen) == layout.count
        assert desk.active in desk.seen
    for index in (*range(MOST_VIEWPORTS), *reversed(range(MOST_VIEWPORTS))):
        desk.activate(index)
        assert len(desk.seen) == layout.count
        assert desk.active in desk.seen


def test_a_page_stays_while_another_of_its_viewports_becomes_active(room: Room) -> None:
    desk = room.desk
    desk.activate(5)
    desk.set_layout(Layout.FOUR)
    assert desk.seen == desk.viewports[2:]
    told = heard(desk.layout_changed)
    for index in (2, 3, 4, 5):
        desk.activate(index)
    assert desk.seen == desk.viewports[2:]
    assert not told
    desk.activate(1)
    assert desk.seen == desk.viewports[:4]


@pytest.mark.parametrize(
    ("count", "layout"),
    [(1, "1x1"), (2, "1x2"), (3, "1x3"), (4, "2x2"), (5, "2x3"), (6, "2x3")],
)
def test_the_smallest_layout_for_so_many_images(count: int, layout: str) -> None:
    assert Layout.holding(count).value == layout


def test_no_layout_holds_more_than_there_are_viewports() -> None:
    assert max(layout.count for layout in Layout) == MOST_VIEWPORTS
    with pytest.raises(ValueError, match="empty"):
        Layout.holding(MOST_VIEWPORTS + 1)


def test_alone_and_back_keeps_the_arrangement(room: Room) -> None:
    desk = room.desk
    desk.set_layout(Layout.FOUR)
    stacks = [room.put(i, stack(f"s{i}")) for i in range(4)]
    desk.viewports[3].set_voi(Window(1, 2))
    assert desk.toggle_one(3)
    assert desk.active is desk.viewports[3]
    assert desk.seen == (desk.viewports[3],)
    assert desk.toggle_one(3)
    assert desk.layout is Layout.FOUR
    assert [v.stack for v in desk.seen] == stacks
    assert desk.viewports[3].presentation.voi == Window(1, 2)


def test_alone_by_choice_has_nowhere_to_go_back_to(room: Room) -> None:
    assert not room.desk.toggle_one(0)
    room.desk.set_layout(Layout.TWO)
    assert room.desk.toggle_one(1)
    assert room.desk.toggle_one(1)
    assert room.desk.layout is Layout.TWO


def test_what_is_hidden_may_be_dropped_and_is_loaded_again_when_seen(room: Room) -> None:
    desk = room.desk
    desk.set_layout(Layout.TWO)
    left, right = room.put(0, stack("left")), room.put(1, stack("right"))
    assert room.cache.pinned == {left.key, right.key}
    desk.set_layout(Layout.ONE)
    assert room.cache.pinned == {left.key}
    room.cache.requested.clear()
    desk.set_layout(Layout.TWO)
    assert room.cache.pinned == {left.key, right.key}
    assert right.key in room.cache.requested


def test_a_hidden_cine_stops(room: Room) -> None:
    desk = room.desk
    desk.set_layout(Layout.TWO)
    room.put(1, stack("cine"))
    desk.cines[1].toggle()
    assert desk.cines[1].playing
    desk.set_layout(Layout.ONE)
    assert not desk.cines[1].playing


def test_going_round_the_viewports(room: Room) -> None:
    desk = room.desk
    desk.set_layout(Layout.TWO)
    told = heard(desk.active_changed)
    desk.activate_next()
    desk.activate_next()
    assert told == [(1,), (0,)]
    desk.activate_next(-1)
    assert desk.active_index == 1
    desk.set_layout(Layout.ONE)
    room.put(3, stack("hidden"))
    desk.activate_next()  # alone: those that show something take turns
    assert desk.seen == (desk.viewports[3],)
    desk.activate(99)
    assert desk.active_index == 3


class TestLinkedScrolling:
    @pytest.fixture
    def two(self, room: Room) -> Room:
        room.desk.set_layout(Layout.TWO)
        return room

    def test_follows_by_position_not_by_number(self, two: Room) -> None:
        two.put(0, stack("thin", [float(z) for z in range(0, 41)]))
        two.put(1, stack("thick", [0.0, 5.0, 10.0, 15.0, 20.0]))
        two.desk.viewports[0].go_to(12)
        assert two.indices() == [12, 2]
        two.desk.viewports[0].go_to(13)
        assert two.indices() == [13, 3]
        two.desk.viewports[0].go_to(40)
        assert two.indices() == [40, 4]

    def test_whichever_is_scrolled_leads_active_or_not(self, two: Room) -> None:
        two.put(0, stack("a", [0.0, 1.0, 2.0, 3.0]))
        two.put(1, stack("b", [3.0, 2.0, 1.0, 0.0]))
        assert two.desk.active_index == 0
        two.desk.viewports[1].go_to(0 + 1)
        assert two.indices() == [2, 1]

    def test_a_slice_that_arrives_moves_nobody(self, two: Room) -> None:
        a = two.put(0, stack("a", [0.0, 1.0, 2.0, 3.0]))
        two.put(1, stack("b", [0.0, 1.0, 2.0, 3.0]))
        two.desk.set_linked(False)
        two.desk.viewports[1].go_to(3)
        two.desk.set_linked(True)
        two.cache.deliver_all(a)
        assert two.indices() == [0, 3]

    def test_the_same_stack_twice_scrolls_together(self, two: Room) -> None:
        same = stack("same", planes=[None] * 6)
        two.put(0, same)
        two.put(1, same)
        two.desk.viewports[1].go_to(4)
        assert two.indices() == [4, 4]

    def test_other_coordinates_and_other_directions_stay(self, two: Room) -> None:
        two.desk.set_layout(Layout.FOUR)
        two.put(0, stack("axial", [0.0, 1.0, 2.0]))
        two.put(1, stack("elsewhere", [0.0, 1.0, 2.0], frame_of_reference="9.9"))
        sagittal: list[ImagePlane | None] = [plane((float(x), 0, 0), (0, 1, 0), (0, 0, -1)) for x in range(3)]
        two.put(2, stack("sagittal", planes=sagittal))
        two.put(3, stack("nowhere", planes=[None] * 3))
        two.desk.viewports[0].go_to(2)
        assert two.indices() == [2, 0, 0, 0]

    def test_without_a_frame_of_reference_nothing_is_comparable(self, two: Room) -> None:
        two.put(0, stack("a", frame_of_reference=None))
        two.put(1, stack("b", frame_of_reference=None))
        two.desk.viewports[0].go_to(2)
        assert two.indices() == [2, 0]

    def test_slightly_oblique_stacks_follow_at_the_centre_of_the_image(self, two: Room) -> None:
        a = math.radians(10)
        oblique: list[ImagePlane | None] = [
            plane((0.0, 0.0, z), (1, 0, 0), (0, math.cos(a), math.sin(a))) for z in range(0, 10)
        ]
        two.put(0, stack("straight", [float(z) for z in range(10)], shape=(101, 101)))
        two.put(1, stack("oblique", planes=oblique, shape=(101, 101)))
        two.desk.viewports[1].go_to(0)
        two.desk.viewports[0].go_to(9)
        # At its centre, 50 mm along the column, the oblique plane lies 50·tan(10°) = 8.8 mm higher than its corner.
        assert two.indices() == [9, 0]

    def test_a_stack_is_opened_where_the_others_are(self, two: Room) -> None:
        two.put(0, stack("thin", [float(z) for z in range(0, 41)]))
        two.desk.viewports[0].go_to(20)
        thick = two.put(1, stack("thick", [0.0, 5.0, 10.0, 15.0, 20.0]))
        assert two.indices() == [20, 4]
        two.desk.viewports[0].go_to(5)
        two.put(1, stack("elsewhere", frame_of_reference="9.9"))
        two.desk.viewports[0].go_to(10)
        two.put(1, thick)  # not where it was left
        assert two.indices() == [10, 2]

    def test_an_image_that_was_asked_for_leads(self, two: Room) -> None:
        two.put(0, stack("thin", [float(z) for z in range(0, 41)]))
        two.desk.viewports[1].show(shown(stack("thick", [0.0, 5.0, 10.0, 15.0, 20.0])), 3)
        assert two.indices() == [15, 3]

    def test_unlinked_nothing_follows(self, two: Room) -> None:
        two.put(0, stack("a"))
        two.put(1, stack("b"))
        told = heard(two.desk.linked_changed)
        two.desk.set_linked(False)
        two.desk.viewports[0].go_to(3)
        assert two.indices() == [3, 0]
        assert told == [(False,)]


class TestCrosshair:
    @pytest.fixture
    def crossed(self, room: Room) -> Room:
        room.desk.set_layout(Layout.TWO)
        room.put(0, stack("axial", [float(z) for z in range(20)], shape=(30, 30)))
        sagittal: list[ImagePlane | None] = [
            plane((float(x), 0, 20), (0, 1, 0), (0, 0, -1), spacing=2.0) for x in range(0, 30, 3)
        ]
        room.put(1, stack("sagittal", planes=sagittal, shape=(15, 15)))
        return room

    def test_shows_the_same_point_of_the_patient(self, crossed: Room) -> None:
        axial, sagittal = crossed.desk.viewports[:2]
        axial.go_to(6)  # z = 6
        crossed.desk.point_at(axial, (8.0, 12.0))  # y = 8, x = 12
        assert sagittal.index == 4  # x = 12
        assert sagittal.crosshair == pytest.approx(((20 - 6) / 2, 8 / 2))
        assert axial.index == 6
        assert axial.crosshair is None

    def test_ends(self, crossed: Room) -> None:
        axial, sagittal = crossed.desk.viewports[:2]
        crossed.desk.point_at(axial, (8.0, 12.0))
        crossed.desk.point_at(axial, None)
        assert sagittal.crosshair is None

    def test_ends_when_the_reader_scrolls_there(self, crossed: Room) -> None:
        axial, sagittal = crossed.desk.viewports[:2]
        crossed.desk.point_at(axial, (8.0, 12.0))
        sagittal.scroll(1)
        assert sagittal.crosshair is None

    def test_not_in_other_coordinates(self, crossed: Room) -> None:
        crossed.put(1, stack("elsewhere", frame_of_reference="9.9"))
        crossed.desk.point_at(crossed.desk.viewports[0], (1.0, 1.0))
        assert crossed.desk.viewports[1].crosshair is None
        assert crossed.desk.viewports[1].index == 0

    def test_the_same_stack_shows_the_same_pixel(self, room: Room) -> None:
        room.desk.set_layout(Layout.TWO)
        same = stack("films", planes=[None] * 4)
        room.put(0, same)
        room.put(1, same)
        room.desk.set_linked(False)
        room.desk.viewports[0].go_to(3)
        room.desk.point_at(room.desk.viewports[0], (2.0, 5.0))
        assert room.desk.viewports[1].index == 3
        assert room.desk.viewports[1].crosshair == (2.0, 5.0)


def test_positions_with_holes_and_directions() -> None:
    tilted = plane((0, 0, 5.0), (0, 1, 0), (0, 0, -1))  # normal −x
    mixed = stack("mixed", planes=[None, plane((0, 0, 3.0)), None, tilted])
    positions = SlicePositions(mixed)
    assert positions.nearest((50.0, 0, 4.0)) == 1
    assert positions.nearest((0.5, 0, 40.0)) == 3
    assert SlicePositions(stack("none", planes=[None, None])).nearest((0, 0, 0)) is None


def test_frames_of_reference() -> None:
    a, b = stack("a"), stack("b")
    assert shares_frame(a, b)
    assert not shares_frame(a, None)
    assert not shares_frame(stack("c", frame_of_reference=None), stack("d", frame_of_reference=None))


def test_clear_empties_all_and_goes_home(room: Room) -> None:
    room.desk.set_layout(Layout.TWO)
    room.put(0, stack("a"))
    room.put(1, stack("b"))
    room.desk.activate(1)
    room.desk.clear()
    assert room.desk.active_index == 0
    assert all(viewport.shown is None for viewport in room.desk.viewports)
    assert room.cache.pinned == set()
