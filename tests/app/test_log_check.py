"""``radviewer verify-log`` says what became of the log, and signs with the site's key."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.__main__ import main
from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_check import KEY, log_path, site_key
from radviewer.errors import NothingToRead
from tests.app.decided import accepted

SECRET = b"0123456789abcdef"


def write(key: bytes | None = None) -> None:
    log = DecisionLog(log_path(), key)
    for label in "abc":
        log.append(accepted(label))
    log.close()


def tamper(statement: str) -> None:
    connection = sqlite3.connect(log_path())
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_whole_log_is_said_to_be_whole(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert main(["verify-log"]) == 0
    assert "All 3 entries" in capsys.readouterr().out
    assert main(["verify-log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"entries": 3, "row": None, "problem": None}


def test_an_edited_row_is_named_and_the_exit_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    tamper("UPDATE entry SET reader = 'Dr. No' WHERE sequence = 2")
    assert main(["verify-log", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["row"] == 2
    assert "Row 2 was changed" in printed.err


def test_no_log_is_a_whole_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-log"]) == 0
    assert "All 0 entries" in capsys.readouterr().out


def test_a_log_that_cannot_be_read_is_told_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    log_path().parent.mkdir(parents=True, exist_ok=True)
    log_path().write_bytes(b"no database" * 99)
    for _ in range(2):  # the first look must not set it aside
        assert main(["verify-log", "--json"]) == 1
        printed = capsys.readouterr()
        assert "is damaged" in json.loads(printed.out)["problem"]
        assert "is damaged" in printed.err
    assert main(["verify-log", "--json", "--key", "/nowhere/key"]) == 1
    assert "does not exist" in json.loads(capsys.readouterr().out)["problem"]


def test_the_sites_key_lies_beside_the_log_or_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert site_key() is None
    paths.user_data().mkdir(parents=True, exist_ok=True)
    (paths.user_data() / KEY).write_bytes(SECRET + b"\n")
    assert site_key() == SECRET
    write(SECRET)
    assert main(["verify-log"]) == 0
    other = tmp_path / "other.key"
    other.write_bytes(SECRET[::-1])
    assert main(["verify-log", "--key", str(other)]) == 1
    assert "signature of row 1" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 5000])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(NothingToRead, match="no key"):
        site_key(path)
    with pytest.raises(NothingToRead, match="does not exist"):
        site_key(tmp_path / "nowhere")
