"""Programs that the benchmarks of the window start, each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

BARE = """
import sys, time
from PySide6.QtWidgets import QApplication
import pyqtgraph
application = QApplication(sys.argv[:1])
window = pyqtgraph.PlotWidget()
window.resize(1600, 1000)
window.show()
while not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
print(time.time(), flush=True)
"""
"""The peer: an empty pyqtgraph plot in a window."""

OPENED = """
import sys, time
from radviewer.ui.main import MainWindow, ReadingRoom, SettingsFile, make_application
application = make_application()
window = MainWindow(ReadingRoom(SettingsFile()))
window.resize(1600, 1000)
window.show()
while not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
print(time.time(), flush=True)
window.close()
"""
"""radviewer's window, usable: on screen, with every event of its beginning handled."""

LOADED = """
import sys
from pathlib import Path
from PySide6.QtCore import QEventLoop
from radviewer.ui.main import MainWindow, ReadingRoom, SettingsFile, make_application
def kib(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))
application = make_application()
window = MainWindow(ReadingRoom(SettingsFile()))
window.resize(1600, 1000)
window.show()
application.processEvents()
print(kib("VmRSS"), flush=True)
room = window.room
loop = QEventLoop()
room.cache.loaded.connect(lambda key: loop.quit())
room.open(Path(sys.argv[1]))
loop.exec()
for _ in range(50):
    room.desk.active.scroll(1)
    application.processEvents()
volume = room.cache.volume(room.desk.active.stack)
print(kib("VmHWM"), volume.stored.nbytes // 1024, flush=True)
window.close()
"""
"""Prints KiB: resident when empty; the highest ever, and the volume's, once a series was loaded and scrolled."""


OPINION = """
import os, sys, time
os.environ["RADVIEWER_HOME"] = sys.argv[2]
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from radviewer.domain.decision import Policy
from radviewer.ui import main
main.make_application()
seen = {}
def look():
    for window in QApplication.topLevelWidgets():
        if not isinstance(window, main.MainWindow):
            continue
        room = window.room
        if "window" not in seen:
            seen["window"] = time.time()
            room.settings.change(policy=Policy.CONCURRENT.value)
        if "film" not in seen and room.desk.active.image is not None:
            seen["film"] = time.time()
        if any(row.probability is not None for row in room.findings.rows(room.desk.active.shown)):
            print(seen["film"], time.time(), flush=True)
            window.close()
timer = QTimer()
timer.timeout.connect(look)
timer.start(5)
main.run(Path(sys.argv[1]), False)
"""
"""The program as it is started on a film: when the film was on screen, and when its first finding."""


def run(program: str, *arguments: str) -> Sequence[str]:
    """Lines a program printed."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True, timeout=100
    ).stdout.split("\n")


def seconds_until_usable(program: str) -> float:
    """Seconds from the start of the process to what it prints as the time of being usable."""
    before = time.time()
    return float(run(program)[0]) - before
