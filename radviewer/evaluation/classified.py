"""Probabilities against labels: every figure of a finding, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.evaluation.charts import precision_recall_chart, reliability_chart, roc_chart, save_picture
from radviewer.evaluation.metrics import (
    Figure,
    auc,
    bootstrap,
    calibration_line,
    debiased_ece,
    sensitivity,
    specificity,
)

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Predicted:
    """One film with its label and what the model said; probability None when it was refused."""

    name: str
    patient: str
    positive: bool
    probability: float | None
    reason: str | None = None


def figures(films: Sequence[Predicted], threshold: float | Sequence[float]) -> dict[str, Figure]:
    """Discrimination, operating point and calibration of the films that were not refused, and the share refused.

    Parameters
    ----------
    films : sequence of Predicted
        Judged or refused.
    threshold : float or sequence of float
        One for all films, or each film's own (cross-fitted).

    Returns
    -------
    dict of str to Figure
        Empty but for "share refused" when every film was refused.  Figures that need both classes
        are left out where there is one.

    """
    refused = np.array([film.probability is None for film in films])
    found = {"share refused": bootstrap(lambda i: float(refused[i].mean()), [film.patient for film in films])}
    judged = [film for film in films if film.probability is not None]
    if not judged:
        return found
    positive = np.array([film.positive for film in judged])
    probability = np.array([film.probability for film in judged], dtype=np.float64)
    patients = [film.patient for film in judged]
    own = np.broadcast_to(np.asarray(threshold, np.float64), len(films))[~refused]
    flagged = probability >= own
    measures: dict[str, Callable[[Indices], float]] = {}
    if positive.any():
        measures["sensitivity"] = lambda i: sensitivity(positive[i], flagged[i])
    if not positive.all():
        measures["specificity"] = lambda i: specificity(positive[i], flagged[i])
    if positive.any() and not positive.all():
        measures |= {
            "AUC": lambda i: auc(positive[i], probability[i]),
            "accuracy": lambda i: float((positive[i] == flagged[i]).mean()),
            "calibration slope": lambda i: calibration_line(probability[i], positive[i])[0],
            "calibration intercept": lambda i: calibration_line(probability[i], positive[i])[1],
            "debiased ECE": lambda i: debiased_ece(probability[i], positive[i]),
        }
    return found | {name: bootstrap(measure, patients) for name, measure in measures.items()}


def draw(films: Sequence[Predicted], folder: Path, title: str) -> tuple[str, ...]:
    """Write ROC, precision-recall and reliability charts; names of the files. None with a single class."""
    judged = [film for film in films if film.probability is not None]
    positive = np.array([film.positive for film in judged], dtype=np.bool_)
    if not positive.any() or positive.all():
        return ()
    probability = np.array([film.probability for film in judged], dtype=np.float64)
    charts = {
        "roc.png": roc_chart(positive, probability, f"{title}: ROC, n {len(judged)}"),
        "precision-recall.png": precision_recall_chart(positive, probability, f"{title}: precision, n {len(judged)}"),
        "reliability.png": reliability_chart(positive, probability, f"{title}: reliability, n {len(judged)}"),
    }
    for name, chart in charts.items():
        save_picture(folder / name, chart)
    return tuple(charts)


def telling_cases(films: Sequence[Predicted], count: int = 3) -> dict[str, list[Predicted]]:
    """Films judged best, in the middle and worst: by the probability given to what is true."""
    judged = [film for film in films if film.probability is not None]
    order = sorted(judged, key=lambda f: -_given_to_truth(f))
    middle = max(0, len(order) // 2 - count // 2)
    return {"best": order[:count], "median": order[middle : middle + count], "worst": order[-count:][::-1]}


def _given_to_truth(film: Predicted) -> float:
    probability = 0.5 if film.probability is None else film.probability
    return probability if film.positive else 1 - probability
