"""The status bar: what is under the pointer, what is going on, who reads."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from radviewer.ui.labels import ElidedLabel, count, plain_label, plain_tip

_PATIENCE_MS = 500  # work shorter than this shows no progress


class WorkBar(QWidget):
    """Text, progress and "Cancel" of what takes longer than half a second."""

    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = plain_label()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.cancel = QPushButton("Cancel")
        self.cancel.setFlat(True)
        self.cancel.setToolTip("Stop reading  (Ctrl+.)")
        self.cancel.clicked.connect(self.cancel_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.text, self.bar, self.cancel):
            row.addWidget(widget)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PATIENCE_MS)
        self._delay.timeout.connect(self.show)
        self.hide()

    def show_progress(self, text: str, done: int, total: int) -> None:
        """Show how far work is; `total` 0 while it is unknown."""
        self.text.setText(text)
        self.bar.setRange(0, total)
        self.bar.setValue(min(done, total))
        self.bar.setAccessibleName(text)
        if not self.isVisible() and not self._delay.isActive():
            self._delay.start()

    def finish(self) -> None:
        """The work has ended."""
        self._delay.stop()
        self.hide()


class StatusBar(QStatusBar):
    """Permanent places of the status bar, left to right."""

    skipped_wanted = Signal()
    notices_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(8, 0, 8, 0)
        self.probe = ElidedLabel()
        self.work = WorkBar()
        self.skipped = self._button(self.skipped_wanted)
        self.notices = self._button(self.notices_wanted)
        self.reader = plain_label(role="muted")
        self.reader.setMaximumWidth(200)
        self.research = plain_label("Research use only", "heading")
        self.addWidget(self.probe, 1)
        for widget in (self.work, self.skipped, self.notices, self.reader, self.research):
            self.addPermanentWidget(widget)

    def show_skipped(self, number: int) -> None:
        """How many files were skipped."""
        self.skipped.setText(count(number, "skipped file"))
        self.skipped.setVisible(number > 0)

    def show_notices(self, number: int) -> None:
        """How many notices there were."""
        self.notices.setText(count(number, "notice"))
        self.notices.setVisible(number > 0)

    def show_reader(self, name: str) -> None:
        """Who reads."""
        text = f"Reader: {name}" if name else "No reader named"
        elided = self.reader.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self.reader.maximumWidth())
        self.reader.setText(elided)
        self.reader.setToolTip(plain_tip(text))

    def _button(self, wanted: SignalInstance) -> QPushButton:
        button = QPushButton()
        button.setFlat(True)
        button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        button.clicked.connect(wanted)
        button.hide()
        return button
