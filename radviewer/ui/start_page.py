"""What is seen while no study is open."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from radviewer.ui.labels import plain_label, plain_tip
from radviewer.ui.theme import icon

_WIDTH = 360


class StartPage(QFrame):
    """Ways to open a study: buttons for the same actions as in the File menu.

    Parameters
    ----------
    actions : list of QAction
        One button each, in this order.

    """

    def __init__(self, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "start")
        picture = QLabel()
        picture.setPixmap(icon("radviewer").pixmap(QSize(72, 72)))
        self.hint = plain_label("Drop a folder, a DICOMDIR, a .zip or a single file here, or", "muted", wrap=True)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(plain_label("radviewer", "title"), 0, Qt.AlignmentFlag.AlignHCenter)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.hint.setFixedWidth(_WIDTH)
        column.addWidget(self.hint, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        self.buttons = {action: self._button(action) for action in actions}
        for button in self.buttons.values():
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(16)
        notice = plain_label("Research use only. Not for diagnosis.", "muted")
        column.addWidget(notice, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)

    def _button(self, action: QAction) -> QPushButton:
        button = QPushButton()
        button.setFixedWidth(_WIDTH)
        button.setAutoDefault(True)
        button.clicked.connect(action.trigger)
        action.changed.connect(self.refresh)
        return button

    def refresh(self) -> None:
        """Take over texts, keys and state of the actions."""
        for action, button in self.buttons.items():
            keys = action.shortcut().toString()
            button.setText(f"{action.text()}   {keys}" if keys else action.text())
            button.setEnabled(action.isEnabled())

    def show_last(self, action: QAction, folder: str) -> None:
        """Offer the folder that was open last; "" hides its button."""
        button = self.buttons[action]
        button.setVisible(bool(folder))
        button.setToolTip(plain_tip(folder))
        button.setAccessibleDescription(Path(folder).name)
