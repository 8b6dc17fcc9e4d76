"""Tells the status bar what is being read, and when it has ended."""

from __future__ import annotations

from PySide6.QtCore import QObject

from radviewer.app.navigation import find_stack
from radviewer.app.reading_room import ReadingRoom
from radviewer.ui.status import WorkBar


class WorkWatch(QObject):
    """Shows scanning and loading of a room in a work bar."""

    def __init__(self, room: ReadingRoom, bar: WorkBar) -> None:
        super().__init__(bar)
        self._room = room
        self._bar = bar
        bar.cancel_wanted.connect(room.stop_work)
        room.session.started.connect(lambda: bar.show_progress("Looking for images", 0, 0))
        room.session.progressed.connect(self._on_scanned)
        room.cache.progressed.connect(self._on_loaded)
        room.registering.progressed.connect(self._on_registering)
        room.registering.changed.connect(self._check)
        room.studies_changed.connect(self._check)
        for signal in (room.cache.loaded, room.cache.failed, room.cache.dropped):
            signal.connect(self._check)

    @property
    def working(self) -> bool:
        """Whether something is on its way that the reader waits for."""
        room = self._room
        return room.session.scanning or bool(room.cache.loading) or room.registering.running is not None

    def _on_scanned(self, done: int, total: int, text: str) -> None:
        amount = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        self._bar.show_progress(f"{text or 'Reading'}{amount}", done, total)

    def _on_loaded(self, key: str, done: int, total: int) -> None:
        shown = find_stack(self._room, key)
        if shown is None or self._room.session.scanning or not self.working:
            return
        number = "" if shown.series.number is None else f" {shown.series.number}"
        self._bar.show_progress(
            f"Loading {shown.series.modality or 'series'}{number}: {done:,} of {total:,}", done, total
        )

    def _on_registering(self, done: int, total: int, text: str) -> None:
        self._bar.show_progress(text if total else "Registering", done, total)

    def _check(self) -> None:
        if not self.working:
            self._bar.finish()
