"""Contrast aids off the GUI thread: an image is seen without them until they are computed."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.domain.volume import SliceImage
from radviewer.progress import Progress
from radviewer.render.presentation import STEP_NAMES, Presentation
from radviewer.render.slice_renderer import SliceRenderer

_AT_ONCE = 0.06
"""Seconds of computing that are better spent before painting than shown as a flicker."""


class Preparing(QObject):
    """Decides what can be painted now, and computes the rest in the background.

    Parameters
    ----------
    queue : JobQueue
        Shared by the viewports.
    renderer : SliceRenderer
        Of the viewport; keeps what is computed.
    parent : QObject

    """

    changed = Signal()  # something else can be painted now
    failed = Signal(str)  # a sentence for the reader

    def __init__(self, queue: JobQueue, renderer: SliceRenderer, parent: QObject) -> None:
        super().__init__(parent)
        self._queue = queue
        self._renderer = renderer
        self._job: Job | None = None
        self._key: Hashable = None  # what the job computes
        self._given_up: Hashable = None
        self._cost: dict[Hashable, float] = {}  # kinds of steps → seconds per pixel, as last measured

    def paintable(self, image: SliceImage, presentation: Presentation) -> tuple[Presentation, str]:
        """Presentation to paint at once, and what to tell the reader while there is more to come."""
        if not presentation.steps or self._renderer.is_prepared(image, presentation):
            return presentation, ""
        names = ", ".join(STEP_NAMES[step.kind] for step in presentation.steps)
        without = replace(presentation, steps=())
        key = (id(image), presentation)
        if key == self._given_up:
            return without, f"{names} could not be applied"
        cost = self._cost.get(_kinds(presentation))
        if cost is not None and cost * image.stored.size <= _AT_ONCE:
            return presentation, ""
        if key != self._key:
            self._start(key, image, presentation)
        return without, f"Applying {names} …"

    def stop(self) -> None:
        """Give up what is being computed."""
        job, self._job, self._key = self._job, None, None
        if job is not None:
            job.cancel()

    def _start(self, key: Hashable, image: SliceImage, presentation: Presentation) -> None:
        self.stop()
        renderer = self._renderer

        def work(progress: Progress) -> float:
            progress.check()
            start = time.perf_counter()
            renderer.prepare(image, presentation)
            return (time.perf_counter() - start) / image.stored.size

        self._key = key
        self._job = self._queue.submit(work, "applying contrast aids")
        self._job.succeeded.connect(partial(self._on_prepared, _kinds(presentation)))
        self._job.failed.connect(partial(self._on_failed, key))

    def _on_prepared(self, kinds: Hashable, cost: float) -> None:
        self._cost[kinds] = cost
        self._job = self._key = None
        self.changed.emit()

    def _on_failed(self, key: Hashable, message: str) -> None:
        self._job = self._key = None
        self._given_up = key
        self.failed.emit(message)
        self.changed.emit()


def _kinds(presentation: Presentation) -> Hashable:
    return tuple(step.kind for step in presentation.steps)
