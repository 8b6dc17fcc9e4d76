"""The decision log: kept and read back in order, whatever the disk and other programs do."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.app import log_schema
from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_chain import Verification
from radviewer.app.log_entries import BEGINNING, entry_of, row_of
from radviewer.domain.decision import Decision, Impression, RejectReason, Reveal, Verdict
from radviewer.errors import NotSaved
from tests.app.decided import STUDY, accepted, change, every_kind, key, said, write_every_kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "decisions.sqlite"


@pytest.fixture
def written(path: Path) -> Path:
    write_every_kind(path)
    return path


def test_every_kind_of_entry_is_read_back(written: Path) -> None:
    log = DecisionLog(written)
    entries = every_kind()
    assert [d.verdict for d in log.decisions(STUDY)] == [e.verdict for e in entries if isinstance(e, Decision)]
    assert log.decisions(STUDY)[1].text == "scar \N{EM DASH} \u4f60\u597d"
    assert log.decisions(STUDY)[2].circumstances == said()
    assert log.impressions(STUDY) == tuple(e for e in entries if isinstance(e, Impression))
    assert log.reveals(STUDY) == tuple(e for e in entries if isinstance(e, Reveal))
    assert log.decisions("another study") == ()
    assert log.verify().problem == ""
    assert log.verify().entries == len(entries)
    log.close()


def test_a_log_that_was_never_written_is_whole(path: Path) -> None:
    log = DecisionLog(path)
    assert log.decisions(STUDY) == ()
    assert log.verify().problem == ""
    assert not path.exists()


def test_it_names_no_patient(written: Path) -> None:
    columns = sqlite3.connect(written).execute("PRAGMA table_info(entry)").fetchall()
    assert {name for _, name, *_ in columns} == {
        "sequence", "kind", "at", "reader", "study_uid", "series_uid", "stack", "payload", "previous", "hash",
        "signature",
    }  # fmt: skip


def test_a_reader_whose_name_is_no_unicode_is_kept(path: Path) -> None:
    log = DecisionLog(path)
    log.append(Decision(key(), Verdict.ACCEPTED, said("J\udcfcrgen")))
    assert log.decisions(STUDY)[0].circumstances.reader == "J\udcfcrgen"
    assert log.decisions("\udcfc") == ()
    assert log.verify().problem == ""
    log.close()


def test_order_is_the_sequence_whatever_the_clock_says(path: Path) -> None:
    log = DecisionLog(path)
    for when in ("2026-03-04T05:06:07+00:00", "1999-01-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00"):
        log.append(replace(accepted(when), circumstances=replace(said(), when=when)))
    assert [d.finding.label[:4] for d in log.decisions(STUDY)] == ["2026", "1999", "2030"]
    assert log.verify().problem == ""
    log.close()


def test_entries_may_be_added_while_rows_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radviewer.app.decision_log._PAGE", 2)
    log = DecisionLog(path)
    for label in "abcde":
        log.append(accepted(label))
    rows = log.rows()
    assert next(rows).sequence == 1
    log.append(accepted("f"))
    assert [row.sequence for row in rows] == [2, 3, 4, 5, 6]
    log.close()


def test_two_programs_write_one_chain(path: Path) -> None:
    first, second = DecisionLog(path), DecisionLog(path)
    for i in range(10):
        (first, second)[i % 2].append(accepted(f"label {i}"))
    assert [d.finding.label for d in first.decisions(STUDY)] == [f"label {i}" for i in range(10)]
    assert second.verify().problem == ""
    first.close()
    second.close()


def test_reading_and_checking_wait_for_no_writer(path: Path) -> None:
    log = DecisionLog(path)
    log.append(accepted())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(log.decisions(STUDY)) == 1
    assert log.verify() == Verification(1)
    other.execute("ROLLBACK")
    other.close()
    log.close()


def _append_many(log: DecisionLog) -> None:
    for _ in range(50):
        log.append(accepted("too much"))


def test_a_full_disk_is_said_and_leaves_the_chain_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, real = DecisionLog(path), log_schema._connect
    log.append(accepted())
    log.close()

    def full(where: Path) -> sqlite3.Connection:
        connection = real(where)
        connection.execute("PRAGMA max_page_count = 1")  # the same error as a full disk gives
        return connection

    monkeypatch.setattr(log_schema, "_connect", full)
    with pytest.raises(NotSaved, match=r"full.* free some space"):
        _append_many(log)
    kept = len(log.decisions(STUDY))
    log.close()
    monkeypatch.setattr(log_schema, "_connect", real)
    log.append(accepted("again"))
    assert log.verify() == Verification(kept + 1)
    assert log.decisions(STUDY)[-1].finding.label == "again"
    log.close()


def test_a_locked_log_is_said_and_works_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radviewer.app.log_schema.PATIENCE", 0.05)
    log = DecisionLog(path)
    log.append(accepted())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotSaved, match=r"could not be kept .* tried again"):
        log.append(accepted("second"))
    other.execute("ROLLBACK")
    other.close()
    log.append(accepted("second"))
    assert len(log.decisions(STUDY)) == 2
    log.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotSaved, match="folder's permissions"):
        DecisionLog(tmp_path / "file" / "decisions.sqlite").append(accepted())


def test_a_damaged_log_is_set_aside_never_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"SQLite format 3\x00" + b"\x7f" * 4000)
    log = DecisionLog(path)
    with pytest.raises(NotSaved, match=r"set aside as decisions\.sqlite-damaged"):
        log.append(accepted())
    log.append(accepted())
    (aside,) = path.parent.glob("*damaged*")
    assert aside.read_bytes().startswith(b"SQLite format 3")
    assert len(log.decisions(STUDY)) == 1
    assert f"set aside as {aside.name}" in log.verify().problem  # what it held is in no chain
    log.close()


def test_logs_that_are_damaged_one_after_another_are_all_kept(path: Path) -> None:
    path.parent.mkdir()
    log = DecisionLog(path)
    for content in (b"one" * 99, b"two" * 99, b"three" * 99):
        path.write_bytes(content)
        with pytest.raises(NotSaved, match="set aside"):
            log.append(accepted())
    assert {aside.read_bytes()[:3] for aside in path.parent.glob("*damaged*")} == {b"one", b"two", b"thr"}


def test_a_log_whose_tables_are_gone_is_set_aside(written: Path) -> None:
    change(written, "DROP TABLE entry")
    log = DecisionLog(written)
    with pytest.raises(NotSaved, match="set aside"):
        log.append(accepted())
    log.append(accepted())
    assert len(log.decisions(STUDY)) == 1
    log.close()


def test_checking_a_damaged_log_leaves_it_where_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 99)
    log = DecisionLog(path)
    for _ in range(2):
        assert "is damaged" in log.verify().problem
    assert path.read_bytes() == b"no database" * 99


def test_a_log_of_a_newer_program_is_left_alone(written: Path) -> None:
    change(written, "PRAGMA user_version = 99")
    with pytest.raises(NotSaved, match="newer radviewer"):
        DecisionLog(written).append(accepted())


def test_a_removed_file_begins_anew(path: Path) -> None:
    log = DecisionLog(path)
    log.append(accepted())
    for part in path.parent.iterdir():
        part.unlink()
    log.append(accepted())
    assert log.verify().entries == 1
    log.close()


texts = st.text(max_size=60)


@given(text=texts, label=texts, seconds=st.floats(0, 1e6), spot=st.tuples(st.integers(0, 9), st.floats(-1, 1e4)))
def test_every_text_comes_back(text: str, label: str, seconds: float, spot: tuple[int, float]) -> None:
    made = Decision(key(label), Verdict.MISSED, said(text), text=text, spot=(spot[0], spot[1], seconds))
    assert entry_of(row_of(made, 1, BEGINNING, None)) == made
    if text.strip():
        rejected = Decision(key(label), Verdict.REJECTED, said(), RejectReason.OTHER, text)
        assert entry_of(row_of(rejected, 1, BEGINNING, None)) == rejected
