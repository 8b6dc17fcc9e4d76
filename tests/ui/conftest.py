"""Readings: a desk opened on files, closed again after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.desks import Reading

Opener = Callable[..., Reading]


@pytest.fixture
def reading(qtbot: QtBot) -> Iterator[Opener]:
    """Open a reading: ``reading(folder, layout=…, size=…)``."""
    opened: list[Reading] = []

    def open_reading(*args: Any, **kwargs: Any) -> Reading:
        opened.append(Reading(qtbot, *args, **kwargs))
        return opened[-1]

    yield open_reading
    for one in opened:
        one.close()
