"""What a report says of findings, decisions and models, and how its files are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.ai.cards import read_card
from radviewer.app import report
from radviewer.app.finding_rows import Kind, Row, RowState, rows_of, saved_row
from radviewer.app.report import save
from radviewer.app.report_images import Slices, Source, Wanted, is_pictured, painted
from radviewer.app.report_words import (
    finding_line,
    image_name,
    impression_facts,
    joined,
    logged_line,
    measured_line,
    model_line,
    opinion_sentence,
    series_name,
    unknown_model,
    when_text,
)
from radviewer.app.shown import Shown
from radviewer.domain.decision import (
    Circumstances,
    Decision,
    FindingKey,
    Impression,
    Policy,
    Presence,
    RejectReason,
    Verdict,
)
from radviewer.domain.opinion import Finding, Opinion, Outcome
from radviewer.errors import NotSaved
from radviewer.render.presentation import Presentation
from radviewer.render.view import Camera
from tests.app import opinions
from tests.app.hand_made import picture, shown, stack

FILM = opinions.film()
MADE = Circumstances("Dr Who", "2026-11-26T00:12:13.123+00:00", Policy.ON_REQUEST)
NOW = datetime(2026, 11, 26, 1, 2, 3)
TUBERCULOSIS = FindingKey("1", "2", "3", opinions.FINDINGS, opinions.VERSION[opinions.FINDINGS], "tuberculosis")


def row(*said: Opinion, label: str = "tuberculosis", decision: Decision | None = None) -> Row:
    found = next(r for r in rows_of(FILM, said or (opinions.findings(),), {}, lambda _name: None) if r.label == label)
    if decision is None:
        return found
    decided = {found.key: replace(decision, finding=found.key)}
    return next(r for r in rows_of(FILM, said or (opinions.findings(),), decided, lambda _n: None) if r.label == label)


class TestWords:
    def test_a_flagged_finding_that_waits(self) -> None:
        line = finding_line(FILM, row())
        assert (line.probability, line.threshold, line.state) == (0.9, 0.4, "flagged")
        assert line.decision == ("Not decided",)
        assert line.source == f"{TUBERCULOSIS.model} {TUBERCULOSIS.version}"

    def test_what_is_not_flagged_needs_no_decision(self) -> None:
        line = finding_line(FILM, row(label="pneumonia"))
        assert (line.state, line.decision) == ("not flagged", ())

    @pytest.mark.parametrize(
        ("decision", "said"),
        [
            (Decision(TUBERCULOSIS, Verdict.ACCEPTED, MADE), ("Accepted",)),
            (
                Decision(TUBERCULOSIS, Verdict.REJECTED, MADE, reason=RejectReason.OTHER, text="a fold"),
                ("Rejected: other", "a fold"),
            ),
            (
                Decision(TUBERCULOSIS, Verdict.EDITED, MADE, mask="ab", dice=0.876),
                ("Accepted with another outline", "overlap with the model's outline: Dice 0.88"),
            ),
        ],
    )
    def test_a_decision_with_reader_and_time(self, decision: Decision, said: tuple[str, ...]) -> None:
        assert finding_line(FILM, row(decision=decision)).decision == (*said, "Dr Who, 2026-11-26 00:12 UTC")

    def test_a_reader_without_a_name(self) -> None:
        decision = Decision(TUBERCULOSIS, Verdict.ACCEPTED, replace(MADE, reader=""))
        assert finding_line(FILM, row(decision=decision)).decision[-1].startswith("reader not named, ")

    def test_a_finding_of_the_readers_own(self) -> None:
        key = FindingKey("1", "2", "3", "", "id", "nodule")
        decision = Decision(key, Verdict.MISSED, MADE, spot=(0, 1.0, 2.0), text="small")
        own = next(r for r in rows_of(FILM, (), {key: decision}, lambda _n: None) if r.kind is Kind.MISSED)
        line = finding_line(FILM, own)
        assert (line.state, line.source, line.probability) == ("reader's own", "proposed by no model", None)
        assert line.decision[:2] == ("Marked by the reader", "small")

    def test_a_refused_finding_says_why(self) -> None:
        refused = Finding("tuberculosis", Outcome.REFUSED, reason="Too young.")
        opinion = Opinion(opinions.FINDINGS, "1.0.0", Outcome.RAN, findings=(refused,))
        assert finding_line(FILM, row(opinion)).state == "refused: Too young."

    def test_an_outline_of_a_file_does_not_tell_the_files_name(self) -> None:
        saved = saved_row(FILM, "Doe-Jane.dcm", "lesion", opinions.mask(1, 1, 3, 3), "drawn by somebody")
        line = finding_line(FILM, saved)
        assert (line.state, line.source) == ("outline from a file", "drawn by somebody")
        decision = Decision(saved.key, Verdict.ACCEPTED, MADE)
        assert "Doe" not in repr(logged_line(FILM, decision))

    def test_a_difference_from_the_impression_is_said(self) -> None:
        assert finding_line(FILM, replace(row(), impression=Presence.ABSENT)).decision[-1].endswith("impression")

    def test_a_decision_whose_finding_is_gone(self) -> None:
        decision = Decision(TUBERCULOSIS, Verdict.ACCEPTED, MADE, probability=0.7, threshold=0.4)
        line = logged_line(FILM, decision)
        assert (line.label, line.probability, line.state) == ("tuberculosis", 0.7, "flagged")
        assert logged_line(FILM, replace(decision, probability=0.1)).state == "not flagged"
        assert logged_line(FILM, replace(decision, probability=None)).state == "from the decision log"

    def test_what_became_of_each_model(self) -> None:
        name = f"series: {opinions.FINDINGS} {opinions.VERSION[opinions.FINDINGS]} "
        said = {
            "flagged": opinion_sentence(FILM, opinions.findings()),
            "nothing": opinion_sentence(FILM, opinions.findings(0.1)),
            "refused": opinion_sentence(FILM, opinions.refused()),
            "anatomy": opinion_sentence(FILM, opinions.anatomy()),
        }
        assert said["flagged"].endswith("ran, flagged tuberculosis (0.90) (tested for: tuberculosis, pneumonia).")
        assert said["nothing"].endswith("ran, nothing flagged (tested for: tuberculosis, pneumonia).")
        assert said["refused"].endswith("refused: This is a lateral view.")
        assert said["anatomy"].endswith("ran, outlined right lung, left lung, heart.")
        assert not any("normal" in sentence for sentence in said.values()), name

    def test_a_refusal_that_was_overridden_is_said(self) -> None:
        said = opinion_sentence(FILM, replace(opinions.findings(), overridden="This is a lateral view."))
        assert said.endswith("It would have refused (This is a lateral view); the reader had it run all the same.")

    def test_measurements_say_whose_they_are(self) -> None:
        line = measured_line(FILM, row(opinions.anatomy(), label="heart"))
        assert line.values == "area 9 pixels"
        edited = replace(row(opinions.anatomy(), label="heart"), state=RowState.EDITED)
        assert measured_line(FILM, edited).by.endswith("before editing")

    def test_an_impression_with_its_order(self) -> None:
        locked = Impression("1", "2", "3", (("tuberculosis", Presence.UNSURE),), "In words.", MADE)
        assert impression_facts(FILM, locked) == (
            (series_name(FILM), "tuberculosis: unsure"),
            ("In words", "In words."),
            ("Locked by", "Dr Who, 2026-11-26 00:12 UTC, before the second opinion was shown"),
        )
        seen = replace(locked, circumstances=replace(MADE, revealed=MADE.when))
        assert "after the second" in impression_facts(FILM, seen)[-1][1]

    def test_names_of_series_and_images(self) -> None:
        ct = shown(stack())
        assert series_name(ct) == "CT series 1, series"
        assert image_name(ct, 2) == "CT series 1, series, image 3 of 5"
        assert image_name(FILM, 0) == series_name(FILM)
        assert image_name(ct, None) == series_name(ct)
        assert joined(map(str, range(14))).endswith("11 and 2 more")

    def test_times_of_the_log(self) -> None:
        assert when_text("2026-11-26T00:12:13.123+00:00") == "2026-11-26 00:12 UTC"
        assert when_text("nonsense") == "nonsense"

    def test_every_bundled_card_in_short(self) -> None:
        for name in (opinions.ANATOMY, opinions.FINDINGS):
            card = read_card(paths.models() / name)
            line = model_line(card)
            assert line.name == f"{name} {card.version}"
            assert line.failures == card.failure_modes
            assert line.figures
            for _group, n, texts in line.figures:
                assert n
                assert len(texts) == len(line.measures)
                assert all("[" in text for text in texts if text)
        assert "another version" in unknown_model("x", "1.0.0").use


def test_rejected_findings_have_no_image() -> None:
    flagged = row()
    assert is_pictured(flagged)
    assert not is_pictured(row(label="pneumonia"))
    rejected = Decision(TUBERCULOSIS, Verdict.REJECTED, MADE, reason=RejectReason.ARTEFACT)
    assert not is_pictured(row(decision=rejected))
    assert is_pictured(row(label="pneumonia", decision=Decision(TUBERCULOSIS, Verdict.ACCEPTED, MADE)))
    assert not is_pictured(row(opinions.anatomy(), label="heart"))


@pytest.mark.usefixtures("qapp")
class TestImages:
    def wanted(self, where: Shown, **own: object) -> Wanted:
        source = Source(where.stack, 0, picture())
        return replace(Wanted("One", "Told.", source, Presentation(), Camera()), **own)  # type: ignore[arg-type]

    def test_the_picture_has_the_shape_of_the_image(self) -> None:
        made = painted(self.wanted(FILM), Slices())
        (one,) = made.pictures
        assert (one.width(), one.height()) == (1000, 800)
        assert made.caption.startswith("Told. W\u00a0400")

    def test_a_turned_image_is_turned(self) -> None:
        (one,) = painted(self.wanted(FILM, camera=Camera(quarter_turns=1)), Slices()).pictures
        assert (one.width(), one.height()) == (800, 1000)

    def test_what_cannot_be_read_is_said(self) -> None:
        made = painted(self.wanted(FILM, source=Source(FILM.stack, 0, None)), Slices())
        assert made.pictures == ()
        assert made.caption.endswith("The image could not be read.")


class TestFiles:
    def test_nothing_is_replaced(self, tmp_path: Path) -> None:
        first, second = save(tmp_path / "new", b"1", b"2", NOW), save(tmp_path / "new", b"3", b"4", NOW)
        assert [path.name for path in first] == ["report-20261126-010203.pdf", "report-20261126-010203.html"]
        assert [path.name for path in second] == ["report-20261126-010203-2.pdf", "report-20261126-010203-2.html"]
        assert [path.read_bytes() for path in (*first, *second)] == [b"1", b"2", b"3", b"4"]

    def test_a_page_alone_takes_the_name_too(self, tmp_path: Path) -> None:
        (tmp_path / "report-20261126-010203.html").write_text("another program's")
        assert save(tmp_path, b"1", b"2", NOW)[0].name == "report-20261126-010203-2.pdf"

    def test_half_a_report_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def write(path: Path, data: bytes) -> None:
            if path.suffix == ".html":
                raise NotSaved("The disk is full.")
            path.write_bytes(data)

        monkeypatch.setattr(report, "write_whole", write)
        with pytest.raises(NotSaved, match="full"):
            save(tmp_path, b"1", b"2", NOW)
        assert list(tmp_path.iterdir()) == []
