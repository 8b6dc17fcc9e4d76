"""Run on its own, under QT_SCALE_FACTOR: is a pixel of the file one sharp pixel of the screen?

``python -m tests.ui.scaled_desk FILE`` prints JSON: the ratio, the values of the device pixels that
are bright on the screen, what is told when the pointer stands there, and where a mark begins there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.ui.desk_widget import DeskWidget
from tests.ui.desks import Mouse, wait

MARGINS = (3, 5, 0, 0)  # so that the viewport begins between device pixels


def screen_of(application: QApplication, window: QWidget) -> NDArray[np.uint8]:
    """What the screen shows of a window, grey, in device pixels."""
    grey = application.primaryScreen().grabWindow(window.winId()).toImage()
    grey = grey.convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return lines[:, : grey.width()].copy()


def main(application: QApplication, file: str) -> None:
    room = ReadingRoom(SettingsFile())
    room.settings.change(density="none", smooth=False)
    window = QWidget()
    box = QVBoxLayout(window)
    box.setContentsMargins(*MARGINS)
    desk = DeskWidget(room)
    box.addWidget(desk)
    window.resize(301, 207)
    window.move(0, 0)
    window.show()
    room.open(Path(file))
    wait(20_000, room.cache.loaded)
    desk.commands.run("one-to-one")
    wait(300)
    widget, ratio = desk.active, window.devicePixelRatioF()
    corner = widget.mapTo(window, widget.rect().topLeft())
    top, left = (int((v + 2) * ratio) for v in (corner.y(), corner.x()))
    shown = screen_of(application, window)[
        top : top + int((widget.height() - 4) * ratio), left : left + int(250 * ratio)
    ]
    lit = np.argwhere(shown > 20)
    y, x = lit[0] + [top, left]
    place = (float(x / ratio - corner.x()), float(y / ratio - corner.y()))
    told: list[str] = []
    desk.probed.connect(told.append)
    mouse = Mouse(widget)
    mouse.move(place)
    said = told[-1]
    room.toolbox.choose("tool-length")
    mouse.drag(place, (place[0] - 10, place[1] + 5))
    (mark,) = room.marks.all
    window.close()
    room.close()
    print(json.dumps({"ratio": ratio, "lit": [int(shown[tuple(p)]) for p in lit], "told": said, "at": mark.points[0]}))


if __name__ == "__main__":
    main(QApplication([]), sys.argv[1])
