"""Reading rooms opened on files."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom

WAIT = 20_000


def opened(qtbot: QtBot, room: ReadingRoom, target: Path) -> None:
    with qtbot.waitSignal(room.session.opened, timeout=WAIT):
        room.open(target)
