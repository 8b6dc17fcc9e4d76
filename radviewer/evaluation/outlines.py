"""Outlines of the anatomy model against masks drawn by people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import HEART, LEFT, RIGHT, outline
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.domain.overlap import dice
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.metrics import Figure, bootstrap
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress

Mask = NDArray[np.bool_]
NAMES = ("lungs", "right lung", "left lung", "heart")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A film and what is known about its outlines.

    Attributes
    ----------
    masks : dict of str to ndarray of bool
        By the names in `NAMES`, on the film's own grid; what is not labelled is missing.
    fold : int or None
        The member that has not seen this fold judges it alone; None: the whole ensemble.

    """

    name: str
    patient: str
    image: SliceImage
    masks: dict[str, Mask]
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one film; `dice` is empty when it was refused."""

    name: str
    patient: str
    fold: int | None
    refusal: str | None
    dice: dict[str, float]
    distance: float = float("nan")
    agreement: float = float("nan")


def judge(catalogue: Catalogue, card: Card, film: Labelled) -> Judged:
    """Outline one film as the program does, full size, and compare."""
    try:
        found = outline(catalogue, card, film_of(film.image), Progress(), only_fold=film.fold)
    except Refused as refusal:
        return Judged(film.name, film.patient, film.fold, str(refusal), {})
    masks = [found.placement.mask(channel, found.film.shape) for channel in found.logits]
    drawn = {
        "lungs": masks[RIGHT] | masks[LEFT],
        "right lung": masks[RIGHT],
        "left lung": masks[LEFT],
        "heart": masks[HEART],
    }
    scores = {name: dice(drawn[name], truth) for name, truth in film.masks.items()}
    return Judged(film.name, film.patient, film.fold, None, scores, found.distance, found.agreement)


def mean_dice(judged: Sequence[Judged], name: str) -> Figure | None:
    """Mean Dice with its interval over patients; a refused film is left out; None without any film."""
    lines = [j for j in judged if name in j.dice]
    if not lines:
        return None
    values = np.array([j.dice[name] for j in lines])
    return bootstrap(_mean_of(values), [j.patient for j in lines])


def refused_share(judged: Sequence[Judged]) -> Figure:
    """Share of films that were refused, with its interval over patients."""
    refused = np.array([j.refusal is not None for j in judged], dtype=np.float64)
    return bootstrap(_mean_of(refused), [j.patient for j in judged])


def _mean_of(values: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return lambda chosen: float(values[chosen].mean())


def write_judged(path: Path, judged: Iterable[Judged]) -> None:
    """One line per film: Dice of each structure, agreement, distance, reason of a refusal."""
    header = ("film", "patient", "fold", *NAMES, "agreement", "distance", "refused")
    write_table(path, header, map(_cells, judged))


def _cells(j: Judged) -> tuple[object, ...]:
    dice_cells = [f"{j.dice[name]:.4f}" if name in j.dice else "" for name in NAMES]
    fold = "" if j.fold is None else j.fold
    return (j.name, j.patient, fold, *dice_cells, f"{j.agreement:.4f}", f"{j.distance:.4f}", j.refusal or "")


def telling_outlines(judged: Sequence[Judged], count: int = 3) -> dict[str, list[Judged]]:
    """Films outlined best, in the middle and worst, by the Dice of the lungs."""
    order = sorted((j for j in judged if "lungs" in j.dice), key=lambda j: -j.dice["lungs"])
    middle = max(0, len(order) // 2 - count // 2)
    return {"best": order[:count], "median": order[middle : middle + count], "worst": order[-count:][::-1]}
