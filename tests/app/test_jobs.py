"""Jobs: one outcome each, on the GUI thread, and an end that does not hang."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from radviewer.app.jobs import Job, JobQueue
from radviewer.errors import NothingToRead
from radviewer.progress import Progress
from tests.app.hand_made import heard
from tests.qt_objects import destroy


class Gate:
    """Work that waits until the test lets it go on."""

    def __init__(self) -> None:
        self.began, self.opened = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> str:
        self.began.set()
        assert self.opened.wait(20)
        progress.check()
        return "done"


@pytest.fixture
def gate() -> Iterator[Gate]:
    held = Gate()
    yield held
    held.opened.set()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    assert qapp is not None
    made = JobQueue("test")
    yield made
    made.close()
    destroy(made)


def outcomes(job: Job) -> list[str]:
    told: list[str] = []
    job.succeeded.connect(lambda value: told.append(f"succeeded {value}"))
    job.failed.connect(lambda text: told.append(f"failed {text}"))
    job.cancelled.connect(lambda: told.append("cancelled"))
    return told


def settled(qtbot: QtBot, queue: JobQueue) -> None:
    qtbot.waitUntil(lambda: not queue.busy, timeout=20_000)


def test_a_result_arrives_on_the_gui_thread(qtbot: QtBot, queue: JobQueue) -> None:
    ran: list[int] = []
    arrived: list[bool] = []

    def work(_progress: Progress) -> int:
        ran.append(threading.get_ident())
        return 7

    job = queue.submit(work, "counting")
    told = outcomes(job)
    job.succeeded.connect(lambda _value: arrived.append(QThread.currentThread() is queue.thread()))
    settled(qtbot, queue)
    assert told == ["succeeded 7"]
    assert arrived == [True]
    assert ran[0] != threading.get_ident()


def test_a_known_error_arrives_as_its_sentence(qtbot: QtBot, queue: JobQueue) -> None:
    def work(_progress: Progress) -> None:
        raise NothingToRead("There is nothing.")

    told = outcomes(queue.submit(work, "looking"))
    settled(qtbot, queue)
    assert told == ["failed There is nothing."]


def test_an_unforeseen_error_names_no_value_of_a_file(qtbot: QtBot, queue: JobQueue) -> None:
    def work(_progress: Progress) -> None:
        raise KeyError("Doe^Jane")

    told = outcomes(queue.submit(work, "looking"))
    settled(qtbot, queue)
    assert len(told) == 1
    assert "KeyError" in told[0]
    assert "while looking" in told[0]
    assert "Doe" not in told[0]


def test_running_out_of_memory_is_said_plainly(qtbot: QtBot, queue: JobQueue) -> None:
    def work(_progress: Progress) -> None:
        raise MemoryError

    told = outcomes(queue.submit(work, "loading a series"))
    settled(qtbot, queue)
    assert told == [
        "failed There is not enough memory for loading a series. Close other series or programs and try again."
    ]


def test_a_cancelled_job_delivers_nothing_else(qtbot: QtBot, queue: JobQueue, gate: Gate) -> None:
    job = queue.submit(gate, "waiting")
    told = outcomes(job)
    progressed = heard(job.progressed)
    assert gate.began.wait(20)
    job.cancel()
    assert told == ["cancelled"]
    gate.opened.set()
    settled(qtbot, queue)
    job_again = queue.submit(lambda _progress: 1, "more")
    after = outcomes(job_again)
    settled(qtbot, queue)
    assert after == ["succeeded 1"]
    assert told == ["cancelled"]
    assert progressed == []


def test_work_that_ends_although_cancelled_is_not_delivered(qtbot: QtBot, queue: JobQueue) -> None:
    began, go_on = threading.Event(), threading.Event()

    def stubborn(_progress: Progress) -> str:
        began.set()
        assert go_on.wait(20)
        return "too late"

    job = queue.submit(stubborn, "waiting")
    told = outcomes(job)
    assert began.wait(20)
    job.cancel()
    go_on.set()
    settled(qtbot, queue)
    assert told == ["cancelled"]


def test_the_highest_priority_goes_first_and_equals_in_order(qtbot: QtBot, queue: JobQueue, gate: Gate) -> None:
    order: list[str] = []

    def note(name: str) -> None:
        queue.submit(lambda _progress: order.append(name), name, priority=int(name[-1]))

    queue.submit(gate, "waiting", priority=0)
    assert gate.began.wait(20)
    for name in ("a1", "b9", "c1", "d9", "e5"):
        note(name)
    gate.opened.set()
    settled(qtbot, queue)
    assert order == ["b9", "d9", "e5", "a1", "c1"]


def test_progress_is_told_until_the_job_ends(qtbot: QtBot, queue: JobQueue) -> None:
    def work(progress: Progress) -> None:
        progress.report(1, 2, "one")
        progress.report(2, 2, "two")

    job = queue.submit(work, "counting")
    progressed = heard(job.progressed)
    settled(qtbot, queue)
    assert progressed == [(1, 2, "one"), (2, 2, "two")]


def test_busy_is_told_once_for_many_jobs(qtbot: QtBot, queue: JobQueue) -> None:
    busy = heard(queue.busy_changed)
    for _ in range(3):
        queue.submit(lambda _progress: None, "nothing")
    settled(qtbot, queue)
    assert busy == [(True,), (False,)]


@pytest.mark.usefixtures("qapp")
def test_closing_cancels_what_runs_and_what_waits(gate: Gate) -> None:
    queue = JobQueue("closing")

    def heeding(progress: Progress) -> None:
        gate.began.set()
        while True:
            progress.check()
            gate.opened.wait(0.01)

    told = [outcomes(queue.submit(heeding, "running")), outcomes(queue.submit(lambda _p: 1, "waiting"))]
    assert gate.began.wait(20)
    assert queue.close()
    assert told == [["cancelled"], ["cancelled"]]
    destroy(queue)


def test_closing_does_not_wait_for_work_that_hangs(qtbot: QtBot, gate: Gate) -> None:
    queue = JobQueue("hanging")
    told = outcomes(queue.submit(gate, "hanging"))
    assert gate.began.wait(20)
    assert queue.close(patience=0.05) is False
    gate.opened.set()
    qtbot.wait(20)
    assert told == ["cancelled"]
    assert queue.close()  # now it has ended
    destroy(queue)


def test_a_closed_queue_takes_no_more_work(qtbot: QtBot) -> None:
    queue = JobQueue("closed")
    assert queue.close()
    ran: list[int] = []
    job = queue.submit(lambda _progress: ran.append(1), "late")
    assert job.ended
    qtbot.wait(10)
    assert ran == []
    destroy(queue)


@pytest.mark.usefixtures("qapp")
def test_closing_before_a_job_began_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # a future cancelled before it began never counts as done for concurrent.futures.wait
    queue = JobQueue("slow to begin")
    held = threading.Lock()
    run = Job.run

    def slow(job: Job) -> object:
        with held:
            return run(job)

    monkeypatch.setattr(Job, "run", slow)
    with held:
        queue.submit(lambda _progress: None, "first")
        queue._running = None
        queue.submit(lambda _progress: None, "second")
        waited: list[float] = []
        monkeypatch.setattr("radviewer.app.jobs.wait", lambda _futures, timeout: waited.append(timeout))
        assert queue.close()
    assert waited == []
    destroy(queue)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is not a thread's own")
def test_work_gives_way_to_the_gui_thread(qtbot: QtBot, queue: JobQueue) -> None:
    def priority(_progress: Progress) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    job = queue.submit(priority, "looking")
    with qtbot.waitSignal(job.succeeded) as found:
        pass
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert found.args == [min(mine + 10, 19)]
