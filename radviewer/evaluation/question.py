"""What is asked of a model, and what its films have to do with its training."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.labelled import Line
from radviewer.evaluation.metrics import Figure

UNSEEN, SEEN, PARTLY = "not seen in training", "training data", "held-out folds of training data"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a model.

    Attributes
    ----------
    label, positive : str
        Column of the index, and its value that means "present".
    mask : str or None
        Column with the path of a mask, relative to the index.
    group : str or None
        Column that names the patient or volume; intervals are drawn over it.

    """

    model: str
    index: Path
    label: str
    positive: str
    mask: str | None = None
    group: str | None = None

    @property
    def columns(self) -> set[str]:
        """Columns that mean something else than a subgroup."""
        return {self.label, "patient", "patient_id", *(name for name in (self.mask, self.group) if name)}


def known_folds(catalogue: Catalogue, name: str) -> dict[str, int]:
    """Fold of every film a model was trained on, from its ``folds.csv``; empty without one."""
    path = catalogue.folder / name / "folds.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {line["film"]: int(line["fold"]) for line in csv.DictReader(file)}


def provenance(lines: Sequence[Line], card: Card, folds: dict[str, int]) -> str:
    """How the films relate to the training data, said beside every figure."""
    seen = {fold for line in lines if (fold := _listed(folds, line)) is not None}
    if not seen:
        return UNSEEN
    return PARTLY if seen <= {weights.fold for weights in card.weights} else SEEN


def fold_of(card: Card, folds: dict[str, int], line: Line) -> int | None:
    """Fold of a film when a member of the ensemble left it out; None: the whole ensemble may judge it."""
    fold = _listed(folds, line)
    return fold if fold in {weights.fold for weights in card.weights} else None


def _listed(folds: dict[str, int], line: Line) -> int | None:
    return next((folds[name] for name in line.known_as if name in folds), None)


def as_json(found: dict[str, Figure]) -> dict[str, object]:
    """Figures as JSON values: value, low, high, n; null for what cannot be said of these films."""
    return {name: {k: _rounded(v) for k, v in asdict(figure).items()} for name, figure in found.items()}


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def shown(image: SliceImage) -> NDArray[np.float64]:
    """The film as it is shown, bright is dense."""
    values = image.stored[..., 0] if image.is_colour else image.stored
    return -values.astype(np.float64) if image.inverted else values.astype(np.float64)
