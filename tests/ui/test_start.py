"""The program as a process: what it imports, how it begins and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from radviewer import paths
from radviewer.app.settings import SettingsFile
from tests import phantoms

pytestmark = pytest.mark.ui

_HEAVY = (
    "torch", "monai", "vtkmodules", "sqlite3", "sqlalchemy", "pyqtgraph", "pydicom", "imagecodecs", "SimpleITK",
    "nibabel", "nilearn", "scipy", "matplotlib", "pandas", "PySide6.QtNetwork", "PySide6.QtSvg", "PySide6.QtOpenGL",
)  # fmt: skip

_IMPORTS = """
import sys
from radviewer.ui.main import MainWindow, ReadingRoom, SettingsFile, make_application
application = make_application()
window = MainWindow(ReadingRoom(SettingsFile()))
window.show()
while not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
print(" ".join(sorted({name.split(".")[0] for name in sys.modules} | set(sys.modules))))
window.close()
"""

_RUN = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from radviewer.ui import main

class Window(main.MainWindow):
    def __init__(self, room):
        super().__init__(room)
        room.cache.loaded.connect(lambda key: print("loaded", flush=True))

    def show(self):
        super().show()
        QTimer.singleShot(0, lambda: print("shown", flush=True))

main.MainWindow = Window
sys.exit(main.run(Path(sys.argv[1]) if len(sys.argv) > 1 else None, False))
"""
"""The program itself, saying when it has come how far."""


def test_nothing_heavy_is_imported_on_the_way_to_the_window() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORTS], capture_output=True, text=True, timeout=100, check=True)
    assert set(_HEAVY).isdisjoint(done.stdout.split())
    assert "PySide6.QtWidgets" in done.stdout.split()


Running = subprocess.Popen[str]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    phantoms.volume(tmp_path / "study", 4)
    arguments = [sys.executable, "-c", _RUN, str(tmp_path / "study")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_and_keeps_what_was_done(running: Running, tmp_path: Path, number: int) -> None:
    assert running.stdout is not None
    assert {running.stdout.readline(), running.stdout.readline()} == {"shown\n", "loaded\n"}
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 0
    assert _own(errors) == []
    kept = SettingsFile().now
    assert kept.window_state
    assert kept.last_folder == str(tmp_path / "study")


def test_a_signal_during_the_start_is_not_lost(running: Running) -> None:
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 0


def _own(errors: str) -> list[str]:
    """What the program said on stderr, Qt's remarks on a bare screen left out."""
    return [line for line in errors.splitlines() if not line.startswith(("qt.", "This plugin does not", "propagate"))]


def test_a_fault_in_the_window_is_reported_and_the_program_goes_on(tmp_path: Path) -> None:
    program = _RUN.replace(
        'QTimer.singleShot(0, lambda: print("shown", flush=True))',
        "QTimer.singleShot(0, self.fail); QTimer.singleShot(0, self.tell)",
    ).replace(
        "main.MainWindow = Window",
        """
    def fail(self):
        raise KeyError("Doe^Jane")

    def tell(self):
        print(self.banners.notice.text.text(), flush=True)
        self.close()

main.MainWindow = Window
""",
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0
    assert "internal fault (KeyError)" in done.stdout
    assert "Doe" not in done.stdout + done.stderr
    reports = list((paths.user_data() / "crash-reports").iterdir())
    assert len(reports) == 1
    assert "Doe" not in reports[0].read_text()
    assert str(tmp_path) not in reports[0].read_text()


_MEASURED = """
import sys
from PySide6.QtWidgets import QToolButton
from radviewer.ui.main import MainWindow, ReadingRoom, SettingsFile, make_application
application = make_application()
window = MainWindow(ReadingRoom(SettingsFile()))
window.resize(1280, 720)
window.show()
application.processEvents()
extension = window.tool_bar.findChild(QToolButton, "qt_toolbar_ext_button")
print(window.width(), window.height(), extension is None or not extension.isVisible(), window.devicePixelRatioF())
window.close()
"""


@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_the_tool_bar_fits_at_every_scale(scale: str) -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], capture_output=True, text=True, timeout=100, check=True, env=environment
    )
    width, height, fits, ratio = done.stdout.split()
    assert (width, height, fits, float(ratio)) == ("1280", "720", "True", float(scale))
