"""What every test stands on: no network, no reader's data, nothing unexpected, nothing left behind."""

from __future__ import annotations

import gc
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

IN_CI = bool(os.environ.get("CI"))

if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # Qt would end the process; packaging/test brings a real screen

hypothesis.settings.register_profile("local", deadline=None)  # the machine may be busy with other things
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "expects_log(pattern): a warning or error that the test provokes in the log")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if IN_CI and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if IN_CI and _skipped(config):
        terminalreporter.write_line("A skipped test fails this run: what is skipped here is tested nowhere.", red=True)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty folder for the reader's work."""
    monkeypatch.setenv("RADVIEWER_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection but those to a socket file of this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("a test must not use the network")

    def guard(real: Any) -> Any:
        return lambda self, address: real(self, address) if self.family == socket.AF_UNIX else refuse()

    monkeypatch.setattr(socket.socket, "connect", guard(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guard(connect_ex))
    monkeypatch.setattr(socket.socket, "sendto", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail on a warning or error in the log, unless the test says it `expects_log`."""
    expected = [str(mark.args[0]) for mark in request.node.iter_markers("expects_log")]
    records = _Records()
    logging.getLogger().addHandler(records)
    yield
    logging.getLogger().removeHandler(records)
    unexpected = [line for line in records.lines if not any(re.search(pattern, line) for pattern in expected)]
    assert not unexpected, f"unexpected in the log: {unexpected}"
    missing = [pattern for pattern in expected if not any(re.search(pattern, line) for line in records.lines)]
    assert not missing, f"expected in the log, but not there: {missing}"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fail when a test leaves a thread that would keep the program from ending."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(timeout=5)
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"threads left running: {alive}"


@pytest.fixture(autouse=True)
def _no_window_left() -> Iterator[None]:
    """Fail when a test leaves a window: give it to ``qtbot.addWidget`` or close it."""
    yield
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return
    windows = widgets.QApplication.topLevelWidgets()
    if windows:  # perhaps only waiting to be deleted, or for the garbage collector
        windows.clear()
        gc.collect()
        core = sys.modules["PySide6.QtCore"]
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
        windows = widgets.QApplication.topLevelWidgets()
    for window in windows:
        window.close()
        window.deleteLater()
    assert not windows, f"windows left open: {windows}"
