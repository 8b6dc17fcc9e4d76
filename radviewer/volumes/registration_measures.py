"""How alike two volumes on one grid are, whatever their modalities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BINS = 48

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


def information(fixed: Values, moving: Values, both: Mask) -> float:
    """Mutual information over the mean entropy of the two, 0–1, where `both` are valid."""
    if int(both.sum()) < _BINS:
        return 0.0
    codes = [_codes(values[both]) for values in (fixed, moving)]
    joint = np.bincount(codes[0] * _BINS + codes[1], minlength=_BINS * _BINS).reshape(_BINS, _BINS)
    share = joint / joint.sum()
    entropies = [_entropy(share.sum(axis=axis)) for axis in (0, 1)]
    mean = sum(entropies) / 2
    return 0.0 if mean <= 0 else (sum(entropies) - _entropy(share.ravel())) / mean


def edge_correlation(fixed: Values, moving: Values, both: Mask, spacing: tuple[float, float, float]) -> float:
    """Correlation of the gradients' lengths, 0–1, where `both` are valid; `spacing` in mm, array order."""
    if int(both.sum()) < _BINS:
        return 0.0
    a, b = (_edges(values, spacing)[both] for values in (fixed, moving))
    spread = float(a.std()) * float(b.std())
    return 0.0 if spread <= 0 else max(0.0, float(((a - a.mean()) * (b - b.mean())).mean()) / spread)


def _codes(values: Values) -> NDArray[np.int64]:
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    if high <= low:
        return np.zeros(values.size, np.int64)
    codes: NDArray[np.int64] = np.clip((values - low) / (high - low) * _BINS, 0, _BINS - 1).astype(np.int64)
    return codes


def _entropy(share: NDArray[np.float64]) -> float:
    used = share[share > 0]
    return float(-(used * np.log(used)).sum())


def _edges(values: Values, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Length of the gradient, compressed so that the few sharpest edges do not decide alone."""
    steps = np.gradient(values.astype(np.float64), *spacing)
    length: NDArray[np.float64] = np.sqrt(np.sqrt(sum(step**2 for step in steps)))
    return length
