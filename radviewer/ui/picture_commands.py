"""Pictures of viewports, by one key: to a file, or to the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication, QImage

from radviewer.app.mark_planes import plane_notes
from radviewer.app.picture_set import save_set, with_legends
from radviewer.app.report import pictured
from radviewer.app.report_words import source_name
from radviewer.app.screenshots import cautions, folder_of, legend_of, save_picture, scale_of
from radviewer.app.viewport import Viewport
from radviewer.errors import NotSaved
from radviewer.export.screenshot import LegendLine, Screenshot, as_file, screenshot, with_legend
from radviewer.render.annotations import Density
from radviewer.ui.viewport_widget import ViewportWidget

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow
    from radviewer.ui.three_d.view import ThreeDView


class PictureCommands:
    """Commands by the name of their action."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.table: dict[str, Callable[[], object]] = {
            "save-picture": self._save_active,
            "save-pictures": self._save_all,
            "save-picture-set": self._save_set,
            "copy-picture": self._copy,
        }

    def shot(self, widget: ViewportWidget) -> Screenshot | None:
        """What a viewport's picture shows; None when it shows no image."""
        viewport = widget.viewport
        shown = viewport.shown
        if shown is None or viewport.image is None:
            return None
        room = self._window.room
        patient = Density(room.settings.now.picture_patient)
        view = replace(widget.view_with(patient), selected=None, hovered=None, crosshair=None)
        rejected = room.settings.now.picture_rejected
        if view.opinion is not None and not rejected:
            view = replace(view, opinion=view.opinion.without_rejected())
        subject, rows = viewport.subject, room.findings.rows(viewport.subject)
        index = viewport.index
        if viewport.cut is not None:  # what the plane cuts, told of at its own key slice
            seen = () if view.opinion is None else tuple(outline.label for outline in view.opinion.outlines)
            rows, index = tuple(replace(row, slices=()) for row in rows if row.label in seen), 0
        legend = legend_of(rows, index, rejected=rejected) if room.overlays.now.on else ()
        cut = viewport.cut
        notes = () if cut is None else plane_notes(cut, viewport.index, source_name(shown))
        said = tuple(LegendLine("", note) for note in notes)
        return Screenshot(view, (*said, *legend, *cautions(subject or shown)))

    def picture(self, widget: ViewportWidget) -> QImage | None:
        """The picture of a viewport at the size set."""
        shot = self.shot(widget)
        if shot is None:
            return None
        solid = widget.in_3d.view
        if solid is not None:
            return self._solid(widget, solid)
        return screenshot(shot, scale_of(self._window.room.settings.now, shot.view.transform))

    def _solid(self, widget: ViewportWidget, view: ThreeDView) -> QImage:
        """The 3D view as it is seen, with what its surfaces are."""
        room, subject = self._window.room, widget.viewport.subject
        visible = {one.item.label for one in view.state.listed if one.look.visible}
        rows = tuple(replace(row, slices=()) for row in room.findings.rows(subject) if row.label in visible)
        legend = legend_of(rows, 0, rejected=room.settings.now.picture_rejected)
        ratio, size = widget.devicePixelRatioF(), view.canvas.device_size
        return with_legend(view.picture(size, ratio), legend, ratio)

    def _save_active(self) -> None:
        self._save([self._window.desk.active])

    def _save_all(self) -> None:
        seen = self._window.room.desk.seen
        self._save([widget for widget in self._window.desk.widgets if widget.viewport in seen])

    def _save(self, widgets: list[ViewportWidget]) -> None:
        room = self._window.room
        settings, now, saved = room.settings.now, datetime.now(), []
        folder, kind = folder_of(settings.picture_folder), settings.picture_format
        try:
            for widget in widgets:
                picture = self.picture(widget)
                if picture is not None:
                    data = as_file(picture, _facts(widget.viewport), kind)
                    saved.append(save_picture(folder, data, now, kind))
        except NotSaved as error:
            room.notice.emit(str(error))
        except MemoryError:
            room.notice.emit("There is not enough memory for this picture; choose a smaller one in the settings.")
        if saved:
            room.notice.emit(f"Saved {', '.join(path.name for path in saved)} in {folder}.")
        elif not widgets or all(widget.viewport.image is None for widget in widgets):
            room.notice.emit("There is no image to take a picture of.")

    def _save_set(self) -> None:
        room = self._window.room
        shown = room.desk.active.subject
        wanted = [] if shown is None else pictured(room, shown.study)
        if not wanted:
            room.notice.emit("This study has no finding and no key image to take pictures of.")
            return
        work = partial(save_set, with_legends(room, wanted), room.settings.now, datetime.now())
        job = room.export_queue.submit(work, "saving pictures")
        job.succeeded.connect(self._on_set)
        job.failed.connect(room.notice)

    def _on_set(self, saved: tuple[Path, ...]) -> None:
        where = f" in {saved[0].parent}" if saved else ""
        self._window.room.notice.emit(f"Saved {len(saved)} picture{'s' * (len(saved) != 1)}{where}.")

    def _copy(self) -> None:
        picture = self.picture(self._window.desk.active)
        if picture is None:
            self._window.room.notice.emit("There is no image to take a picture of.")
            return
        QGuiApplication.clipboard().setImage(picture)
        self._window.room.notice.emit("The picture is on the clipboard.")


def _facts(viewport: Viewport) -> dict[str, str]:
    """Text chunks of the file: nothing that names the patient."""
    shown = viewport.shown
    if shown is None:
        return {}
    cut, index = viewport.cut, viewport.index
    image = f"{index + 1} of {len(shown.stack.frames)}"
    if cut is not None and not viewport.in_3d:
        image = ". ".join(plane_notes(cut, index, shown.series.modality or "a series"))
    return {"Modality": shown.series.modality or "", "Image": image}
