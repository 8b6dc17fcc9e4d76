"""Figures of merit with bootstrap intervals: discrimination, operating point, calibration, overlap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]

_CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, its 95 % interval and the number of films it was measured on."""

    value: float
    low: float
    high: float
    n: int


def auc(positive: Bools, score: Floats) -> float:
    """Area under the ROC curve, ties counted half; NaN without both classes."""
    positive = np.asarray(positive, bool)
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    if values.size and not np.isfinite(values).all():
        raise ValueError("a score is not finite")
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def roc(positive: Bools, score: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """``(false positive rate, true positive rate, threshold)``; "positive" is score ≥ threshold."""
    thresholds = np.concatenate(([np.inf], np.unique(score)[::-1])).astype(np.float64)
    hit = np.array([(np.asarray(score)[positive] >= t).mean() for t in thresholds])
    alarm = np.array([(np.asarray(score)[~positive] >= t).mean() for t in thresholds])
    return alarm, hit, thresholds


def sensitivity(positive: Bools, flagged: Bools) -> float:
    """Share of the positives that are flagged; NaN without positives."""
    return float(flagged[positive].mean()) if positive.any() else float("nan")


def specificity(positive: Bools, flagged: Bools) -> float:
    """Share of the negatives that are not flagged; NaN without negatives."""
    return float((~flagged[~positive]).mean()) if (~positive).any() else float("nan")


def sensitivity_at(positive: Bools, score: Floats, specificity: float) -> float:
    """Sensitivity of the ROC curve where specificity is still at least `specificity`."""
    alarm, hit, _ = roc(positive, score)
    return float(hit[alarm <= 1 - specificity + 1e-9].max())


def threshold_for_sensitivity(positive: Bools, score: Floats, wanted: float) -> float:
    """Highest threshold at which at least `wanted` of the positives are flagged."""
    ordered = np.sort(np.asarray(score, np.float64)[positive])[::-1]
    if not ordered.size:
        raise ValueError("there is no positive film to choose a threshold on")
    return float(ordered[min(ordered.size, int(np.ceil(wanted * ordered.size - 1e-9))) - 1])


def threshold_for_specificity(positive: Bools, score: Floats, wanted: float) -> float:
    """Lowest threshold at which at least `wanted` of the negatives are not flagged, in the middle of its gap."""
    ordered = np.sort(np.asarray(score, np.float64)[~np.asarray(positive, bool)])
    if not ordered.size:
        raise ValueError("there is no negative film to choose a threshold on")
    highest = ordered[max(0, int(np.ceil(wanted * ordered.size - 1e-9)) - 1)]
    above = np.asarray(score, np.float64)[np.asarray(score, np.float64) > highest]
    return float((highest + (above.min() if above.size else 1.0)) / 2)


def threshold_for_balance(positive: Bools, score: Floats) -> float:
    """Threshold of the largest sensitivity + specificity (Youden's index), in the middle of its gap."""
    alarm, hit, thresholds = roc(np.asarray(positive, bool), score)
    best = 1 + int((hit - alarm)[1:].argmax())  # the first threshold is infinite
    lower = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    return float((thresholds[best] + lower) / 2)


def bootstrap(
    measure: Callable[[NDArray[np.intp]], float], groups: Sequence[str], rounds: int = 1000, seed: int = 0
) -> Figure:
    """95 % percentile interval over patients drawn with replacement.

    Parameters
    ----------
    measure : callable
        Figure of the films with the given indices (repeated ones count repeatedly).
    groups : sequence of str
        Patient of every film.
    rounds, seed : int
        Resamples and their seed.

    """
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    patients = [np.array(m, dtype=np.intp) for m in members.values()]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(rounds):
        drawn = rng.integers(0, len(patients), len(patients))
        found.append(measure(np.concatenate([patients[k] for k in drawn])))
    low, high = np.nanquantile(found, (0.025, 0.975))
    return Figure(measure(np.arange(len(groups))), float(low), float(high), len(groups))


def lowest(values: Floats) -> Figure:
    """The lowest of what was measured, without an interval: drawn again, none can be lower."""
    value = float(np.min(values))
    return Figure(value, value, value, len(values))


def logistic_fit(logit: Floats, positive: Bools, rounds: int = 100, *, spread: float = math.inf) -> tuple[float, float]:
    """Slope and intercept of ``P(positive) = sigmoid(slope × logit + intercept)``, maximum likelihood.

    Newton's method with halved steps where the likelihood would fall; films that can be separated
    perfectly have no maximum, there it stops at a steep line.  With a finite `spread`, the standard deviation of a
    normal prior of the slope about 0, a few films that are nearly separated do not make it too steep.
    """
    ridge = np.array([1e-9 + 0.5 / spread**2, 1e-9])
    x = np.stack([np.asarray(logit, np.float64), np.ones(len(logit))], axis=1)
    sign = np.where(np.asarray(positive, bool), 1.0, -1.0)

    def loss(beta: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -sign * (x @ beta)).sum() + ridge @ beta**2)

    beta = np.zeros(2)
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -40, 40)))
        gradient = x.T @ (p - (sign > 0)) + 2 * ridge * beta
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 2 * np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        share = 1.0
        while loss(beta - share * step) > loss(beta) and share > 1e-6:
            share /= 2
        beta = beta - share * step
        if np.abs(step).max() < 1e-8 or share <= 1e-6:
            break
    return float(beta[0]), float(beta[1])


def calibration_line(probability: Floats, positive: Bools) -> tuple[float, float]:
    """Calibration slope and intercept: 1 and 0 when probabilities are right."""
    p = np.clip(np.asarray(probability, np.float64), _CLIP, 1 - _CLIP)
    return logistic_fit(np.log(p / (1 - p)), positive)


def debiased_ece(probability: Floats, positive: Bools, bins: int = 10) -> float:
    """Calibration error in equal-mass bins (root mean square), sampling noise of each bin subtracted.

    Kumar, Liang & Ma 2019; 0 when noise explains everything.
    """
    p, y = np.asarray(probability, np.float64), np.asarray(positive, np.float64)
    total = 0.0
    for chosen in np.array_split(np.argsort(p, kind="stable"), bins):
        if chosen.size < 2:
            continue
        rate = y[chosen].mean()
        noise = rate * (1 - rate) / (chosen.size - 1)
        total += chosen.size / p.size * ((p[chosen].mean() - rate) ** 2 - noise)
    return float(np.sqrt(max(0.0, total)))
