from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QElapsedTimer, QObject
from pytestqt.qtbot import QtBot

from radviewer.app.cine import Cine
from radviewer.app.history import History
from radviewer.app.viewport import Viewport
from tests.app.hand_made import HandCache, heard, shown, stack
from tests.qt_objects import destroy

pytestmark = pytest.mark.usefixtures("qtbot")


class Clock:
    """A clock the test sets."""

    def __init__(self) -> None:
        self.now = 0

    def elapsed(self) -> int:
        return self.now

    def restart(self) -> int:
        self.now = 0
        return 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(f"{Cine.__module__}.{QElapsedTimer.__name__}", lambda: clock)
    return clock


class Loop:
    def __init__(self, made: list[QObject], frame_time_ms: float | None = 40.0) -> None:
        self.parent = QObject()
        made.append(self.parent)
        self.cache = HandCache(self.parent)
        self.viewport = Viewport(self.cache, History(self.parent), self.parent)
        self.stack = stack("us", frame_time_ms=frame_time_ms)
        self.cine = Cine(self.viewport, self.parent, 10.0)
        self.viewport.show(shown(self.stack))


Loops = Callable[..., Loop]


@pytest.fixture
def loops() -> Iterator[Loops]:
    made: list[QObject] = []
    yield partial(Loop, made)
    destroy(*made)


def test_rate_is_the_readers_else_the_files_else_the_default(loops: Loops) -> None:
    assert loops(40.0).cine.rate == 25.0
    assert loops(1.0).cine.rate == 60.0
    loop = loops(None)
    assert loop.cine.rate == 10.0
    loop.cine.set_default(12.0)
    assert loop.cine.rate == 12.0
    loop.cine.faster()
    assert loop.cine.rate == 15.0
    loop.cine.slower()
    assert loop.cine.rate == 12.0
    loop.cine.set_rate(0.01)
    assert loop.cine.rate == 1.0
    loop.viewport.show(shown(stack("other")))
    assert loop.cine.rate == 12.0  # a choice is for one stack


def test_plays_in_a_loop_and_drops_what_is_late(clock: Clock, loops: Loops) -> None:
    loop = loops()
    loop.cache.deliver_all(loop.stack)
    loop.cine.toggle()
    clock.now = 39
    loop.cine.tick()
    assert loop.viewport.index == 0
    clock.now = 41
    loop.cine.tick()
    assert loop.viewport.index == 1
    clock.now = 161
    loop.cine.tick()
    assert loop.viewport.index == 4
    clock.now = 201
    loop.cine.tick()
    assert loop.viewport.index == 0


def test_waits_for_an_image_that_is_not_there_yet(clock: Clock, loops: Loops) -> None:
    loop = loops()
    loop.cache.deliver(loop.stack, 0)
    loop.cine.toggle()
    clock.now = 45
    loop.cine.tick()
    assert loop.viewport.index == 1
    clock.now = 5000
    loop.cine.tick()
    assert loop.viewport.index == 1
    loop.cache.deliver(loop.stack, 1)
    clock.now = 41
    loop.cine.tick()
    assert loop.viewport.index == 2


def test_goes_on_from_where_the_reader_scrolls_to(clock: Clock, loops: Loops) -> None:
    loop = loops()
    loop.cache.deliver_all(loop.stack)
    loop.cine.toggle()
    clock.now = 41
    loop.cine.tick()
    loop.viewport.go_to(3)
    clock.now = 70
    loop.cine.tick()
    assert loop.viewport.index == 3
    clock.now = 41
    loop.cine.tick()
    assert loop.viewport.index == 4


def test_starts_stops_and_tells(loops: Loops) -> None:
    loop = loops()
    told = heard(loop.cine.changed)
    loop.cine.toggle()
    assert loop.cine.playing
    loop.cine.toggle()
    assert not loop.cine.playing
    assert len(told) == 2
    loop.cine.toggle()
    loop.viewport.show(shown(stack("other")))
    assert not loop.cine.playing
    loop.viewport.show(shown(stack("film", [0.0])))
    loop.cine.toggle()
    assert not loop.cine.playing  # one image is no cine


def test_runs_by_itself(qtbot: QtBot, loops: Loops) -> None:
    loop = loops(17.0)
    loop.cache.deliver_all(loop.stack)
    loop.cine.toggle()
    qtbot.waitUntil(lambda: loop.viewport.index >= 2)
    loop.cine.stop()
