"""The report of a study, by one key: asks for the reader's text, and writes it as PDF and HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.app.jobs import Job
from radviewer.app.report import draft, impressions, write_report
from radviewer.app.report_header import names_patient
from radviewer.app.screenshots import folder_of
from radviewer.domain.study import Study
from radviewer.ui.dialogs.report import ReportDialog

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow


class ReportCommands:
    """Commands by the name of their action."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.dialog: ReportDialog | None = None
        self._texts: dict[str, str] = {}  # by study: what was written last is there again
        self.table: dict[str, Callable[[], object]] = {"report": self._ask}

    @property
    def _folder(self) -> Path:
        return folder_of(self._window.room.settings.now.picture_folder)

    def _ask(self) -> None:
        room = self._window.room
        shown = room.desk.active.subject
        if shown is None or room.desk.active.reference is None or self.dialog is not None:
            room.notice.emit("There is no study to report on.")
            return
        dialog = self.dialog = ReportDialog(self._text(shown.study), self._about(), self._window)
        dialog.wanted.connect(partial(self._write, dialog, shown.study))
        dialog.finished.connect(partial(self._on_closed, dialog, shown.study))
        dialog.open()

    def _text(self, study: Study) -> str:
        """What the reader wrote before, else what they have locked."""
        locked = (impression.text for _, impression in impressions(self._window.room, study))
        return self._texts.get(study.study_uid) or "\n\n".join(dict.fromkeys(words for words in locked if words))

    def _about(self) -> str:
        patient = "names the patient" if names_patient(self._window.room) else "does not name the patient"
        return f"The report {patient}, and goes to {self._folder}. Both can be changed in the settings."

    def _on_closed(self, dialog: ReportDialog, study: Study, _result: int = 0) -> None:
        if study.study_uid:  # studies without one must not share their texts
            self._texts[study.study_uid] = dialog.text
        self.dialog = None

    def _write(self, dialog: ReportDialog, study: Study, text: str) -> None:
        room, now = self._window.room, datetime.now()
        work = partial(write_report, draft(room, study, text, now), self._folder, now)
        job = room.export_queue.submit(work, "writing the report")
        job.succeeded.connect(partial(self._done, dialog))
        job.failed.connect(dialog.show_problem)
        dialog.rejected.connect(partial(_stop, job))

    def _done(self, dialog: ReportDialog, paths: tuple[Path, Path]) -> None:
        names = " and ".join(path.name for path in paths)
        self._window.room.notice.emit(f"Wrote {names} into {paths[0].parent}.")
        dialog.accept()


def _stop(job: Job) -> None:
    job.cancel()
