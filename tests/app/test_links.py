"""Links between stacks: frames, shifts by hand, registrations, both ways; and registration in the background."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from radviewer.app import registering
from radviewer.app.desk import Layout
from radviewer.app.links import Link, LinkKind, Links
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.registering import Pair, name_of
from radviewer.domain.study import Stack
from radviewer.progress import Cancelled, Progress
from radviewer.volumes.registration import NotRegistrable, Registration
from tests import phantoms
from tests.app.hand_made import heard, plane, shown, stack
from tests.app.rooms import opened

GOOD = {"inconsistency": 0.3, "edges": 0.6, "information": 0.4, "information_before": 0.1, "overlap": 0.9}


def _turn(shift: tuple[float, float, float] = (10, 0, 5)) -> Registration:
    """A quarter turn about z, then a shift."""
    matrix = np.array([[0, -1, 0, shift[0]], [1, 0, 0, shift[1]], [0, 0, 1, shift[2]], [0, 0, 0, 1]], dtype=float)
    return Registration(matrix, **GOOD)


def _two() -> tuple[Stack, Stack]:
    return stack("a", frame_of_reference="1"), stack("b", frame_of_reference="2")


def test_one_frame_of_reference_is_a_link_by_itself() -> None:
    links, a, b = Links(), stack("a"), stack("b")
    assert links.kind(a, b) is LinkKind.FRAME
    assert links.map(a, b, (1, 2, 3)) == (1, 2, 3)
    assert links.turn(a, b, (0, 0, 1)) == (0, 0, 1)


def test_nothing_links_other_frames() -> None:
    links, (a, b) = Links(), _two()
    unknown = stack("c", frame_of_reference=None)
    assert links.kind(a, b) is LinkKind.NONE
    assert links.map(a, b, (1, 2, 3)) is None
    assert links.turn(a, b, (1, 0, 0)) is None
    assert links.kind(unknown, stack("d", frame_of_reference=None)) is LinkKind.NONE
    assert links.kind(unknown, unknown) is LinkKind.FRAME


def test_a_plane_is_laid_through_a_link() -> None:
    links, (a, b) = Links(), _two()
    here = plane((10, 20, 30))
    assert links.lay(a, b, here) is None
    links.put(a, b, _turn())
    there = links.lay(a, b, here)
    assert there is not None
    for at in ((0.0, 0.0), (3.0, 7.0)):
        assert there.to_patient(*at) == pytest.approx(links.map(a, b, here.to_patient(*at)))
    back = links.lay(b, a, there)
    assert back is not None
    assert back.to_patient(3.0, 7.0) == pytest.approx(here.to_patient(3.0, 7.0))


def test_a_registration_leads_there_and_back() -> None:
    links, (a, b) = Links(), _two()
    calls = heard(links.changed)
    links.put(a, b, _turn())
    assert len(calls) == 1
    there = links.map(a, b, (1, 2, 3))
    assert there is not None
    assert there == pytest.approx((8, 1, 8))
    assert links.map(b, a, there) == pytest.approx((1, 2, 3))
    assert links.turn(a, b, (1, 0, 0)) == pytest.approx((0, 1, 0))
    link = links.between(b, a)
    assert link is not None
    assert link.words == "registered, quality good (1.00)"


def test_it_holds_for_all_series_of_the_two_frames() -> None:
    links, (a, b) = Links(), _two()
    links.put(a, b, _turn())
    assert links.kind(stack("c", frame_of_reference="2"), stack("d", frame_of_reference="1")) is LinkKind.REGISTERED


def test_within_one_frame_it_holds_for_the_two_series_alone() -> None:
    links, a, b, c = Links(), stack("a"), stack("b"), stack("c")
    links.put(a, b, _turn())
    assert links.kind(a, b) is LinkKind.REGISTERED
    assert links.kind(a, c) is LinkKind.FRAME


def test_unknown_frames_are_told_apart_by_their_stacks() -> None:
    links = Links()
    a, b, c = (stack(name, frame_of_reference=None) for name in "abc")
    links.put(a, b, _turn())
    assert links.kind(b, a) is LinkKind.REGISTERED
    assert links.kind(a, c) is LinkKind.NONE


def test_linking_by_hand_brings_the_middles_together() -> None:
    links, (a, b) = Links(), _two()
    links.link_here(a, plane((0, 0, 10)), b, plane((5, 0, 40)))
    assert links.kind(a, b) is LinkKind.OFFSET
    assert links.map(a, b, (1, 1, 12)) == (6, 1, 42)
    assert links.map(b, a, (6, 1, 42)) == (1, 1, 12)


def test_only_parallel_images_with_a_place_are_linked_by_hand() -> None:
    links, (a, b) = Links(), _two()
    across = plane((0, 0, 0), (0, 1, 0), (0, 0, -1))
    assert "parallel" in links.can_offset(plane((0, 0, 0)), across)
    assert "where it lies" in links.can_offset(None, across)
    assert links.can_offset(across, across) == ""
    with pytest.raises(ValueError, match="parallel"):
        links.link_here(a, plane((0, 0, 0)), b, across)


def test_the_last_link_counts_and_unlinking_leaves_the_frame() -> None:
    links, (a, b) = Links(), _two()
    links.put(a, b, _turn())
    links.link_here(b, plane((0, 0, 0)), a, plane((0, 0, 7)))
    assert links.kind(a, b) is LinkKind.OFFSET
    assert links.unlink(a, b)
    assert not links.unlink(a, b)
    assert links.kind(a, b) is LinkKind.NONE
    links.put(a, stack("c", frame_of_reference="1"), _turn())
    links.clear()
    assert links.kind(a, stack("c", frame_of_reference="1")) is LinkKind.FRAME


def test_a_link_by_frame_names_no_quality() -> None:
    assert Link(LinkKind.FRAME, np.eye(4)).words == "same frame of reference"


@pytest.fixture
def two(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> Pair:
    """Two series in frames of their own, in two viewports."""
    for number in (1, 2):
        frame = phantoms.make_uid("frame", number)
        phantoms.volume(tmp_path / f"{number}", 5, series=f"s{number}", SeriesNumber=number, FrameOfReferenceUID=frame)
    opened(qtbot, room, tmp_path)
    room.desk.set_layout(Layout.TWO)
    first, second = room.all_shown()
    for viewport, one in zip(room.desk.seen, (first, second), strict=True):
        viewport.show(one)
    qtbot.waitUntil(lambda: all(room.cache.volume(one.stack) is not None for one in (first, second)))
    return Pair(first, second)


def _answering(monkeypatch: pytest.MonkeyPatch, answer: Registration | Exception) -> None:
    def register(*_subjects: object, **_values: object) -> Registration:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(registering, "register", register)


def test_a_good_registration_becomes_a_link(
    qtbot: QtBot, room: ReadingRoom, two: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = heard(room.notice)
    _answering(monkeypatch, _turn())
    room.registering.start(two.fixed, two.moving)
    assert room.registering.running is not None
    qtbot.waitUntil(lambda: room.registering.running is None)
    assert room.desk.links.kind(two.moving.stack, two.fixed.stack) is LinkKind.REGISTERED
    assert "quality good (1.00)" in str(told[-1][0])


def test_a_failed_one_links_nothing_and_says_why(
    qtbot: QtBot, room: ReadingRoom, two: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = heard(room.notice)
    for answer, words in (
        (replace(_turn(), inconsistency=12.0), "miss one another by 12.0 mm"),
        (NotRegistrable("Too thin."), "Too thin."),
    ):
        _answering(monkeypatch, answer)
        room.registering.start(two.fixed, two.moving)
        qtbot.waitUntil(lambda: room.registering.running is None)
        assert words in str(told[-1][0])
        assert room.desk.links.kind(two.fixed.stack, two.moving.stack) is LinkKind.NONE


def test_what_comes_after_closing_is_dropped(
    qtbot: QtBot, room: ReadingRoom, two: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []

    def register(_fixed: object, _moving: object, progress: Progress, **_values: object) -> Registration:
        progress.report(1, 2, "begun")
        while not progress.cancelled:
            os.sched_yield()
        stopped.append(True)
        raise Cancelled

    monkeypatch.setattr(registering, "register", register)
    begun = qtbot.waitSignal(
        room.registering.progressed, timeout=20_000, check_params_cb=lambda _done, _total, text: text == "begun"
    )  # not while the series are read
    with begun:
        room.registering.start(two.fixed, two.moving)
    told = heard(room.notice)
    room.close_study()
    assert room.registering.running is None
    qtbot.waitUntil(lambda: bool(stopped), timeout=20_000)
    assert not told
    assert room.desk.links.kind(two.fixed.stack, two.moving.stack) is LinkKind.NONE


def test_series_are_named_by_number_and_description() -> None:
    one = shown(stack("a"), "MR", "T1 post")
    assert name_of(one) == "series 1 (T1 post)"
    assert name_of(replace(one, series=replace(one.series, number=None, description=None))) == "a series (MR)"
