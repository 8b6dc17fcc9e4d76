"""Volume → Opinions: every bundled model that applies says what it sees, or why it does not."""

from __future__ import annotations

import gc
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import cv2
from safetensors import SafetensorError

from radviewer.ai import breast, chest, glioma
from radviewer.ai.cards import BadModel, Card, Task
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.faults import sentence
from radviewer.ai.films import Refused
from radviewer.ai.request import Request, Show, hashes
from radviewer.domain.opinion import Finding, Opinion, Outcome
from radviewer.domain.volume import Volume
from radviewer.progress import Cancelled, Progress

_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
    SafetensorError,
)
"""What code and its libraries raise that is no answer: one model's must not cost another's opinion."""

_log = logging.getLogger(__name__)


def applies(card: Card, context: Context) -> bool:
    """Whether the model is asked at all: the modality is one of its own, or missing."""
    return context.modality is None or context.modality in card.modalities


def cards_for(
    catalogue: Catalogue, context: Context, model: str | None = None, *, override: bool = False
) -> tuple[Card, ...]:
    """Cards of the models that are asked about a stack: all that apply, or only `model`.

    With `override` a `model` that is named need not apply.
    """
    entries = (entry for entry in catalogue.entries() if model is None or entry.name == model)
    anyway = override and model is not None
    return tuple(entry.card for entry in entries if entry.card is not None and (anyway or applies(entry.card, context)))


def complete(opinions: Iterable[Opinion], cards: Iterable[Card]) -> tuple[Opinion, ...]:
    """Name each finding of models that did not run: one per label, whatever became of it."""
    items = {card.name: card.findings for card in cards}
    return tuple(
        opinion
        if opinion.outcome is Outcome.RAN or opinion.findings
        else replace(
            opinion,
            findings=tuple(
                Finding(
                    item.label, Outcome.REFUSED, threshold=item.threshold, reason=opinion.reason, evidence=item.evidence
                )
                for item in items[opinion.model]
            ),
        )
        for opinion in opinions
    )


def warm_up(catalogue: Catalogue, progress: Progress) -> None:
    """Verify and load the weights of all models, so that the first reading need not.

    Raises
    ------
    Cancelled
        When `progress` was cancelled.

    """
    cards = [entry.card for entry in catalogue.entries() if entry.card is not None and entry.available]
    for i, card in enumerate(cards):
        progress.report(i, len(cards), card.title)
        with suppress(BadModel):  # says so when it is asked
            _load(catalogue, card, progress)


def make_graphs(progress: Progress) -> None:
    """Compile the networks that were loaded, in the thread that runs them, while nothing else is to be done.

    Raises
    ------
    Cancelled
        When `progress` was cancelled; the next call goes on.

    """
    from radviewer.ai.graphs import prepare

    prepare(progress)


def read(
    volume: Volume,
    context: Context,
    catalogue: Catalogue,
    progress: Progress | None = None,
    *,
    model: str | None = None,
    override: bool = False,
    first: int = 0,
    show: Show | None = None,
) -> tuple[Opinion, ...]:
    """Run every model that applies, or only `model`; one Opinion each.

    With `override` a model runs although it would refuse, as far as there is something to read; the
    opinion says what was overridden.  Models that read slice by slice begin at the slice `first` and
    tell `show` of each.

    Raises
    ------
    Cancelled
        When `progress` was cancelled.

    """
    progress = progress or Progress()
    cards = cards_for(catalogue, context, model, override=override)
    seen: dict[str, chest.Seen] = {}
    opinions = []
    with _loading(catalogue, cards, progress):
        for i, card in enumerate(cards):
            progress.report(i, len(cards), card.title)
            opinions.append(_one(Request(catalogue, card, volume, context, progress, override, first, show, seen)))
    return tuple(opinions)


def _one(request: Request) -> Opinion:
    card = request.card
    try:
        request.catalogue.card(card.name)
        check_attributes(card, request.context, request.refuse)
        started = time.perf_counter()
        _load(request.catalogue, card, request.progress)
        opinion = _KINDS[card.task].read(request, time.perf_counter() - started)
    except Refused as refusal:
        return _without(card, Outcome.REFUSED, str(refusal))
    except BadModel as problem:
        return _without(card, Outcome.FAILED, str(problem))
    except _FAULTS as fault:
        where = "".join(traceback.format_tb(fault.__traceback__))  # not its message: it may quote the patient's data
        _log.error("%s met a fault, %s:\n%s", card.name, type(fault).__name__, where)
        return _without(card, Outcome.FAILED, sentence(fault))
    reasons = dict.fromkeys(request.overridden)  # each once
    return replace(opinion, overridden=" ".join(reasons) or None)


def _without(card: Card, outcome: Outcome, reason: str) -> Opinion:
    return Opinion(card.name, card.version, outcome, hashes(card), reason)


@contextmanager
def _loading(catalogue: Catalogue, cards: Sequence[Card], progress: Progress) -> Iterator[None]:
    """Build the networks of later models in a thread while earlier ones run."""
    done = threading.Event()

    def load() -> None:
        for card in cards:
            with suppress(BadModel, MemoryError, Cancelled):  # the model's own turn says so
                _load(catalogue, card, progress, done)

    thread = threading.Thread(target=load, name="loading models")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _load(catalogue: Catalogue, card: Card, progress: Progress, done: threading.Event | None = None) -> None:
    """Build the networks of a model that are not built yet, until `done`."""
    with _without_collection():
        for _ in _KINDS[card.task].members(catalogue, card):
            progress.check()
            if done is not None and done.is_set():
                return
        if card.distance is not None:
            catalogue.weights(card, card.distance.weights)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Do not look for garbage meanwhile: an import of PyTorch makes a million objects and leaves none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _members_of_anatomy(catalogue: Catalogue, card: Card) -> Iterator[Any]:
    from radviewer.ai.anatomy import members

    return members(catalogue, card)


def _members_of_findings(catalogue: Catalogue, card: Card) -> Iterator[Any]:
    from radviewer.ai.findings import members

    return members(catalogue, card)


def _members_of_slices(catalogue: Catalogue, card: Card) -> Iterator[Any]:
    from radviewer.ai.slice_ensemble import members

    return members(catalogue, card)


def _members_of_lesions(catalogue: Catalogue, card: Card) -> Iterator[Any]:
    from radviewer.ai.lesion_ensemble import members

    return members(catalogue, card)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of task builds its networks and reads a stack with them."""

    members: Callable[[Catalogue, Card], Iterator[Any]]
    read: Callable[[Request, float], Opinion]


_KINDS: dict[Task, _Kind] = {
    "chest anatomy": _Kind(_members_of_anatomy, chest.anatomy),
    "chest findings": _Kind(_members_of_findings, chest.findings),
    "brain glioma": _Kind(_members_of_slices, glioma.read),
    "breast lesion": _Kind(_members_of_lesions, breast.read),
}
