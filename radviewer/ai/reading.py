"""Volume → Opinions: every bundled model that applies says what it sees, or why it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from radviewer.ai.cards import BadModel, Card, Task
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.films import Refused, film_of
from radviewer.domain.opinion import Opinion, Outcome, Seconds
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress


@dataclass(frozen=True, slots=True)
class Request:
    """All that a task needs to read one stack with one model."""

    catalogue: Catalogue
    card: Card
    image: SliceImage
    context: Context
    progress: Progress


def applies(card: Card, context: Context) -> bool:
    """Whether the model is asked at all: the modality is one of its own, or missing."""
    return context.modality is None or context.modality in card.modalities


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
    entries = [e for e in catalogue.entries() if model is None or e.name == model]
    cards = [e.card for e in entries if e.card is not None and applies(e.card, context)]
    for i, card in enumerate(cards):
        progress.report(i, len(cards), card.title)
        yield _one(volume, context, catalogue, card, progress)


def _one(volume: Volume, context: Context, catalogue: Catalogue, card: Card, progress: Progress) -> Opinion:
    hashes = tuple((weights.file, weights.sha256) for weights in card.weights)

    def without(outcome: Outcome, reason: str) -> Opinion:
        return Opinion(card.name, card.version, outcome, hashes, reason)

    try:
        catalogue.card(card.name)
        check_attributes(card, context)
        image = volume.slices[0]
        if image is None:
            return without(Outcome.REFUSED, volume.problems.get(0, "The image could not be read."))
        return _TASKS[card.task](Request(catalogue, card, image, context, progress))
    except Refused as refusal:
        return without(Outcome.REFUSED, str(refusal))
    except BadModel as problem:
        return without(Outcome.FAILED, str(problem))
    except MemoryError:
        return without(Outcome.FAILED, "There is not enough memory to run this model; close other studies.")


def _chest_anatomy(request: Request) -> Opinion:
    from radviewer.ai.anatomy import members, outline, structures

    started = time.perf_counter()
    film = film_of(request.image)
    for _ in members(request.catalogue, request.card):  # loads what is not loaded yet
        request.progress.check()
    loaded = time.perf_counter()
    outlines = outline(request.catalogue, request.card, film, request.progress)
    found = structures(outlines, request.image)
    return Opinion(
        request.card.name,
        request.card.version,
        Outcome.RAN,
        tuple((weights.file, weights.sha256) for weights in request.card.weights),
        seconds=Seconds(load=loaded - started, inference=time.perf_counter() - loaded),
        anatomy=found,
    )


_TASKS: dict[Task, Callable[[Request], Opinion]] = {"chest anatomy": _chest_anatomy}
