"""The judge that is fitted on descriptors."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from radviewer.ai.descriptors import Descriptors, contribution
from radviewer.training.descriptors import SHARE, Described, cross_fitted, descriptors_of, fit, fit_both, row_of

USUAL = Descriptors(0.7, 0.9, 0.8, 0.15, -0.2, 0.12, 0.2, 0.05, 0.0)


def _rows(count: int = 200) -> tuple[list[Described], list[bool]]:
    """Malignant ones are taller; all else is chance; every twentieth has no outline."""
    rng = np.random.default_rng(2)
    rows, malignant = [], []
    for k in range(count):
        ill = bool(rng.random() < 0.4)
        found = Descriptors(*(value + 0.05 * float(rng.normal()) for value in USUAL))
        found = found._replace(depth_to_width=0.7 + 0.25 * ill + 0.15 * float(rng.normal()))
        rows.append(row_of(f"{k}.png", False, None if k % 20 == 0 else found))
        malignant.append(ill)
    return rows, malignant


def test_a_line_is_the_descriptors_it_was_made_of() -> None:
    assert {f.name for f in fields(Described)} == {"film", "clean", "outlined", *Descriptors._fields}
    assert descriptors_of(row_of("a.png", True, USUAL)) == USUAL
    empty = row_of("a.png", False, None)
    assert (empty.clean, empty.outlined, descriptors_of(empty)) == (0, 0, None)


def test_what_tells_lesions_apart_has_weight() -> None:
    rows, malignant = _rows()
    card = fit(rows, malignant)
    tallest = max(card.terms, key=lambda term: abs(term.weight))
    assert tallest.name == "depth_to_width"
    assert tallest.weight > 0.5 * SHARE
    assert tallest.mean == pytest.approx(0.8, abs=0.05)
    tall, flat = (contribution(USUAL._replace(depth_to_width=value), card) for value in (1.1, 0.5))
    assert tall > flat + SHARE


def test_no_reading_is_judged_by_what_was_fitted_on_it() -> None:
    rows, malignant = _rows()
    folds = [k % 4 for k in range(len(rows))]
    clean = rows[1:] + rows[:1]
    added, cleanly = cross_fitted(rows, clean, malignant, folds)
    turned = [not m if f == 2 else m for m, f in zip(malignant, folds, strict=True)]
    again, _ = cross_fitted(rows, clean, turned, folds)
    here = np.array(folds) == 2
    np.testing.assert_array_equal(added[here], again[here])
    assert np.abs(added[~here] - again[~here]).max() > 0.05
    others = [k for k, fold in enumerate(folds) if fold != 0]
    card = fit_both([rows[k] for k in others], [clean[k] for k in others], [malignant[k] for k in others])
    assert added[4] == pytest.approx(contribution(descriptors_of(rows[4]), card))
    assert cleanly[4] == pytest.approx(contribution(descriptors_of(clean[4]), card))
    assert added[0] == pytest.approx(card.intercept)  # nothing was outlined
