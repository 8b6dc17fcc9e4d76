"""Volume → Opinions: every bundled model that applies says what it sees, or why it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radviewer.ai.cards import BadModel, Card, Task
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.films import Refused, film_of
from radviewer.domain.opinion import Opinion, Outcome, Seconds
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.ai.anatomy import Outlines


@dataclass(frozen=True, slots=True)
class Request:
    """All that a task needs to read one stack with one model."""

    catalogue: Catalogue
    card: Card
    image: SliceImage
    context: Context
    progress: Progress
    outlines: dict[str, Outlines] = field(default_factory=dict)

    def outlined(self, card: Card) -> Outlines:
        """Outlines by the anatomy model `card`, made once for all models that ask."""
        from radviewer.ai.anatomy import outline

        if card.name not in self.outlines:
            self.outlines[card.name] = outline(self.catalogue, card, film_of(self.image), self.progress)
        return self.outlines[card.name]


def applies(card: Card, context: Context) -> bool:
    """Whether the model is asked at all: the modality is one of its own, or missing."""
    return context.modality is None or context.modality in card.modalities


def cards_for(catalogue: Catalogue, context: Context, model: str | None = None) -> tuple[Card, ...]:
    """Cards of the models that are asked about a stack: all that apply, or only `model`."""
    entries = (entry for entry in catalogue.entries() if model is None or entry.name == model)
    return tuple(entry.card for entry in entries if entry.card is not None and applies(entry.card, context))


def read(
    volume: Volume,
    context: Context,
    catalogue: Catalogue,
    progress: Progress | None = None,
    *,
    model: str | None = None,
) -> tuple[Opinion, ...]:
    """Run every model that applies, or only `model`; one Opinion each.

    Raises
    ------
    Cancelled
        When `progress` was cancelled.

    """
    return tuple(_opinions(volume, context, catalogue, progress or Progress(), model))


def _opinions(
    volume: Volume, context: Context, catalogue: Catalogue, progress: Progress, model: str | None
) -> Iterator[Opinion]:
    cards = cards_for(catalogue, context, model)
    outlines: dict[str, Outlines] = {}
    for i, card in enumerate(cards):
        progress.report(i, len(cards), card.title)
        yield _one(volume, context, catalogue, card, progress, outlines)


def _one(
    volume: Volume,
    context: Context,
    catalogue: Catalogue,
    card: Card,
    progress: Progress,
    outlines: dict[str, Outlines],
) -> Opinion:
    hashes = tuple((weights.file, weights.sha256) for weights in card.weights)

    def without(outcome: Outcome, reason: str) -> Opinion:
        return Opinion(card.name, card.version, outcome, hashes, reason)

    try:
        catalogue.card(card.name)
        check_attributes(card, context)
        image = volume.slices[0]
        if image is None:
            return without(Outcome.REFUSED, volume.problems.get(0, "The image could not be read."))
        return _TASKS[card.task](Request(catalogue, card, image, context, progress, outlines))
    except Refused as refusal:
        return without(Outcome.REFUSED, str(refusal))
    except BadModel as problem:
        return without(Outcome.FAILED, str(problem))
    except MemoryError:
        return without(Outcome.FAILED, "There is not enough memory to run this model; close other studies.")


def _chest_anatomy(request: Request) -> Opinion:
    from radviewer.ai.anatomy import members, structures

    started = time.perf_counter()
    for _ in members(request.catalogue, request.card):  # loads what is not loaded yet
        request.progress.check()
    loaded = time.perf_counter()
    found = structures(request.outlined(request.card), request.image)
    return Opinion(
        request.card.name,
        request.card.version,
        Outcome.RAN,
        tuple((weights.file, weights.sha256) for weights in request.card.weights),
        seconds=Seconds(load=loaded - started, inference=time.perf_counter() - loaded),
        anatomy=found,
    )


def _chest_findings(request: Request) -> Opinion:
    from radviewer.ai.findings import findings, members, score

    started = time.perf_counter()
    catalogue, card = request.catalogue, request.card
    if card.requires is None:
        raise BadModel(f"The card of the model {card.name} does not name the model that outlines the lungs.")
    anatomy = catalogue.card(card.requires)
    for _ in members(catalogue, card):  # loads what is not loaded yet
        request.progress.check()
    loaded = time.perf_counter()
    outlines = request.outlined(anatomy)
    scores = score(catalogue, card, outlines, request.progress)
    outlined = time.perf_counter()
    found = findings(card, scores, request.context, outlines.film.shape)
    return Opinion(
        card.name,
        card.version,
        Outcome.RAN,
        tuple((weights.file, weights.sha256) for weights in card.weights),
        seconds=Seconds(
            load=loaded - started,
            inference=outlined - loaded - scores.seconds[1],
            explanation=scores.seconds[1] + time.perf_counter() - outlined,
        ),
        findings=found,
    )


_TASKS: dict[Task, Callable[[Request], Opinion]] = {
    "chest anatomy": _chest_anatomy,
    "chest findings": _chest_findings,
}
