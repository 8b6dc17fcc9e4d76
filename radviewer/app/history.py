"""Undo and redo of what the reader does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

_DEPTH = 500


@dataclass(frozen=True, slots=True)
class Change:
    """Something that can be undone; `text` says what ("Delete length")."""

    text: str
    redo: Callable[[], None]
    undo: Callable[[], None]


class History(QObject):
    """What was done, and what was undone, in order."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._done: list[Change] = []
        self._undone: list[Change] = []

    def do(self, change: Change) -> None:
        """Carry out a change and remember it."""
        change.redo()
        self._done = [*self._done[-_DEPTH + 1 :], change]
        self._undone.clear()
        self.changed.emit()

    @property
    def undo_text(self) -> str | None:
        """What `undo` would take back, or None."""
        return self._done[-1].text if self._done else None

    @property
    def redo_text(self) -> str | None:
        """What `redo` would do again, or None."""
        return self._undone[-1].text if self._undone else None

    def undo(self) -> None:
        """Take the last change back, if there is one."""
        if self._done:
            change = self._done.pop()
            change.undo()
            self._undone.append(change)
            self.changed.emit()

    def redo(self) -> None:
        """Do the last undone change again, if there is one."""
        if self._undone:
            change = self._undone.pop()
            change.redo()
            self._done.append(change)
            self.changed.emit()

    def clear(self) -> None:
        """Forget everything (another study was opened)."""
        self._done.clear()
        self._undone.clear()
        self.changed.emit()
