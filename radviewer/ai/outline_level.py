"""From which logit cells belong to an outline: where the network is unsure, more of them do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TEMPERATURE = 1.5
"""Cells of held-out patients have their least log loss at 1.25; on scanners it has not seen a network is too sure."""

_LEAST = -6.0  # cells below it are no part of a lesion; so many of them are there that their sum would count
_LOWEST = -2.0  # of the level, however unsure the network is


def likeliest_level(logits: NDArray[np.float32]) -> float:
    """Logit above which lie the cells whose outline has the highest expected Dice.

    The best threshold for Dice is half of the Dice that can be reached, not 0.5 (Lipton et al., ECML 2014;
    Dai & Li, JMLR 24, 2023): for a lesion that is outlined with certainty hardly less, for an uncertain one much.

    Parameters
    ----------
    logits : ndarray, float32
        Of all cells of a series.

    Returns
    -------
    float
        From -2 to 0; 0 where no cell is positive: nothing is outlined.

    """
    cells = np.sort(logits[logits > _LEAST])[::-1]
    if not len(cells) or cells[0] <= 0:
        return 0.0
    probability = 1 / (1 + np.exp(-cells.astype(np.float64) / _TEMPERATURE))
    taken = np.arange(1, len(cells) + 1)
    expected = 2 * np.cumsum(probability) / (taken + probability.sum())
    last = cells[int(expected.argmax())]  # that belongs to it
    return float(np.clip(np.nextafter(last, np.float32(-np.inf)), _LOWEST, 0.0))
