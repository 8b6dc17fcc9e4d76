"""Calibration and threshold, never fitted and reported on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.evaluation.metrics import Bools, Floats, logistic_fit, threshold_for_sensitivity

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CrossFitted:
    """Out-of-fold films with what was fitted on the other folds.

    Attributes
    ----------
    probability : ndarray, (n,)
        Calibrated on the other folds.
    flagged : ndarray of bool, (n,)
        At the threshold chosen on the other folds.
    calibration : tuple of float
        Slope and intercept fitted on all folds: what is shipped.
    threshold : float
        Probability chosen on all folds: what is shipped.

    """

    probability: Doubles
    flagged: NDArray[np.bool_]
    calibration: tuple[float, float]
    threshold: float


def calibrated(logit: Floats, line: tuple[float, float]) -> Doubles:
    """Probability of logits on a calibration line (slope, intercept)."""
    z = np.clip(line[0] * np.asarray(logit, np.float64) + line[1], -40, 40)
    found: Doubles = 1 / (1 + np.exp(-z))
    return found


def cross_fit(logit: Floats, positive: Bools, folds: Sequence[int], wanted_sensitivity: float) -> CrossFitted:
    """Fit on all folds but one, apply to that one, for each fold; and on all for the shipped values."""
    fold = np.asarray(folds)
    probability, flagged = np.empty(len(fold)), np.empty(len(fold), np.bool_)
    for k in np.unique(fold):
        here, others = fold == k, fold != k
        line = logistic_fit(logit[others], positive[others])
        threshold = threshold_for_sensitivity(positive[others], calibrated(logit[others], line), wanted_sensitivity)
        probability[here] = calibrated(logit[here], line)
        flagged[here] = probability[here] >= threshold
    line = logistic_fit(logit, positive)
    shipped = threshold_for_sensitivity(positive, calibrated(logit, line), wanted_sensitivity)
    return CrossFitted(probability, flagged, line, shipped)
