from __future__ import annotations

import numpy as np
import pytest

from radviewer.evaluation.cross_fit import calibrated, cross_fit
from radviewer.evaluation.metrics import calibration_line, sensitivity, threshold_for_sensitivity


def _choose(positive: np.ndarray, probability: np.ndarray) -> float:
    return threshold_for_sensitivity(positive, probability, 0.9)


@pytest.fixture
def films() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overconfident logits: three times what is true."""
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1.5, 1500)
    positive = rng.random(true.size) < 1 / (1 + np.exp(-true))
    return 3 * true, positive, np.arange(true.size) % 5


def test_probabilities_are_right_after_calibration(films: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    logit, positive, folds = films
    found = cross_fit(logit, positive, folds.tolist(), _choose)
    slope, intercept = calibration_line(found.probability, positive)
    assert slope == pytest.approx(1, abs=0.1)
    assert intercept == pytest.approx(0, abs=0.1)
    assert found.calibration[0] == pytest.approx(1 / 3, abs=0.05)
    assert sensitivity(positive, found.probability >= found.thresholds) == pytest.approx(0.9, abs=0.02)
    assert sensitivity(positive, calibrated(logit, found.calibration) >= found.threshold) >= 0.9


def test_a_fold_has_no_say_in_its_own_calibration(films: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    logit, positive, folds = films
    before = cross_fit(logit, positive, folds.tolist(), _choose)
    turned = positive.copy()
    turned[folds == 2] = ~turned[folds == 2]
    after = cross_fit(logit, turned, folds.tolist(), _choose)
    np.testing.assert_array_equal(after.probability[folds == 2], before.probability[folds == 2])
    assert (after.probability[folds == 1] != before.probability[folds == 1]).any()
