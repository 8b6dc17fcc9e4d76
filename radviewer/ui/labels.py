"""Labels that show text as it is: what files say is never taken for markup."""

from __future__ import annotations

import html

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyleOption, QWidget

_TIP_LENGTH = 2000


def plain_tip(text: str) -> str:
    """Tool tip that shows `text` as it is, wrapped; Qt would guess at markup otherwise."""
    if len(text) > _TIP_LENGTH:
        text = text[:_TIP_LENGTH] + " …"
    return f"<p style='white-space: pre-wrap'>{html.escape(text)}</p>" if text else ""


def plain_label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Label of plain text.

    Parameters
    ----------
    text : str
        Taken as it is.
    role : str
        How the theme shows it: "muted", "error", "heading", "title".
    wrap : bool
        Whether it may take several lines.

    """
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setWordWrap(wrap)
    if role:
        label.setProperty("role", role)
    return label


def count(number: int, noun: str) -> str:
    """Number and noun: ``"1 image"``, ``"2 images"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class ElidedLabel(QLabel):
    """One line of plain text that gives way: it ends in "…" where it does not fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_text(self, text: str) -> None:
        """Show another text, whole in the tool tip."""
        text = " ".join(text.split())
        if text != self.text():
            self.setText(text)
            self.setToolTip(plain_tip(text))

    def minimumSizeHint(self) -> QSize:
        """A few letters."""
        return QSize(self.fontMetrics().averageCharWidth() * 4, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the part that fits."""
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        mode = Qt.TextElideMode.ElideRight
        text = self.fontMetrics().elidedText(self.text(), mode, self.contentsRect().width())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        self.style().drawItemText(
            painter, self.contentsRect(), flags.value, option.palette, self.isEnabled(), text, self.foregroundRole()
        )
        painter.end()
