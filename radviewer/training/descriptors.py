"""Descriptors of held-out outlines, and the transparent judge that is fitted on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from radviewer.ai.cards import DescriptorCard
from radviewer.ai.descriptors import MOST_SPREADS, Descriptors, contribution

SHARE = 0.4
"""Of the descriptors' log odds, added to the networks' logit: 0.15 to 0.8 were tried, 0.3 to 0.5 were best."""
_STRENGTH = 0.3  # inverse of the ridge penalty

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Described:
    """Descriptors of one reading (`Descriptors`); `outlined` is 0, and they are all 0, where nothing was outlined.

    `clean` is 1 for the image without its calipers.
    """

    film: str
    clean: int
    outlined: int
    depth_to_width: float
    solidity: float
    circularity: float
    radial_variation: float
    echogenicity: float
    heterogeneity: float
    boundary_contrast: float
    sharpness: float
    posterior_echoes: float


def row_of(film: str, clean: bool, found: Descriptors | None) -> Described:
    """A reading's line in the table."""
    values = Descriptors(*[0.0] * len(Descriptors._fields)) if found is None else found
    return Described(film, int(clean), int(found is not None), **values._asdict())


def descriptors_of(row: Described) -> Descriptors | None:
    """The line's descriptors."""
    return Descriptors(**{name: getattr(row, name) for name in Descriptors._fields}) if row.outlined else None


def fit(rows: Sequence[Described], positive: Sequence[bool]) -> DescriptorCard:
    """Logistic regression on standardised descriptors of the images with an outline; their share of the log odds."""
    outlined = [k for k, row in enumerate(rows) if row.outlined]
    values = np.array([[getattr(rows[k], name) for name in Descriptors._fields] for k in outlined])
    means, spreads = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-4)
    scaled = np.clip((values - means) / spreads, -MOST_SPREADS, MOST_SPREADS)
    judge = LogisticRegression(C=_STRENGTH).fit(scaled, [positive[k] for k in outlined])
    terms: list[dict[str, Any]] = [
        {"name": name, "mean": _short(mean), "spread": _short(spread), "weight": _short(SHARE * weight)}
        for name, mean, spread, weight in zip(Descriptors._fields, means, spreads, judge.coef_[0], strict=True)
    ]
    return DescriptorCard.model_validate({"intercept": _short(SHARE * judge.intercept_[0]), "terms": terms})


def _short(value: float) -> float:
    return round(float(value), 5)


def cross_fitted(
    seen: Sequence[Described], clean: Sequence[Described], positive: Sequence[bool], folds: Sequence[int]
) -> tuple[Doubles, Doubles]:
    """What the descriptors of each image add to its logit, with calipers and without, fitted on the other folds."""
    added, cleanly = np.zeros(len(seen)), np.zeros(len(clean))
    for fold in sorted(set(folds)):
        train = [k for k, f in enumerate(folds) if f != fold]
        card = fit_both([seen[k] for k in train], [clean[k] for k in train], [positive[k] for k in train])
        for k in (k for k, f in enumerate(folds) if f == fold):
            added[k] = contribution(descriptors_of(seen[k]), card)
            cleanly[k] = contribution(descriptors_of(clean[k]), card)
    return added, cleanly


def fit_both(seen: Sequence[Described], clean: Sequence[Described], positive: Sequence[bool]) -> DescriptorCard:
    """The fit on readings with calipers and without, so that calipers count little."""
    return fit([*seen, *clean], [*positive, *positive])
