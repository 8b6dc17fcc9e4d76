"""What the program is, and whose work is in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget

from radviewer import __version__, paths
from radviewer.ui.labels import plain_label
from radviewer.ui.theme import icon

_INTENDED_USE = (
    "Research use only. radviewer is not a medical device: it must not be used for diagnosis, treatment or any "
    "other decision about a patient."
)


def licences() -> str:
    """Licences of what the program is made of, as they are bundled."""
    path = paths.resources() / "third-party-licences.md"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        return f"{path} could not be read: {error.strerror}."


class AboutDialog(QDialog):
    """Version, intended use, licences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About radviewer")
        self.resize(720, 540)
        picture = QLabel()
        picture.setPixmap(icon("radviewer").pixmap(56, 56))
        words = QVBoxLayout()
        words.addWidget(plain_label(f"radviewer {__version__}", "title"))
        words.addWidget(plain_label("A radiologist's desktop viewer. Apache License 2.0.", "muted"))
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        text = QTextBrowser()
        text.setMarkdown(licences())
        text.setOpenLinks(False)
        text.setAccessibleName("Licences")
        text.setTabChangesFocus(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(plain_label(_INTENDED_USE, wrap=True))
        column.addWidget(text, 1)
        column.addWidget(buttons)
