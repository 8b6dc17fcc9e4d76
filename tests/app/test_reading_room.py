"""The reading room: from a path to what is on the desk, and to the end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from radviewer.app.desk import Layout
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.app.shown import reference_of
from radviewer.dicom import scan as scan_module
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.render.presentation import Interpolation
from tests import phantoms
from tests.app.hand_made import heard
from tests.app.rooms import WAIT, opened
from tests.qt_objects import destroy


def descriptions(room: ReadingRoom) -> list[str | None]:
    return [None if v.shown is None else v.shown.series.description for v in room.desk.viewports]


def test_the_middle_slice_of_the_first_series_is_shown(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    active = room.desk.active
    assert active.stack is not None
    assert active.shown == next(iter(room.all_shown()))
    assert active.index == active.stack.first_shown
    qtbot.waitUntil(lambda: active.image is not None, timeout=WAIT)
    assert active.reference is not None


def test_other_viewports_are_filled_with_the_rest_of_the_study(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    room.desk.set_layout(Layout.FOUR)
    opened(qtbot, room, study)
    shown = [d for d in descriptions(room) if d is not None]
    of_one_study = {"Series s1", "Series s2", "Series s3"}
    assert set(shown) == of_one_study or shown == ["Series film"]
    assert len(shown) == len(set(shown))


def test_a_larger_layout_is_filled_when_it_is_chosen(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    room.desk.active.show(next(s for s in room.all_shown() if s.series.number == 2))
    room.desk.set_layout(Layout.TWO)
    assert descriptions(room)[:2] == ["Series s2", "Series s3"]


def test_an_empty_folder_is_said_and_leaves_nothing(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    told = heard(room.notice)
    opened(qtbot, room, tmp_path)
    assert "holds no files" in str(told[0][0])
    assert room.desk.active.shown is None


def test_a_folder_with_broken_files_only_says_how_many(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> None:
    for name in ("a.dcm", "b.txt"):
        (tmp_path / name).write_text("no image")
    told = heard(room.notice)
    opened(qtbot, room, tmp_path)
    assert "2 files that could not be used" in str(told[0][0])


def test_a_fault_takes_the_first_image_away_again(
    qtbot: QtBot, room: ReadingRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(tmp_path, 3)
    scan = scan_module.scan

    def failing(target: Path, progress: Any, on_first: Any) -> None:
        scan(target, progress, on_first)
        raise ZeroDivisionError

    monkeypatch.setattr(scan_module, "scan", failing)
    seen: list[bool] = []
    room.desk.active.image_changed.connect(lambda: seen.append(room.desk.active.image is not None))
    with qtbot.waitSignal(room.session.failed, timeout=WAIT):
        room.open(tmp_path)
    assert True in seen
    assert room.desk.active.shown is None


def test_stopping_a_scan_takes_the_first_image_away(
    qtbot: QtBot, room: ReadingRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(tmp_path, 3)
    scan = scan_module.scan
    go_on = threading.Event()

    def slow(target: Path, progress: Any, on_first: Any) -> Any:
        result = scan(target, progress, on_first)
        while not go_on.wait(0.005):
            progress.check()
        return result

    monkeypatch.setattr(scan_module, "scan", slow)
    room.open(tmp_path)
    qtbot.waitUntil(lambda: room.desk.active.image is not None, timeout=WAIT)
    room.stop_work()
    assert room.desk.active.shown is None
    assert room.session.result is None
    go_on.set()


def test_closing_a_study_empties_everything(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    reference = room.desk.active.reference
    assert reference is not None
    room.marks.toggle_key_image(reference)
    changed = heard(room.studies_changed)
    room.close_study()
    assert changed
    assert list(room.all_shown()) == []
    assert (room.desk.active.shown, room.marks.all, room.history.undo_text) == (None, (), None)


def test_marks_come_back_with_the_study(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    reference = room.desk.active.reference
    assert reference is not None
    room.marks.add(Mark(MarkKind.LENGTH, reference, ((1.0, 1.0), (3.0, 4.0))))
    room.close_study()
    opened(qtbot, room, study)
    assert [mark.kind for mark in room.marks.all] == [MarkKind.LENGTH]


def test_settings_reach_the_parts(room: ReadingRoom) -> None:
    room.settings.change(linked=False, smooth=False, cine_rate=33.0, memory_share=0.1)
    assert room.desk.linked is False
    assert room.desk.active.presentation.interpolation is Interpolation.NEAREST
    assert room.desk.cine.rate == 33.0
    budget = room.cache.budget
    room.settings.change(memory_share=0.2)
    assert room.cache.budget == pytest.approx(2 * budget, rel=0.001)


def test_an_image_is_found_by_its_reference(qtbot: QtBot, room: ReadingRoom, study: Path) -> None:
    opened(qtbot, room, study)
    for shown in room.all_shown():
        for index in range(len(shown.stack.frames)):
            assert room.place_of(reference_of(shown, index)) == (shown, index)
    assert room.place_of(ImageReference("1", "2", "3", 0)) is None


def test_closing_during_a_scan_is_prompt(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()

    def endless(_target: Path, progress: Any, _on_first: Any) -> None:
        began.set()
        while True:
            progress.report(1, 0, "Reading headers")

    monkeypatch.setattr(scan_module, "scan", endless)
    room = ReadingRoom(SettingsFile())
    results = heard(room.session.opened)
    room.open(tmp_path)
    assert began.wait(20)
    assert room.close()
    qtbot.wait(10)
    assert results == []
    destroy(room)
