from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radviewer.evaluation.metrics import (
    Figure,
    auc,
    bootstrap,
    calibration_line,
    debiased_ece,
    logistic_fit,
    lowest,
    roc,
    sensitivity,
    sensitivity_at,
    specificity,
    threshold_for_balance,
    threshold_for_sensitivity,
    threshold_for_specificity,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_the_right_order(films: list[tuple[bool, int]]) -> None:
    positive, score = (np.array(column) for column in zip(*films, strict=True))
    pairs = [(float(a > b) + 0.5 * float(a == b)) for a in score[positive] for b in score[~positive]]
    if pairs:
        assert auc(positive, score.astype(float)) == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(auc(positive, score.astype(float)))


def test_auc_is_the_area_under_the_roc_curve() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    score = positive + rng.normal(0, 1, 200)
    alarm, hit, thresholds = roc(positive, score)
    assert (alarm[0], hit[0], alarm[-1], hit[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(hit, alarm) == pytest.approx(auc(positive, score))
    assert np.isinf(thresholds[0])


def test_auc_of_scores_that_are_not_numbers() -> None:
    with pytest.raises(ValueError, match="not finite"):
        auc(np.array([True, False]), np.array([np.nan, 1.0]))


@pytest.mark.parametrize(("wanted", "threshold"), [(0.9, 0.2), (0.75, 0.4), (0.5, 0.6), (0.01, 0.8), (1.0, 0.2)])
def test_threshold_keeps_the_wanted_sensitivity(wanted: float, threshold: float) -> None:
    positive = np.array([True, True, False, True, False, True])
    score = np.array([0.2, 0.4, 0.5, 0.6, 0.7, 0.8])
    found = threshold_for_sensitivity(positive, score, wanted)
    assert found == threshold
    assert sensitivity(positive, score >= found) >= wanted


def test_the_balanced_threshold_lies_in_the_gap_that_parts_best() -> None:
    positive = np.array([True, True, False, True, False, False])
    score = np.array([0.9, 0.8, 0.3, 0.6, 0.7, 0.1])
    assert threshold_for_balance(positive, score) == pytest.approx((0.6 + 0.3) / 2)
    assert threshold_for_balance(np.array([True, False]), np.array([0.8, 0.2])) == pytest.approx(0.5)


@pytest.mark.parametrize(("wanted", "threshold"), [(0.75, 0.45), (0.5, 0.25), (1.0, 0.75)])
def test_threshold_keeps_the_wanted_specificity(wanted: float, threshold: float) -> None:
    positive = np.array([False, False, True, False, True, False])
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    found = threshold_for_specificity(positive, score, wanted)
    assert found == pytest.approx(threshold if wanted < 1 else 0.8)
    assert specificity(positive, score >= found) >= wanted


def test_sensitivity_and_specificity() -> None:
    positive, flagged = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 0, 1], bool)
    assert sensitivity(positive, flagged) == pytest.approx(2 / 3)
    assert specificity(positive, flagged) == pytest.approx(1 / 2)
    assert np.isnan(sensitivity(np.zeros(5, bool), flagged))


def test_bootstrap_draws_patients_not_films() -> None:
    rng = np.random.default_rng(0)
    per_patient = rng.normal(0, 1, 40)
    values = np.repeat(per_patient, 10)
    patients = [f"p{i}" for i in range(40) for _ in range(10)]
    figure = bootstrap(lambda chosen: float(values[chosen].mean()), patients)
    assert figure.n == 400
    assert figure.value == pytest.approx(per_patient.mean())
    half = 1.96 * per_patient.std() / np.sqrt(40)
    assert (figure.high - figure.low) / 2 == pytest.approx(half, rel=0.15)
    assert figure == bootstrap(lambda chosen: float(values[chosen].mean()), patients)


def test_logistic_fit_finds_the_line() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 40_000)
    positive = rng.random(logit.size) < 1 / (1 + np.exp(-(0.5 * logit - 1)))
    slope, intercept = logistic_fit(logit, positive)
    assert slope == pytest.approx(0.5, abs=0.02)
    assert intercept == pytest.approx(-1, abs=0.03)


def test_calibration_of_right_and_of_overconfident_probabilities() -> None:
    rng = np.random.default_rng(1)
    logit = rng.normal(0, 1.5, 20_000)
    positive = rng.random(logit.size) < 1 / (1 + np.exp(-logit))

    def probability(z: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-z)))

    slope, intercept = calibration_line(probability(logit), positive)
    assert slope == pytest.approx(1, abs=0.05)
    assert intercept == pytest.approx(0, abs=0.05)
    assert calibration_line(probability(2 * logit), positive)[0] == pytest.approx(0.5, abs=0.03)
    assert debiased_ece(probability(logit), positive) < 0.015
    assert debiased_ece(probability(4 * logit), positive) > 0.1


def test_perfectly_separable_films_end_the_fit() -> None:
    slope, _ = logistic_fit(np.array([-1.0, -2, 1, 2]), np.array([0, 0, 1, 1], bool))
    assert np.isfinite(slope)


def test_debiasing_removes_what_few_films_cause() -> None:
    found, plain = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0, 1, 150)
        positive = rng.random(150) < p
        found.append(debiased_ece(p, positive))
        order = np.array_split(np.argsort(p), 10)
        plain.append(np.mean([abs(p[c].mean() - positive[c].mean()) for c in order]))
    assert np.median(found) < 0.6 * np.median(plain)


def test_sensitivity_where_specificity_is_still_kept() -> None:
    positive = np.array([True, True, True, False, False, False, False])
    score = np.array([0.9, 0.6, 0.1, 0.7, 0.3, 0.2, 0.0])
    assert sensitivity_at(positive, score, 1.0) == pytest.approx(1 / 3)
    assert sensitivity_at(positive, score, 0.75) == pytest.approx(2 / 3)
    assert sensitivity_at(positive, score, 0.0) == 1


def test_the_lowest_has_no_interval() -> None:
    assert lowest(np.array([0.5, 0.25, 0.75])) == Figure(0.25, 0.25, 0.25, 3)


def test_a_prior_of_the_slope_holds_it_back_and_leaves_the_middle() -> None:
    logit, positive = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0] * 5), np.array([False] * 3 + [True] * 3)
    positive = np.tile(positive, 5)
    steep, _ = logistic_fit(logit, positive)
    slope, intercept = logistic_fit(logit, positive, spread=1.0)
    assert steep > 10
    assert 0.5 < slope < 3
    assert intercept == pytest.approx(0, abs=1e-6)
    wide, _ = logistic_fit(logit[:-1], positive[:-1] ^ (np.arange(29) % 7 == 0), spread=1e6)
    assert wide == pytest.approx(logistic_fit(logit[:-1], positive[:-1] ^ (np.arange(29) % 7 == 0))[0], rel=1e-4)
