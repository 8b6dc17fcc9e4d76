"""Slices shown while the others are read: packed, sent, looked at, held, and gone when the run ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject

from radviewer.ai.context import Context
from radviewer.ai.glimpses import GlimpseOutbox, PackedGlimpse, packed
from radviewer.app.glimpses import Glimpses, Reading, SliceGlimpse, accepted
from radviewer.app.model_worker import ModelWorker
from radviewer.domain.opinion import Glimpse, Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import WorkerFailed
from radviewer.progress import Cancelled, Progress
from tests.app.hand_made import heard
from tests.app.model_tasks import glimpse, order
from tests.qt_objects import destroy

TASKS = "tests.app.model_tasks:fake"
SHAPE = (7, 6, 5)
_FOREVER = 60  # seconds; longer than anything here takes


def volume(slices: int = SHAPE[0], *, unreadable: tuple[int, ...] = ()) -> Volume:
    stored = np.arange(slices * 30, dtype=np.uint16).reshape(slices, 6, 5)
    images = tuple(None if i in unreadable else SliceImage(stored[i]) for i in range(slices))
    return Volume(stored, images, None, dict.fromkeys(unreadable, "damaged"))


@pytest.fixture
def worker() -> Iterator[ModelWorker]:
    worker = ModelWorker(Path(), tasks=TASKS)
    yield worker
    worker.close()


class Watcher:
    """Keeps what was shown."""

    def __init__(self) -> None:
        self.seen: list[SliceGlimpse] = []
        self.there = threading.Event()

    def __call__(self, glimpses: tuple[SliceGlimpse, ...]) -> None:
        self.seen += glimpses
        self.there.set()


def run(worker: ModelWorker, model: str, *, first: int = 0, of: Volume | None = None, **values: Any) -> Watcher:
    """Run a model; what it showed."""
    watcher = Watcher()
    progress = values.pop("progress", Progress())
    worker.run(of or volume(), Context(), progress, model=model, first=first, show=watcher)
    return watcher


def test_slices_come_as_they_are_read_beginning_where_the_reader_looks(worker: ModelWorker) -> None:
    seen = run(worker, "streams", first=4).seen
    assert [g.slice for g in seen] == order(4, SHAPE[0])
    for one in seen:
        assert (one.model, one.label, one.probability) == ("fake", "spot", 0.5)
        expected = np.zeros(SHAPE[1:], bool)
        expected[0, one.slice % 5] = True
        assert one.mask is not None
        assert one.heat is not None
        assert one.mask.dtype == np.bool_
        assert one.heat.dtype == np.uint8
        np.testing.assert_array_equal(one.mask, expected)
        np.testing.assert_array_equal(one.heat, expected * 255)


def test_one_slice_and_unreadable_ones(worker: ModelWorker) -> None:
    assert [g.slice for g in run(worker, "streams", of=volume(1)).seen] == [0]
    seen = run(worker, "streams", of=volume(4, unreadable=(1, 3)), first=3).seen
    assert [g.slice for g in seen] == [2, 0]


def test_what_no_slice_can_show_is_left_out(worker: ModelWorker) -> None:
    watcher = Watcher()
    (said,) = worker.run(volume(), Context(), Progress(), model="streams junk", first=2, show=watcher)
    assert said.outcome is Outcome.RAN
    (only,) = watcher.seen
    assert (only.slice, only.probability, only.mask, only.heat) == (2, None, None, None)


@pytest.mark.parametrize(
    ("model", "words"), [("streams and exits", "crashed"), ("streams and hangs", "no sign of life")]
)
def test_what_was_seen_before_a_failure_is_followed_by_the_failure(worker: ModelWorker, model: str, words: str) -> None:
    run(worker, "streams")  # the process is up
    worker._patience = 0.3
    watcher = Watcher()
    with pytest.raises(WorkerFailed, match=words):
        worker.run(volume(), Context(), Progress(), model=model, show=watcher)
    assert [g.slice for g in watcher.seen] == [0]
    worker._patience = _FOREVER
    assert len(run(worker, "streams").seen) == SHAPE[0]


def test_nothing_is_shown_after_the_cancellation(worker: ModelWorker) -> None:
    progress, watcher = Progress(), Watcher()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(
            worker.run, volume(), Context(), progress, model="streams and goes on", first=3, show=watcher
        )
        assert watcher.there.wait(_FOREVER)
        progress.cancel()
        with pytest.raises(Cancelled):
            future.result(_FOREVER)
    assert [g.slice for g in watcher.seen] == [3]


def test_whoever_is_shown_something_may_cancel(worker: ModelWorker) -> None:
    progress, watcher = Progress(), Watcher()

    def show(glimpses: tuple[SliceGlimpse, ...]) -> None:
        watcher(glimpses)
        progress.cancel()

    with pytest.raises(Cancelled):
        worker.run(volume(), Context(), progress, model="streams", show=show)
    assert [g.slice for g in watcher.seen] == [0]


def test_a_message_is_small() -> None:
    mask, heat = np.zeros((512, 512), bool), np.zeros((512, 512), np.float32)
    empty = packed(Glimpse("m", "l", 0, 0.1, mask, heat))
    assert empty is not None
    assert empty.mask is None
    assert empty.heat is None
    mask[3, 4], heat[3, 4] = True, 0.5
    full = packed(Glimpse("m", "l", np.int64(1), np.float32(0.1), mask, heat))  # type: ignore[arg-type]
    assert full is not None
    assert (type(full.slice), type(full.probability)) == (int, float)
    assert len(full.mask or b"") == 512 * 512 // 8
    assert len(full.heat or b"") == 512 * 512


def test_many_glimpses_travel_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sent: list[list[int]] = []
    outbox = GlimpseOutbox(lambda together: sent.append([g.slice for g in together]))
    for i in range(5):
        outbox.put(glimpse(volume(), i))
    assert sent == [[0]]
    now = 100.2
    outbox.send_due()
    assert sent == [[0], [1, 2, 3, 4]]
    outbox.put(glimpse(volume(), 5))
    outbox.send_all()
    outbox.send_all()
    assert sent == [[0], [1, 2, 3, 4], [5]]


def _message(**values: Any) -> PackedGlimpse:
    made = packed(glimpse(volume(), 1))
    assert made is not None
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


@pytest.mark.parametrize(
    "values",
    [
        {"slice": 7},
        {"slice": -1},
        {"slice": 1.0},
        {"slice": None},
        {"probability": float("nan")},
        {"probability": "0.5"},
        {"probability": -0.1},
        {"shape": (5, 6)},
        {"shape": None},
        {"shape": (6, 5, 1)},
        {"mask": b"\xff" * 3},
        {"mask": b"\xff" * 400},
        {"mask": "mask"},
        {"heat": b"\xff" * 29},
        {"heat": np.ones((6, 5))},
        {"label": None},
        {"model": 7},
    ],
    ids=str,
)
def test_a_message_that_does_not_fit_the_stack_is_left_out(values: dict[str, Any]) -> None:
    assert [g.slice for g in accepted((_message(**values), _message()), SHAPE)] == [1]


def test_something_else_altogether_is_nothing() -> None:
    assert accepted([_message()], SHAPE) == ()
    assert accepted(None, SHAPE) == ()
    assert accepted(("glimpse", None), SHAPE) == ()


@pytest.fixture
def held(qapp: object) -> Iterator[Glimpses]:
    assert qapp is not None
    parent = QObject()
    yield Glimpses(parent)
    destroy(parent)


def slice_glimpse(index: int, model: str = "one", label: str = "spot") -> SliceGlimpse:
    plane = np.ones((6, 5), np.uint8)
    return SliceGlimpse(model, label, index, 0.5, plane.astype(bool), plane * 255)


def test_planes_are_held_as_they_came(held: Glimpses) -> None:
    told = heard(held.changed)
    held.add("stack", (slice_glimpse(0),))  # no run
    assert told == []
    held.begin("stack", 7)
    assert held.reading("stack") is None
    one, again, other = slice_glimpse(2), slice_glimpse(2), slice_glimpse(2, label="patch")
    held.add("stack", (one, other))
    held.add("stack", (again,))
    held.add("stack", ())
    assert len(told) == 2
    assert held.on("stack", 2) == (again, other)
    assert held.on("stack", 3) == held.on("elsewhere", 2) == ()
    assert held.reading("stack") == Reading("one", 1, 7)
    heat = held.heat_of(again)
    assert heat is not None
    assert heat.dtype == np.float32
    assert heat.max() == pytest.approx(1.0)
    assert held.heat_of(again) is heat
    held.forget("stack")
    assert held.on("stack", 2) == ()
    assert held.reading("stack") is None


def test_two_models_are_counted_apart(held: Glimpses) -> None:
    held.begin("stack", 7)
    held.add("stack", tuple(slice_glimpse(i) for i in range(7)))
    held.add("stack", (slice_glimpse(3, "two"),))
    assert held.reading("stack") == Reading("two", 1, 7)
    assert [g.model for g in held.on("stack", 3)] == ["one", "two"]
