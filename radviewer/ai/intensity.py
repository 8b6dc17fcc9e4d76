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
_LINES = 16  # looked at together


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
    rows, columns = _ends(grey, span), _ends(grey.T, span)
    if rows is None or columns is None:
        return (0, 0, grey.shape[0], grey.shape[1])
    return (rows[0], columns[0], rows[1] + 1, columns[1] + 1)


def _ends(lines: Grey, span: float) -> tuple[int, int] | None:
    """First and last line that spreads over more than `span`; None with fewer than two."""
    first, after = _first(lines, span), _first(lines[::-1], span)
    if first is None or after is None:
        return None
    last = len(lines) - 1 - after
    return (first, last) if last > first else None


def _first(lines: Grey, span: float) -> int | None:
    """Index of the first line that spreads, looked for from the border in steps: most films have none to drop."""
    for start in range(0, len(lines), _LINES):
        found = np.flatnonzero(_spread(np.ascontiguousarray(lines[start : start + _LINES])) > span)
        if found.size:
            return start + int(found[0])
    return None


def _spread(lines: Grey) -> Grey:
    """Range of the middle 90 % of each line: a letter on a black border does not count."""
    low, high = np.quantile(lines, (0.05, 0.95), axis=1)
    spread: Grey = (high - low).astype(np.float32)
    return spread
