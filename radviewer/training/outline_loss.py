"""What outlines are judged by while they are learnt."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

_EMPTY = 20.0  # cells: keeps the overlap of small outlines smooth


def outline_loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy of all cells and soft overlap (Milletari 2016) of each image that has an outline.

    Parameters
    ----------
    logits, share : Tensor, (n, 1, rows, columns)
        `share` is the part of the cell that the lesion covers, 0–1.

    """
    entropy = functional.binary_cross_entropy_with_logits(logits, share)
    found = logits.sigmoid()
    both = (found * share).sum(dim=(1, 2, 3))
    each = found.sum(dim=(1, 2, 3)) + share.sum(dim=(1, 2, 3))
    overlap = (2 * both + _EMPTY) / (each + _EMPTY)
    return 2 * entropy + (1 - overlap).mean()
