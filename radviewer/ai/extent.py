"""How large an outlined lesion is on one slice: its two diameters, as response criteria measure them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = 0.0015
"""Of the image: a smaller outline is none."""
_LOW = -10.0


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask ``(rows, columns)``; an empty mask stays empty."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    found: NDArray[np.bool_] = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return found


def lesion_logits(outline: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Logits ``(rows, columns)`` of the largest part of an outline, those of others low; None if it is too small."""
    found = outline > 0
    if found.mean() < LEAST_SHARE:
        return None
    return np.where(found & ~largest_part(found), np.float32(_LOW), outline)


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask ``(rows, columns)`` without its holes."""
    outer, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(drawn, outer, -1, (1,), cv2.FILLED)
    return drawn > 0


def diameters(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> tuple[float, float]:
    """Largest diameter of the largest part, and its extent at right angles to it.

    The two diameters that RANO multiplies (Wen et al. 2010), measured over the outer borders of pixels.

    Parameters
    ----------
    mask : ndarray of bool, (rows, columns)
        Not empty.
    spacing : tuple of float
        Between rows and between columns; the result is in its unit.

    Raises
    ------
    ValueError
        If the mask is empty.

    """
    rows, columns = np.nonzero(largest_part(mask))
    if not rows.size:
        raise ValueError("an empty mask has no diameter")
    corners = np.concatenate([np.stack([rows + dr, columns + dc], axis=1) for dr in (-0.5, 0.5) for dc in (-0.5, 0.5)])
    points = cv2.convexHull((corners * spacing).astype(np.float32))[:, 0].astype(np.float64)
    apart = points[:, None] - points[None]
    lengths = np.hypot(apart[..., 0], apart[..., 1])
    first, last = np.unravel_index(int(lengths.argmax()), lengths.shape)
    along = apart[first, last] / lengths[first, last]
    across = points @ np.array([-along[1], along[0]])
    return float(lengths[first, last]), float(np.ptp(across))
