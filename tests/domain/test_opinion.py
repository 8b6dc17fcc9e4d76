from __future__ import annotations

import numpy as np
import pytest

from radviewer.domain.opinion import Finding, Opinion, Outcome, Structure


def _mask(*slices: int) -> np.ndarray:
    mask = np.zeros((5, 4, 4), bool)
    for size, index in enumerate(slices, start=1):
        mask[index, :size] = True
    return mask


def test_flagged_from_the_threshold_on() -> None:
    assert Finding("glioma", Outcome.RAN, 0.5, 0.5).flagged
    assert not Finding("glioma", Outcome.RAN, 0.49, 0.5).flagged
    assert not Finding("glioma", Outcome.REFUSED, reason="Outside intended use.").flagged


def test_slices_and_key_slice_of_a_mask() -> None:
    finding = Finding("glioma", Outcome.RAN, 0.9, 0.5, mask=_mask(3, 1))
    assert finding.slices == (1, 3)
    assert finding.key_slice == 1


def test_key_slice_of_a_heatmap_and_of_nothing() -> None:
    heat = np.zeros((5, 4, 4), np.float32)
    assert Finding("pneumonia", Outcome.RAN, 0.1, 0.5, heatmap=heat).key_slice is None
    heat[2, 1, 1] = 0.3
    assert Finding("pneumonia", Outcome.RAN, 0.1, 0.5, heatmap=heat).key_slice == 2


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_probabilities_lie_between_0_and_1(probability: float) -> None:
    with pytest.raises(ValueError, match="not a probability"):
        Finding("glioma", Outcome.RAN, probability, 0.5)


def test_a_finding_that_did_not_run_has_a_reason_and_no_probability() -> None:
    with pytest.raises(ValueError, match="reason"):
        Finding("glioma", Outcome.REFUSED)
    with pytest.raises(ValueError, match="exactly when"):
        Finding("glioma", Outcome.REFUSED, 0.3, reason="No.")
    with pytest.raises(ValueError, match="exactly when"):
        Finding("glioma", Outcome.RAN)


def test_a_model_that_did_not_run_found_nothing() -> None:
    with pytest.raises(ValueError, match="says why"):
        Opinion("chest", "1.0.0", Outcome.FAILED)
    with pytest.raises(ValueError, match="found nothing"):
        Opinion("chest", "1.0.0", Outcome.REFUSED, reason="No.", anatomy=(Structure("heart", _mask(1)),))
