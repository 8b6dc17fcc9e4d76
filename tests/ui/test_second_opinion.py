"""The second opinion in the window, by keyboard and mouse, with a worker that says what the test wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from radviewer.app import reading_room
from radviewer.app.finding_rows import Row, RowState
from radviewer.app.log_export import as_csv
from radviewer.app.mask_edit import Instrument
from radviewer.app.shown import Shown
from radviewer.domain.decision import Policy, Presence, RejectReason
from radviewer.ui.dialogs.model_cards import ModelCards
from radviewer.ui.dialogs.words import WordsDialog
from radviewer.ui.second_opinion.commands import HOLD_MS
from radviewer.ui.second_opinion.compare import CompareDialog
from radviewer.ui.second_opinion.impression import ImpressionDialog
from radviewer.ui.second_opinion.log_view import LogDialog
from radviewer.ui.second_opinion.summary import SummaryDialog
from tests import phantoms
from tests.app import opinions
from tests.app.opinions import FakeWorker
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
SHIFT = Qt.KeyboardModifier.ShiftModifier

Reader = Callable[..., Opened]


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    fake = FakeWorker(opinions.anatomy(), opinions.findings())
    monkeypatch.setattr(reading_room, "ModelWorker", lambda _models: fake)
    return fake


@pytest.fixture
def read(main_window: WindowOpener, worker: FakeWorker, tmp_path: Path) -> Reader:
    """Open a film in a window whose second opinion is ready; ``read(policy=…, films=…)``."""
    assert worker.models

    def open_film(policy: Policy = Policy.CONCURRENT, films: int = 1) -> Opened:
        for number in range(films):
            where = tmp_path / "films" / f"{number}.dcm"
            phantoms.film(where, modality="DX", rows=8, columns=10, instance=number, series=f"film{number}")
        one: Opened = main_window()
        one.room.settings.change(policy=policy.value, reader="Dr. Who", hasty_seconds=0.0)
        with one.qtbot.waitSignal(one.room.opinion.prepared):
            one.room.opinion.prepare()
        one.open(tmp_path / "films")
        one.wait_image()
        one.window.desk.focus_active()
        return one

    return open_film


def shown_in(one: Opened) -> Shown:
    shown = one.room.desk.active.shown
    assert shown is not None
    return shown


def rows(one: Opened) -> dict[str, Row]:
    return {row.label: row for row in one.room.findings.rows(one.room.desk.active.shown)}


def spoken(one: Opened) -> Opened:
    one.wait(lambda: len(one.room.opinion.opinions(one.room.desk.active.shown)) == 2)
    one.wait(lambda: one.window.findings.rows.count() > 0)
    return one


def menu_of(one: Opened) -> QMenu:
    one.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu: QMenu, name: str) -> None:
    action = next(action for action in menu.actions() if action.objectName() == name)
    menu.setActiveAction(action)
    QTest.keyClick(menu, Qt.Key.Key_Return)


def test_the_panel_says_what_was_flagged_and_what_was_tested(read: Reader) -> None:
    one = spoken(read())
    panel = one.window.findings
    one.wait(lambda: "Flagged: tuberculosis. Tested for: tuberculosis and pneumonia." in panel.headline.text())
    assert [row.label for row in panel.rows.rows()][:2] == ["tuberculosis", "pneumonia"]
    assert panel.models.isVisibleTo(one.window)


def test_nothing_flagged_is_never_called_normal(read: Reader, worker: FakeWorker) -> None:
    worker.opinions[opinions.FINDINGS] = opinions.findings(0.1, 0.1)
    one = spoken(read())
    one.wait(lambda: one.window.findings.headline.text().startswith("Ran, nothing flagged. Tested for:"))
    assert "normal" not in one.window.findings.headline.text().lower()


def test_digits_answer_the_menus_and_nothing_else(read: Reader) -> None:
    one = spoken(read())
    before = one.room.desk.active.presentation
    one.key(Qt.Key.Key_Period)
    one.key("x")
    menu = menu_of(one)
    QTest.keyClick(menu.windowHandle(), Qt.Key.Key_2)
    one.wait(lambda: rows(one)["tuberculosis"].state is RowState.REJECTED)
    one.window.desk.focus_active()
    one.key("j")
    widget = one.window.desk.active
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.rect().center())
    menu = menu_of(one)
    QTest.keyClick(menu.windowHandle(), Qt.Key.Key_1)
    one.wait(lambda: any(row.state is RowState.MISSED for row in one.room.findings.rows(shown_in(one))))
    assert one.room.desk.active.presentation == before


def test_keys_walk_accept_reject_and_take_back(read: Reader) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    assert one.room.findings.selected is not None
    one.key(Qt.Key.Key_Return)
    assert rows(one)["tuberculosis"].state is RowState.ACCEPTED
    one.key("x")
    choose(menu_of(one), RejectReason.NORMAL_VARIANT.value)
    one.wait(lambda: rows(one)["tuberculosis"].state is RowState.REJECTED)
    one.window.desk.focus_active()
    one.key("x", SHIFT)
    assert rows(one)["tuberculosis"].state is RowState.PENDING
    one.key(Qt.Key.Key_Comma)
    selected = one.room.findings.selected
    assert selected is not None
    assert selected.label == "pneumonia"


def test_a_reason_of_the_readers_own_is_asked_for_in_words(read: Reader) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    one.key("x")
    choose(menu_of(one), RejectReason.OTHER.value)
    one.wait(lambda: bool(one.window.findChildren(WordsDialog)))
    (dialog,) = one.window.findChildren(WordsDialog)
    assert not dialog.ok.isEnabled()
    dialog.entry.setText("  old   scar ")
    dialog.ok.click()
    decision = rows(one)["tuberculosis"].decision
    assert decision is not None
    assert (decision.reason, decision.text) == (RejectReason.OTHER, "old scar")


def test_enter_on_a_button_decides_nothing(read: Reader) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    one.wait(lambda: one.window.findings.overlays.fill.isVisibleTo(one.window))
    for widget in (one.window.findings.overlays.fill, one.window.findings.run):
        widget.setFocus()
        one.key(Qt.Key.Key_Return)
        one.key(Qt.Key.Key_X)
    assert rows(one)["tuberculosis"].decision is None


def test_g_toggles_and_holding_it_peeks(read: Reader) -> None:
    one = spoken(read())
    widget = one.window.desk.active
    assert widget.view().opinion is not None
    QTest.keyClick(widget, Qt.Key.Key_G)
    assert widget.view().opinion is None
    QTest.keyClick(widget, Qt.Key.Key_G)
    assert widget.view().opinion is not None
    held = one.window.commands.opinion.held
    QTest.keyPress(widget, Qt.Key.Key_G)
    assert widget.view().opinion is None
    one.wait(lambda: held.elapsed() > HOLD_MS)
    QTest.keyRelease(widget, Qt.Key.Key_G)
    assert widget.view().opinion is not None


def test_the_heatmap_is_off_until_it_is_asked_for(read: Reader) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    layers = one.window.desk.active.view().opinion
    assert layers is not None
    assert layers.heat is None
    one.key("g", SHIFT)
    layers = one.window.desk.active.view().opinion
    assert layers is not None
    assert layers.heat is not None
    assert layers.heat.label == "tuberculosis"
    assert layers.heat.native == (8, 8) or layers.heat.native[0] > 1


def test_an_outline_is_edited_stroke_by_stroke_and_kept(read: Reader) -> None:
    one = spoken(read())
    heart = rows(one)["heart"]
    one.room.findings.select(heart.key)
    one.key("e")
    edit = one.room.mask_edit
    assert edit.active
    edit.size(1.0)
    widget = one.window.desk.active
    x, y = (round(v / widget.transform.ratio) for v in widget.transform.to_view(5, 8))
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    assert edit.mask is not None
    assert edit.mask[0, 5, 8]
    assert heart.mask is not None
    assert not heart.mask[0, 5, 8]  # the original is kept
    one.wait(one.window.actions_set["undo"].isEnabled)
    one.key("z", Qt.KeyboardModifier.ControlModifier)
    assert not edit.mask[0, 5, 8]
    edit.take(Instrument.ERASER)
    x, y = (round(v / widget.transform.ratio) for v in widget.transform.to_view(5, 5))
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    assert not edit.mask[0, 5, 5]
    one.key("e")
    assert not edit.active
    row = rows(one)["heart"]
    assert row.state is RowState.EDITED
    assert row.mask is not None
    assert not row.mask[0, 5, 5]
    assert row.decision is not None
    assert row.decision.dice is not None
    assert 0 < row.decision.dice < 1


def test_what_the_ai_missed_is_marked_with_a_click(read: Reader) -> None:
    one = spoken(read())
    one.key("j")
    widget = one.window.desk.active
    x, y = (round(v / widget.transform.ratio) for v in widget.transform.to_view(3, 7))
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    choose(menu_of(one), "pneumonia")
    one.wait(lambda: any(row.state is RowState.MISSED for row in one.room.findings.rows(shown_in(one))))
    row = next(row for row in one.room.findings.rows(shown_in(one)) if row.state is RowState.MISSED)
    assert row.decision is not None
    assert row.decision.spot == pytest.approx((0, 3, 7), abs=0.6)


def test_a_refusal_can_be_overridden_and_is_logged(read: Reader, worker: FakeWorker) -> None:
    worker.opinions[opinions.FINDINGS] = opinions.refused()
    one = spoken(read())
    one.wait(lambda: "Refused by chest-findings: This is a lateral view." in one.window.findings.headline.text())
    worker.opinions[opinions.FINDINGS] = opinions.findings()
    (said,) = [o for o in one.room.opinion.opinions(shown_in(one)) if o.model == opinions.FINDINGS]
    one.room.opinion.override(shown_in(one), said)
    one.wait(lambda: "tuberculosis" in rows(one))
    assert worker.asked[-1] == (opinions.FINDINGS, True)


def test_reading_first_hides_everything_until_the_impression_is_locked(read: Reader, worker: FakeWorker) -> None:
    one = read(Policy.READ_FIRST)
    panel = one.window.findings
    one.wait(lambda: "You read first" in panel.headline.text())
    assert worker.asked == []
    assert not panel.run.isEnabled()
    one.trigger("impression")
    one.wait(lambda: bool(one.window.findChildren(ImpressionDialog)))
    (dialog,) = one.window.findChildren(ImpressionDialog)
    assert not dialog.lock.isEnabled()
    for label in ("tuberculosis", "pneumonia"):
        dialog.choose(label, Presence.ABSENT)
    assert dialog.lock.isEnabled()
    dialog.accept()
    spoken(one)
    one.trigger("session-summary")
    summary = one.window.commands.dialog("session-summary")
    assert isinstance(summary, SummaryDialog)
    assert "1 disagree" in summary.words.text()
    item = summary.table.item(0, 3)
    assert item is not None
    assert item.text() == "disagree"


def test_two_films_are_compared_side_by_side(read: Reader) -> None:
    one = spoken(read(films=2))
    second = list(one.room.all_shown())[1]
    one.room.desk.active.show(second)
    one.wait(lambda: one.room.desk.active.image is not None)
    spoken(one)
    one.trigger("compare-images")
    dialog = one.window.commands.dialog("compare-images")
    assert isinstance(dialog, CompareDialog)
    assert dialog.table.columnCount() == 2
    item = dialog.table.item(0, 1)
    assert item is not None
    assert item.text().startswith("0.90")


def test_another_threshold_says_what_it_would_flag(read: Reader) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    detail = one.window.findings.detail
    one.wait(lambda: detail.slider.isVisibleTo(one.window))
    detail.slider.setValue(95)
    assert "From 0.95: would not be flagged." in detail.expected.text()
    detail.slider.setValue(10)
    assert "From 0.10: would be flagged." in detail.expected.text()


def test_the_log_is_shown_as_a_whole_and_exported(read: Reader, tmp_path: Path) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    one.key(Qt.Key.Key_Return)
    one.trigger("decision-log")
    dialog = one.window.commands.dialog("decision-log")
    assert isinstance(dialog, LogDialog)
    (tally,) = dialog.statistics.tallies
    assert (tally.label, tally.accepted) == ("tuberculosis", 1)
    item = dialog.table.item(0, 5)
    assert item is not None
    assert item.text() == "100%"
    dialog.export(tmp_path / "log.csv", as_csv)
    assert "tuberculosis,accepted" in (tmp_path / "log.csv").read_text()


def test_a_model_card_is_one_click_away(read: Reader) -> None:
    one = spoken(read())
    one.window.commands.show_card(opinions.FINDINGS)
    dialog = one.window.commands.dialog("model-cards")
    assert isinstance(dialog, ModelCards)
    assert "Not for" in dialog.text.toPlainText()
    assert "AUC" in dialog.text.toPlainText()


def test_decisions_and_outlines_are_there_after_a_restart(
    read: Reader, main_window: WindowOpener, tmp_path: Path
) -> None:
    one = spoken(read())
    one.key(Qt.Key.Key_Period)
    one.key(Qt.Key.Key_Return)
    heart = rows(one)["heart"]
    one.room.findings.select(heart.key)
    one.key("e")
    one.room.mask_edit.fill_holes(0)
    edited = np.zeros(opinions.SHAPE, np.bool_)
    edited[0, 4:6, 4:7] = True
    name = one.room.opinion_store.save_mask(edited)
    one.room.mask_edit.cancel()
    one.room.findings.edit(heart, name, 0.8)
    one.close()
    again: Opened = main_window()
    with again.qtbot.waitSignal(again.room.opinion.prepared):
        again.room.opinion.prepare()
    again.open(tmp_path / "films")
    again.wait(lambda: "heart" in rows(again))
    assert rows(again)["tuberculosis"].state is RowState.ACCEPTED
    assert rows(again)["heart"].state is RowState.EDITED
    np.testing.assert_array_equal(rows(again)["heart"].mask, edited)


def test_closing_the_window_while_a_model_runs_ends_it(read: Reader, worker: FakeWorker) -> None:
    worker.hold = True
    one = read()
    one.wait(worker.started.is_set)
    one.close()
    assert worker.closed
