"""Whatever is done to the decision log's file is found, and stays found when the log goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_entries import BEGINNING, hash_of
from tests.app.decided import STUDY, accepted, change, write_every_kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "decisions.sqlite"


@pytest.fixture
def written(path: Path) -> Path:
    write_every_kind(path)
    return path


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
        (["DELETE FROM entry", "DELETE FROM head"], None, "head record is missing"),
        (["UPDATE head SET sequence = 'many'"], None, "removed at the end"),
        (["UPDATE entry SET payload = x'00ff' WHERE sequence = 2"], 2, "changed"),
        (["UPDATE entry SET reader = CAST(x'ff' AS TEXT) WHERE sequence = 2"], 2, "changed"),
        (["UPDATE entry SET sequence = -1 WHERE sequence = 1"], -1, "missing"),
        (["DROP TABLE entry"], None, "'entry' is missing or was changed"),
        (["DROP TABLE head"], None, "'head' is missing or was changed"),
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
    assert written.exists()  # it is looked at, not set aside


COLUMNS = (
    "sequence", "kind", "at", "reader", "study_uid", "series_uid", "stack", "payload", "previous", "hash", "signature",
)  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_can_be_edited_unseen(written: Path, column: str) -> None:
    change(written, f"UPDATE entry SET {column} = '77' WHERE sequence = 9")
    log = DecisionLog(written, b"secret")
    found = log.verify()
    log.close()
    assert found.row in (9, 77)
    assert found.problem


def test_swapped_contents_are_found(written: Path) -> None:
    two, three = sqlite3.connect(written).execute("SELECT payload FROM entry WHERE sequence IN (2, 3)").fetchall()
    connection = sqlite3.connect(written)
    with connection:
        connection.execute("UPDATE entry SET payload = ? WHERE sequence = 2", three)
        connection.execute("UPDATE entry SET payload = ? WHERE sequence = 3", two)
    connection.close()
    log = DecisionLog(written)
    assert log.verify().row == 2
    log.close()


@pytest.mark.parametrize(
    ("statements", "row", "words"),
    [
        (["DELETE FROM head"], 10, "Before row 10 was written"),
        (["UPDATE head SET sequence = 8"], 10, "Before row 10 was written"),
        (["DELETE FROM entry WHERE sequence > 7"], 8, "Before row 8 was written"),
        (["DELETE FROM entry", "DELETE FROM head"], 1, "Before row 1 was written"),
        (["DELETE FROM entry"], 1, "Before row 1 was written"),
    ],
)
@pytest.mark.parametrize("secret", [None, b"secret"])
def test_a_log_that_was_tampered_with_goes_on_but_never_heals(
    written: Path, statements: list[str], row: int, words: str, secret: bytes | None
) -> None:
    change(written, *statements)
    log = DecisionLog(written, secret)
    for label in ("after", "and after"):
        log.append(accepted(label))
    assert [decision.finding.label for decision in log.decisions(STUDY)][-2:] == ["after", "and after"]
    found = log.verify()
    log.close()
    assert found.row == row
    assert words in found.problem


def test_a_forged_head_is_not_signed_over(written: Path) -> None:
    _cut_with_forged_head(written)
    log = DecisionLog(written, b"secret")
    log.append(accepted("after"))
    log.append(accepted("and after"))
    found = log.verify()
    log.close()
    assert found.row == 9
    assert "Row 9 is not signed" in found.problem


def _cut_with_forged_head(path: Path) -> None:
    (last,) = sqlite3.connect(path).execute("SELECT hash FROM entry WHERE sequence = 8").fetchone()
    change(path, "DELETE FROM entry WHERE sequence = 9", f"UPDATE head SET sequence = 8, hash = '{last}'")


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
    assert found.row == 2
    assert "signature" in found.problem
    without.close()
    with_key.close()


def test_a_tail_cut_off_together_with_its_head_is_found_with_the_sites_key(written: Path) -> None:
    _cut_with_forged_head(written)
    log = DecisionLog(written, b"secret")
    assert "signature of the head record" in log.verify().problem
    log.close()


def test_rows_without_a_signature_are_told_from_those_with_a_wrong_one(path: Path) -> None:
    log = DecisionLog(path)
    log.append(accepted())
    log.close()
    later = DecisionLog(path, b"secret")
    later.append(accepted())
    assert "Row 1 is not signed" in later.verify().problem
    later.close()
    without = DecisionLog(path)
    assert without.verify().problem == ""
    without.close()


@pytest.mark.parametrize(
    "change_of_payload",
    [
        "'{}'",
        "'[]'",
        "'{\"a\":'",
        "x'00ff'",
        """replace(payload, '"spot":null', '"spot":[]')""",
        """replace(payload, '"spot":null', '"spot":[1e999,1,1]')""",
        """replace(payload, '"text":""', '"text":7')""",
        """replace(payload, '"mask":null', '"mask":{}')""",
        """replace(payload, '"dice":null', '"dice":[1]')""",
        """replace(payload, '"verdict":"accepted"', '"verdict":"perhaps"')""",
        """replace(payload, '"slices":4', '"slices":"4"')""",
        """replace(payload, '"reader":"Dr. Who"', '"reader":null')""",
    ],
)
def test_a_row_that_says_nothing_is_left_out_and_named(written: Path, change_of_payload: str) -> None:
    log = DecisionLog(written)
    count = len(log.decisions(STUDY))
    change(written, f"UPDATE entry SET payload = {change_of_payload} WHERE sequence = 1")
    assert len(log.decisions(STUDY)) == len(log.all_decisions()) == count - 1
    assert log.verify().row == 1
    log.close()
