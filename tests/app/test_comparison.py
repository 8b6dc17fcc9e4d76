"""Images of one patient side by side, and the session's summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radviewer.app.comparison import compared
from radviewer.app.finding_rows import Row, RowState, rows_of
from radviewer.app.session_summary import Agreement, against, summed
from radviewer.app.shown import Shown
from radviewer.domain.decision import Circumstances, Decision, Impression, Policy, Presence, RejectReason, Verdict
from radviewer.domain.measurement import Quantity
from tests.app import opinions
from tests.app.opinions import film

_HERE = Circumstances("Dr. Who", "2026-01-01T00:00:00+00:00", Policy.READ_FIRST)


def _dated(name: str, date: str | None) -> Shown:
    shown = film(name)
    return Shown(replace(shown.study, date=date), shown.series, shown.stack)


def _rows(
    shown: Shown, probability: float, version: str = opinions.VERSION[opinions.FINDINGS], area: float = 100.0
) -> tuple[Row, ...]:
    anatomy = opinions.anatomy()
    parts = tuple(replace(part, measurements=(Quantity("area", area, "cm2"),)) for part in anatomy.anatomy)
    said = (opinions.findings(probability, version=version), replace(anatomy, anatomy=parts))
    return rows_of(shown, said, {}, lambda _name: None)


def test_images_stand_in_the_order_of_time_and_changes_are_since_the_one_before() -> None:
    new, old = _dated("new", "20260301"), _dated("old", "20250301")
    found = compared(((new, _rows(new, 0.9, area=110.0)), (old, _rows(old, 0.3))))
    assert [column.title for column in found.columns] == ["2025-03-01 DX 1", "2026-03-01 DX 1"]
    assert found.labels[:2] == ("tuberculosis", "pneumonia")
    assert found.cells["tuberculosis", 0].change is None
    assert found.cells["tuberculosis", 1].change == pytest.approx(0.6)
    assert found.cells["heart", 1].growth == pytest.approx(0.1)


def test_nothing_is_compared_across_versions_or_without_a_date() -> None:
    first, second, undated = _dated("a", "20250301"), _dated("b", "20260301"), _dated("c", None)
    found = compared(
        (
            (undated, _rows(undated, 0.9)),
            (first, _rows(first, 0.3)),
            (second, _rows(second, 0.5, version="2.0.0")),
        )
    )
    assert found.columns[2].shown is undated
    assert found.cells["tuberculosis", 1].change is None
    assert found.cells["tuberculosis", 2].change is None


def test_sizes_in_pixels_do_not_grow() -> None:
    first, second = _dated("a", "20250301"), _dated("b", "20260301")
    said = (opinions.anatomy(),)
    images = tuple((shown, rows_of(shown, said, {}, lambda _name: None)) for shown in (first, second))
    assert compared(images).cells["heart", 1].growth is None


def _judged(shown: Shown, verdict: Verdict, label: str = "tuberculosis") -> tuple[Row, ...]:
    rows = _rows(shown, 0.9)
    key = next(row.key for row in rows if row.label == label)
    reason = RejectReason.ARTEFACT if verdict is Verdict.REJECTED else None
    decision = Decision(key, verdict, _HERE, reason=reason)
    return rows_of(shown, (opinions.findings(),), {key: decision}, lambda _name: None)


def _impression(**labels: Presence) -> Impression:
    return Impression("1", "2", "3", tuple(labels.items()), "", _HERE)


def test_disagreements_come_first_and_what_changed_is_said() -> None:
    rows = _judged(film(), Verdict.ACCEPTED)
    pairs = against(_impression(pneumonia=Presence.ABSENT, tuberculosis=Presence.ABSENT), rows)
    assert [pair.label for pair in pairs] == ["tuberculosis", "pneumonia"]
    assert [pair.agreement for pair in pairs] == [Agreement.DISAGREE, Agreement.AGREE]
    assert pairs[0].changed  # absent before, accepted after the reveal
    assert pairs[0].verdict is RowState.ACCEPTED


def test_an_unsure_reader_neither_agrees_nor_disagrees() -> None:
    (pair,) = against(_impression(tuberculosis=Presence.UNSURE), _judged(film(), Verdict.REJECTED))
    assert pair.agreement is Agreement.OPEN
    assert not pair.changed


def test_the_summary_counts_decisions_and_reasons() -> None:
    rows = (*_judged(film(), Verdict.REJECTED), *_rows(film("b"), 0.8))
    pairs = against(_impression(tuberculosis=Presence.PRESENT), _judged(film(), Verdict.REJECTED))
    found = summed(rows, pairs)
    assert (found.flagged, found.rejected, found.pending, found.accepted) == (2, 1, 1, 0)
    assert found.reasons == (("artefact", 1),)
    assert (found.agree, found.changed) == (1, 1)
