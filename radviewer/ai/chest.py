"""The tasks on a frontal chest film: its anatomy, and findings in the lungs that were outlined."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radviewer.ai.cards import BadModel, Card
from radviewer.ai.films import Refused, film_of, raise_refused
from radviewer.ai.request import Request, hashes
from radviewer.domain.opinion import Opinion, Outcome, Seconds
from radviewer.domain.volume import SliceImage

if TYPE_CHECKING:
    from radviewer.ai.anatomy import Outlines


@dataclass(frozen=True, slots=True)
class Seen:
    """Outlines of a film, and why it would have been refused had the reader not overridden that."""

    outlines: Outlines
    reasons: tuple[str, ...]


def anatomy(request: Request, loaded: float) -> Opinion:
    """Outline the anatomy; `loaded` is what loading the networks took, in seconds.

    Raises
    ------
    Refused, BadModel, Cancelled

    """
    from radviewer.ai.anatomy import structures

    card = request.card
    started = time.perf_counter()
    image = _film(request)
    found = structures(_outlined(request, card, image), image)
    seconds = Seconds(load=loaded, inference=time.perf_counter() - started)
    return Opinion(card.name, card.version, Outcome.RAN, hashes(card), seconds=seconds, anatomy=found)


def findings(request: Request, loaded: float) -> Opinion:
    """Judge the lungs.

    Raises
    ------
    Refused, BadModel, Cancelled

    """
    from radviewer.ai.findings import findings, score

    started = time.perf_counter()
    catalogue, card = request.catalogue, request.card
    if card.requires is None:
        raise BadModel(f"The card of the model {card.name} does not name the model that outlines the lungs.")
    image = _film(request)
    outlines = _outlined(request, catalogue.card(card.requires), image)
    scores = score(catalogue, card, outlines, request.progress)
    scored = time.perf_counter()
    note = request.overridden.append if request.override else None
    found = findings(card, scores, request.context, image.stored.shape[:2], note)
    seconds = Seconds(
        load=loaded,
        inference=scored - started - scores.seconds[1],
        explanation=scores.seconds[1] + time.perf_counter() - scored,
    )
    return Opinion(card.name, card.version, Outcome.RAN, hashes(card), seconds=seconds, findings=found)


def _film(request: Request) -> SliceImage:
    image = request.volume.slices[0]
    if image is None:
        raise Refused(request.volume.problems.get(0, "The image could not be read."))
    return image


def _outlined(request: Request, card: Card, image: SliceImage) -> Outlines:
    """Outlines by the anatomy model `card`."""
    from radviewer.ai.anatomy import outline

    if card.name not in request.seen:
        reasons: list[str] = []
        refuse = reasons.append if request.override else raise_refused
        film = film_of(image, refuse)
        found = outline(request.catalogue, card, film, request.progress, refuse=refuse)
        request.seen[card.name] = Seen(found, tuple(reasons))
    seen = request.seen[card.name]
    request.overridden.extend(seen.reasons)
    return seen.outlines
