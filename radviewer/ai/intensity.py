"""Grey values that do not depend on exposure, window, padding or polarity.

Films reach a network from detectors with any tone curve.  Half of what it sees is the
value on a robust linear scale, half its rank among the pixels that count; both turn into
``1 − value`` when the film is inverted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
_BINS = 1024
_TAIL = 0.01  # share of pixels clipped at each end


def equalised(values: NDArray[Any], counted: NDArray[np.bool_] | None = None) -> Grey:
    """Scale `values` to 0–1: the mean of the robust linear scale and of the rank.

    Parameters
    ----------
    values : ndarray, (rows, columns)
        Any real dtype, finite.
    counted : ndarray of bool, (rows, columns), optional
        Pixels the scale is taken from (default: all).  The others are scaled alike and clipped.

    Returns
    -------
    ndarray, float32, (rows, columns)
        0.5 everywhere for a blank image.

    """
    grey = np.asarray(values, dtype=np.float32)
    sample = grey[counted] if counted is not None and counted.any() else grey.ravel()
    low, high = np.quantile(sample, (_TAIL, 1 - _TAIL))
    if not high > low:
        return np.full(grey.shape, 0.5, dtype=np.float32)
    linear = np.clip((grey - low) / (high - low), 0, 1)
    sampled = np.clip((sample - low) / (high - low), 0, 1)
    counts, edges = np.histogram(sampled, bins=_BINS, range=(0.0, 1.0))
    rank = np.concatenate(([0.0], np.cumsum(counts) / max(1, sampled.size)))
    mixed: Grey = (0.5 * (linear + np.interp(linear, edges, rank))).astype(np.float32)
    return mixed


def content_box(values: NDArray[Any], tolerance: float = 0.02) -> tuple[int, int, int, int]:
    """Find the film inside flat padding: ``(top, left, bottom, right)``, the last two exclusive.

    A border row or column is dropped while its values spread over less than `tolerance`
    of the image's range.  At least the whole image is returned when nothing would remain.

    """
    grey = np.asarray(values, dtype=np.float32)
    span = float(np.ptp(grey)) * tolerance
    rows = np.flatnonzero(_spread(grey, axis=1) > span)
    columns = np.flatnonzero(_spread(grey, axis=0) > span)
    if rows.size < 2 or columns.size < 2:
        return (0, 0, grey.shape[0], grey.shape[1])
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _spread(grey: Grey, axis: int) -> Grey:
    """Range of the middle 90 % along `axis`: a letter on a black border does not count."""
    low, high = np.quantile(grey, (0.05, 0.95), axis=axis)
    spread: Grey = (high - low).astype(np.float32)
    return spread
