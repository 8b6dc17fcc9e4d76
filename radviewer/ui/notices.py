"""What the reader is told without being interrupted: a bar above the images, and a list of everything told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from radviewer.ui.labels import plain_label
from radviewer.ui.theme import icon

_KEPT = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence and when it was told; a lasting one stays until its cause is gone."""

    text: str
    time: datetime
    lasting: bool = False


class Notices(QObject):
    """Everything told since the program started, and which of it is still on screen."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.told: list[Notice] = []
        self._open: list[Notice] = []
        self._lasting: dict[str, Notice] = {}

    def tell(self, text: str) -> None:
        """Tell a sentence; the same one twice in a row is told once."""
        if any(notice.text == text for notice in self._open):
            return
        notice = self._keep(Notice(text, datetime.now()))
        self._open.append(notice)
        self.changed.emit()

    def tell_lasting(self, cause: str, text: str) -> None:
        """Tell a sentence that stays until `settle` is called with the same cause."""
        self._lasting[cause] = self._keep(Notice(text, datetime.now(), lasting=True))
        self.changed.emit()

    def settle(self, cause: str) -> None:
        """The cause of a lasting notice is gone."""
        if self._lasting.pop(cause, None) is not None:
            self.changed.emit()

    def dismiss(self) -> None:
        """Take the notices off the screen; lasting ones stay."""
        self._open.clear()
        self.changed.emit()

    @property
    def open(self) -> tuple[Notice, ...]:
        """What is on screen, lasting ones first, else the latest first."""
        return (*self._lasting.values(), *reversed(self._open))

    def _keep(self, notice: Notice) -> Notice:
        self.told = [*self.told[-_KEPT + 1 :], notice]
        return notice


class _Strip(QFrame):
    """Icon, wrapped plain text and buttons on a coloured ground."""

    def __init__(self, role: str, picture: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        sign = QLabel()
        sign.setPixmap(icon(picture).pixmap(18, 18))
        self.text = plain_label(wrap=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(12, 6, 8, 6)
        self.row.setSpacing(8)
        self.row.addWidget(sign)
        self.row.addWidget(self.text, 1)

    def show_text(self, text: str) -> None:
        """Show a text, or hide when it is empty."""
        self.text.setText(text)
        self.text.setAccessibleName(text)
        self.setVisible(bool(text))


class NoticeBar(_Strip):
    """The latest notice with "Dismiss", and how many more there are."""

    list_wanted = Signal()

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        super().__init__("notice", "notice", parent)
        self._notices = notices
        self.more = QPushButton()
        self.more.setFlat(True)
        self.more.setAutoDefault(False)
        self.more.clicked.connect(self.list_wanted)
        self.dismiss = QToolButton()
        self.dismiss.setIcon(icon("close"))
        self.dismiss.setToolTip("Dismiss")
        self.dismiss.setAccessibleName("Dismiss the notices")
        self.dismiss.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.dismiss.clicked.connect(notices.dismiss)
        for button in (self.more, self.dismiss):
            self.row.addWidget(button)
        notices.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is open now."""
        notices = self._notices.open
        self.show_text(notices[0].text if notices else "")
        self.more.setText(f"{len(notices) - 1} more…")
        self.more.setVisible(len(notices) > 1)
        self.dismiss.setVisible(any(not notice.lasting for notice in notices))


class WarningStrip(_Strip):
    """What is wrong with the geometry of the series on screen; it cannot be dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("warning", "warning", parent)
        self.show_warnings(())

    def show_warnings(self, warnings: Iterable[str]) -> None:
        """Name the warnings of what the active viewport shows."""
        self.show_text("\n".join(warnings))


class Banners(QWidget):
    """Notices and warnings, one above the other."""

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice = NoticeBar(notices)
        self.warning = WarningStrip()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        column.addWidget(self.warning)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
