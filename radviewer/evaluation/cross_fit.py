"""Calibration and threshold, never fitted and reported on the same folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.evaluation.metrics import Bools, Floats, logistic_fit

Doubles = NDArray[np.float64]
Choose = Callable[[Bools, Floats], float]
"""``choose(positive, probability)``: the threshold of an operating point, on films it may look at."""


@dataclass(frozen=True, slots=True, eq=False)
class CrossFitted:
    """Out-of-fold films with what was fitted on the other folds.

    Attributes
    ----------
    probability : ndarray, (n,)
        Calibrated on the other folds.
    thresholds : ndarray, (n,)
        Chosen on the other folds.
    calibration : tuple of float
        Slope and intercept fitted on all folds: what is shipped.
    threshold : float
        Probability chosen on all folds: what is shipped.

    """

    probability: Doubles
    thresholds: Doubles
    calibration: tuple[float, float]
    threshold: float


def calibrated(logit: Floats, line: tuple[float, float]) -> Doubles:
    """Probability of logits on a calibration line (slope, intercept)."""
    z = np.clip(line[0] * np.asarray(logit, np.float64) + line[1], -40, 40)
    found: Doubles = 1 / (1 + np.exp(-z))
    return found


def cross_fit(
    logit: Floats, positive: Bools, folds: Sequence[int], choose: Choose, *, spread: float = math.inf
) -> CrossFitted:
    """Fit on all folds but one, apply to that one, for each fold; and on all for the shipped values.

    `spread` is the slope's in `radviewer.evaluation.metrics.logistic_fit`.
    """
    fold = np.asarray(folds)
    probability, thresholds = np.empty(len(fold)), np.empty(len(fold))
    for k in np.unique(fold):
        here, others = fold == k, fold != k
        line = logistic_fit(logit[others], positive[others], spread=spread)
        thresholds[here] = choose(positive[others], calibrated(logit[others], line))
        probability[here] = calibrated(logit[here], line)
    line = logistic_fit(logit, positive, spread=spread)
    return CrossFitted(probability, thresholds, line, choose(positive, calibrated(logit, line)))
