"""What other thresholds than the shipped one would do."""

from __future__ import annotations

import numpy as np

from radviewer.evaluation.metrics import Bools, Floats, sensitivity, specificity


def operating_curve(positive: Bools, probability: Floats) -> list[dict[str, float]]:
    """Sensitivity and specificity at thresholds from 0.02 to 0.98."""
    points = []
    for threshold in np.arange(1, 50) / 50:
        flagged = probability >= threshold
        shares = {"sensitivity": sensitivity(positive, flagged), "specificity": specificity(positive, flagged)}
        points.append({"threshold": round(float(threshold), 2)} | {name: round(v, 4) for name, v in shares.items()})
    return points
