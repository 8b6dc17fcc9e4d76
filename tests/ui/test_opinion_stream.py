"""A model that reads slice by slice, in the window: what is seen on its way, and of single slices when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from radviewer.app import reading_room
from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.shown import Shown
from radviewer.domain.decision import FindingKey, Policy, stack_id
from radviewer.domain.opinion import Finding, Opinion, Outcome
from radviewer.render.opinion_layers import OpinionLayers, OutlineStyle
from radviewer.ui.second_opinion.detail import _lines
from tests import phantoms
from tests.app import opinions
from tests.app.opinions import FINDINGS, FakeWorker, glimpse
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
SHIFT = Qt.KeyboardModifier.ShiftModifier
SLICES = 6
REASON = "Read as FLAIR: the description says AX FLAIR. Resampled from sagittal slices."

Reader = Callable[..., Opened]


def said() -> Opinion:
    """An opinion about all slices, of which only one finding is judged slice by slice."""
    mask = np.zeros((SLICES, 8, 10), np.bool_)
    mask[1:4, 2:5, 3:6] = True
    judged = (0.0, 0.004, 0.921, None, 0.999, 1.0)
    tuberculosis = Finding("tuberculosis", Outcome.RAN, 0.9, 0.4, mask=mask, slice_probabilities=judged)
    pneumonia = Finding("pneumonia", Outcome.RAN, 0.6, 0.4, mask=mask)
    return Opinion(FINDINGS, opinions.VERSION[FINDINGS], Outcome.RAN, reason=REASON, findings=(tuberculosis, pneumonia))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    fake = FakeWorker(said())
    fake.hold = True
    fake.glimpses = {None: (glimpse(0), glimpse(1), glimpse(1, label="pneumonia", probability=0.2))}
    monkeypatch.setattr(reading_room, "ModelWorker", lambda _models: fake)
    return fake


@pytest.fixture
def read(main_window: WindowOpener, worker: FakeWorker, tmp_path: Path) -> Reader:
    """Open a stack in a window; ``read(policy)``."""
    assert worker.models

    def open_stack(policy: Policy = Policy.CONCURRENT) -> Opened:
        phantoms.volume(tmp_path / "stack", SLICES, modality="DX")
        one: Opened = main_window()
        one.room.settings.change(policy=policy.value, hasty_seconds=0.0)
        with one.qtbot.waitSignal(one.room.opinion.prepared):
            one.room.opinion.prepare()
        one.open(tmp_path / "stack")
        one.wait_image()
        one.room.desk.active.go_to(1)
        one.wait_image()
        one.window.desk.focus_active()
        return one

    return open_stack


def shown_in(one: Opened) -> Shown:
    shown = one.room.desk.active.shown
    assert shown is not None
    return shown


def streaming(one: Opened) -> Opened:
    one.wait(lambda: one.room.opinion.reading(shown_in(one)) is not None)
    one.wait(lambda: one.window.findings.reading.isVisibleTo(one.window))
    return one


def spoken(one: Opened, worker: FakeWorker) -> Opened:
    worker.go_on.set()
    one.wait(lambda: one.window.findings.rows.count() > 0)
    return one


def painted(one: Opened) -> OpinionLayers | None:
    return one.window.desk.active.view_on_screen().opinion


def model_lines(one: Opened) -> list[str]:
    """What is said of the models at the foot of the panel."""
    bar = one.window.findings.models
    return [label.text() for label in bar.findChildren(QLabel) if label.isVisibleTo(bar)]


def screen(one: Opened) -> bytes:
    picture: QImage = one.window.desk.active.grab().toImage()
    return bytes(picture.constBits())


def test_slices_already_read_are_outlined_and_said_to_be_provisional(read: Reader, worker: FakeWorker) -> None:
    one = streaming(read())
    layers = painted(one)
    assert layers is not None
    assert [(o.label, o.style, o.selected) for o in layers.outlines] == [
        ("tuberculosis", OutlineStyle.PROVISIONAL, False),
        ("pneumonia", OutlineStyle.PROVISIONAL, False),
    ]
    assert layers.heat is None
    one.wait(lambda: f"{FINDINGS}: running" in model_lines(one))
    assert one.window.findings.reading.text() == f"{FINDINGS}: 2 of 6 slices read. Fine dashes are provisional."
    one.room.desk.active.go_to(4)
    assert painted(one) is None  # not read yet
    one.room.desk.active.go_to(1)
    spoken(one, worker)
    layers = painted(one)
    assert layers is not None
    assert {o.style for o in layers.outlines} == {OutlineStyle.PROPOSED}
    one.wait(lambda: not one.window.findings.reading.isVisibleTo(one.window))


def test_the_overlays_key_and_the_heatmaps_key_hold_for_them_too(read: Reader) -> None:
    one = streaming(read())
    one.key("g", SHIFT)
    layers = painted(one)
    assert layers is not None
    assert layers.heat is not None
    assert layers.heat.label == "tuberculosis so far"  # the likelier one
    heat = layers.heat.heat
    again = painted(one)
    assert again is not None
    assert again.heat is not None
    assert again.heat.heat is heat
    with_all = screen(one)
    one.key("g")
    assert painted(one) is None
    assert screen(one) != with_all
    one.key("g")
    one.room.overlays.change(findings=False)
    layers = painted(one)
    assert layers is not None
    assert layers.outlines == ()


def test_they_cannot_be_selected_decided_exported_or_kept(read: Reader) -> None:
    one = streaming(read())
    widget = one.window.desk.active
    assert one.room.findings.rows(shown_in(one)) == ()
    one.key(Qt.Key.Key_Period)
    one.key(Qt.Key.Key_Return)
    assert one.room.findings.selected is None
    assert widget.view().opinion is None
    shot = one.window.commands.pictures.shot(widget)
    assert shot is not None
    assert shot.view.opinion is None
    assert one.room.decisions.in_force(stack_id(shown_in(one).stack)) == {}
    assert one.room.opinion_store.load(stack_id(shown_in(one).stack)) == ()


def test_they_vanish_when_the_run_is_cancelled(read: Reader) -> None:
    one = streaming(read())
    one.wait(one.window.actions_set["cancel-opinion"].isEnabled)
    one.trigger("cancel-opinion")
    assert painted(one) is None
    one.wait(lambda: "Cancelled." in one.window.findings.headline.text())
    assert not one.window.findings.reading.isVisibleTo(one.window)


def test_closing_the_study_or_the_window_ends_them(read: Reader, worker: FakeWorker) -> None:
    one = streaming(read())
    key = shown_in(one).stack.key
    one.room.close_study()
    assert painted(one) is None
    assert one.room.opinion.glimpses.on(key, 1) == ()
    one.close()
    assert worker.closed


def test_reading_first_shows_nothing_and_asks_nothing(read: Reader, worker: FakeWorker) -> None:
    one = read(Policy.READ_FIRST)
    one.wait(lambda: "You read first" in one.window.findings.headline.text())
    assert worker.asked == []
    assert painted(one) is None


def test_a_run_begins_at_the_slice_on_screen(read: Reader, worker: FakeWorker) -> None:
    worker.hold = False
    one = read(Policy.ON_REQUEST)
    one.room.desk.active.go_to(4)
    one.wait(lambda: bool(worker.asked) and not one.room.opinion.is_running(shown_in(one)))  # for the anatomy
    one.wait(one.window.actions_set["run-opinion"].isEnabled)
    one.trigger("run-opinion")
    assert one.room.opinion.is_running(shown_in(one))
    one.room.desk.active.go_to(2)
    one.wait(lambda: one.window.findings.rows.count() > 0)
    assert worker.first[-1] == 4


def test_what_an_earlier_run_outlined_is_not_outlined_twice(read: Reader, worker: FakeWorker) -> None:
    one = spoken(read(), worker)
    worker.go_on.clear()
    one.trigger("run-opinion")
    streaming(one)
    layers = painted(one)
    assert layers is not None
    assert {o.style for o in layers.outlines} == {OutlineStyle.PROPOSED}


def test_the_selected_finding_says_how_likely_it_is_on_the_slice(read: Reader, worker: FakeWorker) -> None:
    one = spoken(read(), worker)
    detail = one.window.findings.detail
    rows = {row.label: row for row in one.room.findings.rows(shown_in(one))}
    one.room.findings.select(rows["tuberculosis"].key)
    one.wait(lambda: detail.slice.isVisibleTo(one.window))
    texts = []
    for index in range(SLICES):
        one.room.desk.active.go_to(index)
        texts.append(detail.slice.text().removeprefix("This slice: "))
    assert texts == ["0 %.", "less than 1 %.", "92 %.", "not read.", "more than 99 %.", "100 %."]
    one.room.findings.select(rows["pneumonia"].key)
    one.wait(lambda: not detail.slice.isVisibleTo(one.window))


def _notes(one: Opened) -> list[str]:
    return [text for text in model_lines(one) if text == REASON]


def test_what_a_model_read_and_how_is_said_also_after_a_restart(
    read: Reader, worker: FakeWorker, main_window: WindowOpener, tmp_path: Path
) -> None:
    one = spoken(read(), worker)
    one.wait(lambda: _notes(one) == [REASON])
    assert REASON not in one.window.findings.headline.text()
    one.close()
    asked = list(worker.asked)
    again: Opened = main_window()
    with again.qtbot.waitSignal(again.room.opinion.prepared):
        again.room.opinion.prepare()
    again.open(tmp_path / "stack")
    again.wait(lambda: _notes(again) == [REASON])
    restored = {row.label: row.finding for row in again.room.findings.rows(shown_in(again))}
    assert worker.asked[: len(asked)] == asked
    assert restored["tuberculosis"] is not None
    assert restored["tuberculosis"].slice_probabilities == said().findings[0].slice_probabilities


@pytest.mark.parametrize(
    ("outlined", "likeliest", "largest", "words"),
    [
        ((0, 2), 2, 2, "On 2 slices; likeliest on 3."),
        ((0, 2), None, 2, "On 2 slices; largest on 3."),
        ((0, 2), 2, 0, "On 2 slices; largest on 1."),  # the reader drew more
        ((0, 1), 3, 3, "On 2 slices; likeliest on 4, where nothing is outlined."),
    ],
)
def test_which_slice_a_finding_is_shown_on_is_said(
    outlined: tuple[int, ...], likeliest: int | None, largest: int, words: str
) -> None:
    finding = Finding("tuberculosis", Outcome.RAN, 0.9, 0.4, likeliest=likeliest)
    key = FindingKey("1.2", "1.3", "0" * 64, "a model", "1", "tuberculosis")
    row = Row(Kind.FINDING, key, "tuberculosis", RowState.PENDING, finding=finding, slices=outlined)
    assert words in _lines(replace(row, key_slice=largest))
