"""Registration of two series in the background, on request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from radviewer.app.jobs import Job, JobQueue
from radviewer.app.links import Links
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Shown
from radviewer.domain.study import Stack
from radviewer.domain.volume import Volume
from radviewer.progress import Progress
from radviewer.volumes.registration import Registration, register, subject_of

THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What is registered to what."""

    fixed: Shown
    moving: Shown


class Registering(QObject):
    """Runs one registration at a time and puts its result into the links.

    Parameters
    ----------
    queue : JobQueue
        Its own: a registration must wait for nothing.
    cache : SeriesCache
    links : Links
    parent : QObject, optional

    """

    changed = Signal()  # a registration has begun or ended
    progressed = Signal(int, int, str)  # done, total, text
    notice = Signal(str)  # a sentence for the reader

    def __init__(self, queue: JobQueue, cache: SeriesCache, links: Links, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue, self._cache, self._links = queue, cache, links
        self._job: Job | None = None
        self.running: Pair | None = None

    def start(self, fixed: Shown, moving: Shown) -> None:
        """Register `moving` to `fixed`; a registration that still runs is given up."""
        self.cancel()
        held = (self._cache.volume(fixed.stack), self._cache.volume(moving.stack))
        pair = self.running = Pair(fixed, moving)
        job = self._job = self._queue.submit(partial(_registered, pair, held), "registering two series")
        job.progressed.connect(self.progressed)
        job.succeeded.connect(partial(self._on_registered, pair))
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._end)
        self.changed.emit()

    def cancel(self) -> None:
        """Give up what runs; nothing of it is delivered."""
        if self._job is not None:
            self._job.cancel()

    def _on_registered(self, pair: Pair, result: Registration) -> None:
        self._end()
        names = f"{name_of(pair.moving)} to {name_of(pair.fixed)}"
        if result.failed:
            self.notice.emit(
                f"Registering {names} failed: {_doubts(result)}. Nothing was linked; "
                "link the viewports by hand, or choose series of the same body part."
            )
            return
        self._links.put(pair.fixed.stack, pair.moving.stack, result)
        self.notice.emit(
            f"Registered {names}, quality {result.quality_words}: both directions agree to "
            f"{result.inconsistency:.1f} mm, overlap {100 * result.overlap:.0f} %. Check it with the checkerboard."
        )

    def _on_failed(self, sentence: str) -> None:
        self._end()
        self.notice.emit(sentence[:1].upper() + sentence[1:])  # it may begin with the name of a series

    def _end(self) -> None:
        self._job = self.running = None
        self.changed.emit()


def name_of(shown: Shown) -> str:
    """A series in words: ``"series 3 (T1 post)"``."""
    series = shown.series
    number = "a series" if series.number is None else f"series {series.number}"
    told = " ".join(part for part in (series.description or series.modality or "", shown.stack.label) if part)
    return f"{number} ({told})" if told else number


def _registered(pair: Pair, held: tuple[Volume | None, Volume | None], progress: Progress) -> Registration:
    """Load what is not held, then register; called in the working thread."""
    subjects = []
    for shown, volume in zip((pair.fixed, pair.moving), held, strict=True):
        progress.report(0, 0, f"Reading {name_of(shown)}")
        subjects.append(subject_of(volume or _loaded(shown.stack, progress), name_of(shown)))
    return register(subjects[0], subjects[1], progress, threads=THREADS)


def _loaded(stack: Stack, progress: Progress) -> Volume:
    from radviewer.dicom.load import load

    return load(stack, progress)


def _doubts(result: Registration) -> str:
    return (
        f"its two directions miss one another by {result.inconsistency:.1f} mm, the correlation of edges is "
        f"{result.edges:.2f}, the overlap {100 * result.overlap:.0f} %"
    )
