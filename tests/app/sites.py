"""A second opinion with a worker that does as told, closed again after the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from radviewer.app.decision_log import DecisionLog
from radviewer.app.decisions import DecisionBook
from radviewer.app.history import History
from radviewer.app.jobs import JobQueue
from radviewer.app.opinion_runs import SecondOpinionParts
from radviewer.app.opinion_state import State
from radviewer.app.opinion_store import OpinionStore
from radviewer.app.second_opinion import SecondOpinion
from radviewer.app.shown import Shown
from radviewer.domain.decision import Policy
from radviewer.domain.study import Stack
from radviewer.domain.volume import Volume
from tests.app import opinions
from tests.app.hand_made import HandCache
from tests.app.opinions import FakeWorker
from tests.app.rooms import WAIT
from tests.qt_objects import destroy


class LoadedCache(HandCache):
    """Has the volume of every film."""

    def volume(self, _stack: Stack) -> Volume | None:
        return opinions.volume()


@dataclass
class Site:
    """A second opinion with a worker that does as told."""

    qtbot: QtBot
    parent: QObject
    worker: FakeWorker
    queue: JobQueue
    book: DecisionBook
    store: OpinionStore
    opinion: SecondOpinion
    policy: Policy = Policy.CONCURRENT
    looked_at: dict[str, int] = field(default_factory=dict)

    @classmethod
    def made(cls, qtbot: QtBot, folder: Path, *said: object, policy: Policy = Policy.CONCURRENT) -> Site:
        parent = QObject()
        worker = FakeWorker(*said)  # type: ignore[arg-type]
        queue = JobQueue("ai", parent)
        book = DecisionBook(DecisionLog(folder / "decisions.sqlite"), History(parent), parent)
        store = OpinionStore(folder / "opinions")
        parts = SecondOpinionParts(queue, LoadedCache(parent), worker, store, book)  # type: ignore[arg-type]
        opinion = SecondOpinion(
            parts,
            policy=lambda: one.policy,
            reader=lambda: "Dr. Who",
            slice_of=lambda stack: one.looked_at.get(stack.key, 0),
            parent=parent,
        )
        one = cls(qtbot, parent, worker, queue, book, store, opinion, policy)
        book.open(["1.study"])
        return one

    def close(self) -> None:
        self.opinion.close()
        self.book.close()
        assert self.queue.close()
        destroy(self.parent)

    def prepared(self) -> None:
        with self.qtbot.waitSignal(self.opinion.prepared, timeout=WAIT):
            self.opinion.prepare()

    def loaded(self, shown: Shown) -> None:
        self.opinion.loaded(shown)

    def wait(self, shown: Shown, *kinds: type[State]) -> State:
        self.qtbot.waitUntil(lambda: isinstance(self.opinion.state(shown), kinds) and not self.queue.busy, timeout=WAIT)
        return self.opinion.state(shown)


Opener = Callable[..., Site]
