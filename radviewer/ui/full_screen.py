"""The full screen: the images alone, with what must not be out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow


class FullScreen:
    """Puts menus, tool bar and panels away while the window fills the screen.

    Warnings, notices and the status bar ("Research use only", what is under the pointer) stay.  A panel
    asked for by its key shows nevertheless; leaving brings back what entering put away.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._away: list[QWidget] = []
        self._entered = False
        self._from_maximised = False

    def toggle(self) -> None:
        """Enter, or go back to the size before."""
        window = self._window
        if not window.isFullScreen():
            self._from_maximised = window.isMaximized()
            window.showFullScreen()
        elif self._from_maximised:
            window.showMaximized()
        else:
            window.showNormal()

    def follow(self) -> None:
        """Put away or bring back, as the window now is: the desktop may change it, too."""
        if self._window.isFullScreen() == self._entered:
            return
        if self._entered:
            self.bring_back()
            return
        self._entered = True
        had_focus = self._window.focusWidget()
        around = (self._window.menuBar(), self._window.tool_bar, *self._window.docks.values())
        self._away = [widget for widget in around if widget.isVisibleTo(self._window)]
        for widget in self._away:
            widget.hide()
        if had_focus is not None and any(widget.isAncestorOf(had_focus) for widget in self._away):
            self._window.desk.active.setFocus(Qt.FocusReason.OtherFocusReason)

    def bring_back(self) -> None:
        """Show what was put away."""
        self._entered = False
        for widget in self._away:
            widget.show()
        self._away = []
