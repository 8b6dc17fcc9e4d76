"""Ways through what is open."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from radviewer.app import navigation
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import reference_of
from radviewer.domain.measurement import ImageReference
from tests.app.rooms import opened


def test_a_stack_is_found_by_its_key(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    for shown in room.all_shown():
        assert navigation.find_stack(room, shown.stack.key) == shown
    assert navigation.find_stack(room, "gone") is None


def test_jumping_shows_the_series_and_the_image(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    for shown in room.all_shown():
        last = len(shown.stack.frames) - 1
        assert navigation.jump_to(room, reference_of(shown, last))
        assert (room.desk.active.shown, room.desk.active.index) == (shown, last)
    assert navigation.jump_to(room, ImageReference("1", "2", "3", 0)) is False


def test_stepping_through_series_stops_at_both_ends(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    everything = list(room.all_shown())
    navigation.step_series(room, -99)
    assert room.desk.active.stack is everything[0].stack
    for shown in everything[1:]:
        navigation.step_series(room, 1)
        assert room.desk.active.stack is shown.stack
    navigation.step_series(room, 1)
    assert room.desk.active.stack is everything[-1].stack


def test_the_next_mark_is_found_across_series_and_around_the_end(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    assert navigation.next_marked(room) is False
    first, _, last = (shown for shown in room.all_shown() if shown.series.modality == "CT")
    places = [(first, 1), (first, 3), (last, 0)]
    for shown, index in places:
        room.marks.toggle_key_image(reference_of(shown, index))
    room.desk.active.show(first, 3)
    met = []
    for _ in range(4):
        assert navigation.next_marked(room)
        met.append((room.desk.active.shown, room.desk.active.index))
    assert met == [places[2], places[0], places[1], places[2]]


def test_the_only_mark_is_on_the_image_itself(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    reference = room.desk.active.reference
    assert reference is not None
    room.marks.toggle_key_image(reference)
    assert navigation.next_marked(room) is False
