"""The library's signals, on which everything stands."""

from __future__ import annotations

import sys

from radviewer.app.toolbox import Toolbox


def test_an_emitted_signal_costs_no_reference() -> None:
    """PySide6 6.12.0 dropped one to True at each emit; Python aborts when the last is gone."""
    toolbox = Toolbox()
    before = sys.getrefcount(True)
    for _ in range(200):
        toolbox.changed.emit("tool-window")
    assert sys.getrefcount(True) > before - 100
