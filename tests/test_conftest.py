"""The guards of conftest.py hold: each of these tests has to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUARDED = """
import logging, os, socket, threading, urllib.request, warnings
import pytest

def test_connects():
    socket.create_connection(("127.0.0.1", 9))

def test_resolves():
    urllib.request.urlopen("http://localhost/")

def test_sends():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"x", ("127.0.0.1", 9))

def test_logs():
    logging.getLogger("some.library").warning("unexpected")

@pytest.mark.expects_log("disk full")
def test_does_not_log():
    pass

def test_warns():
    warnings.warn("careless")

def test_leaves_a_thread():
    stop = threading.Event()
    threading.Thread(target=stop.wait, args=(6,)).start()

@pytest.mark.ui
def test_leaves_a_window(qapp):
    from PySide6.QtWidgets import QWidget
    test_leaves_a_window.kept = QWidget()
    test_leaves_a_window.kept.show()

@pytest.mark.ui
def test_qt_complains(qapp):
    from PySide6.QtCore import qWarning
    qWarning("something is wrong")

def test_unknown_home():
    assert "RADVIEWER_HOME" not in os.environ
"""

ALLOWED = """
import logging, socket
import pytest

@pytest.mark.expects_log("disk full")
def test_logs():
    logging.getLogger("some.library").error("disk full")

def test_socket_file(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))

@pytest.mark.ui
def test_window(qtbot):
    from PySide6.QtWidgets import QWidget
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
"""

SKIPS = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="no time")
def test_skips():
    pass
"""


def run(folder: Path, tests: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    here = Path(__file__).parent
    shutil.copy(here / "conftest.py", folder)
    (folder / "test_it.py").write_text(tests)
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": "true"} if ci else {})
    command = [sys.executable, "-m", "pytest", "-c", str(here.parent / "pyproject.toml"), "--rootdir", str(folder)]
    command += ["-p", "no:cacheprovider", "-q", str(folder)]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.timeout(180)
def test_what_must_not_happen_fails(tmp_path: Path) -> None:
    result = run(tmp_path, GUARDED, ci=False)
    summary = result.stdout.split("short test summary")[1]
    for name in GUARDED.split("def test_")[1:]:
        assert f"test_{name.split('(')[0]}" in summary, result.stdout


def test_what_may_happen_passes(tmp_path: Path) -> None:
    result = run(tmp_path, ALLOWED, ci=True)
    assert result.returncode == 0, result.stdout
    assert "3 passed" in result.stdout


@pytest.mark.parametrize(("ci", "status"), [(True, 1), (False, 0)])
def test_a_skip_fails_the_run_of_ci_only(tmp_path: Path, ci: bool, status: int) -> None:
    result = run(tmp_path, SKIPS, ci=ci)
    assert result.returncode == status, result.stdout
    assert "1 passed, 1 skipped" in result.stdout.strip().splitlines()[-1]
