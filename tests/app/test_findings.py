"""Rows, walk and decisions of the findings panel, without widgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from radviewer.app.attention import Attention
from radviewer.app.decision_log import DecisionLog
from radviewer.app.decisions import DecisionBook
from radviewer.app.desk import Desk
from radviewer.app.finding_rows import Kind, Row, RowState, size_text
from radviewer.app.findings import Findings
from radviewer.app.history import History
from radviewer.app.jobs import JobQueue
from radviewer.app.opinion_runs import SecondOpinionParts
from radviewer.app.opinion_state import Proposed
from radviewer.app.opinion_store import OpinionStore
from radviewer.app.second_opinion import SecondOpinion
from radviewer.app.settings import SettingsFile
from radviewer.app.shown import Shown
from radviewer.domain.decision import FindingKey, Policy, RejectReason, Verdict
from radviewer.domain.volume import Volume
from radviewer.errors import NotSaved
from tests.app import opinions
from tests.app.hand_made import HandCache, heard
from tests.app.opinions import FakeWorker, film
from tests.app.rooms import WAIT
from tests.qt_objects import destroy


class LoadedCache(HandCache):
    def volume(self, _stack: object) -> Volume | None:
        return opinions.volume()


@dataclass
class Reading:
    """Two films on a desk, both read by the models."""

    desk: Desk
    opinion: SecondOpinion
    book: DecisionBook
    history: History
    store: OpinionStore
    findings: Findings
    settings: SettingsFile
    first: Shown
    second: Shown

    def row(self, label: str) -> Row:
        return next(row for row in self.findings.rows(self.desk.active.shown) if row.label == label)


def _wait_for(qtbot: QtBot, opinion: SecondOpinion, shown: Shown) -> None:
    qtbot.waitUntil(lambda: isinstance(opinion.state(shown), Proposed), timeout=WAIT)


@pytest.fixture
def reading(qtbot: QtBot, qapp: object, tmp_path: Path) -> Iterator[Reading]:
    assert qapp is not None
    parent = QObject()
    queue, cache, history = JobQueue("ai", parent), LoadedCache(parent), History(parent)
    book = DecisionBook(DecisionLog(tmp_path / "decisions.sqlite"), history, parent)
    store = OpinionStore(tmp_path / "opinions")
    worker = FakeWorker(opinions.anatomy(), opinions.findings())
    parts = SecondOpinionParts(queue, cache, worker, store, book)  # type: ignore[arg-type]
    settings = SettingsFile()
    settings.setParent(parent)
    settings.change(reader="Dr. Who", policy=Policy.CONCURRENT.value)
    desk = Desk(cache, history, parent)
    opinion = SecondOpinion(
        parts, policy=lambda: Policy.CONCURRENT, reader=lambda: "Dr. Who", slice_of=desk.slice_of, parent=parent
    )
    films = (film("one"), film("two"))
    findings = Findings(desk, opinion, book, settings, lambda: films, store.load_mask, parent)
    book.open(["1.study"])
    with qtbot.waitSignal(opinion.prepared, timeout=WAIT):
        opinion.prepare()
    for one in films:
        opinion.loaded(one)
        _wait_for(qtbot, opinion, one)
    desk.active.show(films[0])
    yield Reading(desk, opinion, book, history, store, findings, settings, *films)
    opinion.close()
    book.close()
    assert queue.close()
    destroy(parent)


def test_rows_name_findings_and_anatomy_with_their_states(reading: Reading) -> None:
    rows = {row.label: row for row in reading.findings.rows(reading.first)}
    assert [rows[label].state for label in ("tuberculosis", "pneumonia", "heart")] == [
        RowState.PENDING,
        RowState.NOT_FLAGGED,
        RowState.PENDING,
    ]
    assert rows["tuberculosis"].pending
    assert not rows["heart"].pending  # an outline of the anatomy asks for no decision
    assert rows["heart"].slices == (0,)
    assert size_text(rows["heart"]) == "area 9 pixels"


def test_the_list_is_filtered_and_ordered(reading: Reading) -> None:
    findings = reading.findings
    assert [r.label for r in findings.listed(reading.first)][:2] == ["tuberculosis", "pneumonia"]
    findings.set_filter(by="label")
    assert [r.label for r in findings.listed(reading.first)] == [
        "pneumonia", "tuberculosis", "heart", "left lung", "right lung",
    ]  # fmt: skip
    findings.set_filter(flagged_only=True)
    assert [r.label for r in findings.listed(reading.first) if r.kind is Kind.FINDING] == ["tuberculosis"]
    findings.accept(reading.row("tuberculosis"))
    findings.set_filter(flagged_only=False, pending_only=True)
    assert findings.listed(reading.first) == ()


def test_the_walk_goes_through_all_images_and_around(reading: Reading) -> None:
    findings, places = reading.findings, []
    for _ in range(5):
        assert findings.step(1)
        selected, shown = findings.selected, reading.desk.active.shown
        assert selected is not None
        assert shown is not None
        places.append((shown.series.series_uid, selected.label))
    assert places == [
        ("1.one", "tuberculosis"),
        ("1.one", "pneumonia"),
        ("1.two", "tuberculosis"),
        ("1.two", "pneumonia"),
        ("1.one", "tuberculosis"),
    ]
    findings.step(-1)
    assert reading.desk.active.shown is reading.second


def test_accepting_is_logged_with_how_it_came_about(reading: Reading) -> None:
    reading.opinion.reveal(reading.first)
    reading.findings.attention.saw(reading.first.stack.key, 0)
    reading.findings.accept(reading.row("tuberculosis"))
    assert reading.row("tuberculosis").state is RowState.ACCEPTED
    (decision,) = reading.book.all
    said = decision.circumstances
    assert decision.verdict is Verdict.ACCEPTED
    assert (decision.probability, decision.threshold) == (0.9, 0.4)
    assert (said.reader, said.policy, said.slices_seen, said.slices) == ("Dr. Who", Policy.CONCURRENT, 1, 1)
    assert said.revealed is not None
    assert said.weights == opinions.HASHES
    assert said.instances == ("one.0",)


def test_a_change_of_mind_is_a_new_decision(reading: Reading) -> None:
    reading.findings.accept(reading.row("tuberculosis"))
    reading.findings.reject(reading.row("tuberculosis"), RejectReason.ARTEFACT)
    assert reading.row("tuberculosis").state is RowState.REJECTED
    reading.history.undo()
    assert reading.row("tuberculosis").state is RowState.ACCEPTED
    reading.history.undo()
    assert reading.row("tuberculosis").state is RowState.PENDING
    reading.history.redo()
    assert reading.row("tuberculosis").state is RowState.ACCEPTED
    verdicts = [decision.verdict.value for decision in reading.book.all]
    assert verdicts == ["accepted", "rejected", "accepted", "withdrawn", "accepted"]
    assert len({decision.decision_id for decision in reading.book.all}) == 5


def test_anatomy_is_accepted_in_bulk_findings_never(reading: Reading) -> None:
    assert reading.findings.accept_anatomy(reading.first) == 3
    states = {row.label: row.state for row in reading.findings.rows(reading.first)}
    assert states["heart"] is RowState.ACCEPTED
    assert states["tuberculosis"] is RowState.PENDING


def test_a_missed_finding_can_be_marked_more_than_once_and_taken_back(reading: Reading) -> None:
    findings = reading.findings
    for column in (2.0, 7.0):
        findings.add_missed(reading.first, "nodule", "", (0, 3.0, column))
    missed = [row for row in findings.rows(reading.first) if row.kind is Kind.MISSED]
    assert [row.label for row in missed] == ["nodule", "nodule"]
    assert missed[0].key_slice == 0
    findings.withdraw(missed[0])
    assert len([row for row in findings.rows(reading.first) if row.kind is Kind.MISSED]) == 1


def test_a_drawn_missed_finding_has_its_mask(reading: Reading) -> None:
    drawn = opinions.mask(2, 2, 5, 5)
    reading.findings.add_missed(reading.first, "nodule", "", (0, 3.0, 3.0), reading.store.save_mask(drawn))
    row = next(row for row in reading.findings.rows(reading.first) if row.kind is Kind.MISSED)
    np.testing.assert_array_equal(row.mask, drawn)
    assert row.slices == (0,)


def test_hasty_decisions_and_unseen_slices_get_a_gentle_word(reading: Reading) -> None:
    words = heard(reading.findings.hasty)
    reading.findings.accept(reading.row("tuberculosis"))
    assert "one slice" in str(words[-1][0])
    reading.findings.attention.saw(reading.first.stack.key, 0)
    reading.findings.reject(reading.row("tuberculosis"), RejectReason.OTHER, "scar")
    assert "Decided after 0.0 s" in str(words[-1][0])
    reading.settings.change(hasty_seconds=0.0)
    count = len(words)
    reading.findings.accept(reading.row("tuberculosis"))
    assert len(words) == count


def test_a_decision_that_cannot_be_written_is_kept_and_tried_again(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: DecisionLog, _entry: object) -> None:
        raise NotSaved("The disk is full.")

    told, settled = heard(reading.book.not_saved), heard(reading.book.saved_again)
    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "append", full)
        reading.findings.accept(reading.row("tuberculosis"))
        reading.findings.accept(reading.row("pneumonia"))
        assert reading.row("tuberculosis").state is RowState.ACCEPTED
        assert [text for (text,) in told] == ["The disk is full."]
        assert reading.book.owed == 2
    reading.book.flush()
    assert len(settled) == 1
    assert reading.book.owed == 0
    labels = [decision.finding.label for decision in reading.book.all]
    reading.book.open(["1.study"])
    assert [decision.finding.label for decision in reading.book.all] == labels == ["tuberculosis", "pneumonia"]


def test_attention_adds_up_the_time_a_finding_was_selected() -> None:
    now = [0.0]
    attention = Attention(lambda: now[0])
    one, other = (FindingKey("s", "t", "k", "m", "1", label) for label in "ab")
    attention.select(one)
    now[0] = 3.0
    attention.select(other)
    now[0] = 4.0
    attention.select(one)
    now[0] = 6.0
    assert attention.seconds(one) == 5.0
    assert attention.seconds(other) == 1.0
    attention.saw("stack", 2)
    assert attention.seen("stack", (1, 2, 3)) == 1
