"""The cache of decoded stacks: never waits, never exceeds its budget, survives what cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from radviewer.app.jobs import JobQueue
from radviewer.app.series_cache import SeriesCache, expected_bytes
from radviewer.dicom import load as load_module
from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import TooLarge, UnreadableImage
from tests import phantoms
from tests.app.hand_made import heard, picture, stack
from tests.qt_objects import destroy

WAIT = 20_000
MEBIBYTE = 1 << 20


class Loader:
    """Stands for `dicom.load`: delivers slices when the test says so."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.began = threading.Event()
        self.limits: list[int] = []
        self.error: Exception | None = None
        self.singles: list[int] = []
        self.single_gate = threading.Event()
        self.single_gate.set()

    def load(
        self,
        stack: Stack,
        progress: Any,
        *,
        focus: Callable[[], int],
        on_slice: Callable[[int, SliceImage], None],
        memory_limit: int,
    ) -> Volume:
        self.limits.append(memory_limit)
        if self.error is not None:
            raise self.error
        count = len(stack.frames)
        stored = np.zeros((count, *stack.shape[1:]), np.int16)
        slices = [picture().with_stored(stored[i]) for i in range(count)]
        on_slice(focus(), slices[focus()])
        self.began.set()
        while not self.gate.wait(0.005):
            progress.check()
        for index in range(count):
            progress.check()
            on_slice(index, slices[index])
        return Volume(stored, tuple(slices), None, {})

    def read_slice(self, _stack: Stack, index: int) -> SliceImage:
        assert self.single_gate.wait(20)
        self.singles.append(index)
        if index == 3:
            raise UnreadableImage("Slice 3 is damaged.")
        return picture(index)


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loader]:
    made = Loader()
    monkeypatch.setattr(load_module, "load", made.load)
    monkeypatch.setattr(load_module, "read_slice", made.read_slice)
    yield made
    made.gate.set()


@pytest.fixture
def cache(qapp: object) -> Iterator[SeriesCache]:
    assert qapp is not None
    queue = JobQueue("test")
    made = SeriesCache(queue, MEBIBYTE)
    yield made
    made.close()
    queue.close()
    destroy(made, queue)


def large(name: str, megabytes: float = 0.4) -> Stack:
    return stack(name, [float(d) for d in range(4)], shape=(int(megabytes * MEBIBYTE / 8), 1))


def arrived(cache: SeriesCache, stack: Stack, index: int) -> bool:
    return cache.slice(stack, index) is not None


def load(qtbot: QtBot, cache: SeriesCache, *stacks: Stack) -> None:
    for one in stacks:
        cache.pin({one.key})
        with qtbot.waitSignal(cache.loaded, timeout=WAIT):
            cache.request(one, lambda: 0)


def test_a_real_stack_is_loaded_with_progress(qtbot: QtBot, cache: SeriesCache, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 6)
    found = scan(tmp_path).studies[0].series[0].stacks[0]
    ready, progressed = heard(cache.slice_ready), heard(cache.progressed)
    cache.request(found, lambda: 3)
    qtbot.waitUntil(lambda: cache.volume(found) is not None, timeout=WAIT)
    assert {index for _, index in ready} == set(range(6))
    assert progressed[-1] == (found.key, 6, 6)
    image = cache.slice(found, 2)
    assert image is not None
    np.testing.assert_array_equal(image.stored, phantoms.ramp(6)[2])


