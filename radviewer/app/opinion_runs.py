"""One run of models on one stack, as the AI's thread does it; and what stacks and findings are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radviewer.app.shown import Shown
from radviewer.domain.decision import FindingKey, stack_id
from radviewer.domain.opinion import Opinion
from radviewer.domain.study import Stack
from radviewer.domain.volume import Volume
from radviewer.errors import UnreadableImage
from radviewer.export.fingerprint import instance_hashes
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.ai.catalogue import Catalogue
    from radviewer.ai.context import Context
    from radviewer.app.decisions import DecisionBook
    from radviewer.app.jobs import JobQueue
    from radviewer.app.model_worker import ModelWorker, Show
    from radviewer.app.opinion_store import OpinionStore
    from radviewer.app.series_cache import SeriesCache


@dataclass(frozen=True, slots=True)
class SecondOpinionParts:
    """What the second opinion is made of.

    Attributes
    ----------
    queue : JobQueue
        Of the AI alone.
    cache : SeriesCache
        Where the pixels are.
    worker : ModelWorker
        Holds the networks in a process of its own.
    store : OpinionStore
    book : DecisionBook

    """

    queue: JobQueue
    cache: SeriesCache
    worker: ModelWorker
    store: OpinionStore
    book: DecisionBook


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked of the models, captured when it was asked.

    Attributes
    ----------
    models : tuple of str or None
        One call each; None stands for all that apply, which then share the outlines of the anatomy.
    override : bool
        Run although a model would refuse.
    first : int
        The slice that the reader was looking at: models that read slice by slice begin there.

    """

    shown: Shown
    volume: Volume
    models: tuple[str | None, ...]
    override: bool
    first: int


def prepare_models(worker: ModelWorker, _progress: Progress) -> Catalogue:
    """Read the cards while the worker loads the networks; in the AI's thread."""
    from radviewer.ai.catalogue import Catalogue

    worker.start()
    catalogue = Catalogue(worker.models)
    catalogue.entries()
    import sqlalchemy  # noqa: F401 -- the log's: not while the reader waits for the first finding

    return catalogue


def ask_models(worker: ModelWorker, asked: Asked, progress: Progress, show: Show) -> tuple[Opinion, ...]:
    """Run the models; in the AI's thread, in which `show` is told of slices that were read.

    Raises
    ------
    WorkerFailed, Cancelled

    """
    context = context_of_shown(asked.shown)
    found: tuple[Opinion, ...] = ()
    for name in asked.models:
        found += worker.run(
            asked.volume, context, progress, model=name, override=asked.override, first=asked.first, show=show
        )
    return found


def keep_opinions(store: OpinionStore, stack: Stack, opinions: tuple[Opinion, ...]) -> None:
    """Write what models said of a stack to disk, with the hashes of the files it was said of.

    Raises
    ------
    NotSaved

    """
    try:
        instances = instance_hashes(stack)
    except UnreadableImage:  # removed since: kept for the screen, and never exported
        instances = {}
    store.save(stack_id(stack), opinions, instances)


def finding_key(shown: Shown, opinion: Opinion, label: str) -> FindingKey:
    """Name of a finding of a model on a stack, the same after a restart."""
    return FindingKey(*ids_of(shown), opinion.model, opinion.version, label)


def ids_of(shown: Shown) -> tuple[str, str, str]:
    """Study, series and stack, as log and store name them."""
    return shown.study.study_uid, shown.series.series_uid, stack_id(shown.stack)


def context_of_shown(shown: Shown) -> Context:
    """What the header says, as far as eligibility asks."""
    from radviewer.ai.context import context_of

    return context_of(shown.study, shown.series, shown.stack)
