"""The reading as DICOM objects, by one key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from radviewer.app.dicom_export import Exported, Picture, export_dicom
from radviewer.app.export_subjects import subjects
from radviewer.app.mark_planes import plane_notes
from radviewer.app.presentation_marks import Applied, presentations_of, read_presentations
from radviewer.app.report_words import source_name
from radviewer.app.screenshots import folder_of
from radviewer.app.shown import Shown
from radviewer.export.screenshot import as_array
from radviewer.render.annotations import Density

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow


class ExportCommands:
    """Commands by the name of their action."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.table: dict[str, Callable[[], object]] = {
            "export-dicom": self._export,
            "apply-presentation": self._apply,
        }

    def _export(self) -> None:
        room = self._window.room
        try:
            found = subjects(room, self._pictures())
        except MemoryError:
            room.notice.emit("There is not enough memory to export; choose smaller pictures in the settings.")
            return
        if not found:
            room.notice.emit("There is nothing to export: no second opinion, decision, mark or key image.")
            return
        now, settings = datetime.now(), room.settings.now
        work = partial(export_dicom, folder_of(settings.picture_folder), found, settings.reader, now)
        job = room.export_queue.submit(work, "writing DICOM objects")
        job.succeeded.connect(self._tell)
        job.failed.connect(room.notice)

    def _apply(self) -> None:
        """Window and marks that another reading left beside the images of the active viewport."""
        room = self._window.room
        shown, result = room.desk.active.subject, room.session.result
        files = () if result is None else presentations_of(result)
        if shown is None or not files:
            room.notice.emit("No presentation state lies beside these images.")
            return
        work = partial(read_presentations, files, shown)
        job = room.export_queue.submit(work, "reading presentation states")
        job.succeeded.connect(partial(self._on_applied, shown))
        job.failed.connect(room.notice)

    def _on_applied(self, shown: Shown, applied: Applied | None) -> None:
        room = self._window.room
        viewport = room.desk.active
        if viewport.stack is not shown.stack:
            return
        if applied is None:
            room.notice.emit("The presentation states beside these images are about others.")
            return
        if applied.window is not None:
            viewport.set_voi(applied.window)
        known = {mark.mark_id for mark in room.marks.all}
        new = [mark for mark in applied.marks if mark.mark_id not in known]
        for mark in new:
            room.marks.add(mark)
        words = f"Applied: {len(new)} mark{'s' * (len(new) != 1)}{', a window' if applied.window is not None else ''}."
        left_out = f" {applied.left_out} graphics have no counterpart here." if applied.left_out else ""
        room.notice.emit(words + left_out)

    def _pictures(self) -> dict[str, tuple[Picture, ...]]:
        """Picture of the active viewport, as it is saved by one key."""
        room, widget = self._window.room, self._window.desk.active
        viewport = widget.viewport
        picture = self._window.commands.pictures.picture(widget)
        if picture is None or viewport.stack is None:
            return {}
        named = Density(room.settings.now.picture_patient) in (Density.FULL, Density.INITIALS)
        what = "Picture of a viewport with overlays and marks"
        cut, made = None, as_array(picture)
        if viewport.cut is not None and viewport.shown is not None and not viewport.in_3d:
            cut = viewport.cut.cut
            notes = plane_notes(viewport.cut, viewport.index, source_name(viewport.shown))
            what = ". ".join((*notes, what))
        return {viewport.stack.source.key: (Picture(made, what, viewport.index, named, cut),)}

    def _tell(self, done: Exported) -> None:
        room = self._window.room
        if done.folder is not None:
            objects = f"{done.objects} DICOM object{'s' * (done.objects != 1)}"
            room.notice.emit(f"Wrote {objects} into {done.folder}.")
        for sentence in done.left_out:
            room.notice.emit(f"Not exported: {sentence}")
