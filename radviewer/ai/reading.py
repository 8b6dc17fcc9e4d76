"""Volume → Opinions: every bundled model that applies says what it sees, or why it does not."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from radviewer.ai.cards import BadModel, Card, Task
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.films import Refuse, Refused, film_of, raise_refused
from radviewer.domain.opinion import Finding, Opinion, Outcome, Seconds
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress

if TYPE_CHECKING:
    from radviewer.ai.anatomy import Outlines


@dataclass(frozen=True, slots=True)
class _Seen:
    """Outlines of a film, and why it would have been refused had the reader not overridden that."""

    outlines: Outlines
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """All that a task needs to read one stack with one model."""

    catalogue: Catalogue
    card: Card
    volume: Volume
    context: Context
    progress: Progress
    override: bool = False
    seen: dict[str, _Seen] = field(default_factory=dict)
    overridden: list[str] = field(default_factory=list)

    @property
    def image(self) -> SliceImage:
        """The film.

        Raises
        ------
        Refused
            If it could not be read.

        """
        image = self.volume.slices[0]
        if image is None:
            raise Refused(self.volume.problems.get(0, "The image could not be read."))
        return image

    @property
    def refuse(self) -> Refuse:
        """What is called with a reason to refuse."""
        return self.overridden.append if self.override else raise_refused

    def outlined(self, card: Card) -> Outlines:
        """Outlines by the anatomy model `card`, made once for all models that ask."""
        from radviewer.ai.anatomy import outline

        if card.name not in self.seen:
            reasons: list[str] = []
            refuse = reasons.append if self.override else raise_refused
            film = film_of(self.image, refuse)
            found = outline(self.catalogue, card, film, self.progress, refuse=refuse)
            self.seen[card.name] = _Seen(found, tuple(reasons))
        seen = self.seen[card.name]
        self.overridden.extend(seen.reasons)
        return seen.outlines


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


def read(
    volume: Volume,
    context: Context,
    catalogue: Catalogue,
    progress: Progress | None = None,
    *,
    model: str | None = None,
    override: bool = False,
) -> tuple[Opinion, ...]:
    """Run every model that applies, or only `model`; one Opinion each.

    With `override` a model runs although it would refuse, as far as there is something to read; the
    opinion says what was overridden.

    Raises
    ------
    Cancelled
        When `progress` was cancelled.

    """
    return tuple(_opinions(volume, context, catalogue, progress or Progress(), model, override))


def _opinions(
    volume: Volume, context: Context, catalogue: Catalogue, progress: Progress, model: str | None, override: bool
) -> Iterator[Opinion]:
    cards = cards_for(catalogue, context, model, override=override)
    seen: dict[str, _Seen] = {}
    with _loading(catalogue, cards, progress):
        for i, card in enumerate(cards):
            progress.report(i, len(cards), card.title)
            yield _one(Request(catalogue, card, volume, context, progress, override, seen))


def _one(request: Request) -> Opinion:
    card = request.card
    try:
        request.catalogue.card(card.name)
        check_attributes(card, request.context, request.refuse)
        opinion = _TASKS[card.task](request, request.image)
    except Refused as refusal:
        return _without(card, Outcome.REFUSED, str(refusal))
    except BadModel as problem:
        return _without(card, Outcome.FAILED, str(problem))
    except MemoryError:
        return _without(card, Outcome.FAILED, "There is not enough memory to run this model; close other studies.")
    reasons = dict.fromkeys(request.overridden)  # each once
    return replace(opinion, overridden=" ".join(reasons) or None)


def _without(card: Card, outcome: Outcome, reason: str) -> Opinion:
    return Opinion(card.name, card.version, outcome, _hashes(card), reason)


def _hashes(card: Card) -> tuple[tuple[str, str], ...]:
    return tuple((weights.file, weights.sha256) for weights in card.weights)


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
        from radviewer.ai import anatomy, findings

        members = {"chest anatomy": anatomy.members, "chest findings": findings.members}[card.task]
        for _ in members(catalogue, card):
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


def _chest_anatomy(request: Request, image: SliceImage) -> Opinion:
    from radviewer.ai.anatomy import structures

    card = request.card
    started = time.perf_counter()
    _load(request.catalogue, card, request.progress)
    loaded = time.perf_counter()
    found = structures(request.outlined(card), image)
    seconds = Seconds(load=loaded - started, inference=time.perf_counter() - loaded)
    return Opinion(card.name, card.version, Outcome.RAN, _hashes(card), seconds=seconds, anatomy=found)


def _chest_findings(request: Request, image: SliceImage) -> Opinion:
    from radviewer.ai.findings import findings, score

    started = time.perf_counter()
    catalogue, card = request.catalogue, request.card
    if card.requires is None:
        raise BadModel(f"The card of the model {card.name} does not name the model that outlines the lungs.")
    anatomy = catalogue.card(card.requires)
    _load(catalogue, card, request.progress)
    loaded = time.perf_counter()
    outlines = request.outlined(anatomy)
    scores = score(catalogue, card, outlines, request.progress)
    outlined = time.perf_counter()
    note = request.overridden.append if request.override else None
    found = findings(card, scores, request.context, image.stored.shape[:2], note)
    seconds = Seconds(
        load=loaded - started,
        inference=outlined - loaded - scores.seconds[1],
        explanation=scores.seconds[1] + time.perf_counter() - outlined,
    )
    return Opinion(card.name, card.version, Outcome.RAN, _hashes(card), seconds=seconds, findings=found)


_TASKS: dict[Task, Callable[[Request, SliceImage], Opinion]] = {
    "chest anatomy": _chest_anatomy,
    "chest findings": _chest_findings,
}
