"""Qt objects that tests make without a parent."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject


def destroy(*objects: QObject) -> None:
    """End Qt objects here and now, on the GUI thread.

    Left to Python, those in reference cycles are ended by whatever thread happens to collect garbage: Qt crashes.
    """
    for one in objects:
        if shiboken6.isValid(one):
            shiboken6.delete(one)
