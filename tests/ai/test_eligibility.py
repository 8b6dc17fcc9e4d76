from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radviewer.ai.cards import Card, Intended
from radviewer.ai.context import Context, years
from radviewer.ai.eligibility import check_anatomy, check_attributes, check_intended
from radviewer.ai.films import Refused
from radviewer.ai.strangeness import distance


@pytest.mark.parametrize(
    ("age", "expected"),
    [("034Y", 34), ("018M", 1.5), (" 006w ", 6 / 52.18), ("", None), ("34", None), (None, None), ("XXXY", None)],
)
def test_ages(age: str | None, expected: float | None) -> None:
    found = years(age)
    assert found == expected if expected is None else found == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    "context",
    [
        Context(),
        Context(modality="DX", body_part="CHEST", view_position="PA", age_years=40),
        Context(modality="CR", body_part="PORT CHEST", view_position="AP"),
        Context(body_part="SOMETHING NEW"),
        Context(body_part="CHEST ABDOMEN"),
    ],
)
def test_what_is_missing_or_fits_is_accepted(card: Card, context: Context) -> None:
    check_attributes(card, context)


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (Context(modality="CT"), "not CT"),
        (Context(slices=40), "40 images"),
        (Context(body_part="HAND"), "not a chest"),
        (Context(body_part="L SPINE"), "not a chest"),
        (Context(view_position="LL"), "not a frontal view"),
        (Context(view_position="LATERAL"), "not a frontal view"),
    ],
)
def test_what_contradicts_is_refused(card: Card, context: Context, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_attributes(card, context)


@pytest.mark.parametrize(
    ("intended", "context"),
    [
        (Intended(views=("PA",)), Context(view_position="AP")),
        (Intended(youngest=18), Context(age_years=3)),
        (Intended(oldest=6), Context(age_years=6)),
    ],
)
def test_outside_intended_use(intended: Intended, context: Context) -> None:
    with pytest.raises(Refused, match="Outside intended use"):
        check_intended(intended, context)
    check_intended(intended, Context())


def _lungs(right: tuple[slice, slice], left: tuple[slice, slice]) -> Any:
    masks = np.zeros((2, 100, 100), bool)
    masks[0][right] = True
    masks[1][left] = True
    return masks[0], masks[1]


_UPRIGHT = _lungs((slice(20, 70), slice(15, 45)), (slice(20, 70), slice(55, 85)))


def test_a_pair_of_lungs_is_plausible() -> None:
    check_anatomy(_UPRIGHT, 0.98)


@pytest.mark.parametrize(
    ("lungs", "agreement", "reason"),
    [
        (_lungs((slice(0, 0), slice(0, 0)), (slice(20, 70), slice(55, 85))), 0.98, "No pair"),
        (_lungs((slice(0, 100), slice(0, 45)), (slice(0, 100), slice(55, 100))), 0.98, "too large"),
        (_lungs((slice(20, 32), slice(15, 35)), (slice(10, 90), slice(55, 85))), 0.98, "unequal"),
        (_lungs((slice(10, 45), slice(20, 60)), (slice(55, 90), slice(20, 60))), 0.98, "side by side"),
        (_UPRIGHT[::-1], 0.98, "side by side"),
        (_UPRIGHT, 0.5, "not sure"),
    ],
)
def test_implausible_lungs_are_refused(lungs: Any, agreement: float, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_anatomy(lungs, agreement)


def test_distance_grows_away_from_the_reference() -> None:
    reference = {
        "mean": np.zeros(4, np.float32),
        "axes": np.eye(4, dtype=np.float32)[:2],
        "scales": np.array([1, 2], np.float32),
        "rest": np.array([0.5], np.float32),
    }
    along, across = np.array([1, 2, 0, 0], np.float32), np.array([0, 0, 0.5, 0], np.float32)
    assert distance(np.zeros(4, np.float32), reference) == 0
    assert distance(along, reference) == pytest.approx(np.sqrt(0.5))
    assert distance(across, reference) == pytest.approx(np.sqrt(0.5))
    assert distance(10 * across, reference) == pytest.approx(10 * np.sqrt(0.5))
