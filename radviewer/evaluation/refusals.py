"""How often the gate refuses: films it should read, and images it should not, by pixels alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from radviewer.ai.anatomy import outline
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.domain.volume import SliceImage
from radviewer.progress import Progress


@dataclass(frozen=True, slots=True)
class Gate:
    """Images that were shown to the gate, how many it refused, why, and the names of those it let through."""

    shown: int
    refused: int
    reasons: tuple[tuple[str, int], ...]
    accepted: tuple[str, ...]


def ask(catalogue: Catalogue, card: Card, images: Iterable[tuple[str, SliceImage]]) -> Gate:
    """Show images to the anatomy model's gate without any attributes."""
    reasons: Counter[str] = Counter()
    accepted: list[str] = []
    for name, image in images:
        try:
            outline(catalogue, card, film_of(image), Progress())
        except Refused as refusal:
            reasons[str(refusal)] += 1
        else:
            accepted.append(name)
    refused = sum(reasons.values())
    return Gate(refused + len(accepted), refused, tuple(reasons.most_common()), tuple(accepted))


def made_up(side: int = 512) -> Iterable[tuple[str, SliceImage]]:
    """Images that are no radiograph: blank, noise of several kinds, ramps, boards, discs, letters' worth of strokes."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / side
    yield "black", SliceImage(np.zeros((side, side), np.uint8))
    yield "white", SliceImage(np.full((side, side), 255, np.uint8))
    yield "ramp", SliceImage((columns * 4000).astype(np.uint16))
    yield "board", SliceImage((((rows * 8).astype(int) + (columns * 8).astype(int)) % 2 * 255).astype(np.uint8))
    yield "disc", SliceImage((((rows - 0.5) ** 2 + (columns - 0.5) ** 2 < 0.1) * 200).astype(np.uint8))
    for i in range(20):
        yield f"noise {i}", SliceImage(rng.integers(0, 4096, (side, side)).astype(np.uint16))
        coarse = rng.normal(0, 1, (2 + i, 2 + i))
        smooth = np.kron(coarse, np.ones((side // (2 + i) + 1,) * 2))[:side, :side]
        yield f"patches {i}", SliceImage(((smooth - smooth.min()) * 500).astype(np.int16))
