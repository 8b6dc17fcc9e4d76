"""The lists that follow what is open: skipped files, notices, DICOM tags."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from radviewer.app.jobs import Job
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.progress import Progress
from radviewer.ui.dialogs.table import TableDialog
from radviewer.ui.notices import Notices

TAGS_PRIORITY = 25  # above loading: the reader waits for it
_SETTLE_MS = 200


class SkippedDialog(TableDialog):
    """Files that were left out, and why."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("Skipped files", "file", ("File", "Why it was skipped"), (44,), parent)
        self._room = room
        room.studies_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the files of what is open."""
        result = self._room.session.result
        self.show_rows([] if result is None else [(s.location.name, s.reason) for s in result.skipped])


class NoticesDialog(TableDialog):
    """Everything the reader was told since the program started."""

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        super().__init__("Notices", "notice", ("Time", "Notice"), (10,), parent)
        self._notices = notices
        notices.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the notices, the latest first."""
        self.show_rows([(f"{notice.time:%H:%M:%S}", notice.text) for notice in reversed(self._notices.told)])


class TagsDialog(TableDialog):
    """Data elements of the active image's file; follows the active viewport while it is seen."""

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__("DICOM tags", "line", ("Tag", "Keyword", "VR", "Value"), (22, 34, 5), parent)
        self.resize(980, 640)
        self._room = room
        self._job: Job | None = None
        self._of: str | None = None  # key of the frame that is listed, or is on its way
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self.refresh)
        room.desk.active_changed.connect(self._later)
        for viewport in room.desk.viewports:
            viewport.image_changed.connect(self._later)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Rest."""
        super().hideEvent(event)
        self._settle.stop()

    def refresh(self) -> None:
        """Read the elements of the active image's file, off the GUI thread."""
        viewport: Viewport = self._room.desk.active
        frame = None if viewport.stack is None else viewport.stack.frames[viewport.index]
        key = None if frame is None else frame.key
        if key == self._of:
            return
        self._of = key
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if frame is None:
            self.show_about("No image")
            self.show_rows([])
            return
        location, index = frame.file.location, frame.index

        def work(progress: Progress) -> list[tuple[str, ...]]:
            from radviewer.dicom.tags import read_tags

            progress.check()
            rows = read_tags(location, index)
            return [("    " * row.depth + row.tag, row.keyword, row.vr, row.value) for row in rows]

        many = frame.file.number_of_frames > 1
        self.show_about(location.name + (f", frame {index + 1} of {frame.file.number_of_frames}" if many else ""))
        self._job = self._room.queue.submit(work, "reading the tags", TAGS_PRIORITY)
        self._job.succeeded.connect(self._on_read)
        self._job.failed.connect(self._on_failed)

    def _on_read(self, rows: list[tuple[str, ...]]) -> None:
        self._job = None
        self.show_rows(rows)

    def _on_failed(self, message: str) -> None:
        self._job = None
        self.show_about(message)
        self.show_rows([])

    def _later(self) -> None:
        if self.isVisible():
            self._settle.start()
