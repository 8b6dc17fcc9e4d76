"""Which tool the left mouse button holds."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

DEFAULT_TOOL = "tool-window"


class Toolbox(QObject):
    """The chosen tool, by the name of its action ("tool-window", "tool-length", …)."""

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool = DEFAULT_TOOL

    def choose(self, tool: str) -> None:
        """Take another tool."""
        if tool != self.tool:
            self.tool = tool
            self.changed.emit(tool)
