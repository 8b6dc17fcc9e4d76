"""One stack → opinions: decoded only when a model that applies needs its pixels."""

from __future__ import annotations

import numpy as np

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.films import LARGEST, Refused
from radviewer.ai.reading import cards_for, complete, read
from radviewer.dicom.load import load
from radviewer.domain.opinion import Finding, Opinion, Outcome
from radviewer.domain.study import Stack
from radviewer.domain.volume import Volume
from radviewer.errors import TooLarge, UnreadableImage
from radviewer.progress import Progress


def read_stack(
    stack: Stack, context: Context, catalogue: Catalogue, model: str | None, progress: Progress
) -> tuple[tuple[Opinion, ...], Volume]:
    """Opinions of all models that apply, and the stack's pixels as far as they were needed.

    Raises
    ------
    Cancelled

    """
    cards = cards_for(catalogue, context, model)
    volume = _pixels(stack, context, cards, progress)
    opinions = read(volume, context, catalogue, progress, model=model)
    return complete(opinions, cards), volume


def was_readable(stack: Stack, volume: Volume) -> bool:
    """Whether an image of the stack could be decoded, or none had to be: refused is not unreadable."""
    return _is_too_large(stack) or not volume.problems or any(image is not None for image in volume.slices)


def failed(opinion: Opinion, reason: str) -> Opinion:
    """Opinion of which the results could not be kept."""
    findings = tuple(
        Finding(finding.label, Outcome.REFUSED, threshold=finding.threshold, reason=reason, evidence=finding.evidence)
        for finding in opinion.findings
    )
    return Opinion(opinion.model, opinion.version, Outcome.FAILED, opinion.weights_sha256, reason, findings=findings)


def _pixels(stack: Stack, context: Context, cards: tuple[Card, ...], progress: Progress) -> Volume:
    if not any(_eligible(card, context) for card in cards):
        return _without_pixels({})
    if _is_too_large(stack):  # refused for its size anyway: not worth the memory
        size = f"{stack.format.rows:,} × {stack.format.columns:,} pixels"
        return _without_pixels({0: f"The image is larger than any radiograph ({size})."})
    try:
        return load(stack, progress)
    except (TooLarge, UnreadableImage) as problem:
        return _without_pixels({0: str(problem)})
    except MemoryError:
        return _without_pixels({0: "There is not enough memory for this image; close other programs."})


def _is_too_large(stack: Stack) -> bool:
    return stack.format.rows * stack.format.columns > LARGEST


def _without_pixels(problems: dict[int, str]) -> Volume:
    return Volume(np.zeros((1, 1, 1), np.uint8), (None,), None, problems)


def _eligible(card: Card, context: Context) -> bool:
    try:
        check_attributes(card, context)
    except Refused:
        return False
    return True
