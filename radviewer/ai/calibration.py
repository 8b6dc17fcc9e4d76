"""From what an ensemble says to a probability."""

from __future__ import annotations

import math

from radviewer.ai.cards import Calibration


def probability(logit: float, calibration: Calibration) -> float:
    """Calibrated probability of a logit that the calibration was fitted on."""
    z = calibration.slope * logit + calibration.intercept
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
