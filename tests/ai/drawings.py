"""A drawing of a chest, and a stand-in for a trained network that can outline it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SHAPE = (420, 380)


def ellipse(row: float, column: float, height: float, width: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Filled ellipse; centre and half axes as shares of the shape."""
    rows, columns = (np.arange(n)[:, None] / n if i == 0 else np.arange(n) / n for i, n in enumerate(shape))
    return ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1


def lungs(shape: tuple[int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right lung (at the image's left), left lung, heart."""
    return (
        ellipse(0.45, 0.28, 0.3, 0.13, shape),
        ellipse(0.45, 0.72, 0.3, 0.13, shape),
        ellipse(0.6, 0.53, 0.12, 0.08, shape),
    )


def chest(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A drawing that `Seeing` can outline: bright body, dark lungs, brightest heart."""
    film = 2400 + np.linspace(-200, 200, shape[1]) + np.linspace(-200, 200, shape[0])[:, None]
    right, left, heart = lungs(shape)
    film[right | left] -= 1800
    film[heart] += 1200
    return film.astype(np.int16)


class Seeing(nn.Module):
    """Outlines what is dark and what is brightest; most of a positive is bright."""

    def __init__(self, doubt: float = 0.0) -> None:
        super().__init__()
        self.doubt = doubt

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        small = functional.avg_pool2d(x, 2)[:, 0]
        side = torch.linspace(-1, 1, small.shape[-1]).expand_as(small)
        nothing = torch.full_like(small, -10.0)
        dark = torch.where(small > 0.003, (0.3 - self.doubt - small) * 20, nothing)  # black padding is no lung
        right, left = torch.where(side < 0, dark, nothing), torch.where(side > 0, dark, nothing)
        logits = torch.stack((right, left, (small - 0.88) * 20), dim=1)
        return logits, (0.5 - x[x > 0.005].median()[None]) * 20, torch.zeros(len(x), 320)
