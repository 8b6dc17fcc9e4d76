"""The decision log: kept, chained, checked; whatever is done to the file is found."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_entries import BEGINNING, entry_of, hash_of, row_of
from radviewer.domain.decision import Decision, Impression, RejectReason, Reveal, Verdict
from radviewer.errors import NotSaved
from tests.app.decided import STUDY, accepted, every_kind, key, said

KILLS = int(os.environ.get("RADVIEWER_KILLS", "20"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "decisions.sqlite"


@pytest.fixture
def written(path: Path) -> Path:
    log = DecisionLog(path, b"secret")
    for entry in every_kind():
        log.append(entry)
    log.close()
    return path


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


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


@pytest.mark.parametrize(
    ("statements", "row", "words"),
    [
        (["UPDATE entry SET reader = 'Dr. No' WHERE sequence = 3"], 3, "changed"),
        (["UPDATE entry SET payload = replace(payload, 'accepted', 'rejected') WHERE sequence = 1"], 1, "changed"),
        (["UPDATE entry SET at = '1999' WHERE sequence = 9"], 9, "changed"),
        (["UPDATE entry SET study_uid = '1.2' WHERE sequence = 2"], 2, "changed"),
        (["DELETE FROM entry WHERE sequence = 4"], 5, "missing"),
        (["DELETE FROM entry WHERE sequence = 1"], 2, "missing"),
        (["DELETE FROM entry WHERE sequence = 9"], None, "removed at the end"),
        (["DELETE FROM entry WHERE sequence > 5"], None, "removed at the end"),
        (["DELETE FROM entry"], None, "removed at the end"),
        (["DELETE FROM head"], None, "head record is missing"),
        (["DELETE FROM entry", "DELETE FROM head"], None, ""),
        (
            [
                "UPDATE entry SET sequence = 100 WHERE sequence = 2",
                "UPDATE entry SET sequence = 2 WHERE sequence = 3",
                "UPDATE entry SET sequence = 3 WHERE sequence = 100",
            ],
            2,
            "does not follow",
        ),
    ],
)  # fmt: skip
def test_whatever_is_done_to_rows_is_found(written: Path, statements: list[str], row: int | None, words: str) -> None:
    change(written, *statements)
    log = DecisionLog(written)
    found = log.verify()
    log.close()
    assert found.row == row
    assert words in found.problem
    assert bool(found.problem) == bool(words)


def _forge(path: Path, sequence: int) -> None:
    """Change a row and make all hashes anew, as somebody who knows the program but not the site's key would."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM entry ORDER BY sequence").fetchall()
    previous = BEGINNING
    with connection:
        for number, kind, at, reader, study, series, stack, payload, *_ in rows:
            name = "Dr. No" if number == sequence else reader
            found = hash_of(number, kind, at, name, (study, series, stack), payload, previous)
            connection.execute(
                "UPDATE entry SET reader = ?, previous = ?, hash = ? WHERE sequence = ?",
                (name, previous, found, number),
            )
            previous = found
        connection.execute("UPDATE head SET hash = ?", (previous,))
    connection.close()


def test_a_chain_made_anew_is_found_only_with_the_sites_key(written: Path) -> None:
    _forge(written, 2)
    without, with_key = DecisionLog(written), DecisionLog(written, b"secret")
    assert without.verify().problem == ""  # what a chain without a secret cannot tell
    found = with_key.verify()
    assert found.row == 1 or found.row == 2
    assert "signature" in found.problem
    without.close()
    with_key.close()


def test_a_tail_cut_off_together_with_its_head_is_found_with_the_sites_key(written: Path) -> None:
    (last,) = sqlite3.connect(written).execute("SELECT hash FROM entry WHERE sequence = 8").fetchone()
    change(written, "DELETE FROM entry WHERE sequence = 9", f"UPDATE head SET sequence = 8, hash = '{last}'")
    log = DecisionLog(written, b"secret")
    assert "signature of the head record" in log.verify().problem
    log.close()


def test_a_row_that_says_nothing_is_left_out_and_named(written: Path) -> None:
    log = DecisionLog(written)
    count = len(log.decisions(STUDY))
    change(written, "UPDATE entry SET payload = '{}' WHERE sequence = 1")
    assert len(log.decisions(STUDY)) == count - 1
    log.close()


def test_two_programs_write_one_chain(path: Path) -> None:
    first, second = DecisionLog(path), DecisionLog(path)
    for i in range(10):
        (first, second)[i % 2].append(accepted(f"label {i}"))
    assert [d.finding.label for d in first.decisions(STUDY)] == [f"label {i}" for i in range(10)]
    assert second.verify().problem == ""
    first.close()
    second.close()


def test_a_locked_log_is_said_and_works_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radviewer.app.decision_log.PATIENCE", 0.05)
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
    log.close()


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


_WRITER = """
import sys
from pathlib import Path
from radviewer.app.decision_log import DecisionLog
from tests.app.decided import accepted
log = DecisionLog(Path(sys.argv[1]))
number = int(sys.argv[2])
print("ready", flush=True)
while True:
    log.append(accepted(str(number)))
    print(number, flush=True)
    number += 1
"""


def _killed(path: Path, first: int, lines: int, cut: Callable[[subprocess.Popen[str]], None]) -> int:
    """Let a program write until it has told of some entries, kill it, and return the number of the last it told of."""
    command = [sys.executable, "-c", _WRITER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        last = first - 1
        for _ in range(lines):
            last = int(process.stdout.readline())
        cut(process)
        rest = process.stdout.read().splitlines()
        return int(rest[-1]) if rest and rest[-1].isdigit() else last


def test_a_program_that_is_killed_loses_at_most_the_entry_in_flight(path: Path) -> None:
    rng, written = random.Random(1), 0
    for _ in range(KILLS):
        told = _killed(path, written, rng.randrange(0, 6), lambda process: process.send_signal(signal.SIGKILL))
        log = DecisionLog(path)
        labels = [int(decision.finding.label) for decision in log.decisions(STUDY)]
        assert log.verify().problem == ""
        log.close()
        assert labels == list(range(len(labels)))
        assert told + 1 <= len(labels) <= told + 2
        written = len(labels)
