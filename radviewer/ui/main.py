"""Opens the window and runs Qt's event loop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication

from radviewer import __version__
from radviewer.allocator import share_heaps
from radviewer.app import crash
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui import theme
from radviewer.ui.ending import SignalEnding
from radviewer.ui.main_window import MainWindow

_SWITCH_SECONDS = 0.0005
"""How long a thread may keep Python to itself; the usual 5 ms, some times per paint, are seen while a series loads."""

_PREPARE_MS = 300
"""After the window is there: the first image comes before the cards of the models are read."""


def make_application() -> QApplication:
    """Qt's application, named and dressed; the one there is, if there is one."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    share_heaps()
    QCoreApplication.setApplicationName("radviewer")
    QCoreApplication.setApplicationVersion(__version__)
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setDesktopFileName("radviewer")
    theme.apply(application)
    return application


def run(target: Path | None, demo: bool) -> int:
    """Open the window on a folder, DICOMDIR, .zip or file, or on the demo study.

    Parameters
    ----------
    target : Path or None
        None opens an empty window.
    demo : bool
        Write the demo study where it is missing, and open it.

    Returns
    -------
    int
        The program's exit status.

    """
    application = make_application()
    room = ReadingRoom(SettingsFile())
    room.worker.start()  # a process of its own: loads the networks while the window is made
    window = MainWindow(room)
    crash.install(window.fault.emit)
    ending = SignalEnding(window.close, window)
    window.show()
    QTimer.singleShot(_PREPARE_MS, room.opinion.prepare)
    if demo:
        QTimer.singleShot(0, room.open_demo)
    elif target is not None:
        QTimer.singleShot(0, lambda: room.open(target.absolute()))
    status = application.exec()
    ending.restore()
    if not window.ended_cleanly:
        # A decoder hangs in a thread that cannot be ended; everything the reader did is on disk.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
