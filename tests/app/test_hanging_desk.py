"""Hanging protocols at work: what opening a study does to the desk, what the reader chooses, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from radviewer.app.desk import Layout
from radviewer.app.hanging_table import own_table
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.app.shown import Shown
from radviewer.render.view import Camera
from tests import phantoms
from tests.app.hand_made import heard
from tests.app.rooms import opened

FOUR = "Mammography: four views"


def mammograms(folder: Path, *views: str, **own: Any) -> Path:
    """One film for each of "R CC", "L MLO", …, as series of one study."""
    for number, (side, view) in enumerate((words.split() for words in views), 1):
        name = f"{side}{view}"
        elements: dict[str, Any] = {"ImageLaterality": side, "BodyPartExamined": "BREAST", **own}
        phantoms.film(
            folder / f"{name}.dcm",
            modality="MG",
            view=view,
            series=name,
            SeriesNumber=number,
            SeriesDescription=name,
            **elements,
        )
    return folder


def mr_series(folder: Path, *descriptions: str) -> Path:
    for number, text in enumerate(descriptions, 1):
        phantoms.volume(
            folder / str(number), 3, modality="MR", series=text, SeriesNumber=number, SeriesDescription=text,
            BodyPartExamined="BRAIN",
        )  # fmt: skip
    return folder


def seen(room: ReadingRoom) -> list[str | None]:
    return [None if v.shown is None else v.shown.series.description for v in room.desk.seen]


@pytest.fixture
def breasts(tmp_path: Path) -> Path:
    return mammograms(tmp_path / "breasts", "L MLO", "R CC", "L CC", "R MLO")


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    return mr_series(tmp_path / "brain", "T2", "FLAIR", "T1 post", "T1 pre")


def test_a_study_is_hung_when_it_is_opened(qtbot: QtBot, room: ReadingRoom, breasts: Path, brain: Path) -> None:
    opened(qtbot, room, breasts)
    assert (room.desk.layout, seen(room)) == (Layout.FOUR, ["RCC", "LCC", "RMLO", "LMLO"])
    assert [v.camera.against for v in room.desk.seen] == ["right", "left", "right", "left"]
    assert (room.hanging.in_force, room.desk.active_index) == (FOUR, 0)
    opened(qtbot, room, brain)
    assert (room.desk.layout, seen(room)) == (Layout.FOUR, ["T1 pre", "T1 post", "T2", "FLAIR"])
    assert [v.camera.against for v in room.desk.seen] == [""] * 4


def test_resetting_the_view_leaves_a_mammogram_hung(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    folder = mammograms(tmp_path / "m", "R CC", "L CC", PatientOrientation=("P", "L"))
    opened(qtbot, room, folder)
    right, left = room.desk.seen
    assert (right.camera.quarter_turns, left.camera.quarter_turns) == (0, 2)  # the left one stands on its head
    for viewport in (right, left):
        hung = viewport.camera
        viewport.set_camera(hung.rotated().flipped_horizontally())
        viewport.reset()
        assert viewport.camera == hung
    left.show(next(iter(room.all_shown())))
    left.reset()
    assert left.camera == Camera()


def test_a_place_that_stays_empty_is_not_filled(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    folder = mammograms(tmp_path / "three", "L MLO", "R CC", "R MLO")
    phantoms.volume(folder / "ct", 3)
    opened(qtbot, room, folder)
    assert seen(room) == ["RCC", None, "RMLO", "LMLO"]


def test_what_no_protocol_is_for_opens_in_the_readers_layout(
    qtbot: QtBot, room: ReadingRoom, breasts: Path, study: Path
) -> None:
    opened(qtbot, room, study)
    assert (room.desk.layout, room.hanging.in_force) == (Layout.ONE, "")
    opened(qtbot, room, breasts)
    assert room.desk.layout is Layout.FOUR
    assert room.settings.now.layout == "1x1"  # a protocol's layout is not the reader's
    opened(qtbot, room, study)
    assert (room.desk.layout, room.hanging.in_force) == (Layout.ONE, "")
    assert room.desk.active.shown == next(iter(room.all_shown()))


def test_a_layout_chosen_by_hand_afterwards_is_filled(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    opened(qtbot, room, mr_series(tmp_path / "m", "T2", "localizer", "FLAIR"))
    assert (room.desk.layout, seen(room)) == (Layout.TWO, ["T2", "FLAIR"])
    room.desk.set_layout(Layout.FOUR)
    assert seen(room) == ["T2", "FLAIR", "localizer", None]


def test_a_setting_turns_it_off(qtbot: QtBot, room: ReadingRoom, breasts: Path) -> None:
    room.settings.change(hang_automatically=False)
    opened(qtbot, room, breasts)
    assert (room.desk.layout, seen(room), room.hanging.in_force) == (Layout.ONE, ["LMLO"], "")
    room.hanging.choose(FOUR)  # by hand it goes on
    assert seen(room) == ["RCC", "LCC", "RMLO", "LMLO"]


def test_the_readers_choice_is_kept_for_the_kind_of_study(
    qtbot: QtBot, room: ReadingRoom, breasts: Path, brain: Path
) -> None:
    opened(qtbot, room, breasts)
    names = [plan.protocol.name for plan in room.hanging.choices()]
    assert names[0] == FOUR
    told = heard(room.hanging.changed)
    room.hanging.choose("Mammography: both breasts, MLO")
    assert told
    assert (room.desk.layout, seen(room)) == (Layout.TWO, ["RMLO", "LMLO"])
    opened(qtbot, room, brain)
    assert room.desk.layout is Layout.FOUR
    opened(qtbot, room, breasts)
    assert (room.desk.layout, seen(room)) == (Layout.TWO, ["RMLO", "LMLO"])
    assert room.settings.now.hanging == {"MG BREAST": "Mammography: both breasts, MLO"}
    assert SettingsFile().now.hanging == room.settings.now.hanging


def test_none_is_a_choice_too(qtbot: QtBot, room: ReadingRoom, breasts: Path) -> None:
    room.settings.change(layout="1x2")
    opened(qtbot, room, breasts)
    room.hanging.choose("")
    assert (room.desk.layout, seen(room), room.hanging.in_force) == (Layout.TWO, ["LMLO", "RCC"], "")
    opened(qtbot, room, breasts)
    assert (room.desk.layout, seen(room)) == (Layout.TWO, ["LMLO", "RCC"])


def test_a_choice_that_does_not_fit_this_time(qtbot: QtBot, room: ReadingRoom, tmp_path: Path, breasts: Path) -> None:
    room.settings.change(hanging={"MG BREAST": FOUR})
    opened(qtbot, room, mammograms(tmp_path / "one", "L MLO", "L CC"))
    assert seen(room) == ["LCC", "LMLO"]
    room.settings.change(hanging={"MG BREAST": "no such protocol"})
    opened(qtbot, room, breasts)
    assert room.hanging.in_force == FOUR


def test_nothing_to_choose_while_nothing_is_open(room: ReadingRoom) -> None:
    assert room.hanging.choices() == ()
    room.hanging.choose(FOUR)
    assert room.settings.now.hanging == {}


class TestPlanes:
    @pytest.fixture
    def volume(self, tmp_path: Path) -> Path:
        phantoms.volume(tmp_path / "v", 48, series="long", SeriesDescription="long")
        return tmp_path / "v"

    def test_are_shown_by_whoever_can(self, qtbot: QtBot, room: ReadingRoom, volume: Path) -> None:
        asked: list[tuple[int, str]] = []

        def show(index: int, shown: Shown, plane: str) -> bool:
            asked.append((index, plane))
            room.desk.viewports[index].show(shown)
            return True

        room.hanging.show_plane = show
        opened(qtbot, room, volume)
        assert room.desk.layout is Layout.FOUR
        assert asked == [(0, "axial"), (1, "coronal"), (2, "sagittal"), (3, "3d")]

    def test_the_next_protocol_takes_over_when_one_cannot_be_shown(
        self, qtbot: QtBot, room: ReadingRoom, volume: Path
    ) -> None:
        room.hanging.show_plane = lambda _index, _shown, plane: plane != "3d"
        opened(qtbot, room, volume)
        assert (room.desk.layout, room.hanging.in_force) == (Layout.THREE, "CT: three planes")

    def test_when_none_can_be_shown_all_is_as_it_was(self, qtbot: QtBot, room: ReadingRoom, volume: Path) -> None:
        room.hanging.show_plane = lambda _index, _shown, _plane: False
        opened(qtbot, room, volume)
        assert (room.desk.layout, seen(room), room.hanging.in_force) == (Layout.ONE, ["long"], "")

    def test_without_any_all_is_as_it_was(self, qtbot: QtBot, room: ReadingRoom, volume: Path) -> None:
        room.hanging.show_plane = None
        opened(qtbot, room, volume)
        assert (room.desk.layout, seen(room)) == (Layout.ONE, ["long"])


OWN = """
[[protocol]]
name = "Mine"
modality = "MG"
layout = "1x3"
cells = [{ view = "CC", laterality = "L" }, { view = "MLO", laterality = "L" }, { view = "CC", laterality = "R" }]
"""


def test_the_readers_own_table_comes_first_and_is_read_again(qtbot: QtBot, room: ReadingRoom, breasts: Path) -> None:
    opened(qtbot, room, breasts)
    assert room.hanging.in_force == FOUR
    own_table().write_text(OWN)
    opened(qtbot, room, breasts)
    assert (room.hanging.in_force, seen(room)) == ("Mine", ["LCC", "LMLO", "RCC"])


def test_a_wrong_table_of_the_reader_is_told_once(qtbot: QtBot, room: ReadingRoom, breasts: Path) -> None:
    own_table().write_text(OWN.replace("1x3", "7x7"))
    told = heard(room.notice)
    opened(qtbot, room, breasts)
    opened(qtbot, room, breasts)
    assert room.hanging.in_force == FOUR
    (sentence,) = [str(words[0]) for words in told]
    assert sentence.startswith(f'{own_table()}, protocol "Mine", key "layout": allowed is one of 1x1, ')
