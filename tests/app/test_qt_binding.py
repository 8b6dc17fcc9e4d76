"""Qt's binding itself: what it gets wrong ends the program without a word."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal

_TIMES = 50


class _Sender(QObject):
    sent = Signal(str, int)


class _Receiver(QObject):
    def take(self, _text: str, _number: int) -> None:
        """Take a signal."""


@pytest.mark.parametrize("value", [True, False, None], ids=str)
def test_a_signal_to_a_bound_method_keeps_reference_counts(value: bool | None) -> None:
    # PySide6 6.12.0 gave one reference to True away each time: "bool_dealloc" after some hundred signals.
    sender, receiver = _Sender(), _Receiver()
    sender.sent.connect(receiver.take)
    sender.sent.emit("warm", 0)
    before = sys.getrefcount(value)
    for number in range(_TIMES):
        sender.sent.emit("text", number)
    assert abs(sys.getrefcount(value) - before) < _TIMES / 2