def test_slices_are_served_while_the_rest_is_loading(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    one = stack()
    cache.request(one, lambda: 2)
    qtbot.waitUntil(lambda: cache.slice(one, 2) is not None, timeout=WAIT)
    assert cache.slice(one, 0) is None
    assert list(cache.loading) == [one]
    loader.gate.set()
    qtbot.waitUntil(lambda: cache.volume(one) is not None, timeout=WAIT)
    assert list(cache.loading) == []


@pytest.mark.usefixtures("loader")
def test_the_focus_of_another_stack_cannot_lead_outside(qtbot: QtBot, cache: SeriesCache) -> None:
    one = stack()
    cache.request(one, lambda: 99)
    qtbot.waitUntil(lambda: cache.slice(one, 4) is not None, timeout=WAIT)


def test_leaving_a_stack_stops_its_load(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    one, two = stack("one"), stack("two")
    dropped, loaded = heard(cache.dropped), heard(cache.loaded)
    cache.pin({one.key})
    cache.request(one, lambda: 0)
    assert loader.began.wait(20)
    cache.pin({two.key})
    assert dropped == [(one.key,)]
    loader.gate.set()
    with qtbot.waitSignal(cache.loaded, timeout=WAIT):
        cache.request(two, lambda: 0)
    assert loaded == [(two.key,)]
    assert cache.slice(one, 0) is None


def test_what_was_shown_longest_ago_makes_room(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    loader.gate.set()
    one, two, three = large("one"), large("two"), large("three")
    assert expected_bytes(one) == pytest.approx(0.4 * MEBIBYTE, rel=0.01)
    load(qtbot, cache, one, two)
    cache.request(one, lambda: 0)  # looked at again
    load(qtbot, cache, three)
    assert [cache.volume(s) is not None for s in (one, two, three)] == [True, False, True]


def test_room_is_made_before_loading(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    loader.gate.set()
    one, two, three = large("one"), large("two"), large("three")
    load(qtbot, cache, one, two)
    loader.gate.clear()
    cache.pin({three.key})
    cache.request(three, lambda: 0)
    assert cache.volume(one) is None  # already, while the third is still being loaded


def test_what_is_on_screen_is_never_dropped_and_counts(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    loader.gate.set()
    one, two, three = large("one"), large("two"), large("three")
    cache.pin({s.key for s in (one, two, three)})
    for each in (one, two, three):
        with qtbot.waitSignal(cache.loaded, timeout=WAIT):
            cache.request(each, lambda: 0)
    assert all(cache.volume(s) is not None for s in (one, two, three))
    assert loader.limits[0] == MEBIBYTE
    assert loader.limits[2] == MEBIBYTE - expected_bytes(one) - expected_bytes(two)


def test_a_smaller_budget_takes_effect_at_once(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    loader.gate.set()
    one, two = large("one"), large("two")
    load(qtbot, cache, one, two)
    cache.set_budget(MEBIBYTE // 2)
    assert [cache.volume(s) is not None for s in (one, two)] == [False, True]


def test_a_stack_too_large_is_read_slice_by_slice(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    one = stack(depths=[float(d) for d in range(20)])
    loader.error = TooLarge("It does not fit.")
    failed = heard(cache.failed)
    cache.request(one, lambda: 1)
    qtbot.waitUntil(lambda: cache.slice(one, 1) is not None, timeout=WAIT)
    assert failed == [(one.key, "It does not fit.")]
    for index in range(4, 14):
        cache.want(one, index)
        qtbot.waitUntil(partial(arrived, cache, one, index), timeout=WAIT)
    held = [i for i in range(20) if cache.slice(one, i) is not None]
    assert held == [6, 7, 8, 9, 10, 11, 12, 13]


def test_two_viewports_on_a_stack_too_large_both_get_their_slice(
    qtbot: QtBot, cache: SeriesCache, loader: Loader
) -> None:
    one = stack(depths=[float(d) for d in range(20)])
    loader.error = TooLarge("It does not fit.")
    cache.request(one, lambda: 1)
    qtbot.waitUntil(lambda: cache.slice(one, 1) is not None, timeout=WAIT)
    loader.single_gate.clear()
    cache.want(one, 10)
    cache.want(one, 11)
    loader.single_gate.set()
    qtbot.waitUntil(lambda: all(cache.slice(one, i) is not None for i in (1, 10, 11)), timeout=WAIT)


def test_a_damaged_slice_is_named_and_not_asked_for_again(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    one = stack()
    loader.error = TooLarge("It does not fit.")
    cache.request(one, lambda: 3)
    qtbot.waitUntil(lambda: cache.problem(one, 3) is not None, timeout=WAIT)
    assert cache.problem(one, 3) == "Slice 3 is damaged."
    cache.want(one, 3)
    cache.want(one, 2)
    qtbot.waitUntil(lambda: cache.slice(one, 2) is not None, timeout=WAIT)
    assert loader.singles == [3, 2]


def test_a_failed_stack_is_tried_again_when_it_is_opened_again(
    qtbot: QtBot, cache: SeriesCache, loader: Loader
) -> None:
    one = stack()
    loader.error = TooLarge("It does not fit.")
    cache.request(one, lambda: 1)
    qtbot.waitUntil(lambda: cache.slice(one, 1) is not None, timeout=WAIT)
    loader.error = None
    loader.gate.set()
    with qtbot.waitSignal(cache.loaded, timeout=WAIT):
        cache.request(one, lambda: 1)
    assert cache.volume(one) is not None


@pytest.mark.usefixtures("loader")
def test_stopping_keeps_what_is_decoded_and_reads_the_rest_on_demand(qtbot: QtBot, cache: SeriesCache) -> None:
    one = stack()
    loaded, failed = heard(cache.loaded), heard(cache.failed)
    cache.request(one, lambda: 2)
    qtbot.waitUntil(lambda: cache.slice(one, 2) is not None, timeout=WAIT)
    cache.stop_loading()
    assert cache.loading == ()
    assert "stopped" in str(failed[0][1])
    cache.want(one, 4)
    qtbot.waitUntil(lambda: cache.slice(one, 4) is not None, timeout=WAIT)
    assert cache.slice(one, 2) is not None
    assert loaded == []


def test_nothing_arrives_after_closing(qtbot: QtBot, cache: SeriesCache, loader: Loader) -> None:
    one = stack()
    cache.request(one, lambda: 0)
    assert loader.began.wait(20)
    ready = heard(cache.slice_ready)
    cache.close()
    loader.gate.set()
    qtbot.wait(20)
    assert ready == []
    assert cache.slice(one, 0) is None
