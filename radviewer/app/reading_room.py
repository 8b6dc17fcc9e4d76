"""Everything a reading needs, put together once: the program without its window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from radviewer import paths
from radviewer.app.desk import Desk
from radviewer.app.history import History
from radviewer.app.jobs import JobQueue
from radviewer.app.mark_store import MarkStore
from radviewer.app.marks import MarkBook
from radviewer.app.series_cache import SeriesCache, physical_memory
from radviewer.app.session import Session
from radviewer.app.settings import SettingsFile
from radviewer.app.toolbox import Toolbox
from radviewer.app.viewport import Shown
from radviewer.domain.study import ScanResult, Series, Stack, Study
from radviewer.domain.volume import SliceImage


class ReadingRoom(QObject):
    """Owns the state objects and carries a scan's result to the desk.

    Attributes
    ----------
    queue, settings, session, cache, history, marks, desk, toolbox
        The parts; the window connects to their signals.

    """

    notice = Signal(str)  # a sentence for the reader that needs no answer

    def __init__(self, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.queue = JobQueue("loading", self)
        self.session = Session(self.queue, self)
        budget = int(physical_memory() * settings.now.memory_share)
        self.cache = SeriesCache(self.queue, budget, self)
        self.history = History(self)
        self.marks = MarkBook(MarkStore(paths.user_data() / "marks.sqlite"), self.history, self)
        self.desk = Desk(self.cache, self.history, self)
        self.toolbox = Toolbox(self)
        self._preview_key: str | None = None
        self.session.started.connect(self._on_started)
        self.session.first_image.connect(self._on_first_image)
        self.session.opened.connect(self._on_opened)
        self.session.failed.connect(self.notice)
        self.cache.failed.connect(lambda _key, message: self.notice.emit(message))
        self.marks.not_saved.connect(self.notice)
        settings.not_saved.connect(self.notice)

    def open(self, target: Path) -> None:
        """Open a folder, DICOMDIR, .zip or file in place of what is open."""
        self.session.open(target)

    def all_shown(self) -> Iterator[Shown]:
        """Every stack of what is open, in the browser's order."""
        if self.session.result is not None:
            yield from stacks_of(self.session.result)

    def close_study(self) -> None:
        """Close what is open."""
        self.session.cancel()
        self.session.result = None
        self._on_started()

    def close(self) -> None:
        """End the program: nothing is delivered afterwards, nothing owed is left unwritten."""
        self.session.cancel()
        self.cache.close()
        self.queue.close()
        self.marks.flush()

    def _on_started(self) -> None:
        self.desk.clear()
        self.cache.close()
        self.history.clear()
        self._preview_key = None

    def _on_first_image(self, stack: Stack, image: SliceImage) -> None:
        series = Series("", None, None, None, None, (stack,))
        study = Study("", None, None, None, None, (series,))
        self._preview_key = stack.key
        self.desk.active.show(Shown(study, series, stack), preview=image)

    def _on_opened(self, result: ScanResult) -> None:
        self.marks.open(study.study_uid for study in result.studies)
        everything = list(stacks_of(result))
        if not everything:
            self.desk.clear()
            return
        self.desk.active.show(self._first_to_show(everything))

    def _first_to_show(self, everything: list[Shown]) -> Shown:
        """Return the stack that holds the image already on screen, else the first."""
        for shown in everything:
            frames = shown.stack.frames
            if any(f"{f.file.location.name}#{f.file.sop_instance_uid}#{f.index}" == self._preview_key for f in frames):
                return shown
        return everything[0]


def stacks_of(result: ScanResult) -> Iterator[Shown]:
    """Every stack with its series and study, in order."""
    for study in result.studies:
        for series in study.series:
            for stack in series.stacks:
                yield Shown(study, series, stack)
