"""How well two masks agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice coefficient; 1 when both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def peak_inside(heat: NDArray[np.float32], mask: NDArray[np.bool_]) -> bool:
    """Whether the highest value of a map lies in a mask of the same shape; not where the map is 0 throughout."""
    peak = np.unravel_index(int(heat.argmax()), heat.shape)
    return bool(heat[peak] > 0 and mask[peak])
