"""Ways to name what is to be opened: file dialogs and drops."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QFileDialog, QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.ui.labels import count


def choose_folder(room: ReadingRoom, parent: QWidget) -> QFileDialog:
    """Ask for a folder, without blocking, and open it."""
    dialog = _dialog(room, parent, "Open folder")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    dialog.open()
    return dialog


def choose_file(room: ReadingRoom, parent: QWidget) -> QFileDialog:
    """Ask for a file, DICOMDIR or .zip, without blocking, and open it."""
    dialog = _dialog(room, parent, "Open file, DICOMDIR or .zip")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilter("All files (*)")
    dialog.open()
    return dialog


def dropped(data: QMimeData) -> list[Path]:
    """Local files and folders of a drop."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def open_dropped(room: ReadingRoom, paths: list[Path]) -> None:
    """Open what was dropped; of several, the first."""
    if len(paths) > 1:
        room.notice.emit(
            f"{count(len(paths), 'item')} were dropped; only {paths[0].name} was opened. "
            "Drop the folder that holds them all to open them together."
        )
    room.open(paths[0])


def _dialog(room: ReadingRoom, parent: QWidget, title: str) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    last = Path(room.settings.now.last_folder)
    if room.settings.now.last_folder and last.parent.is_dir():
        dialog.setDirectory(str(last.parent))
    dialog.fileSelected.connect(lambda chosen: room.open(Path(chosen)))
    dialog.finished.connect(dialog.deleteLater)
    return dialog
