"""Run on its own: draws one length, begins another, and is killed in the middle of it.

``python -m tests.ui.drawing_desk FILE``
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.desk_widget import DeskWidget
from tests.ui.desks import Mouse, wait


def main(_application: QApplication, file: str) -> None:
    room = ReadingRoom(SettingsFile())
    desk = DeskWidget(room)
    desk.resize(400, 300)
    desk.show()
    room.open(Path(file))
    wait(20_000, room.cache.loaded)
    room.toolbox.choose("tool-length")
    mouse = Mouse(desk.active)
    mouse.drag((150, 100), (200, 150))
    mouse.drag((180, 80), (230, 110))
    mouse.press((120, 150))
    mouse.move((160, 200))
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(QApplication([]), sys.argv[1])
