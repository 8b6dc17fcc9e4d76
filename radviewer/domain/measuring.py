"""What a mark measures on its image."""

from __future__ import annotations

from radviewer.domain.measurement import Mark, Quantity
from radviewer.domain.volume import SliceImage


def measure(mark: Mark, image: SliceImage) -> tuple[Quantity, ...]:
    """Quantities of one mark, from the stored values through the modality LUT."""
    raise NotImplementedError
