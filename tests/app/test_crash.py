"""Reports of unforeseen faults: enough to find the cause, nothing of a patient."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.app import crash


def fault(message: str = "Doe^Jane") -> BaseException:
    try:
        try:
            raise KeyError(message)
        except KeyError as cause:
            raise ValueError(message) from cause
    except ValueError as error:
        return error


def reports() -> list[Path]:
    return sorted((paths.user_data() / "crash-reports").glob("*.txt"))


@pytest.fixture
def _hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


def test_a_description_has_kinds_and_lines_but_no_message() -> None:
    text = crash.describe(fault())
    assert "ValueError" in text
    assert "KeyError" in text
    assert "test_crash.py" in text
    assert "Doe" not in text


def test_a_report_is_written_without_the_message_and_old_ones_go() -> None:
    for _ in range(23):
        assert crash.write_report(fault()) is not None
    assert len(reports()) == 20
    assert all("Doe" not in report.read_text() for report in reports())


def test_a_full_disk_does_not_hide_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    text = crash.sentence(fault(), "measuring")
    assert "ValueError" in text
    assert "while measuring" in text
    assert "report" not in text


def test_a_circle_of_causes_ends() -> None:
    error = ValueError("one")
    error.__cause__ = other = KeyError("two")
    other.__cause__ = error
    assert crash.describe(error).count("ValueError") <= 10


@pytest.mark.usefixtures("_hooks")
def test_faults_of_all_threads_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    crash.install(shown.append)
    error = fault()
    sys.excepthook(type(error), error, error.__traceback__)

    def fail() -> None:
        raise OSError("in a thread: Doe^Jane")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert ["ValueError" in shown[0], "OSError" in shown[1]] == [True, True]
    assert "Doe" not in capsys.readouterr().err


@pytest.mark.usefixtures("_hooks")
def test_an_interrupt_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    passed: list[object] = []
    monkeypatch.setattr(sys, "__excepthook__", lambda *args: passed.append(args[0]))
    crash.install(shown.append)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert shown == []
    assert passed == [KeyboardInterrupt]
