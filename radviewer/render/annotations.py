"""Corner texts, orientation letters, scale bar: what is written around an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from radviewer.domain.study import Series, Stack, Study
from radviewer.domain.volume import SliceImage
from radviewer.render.presentation import Presentation
from radviewer.render.view import ViewTransform


class Density(Enum):
    """How much is written; the value is what settings store."""

    FULL = "full"
    ANONYMOUS = "anonymous"  # nothing that names the patient
    NONE = "none"

    @property
    def following(self) -> Density:
        """The next one when the reader cycles."""
        order = tuple(Density)
        return order[(order.index(self) + 1) % len(order)]


@dataclass(frozen=True, slots=True)
class CornerTexts:
    """Plain lines (never rich text) for the four corners; the first line matters most."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()


def corner_texts(
    study: Study,
    series: Series,
    stack: Stack,
    index: int,
    image: SliceImage | None,
    presentation: Presentation,
    transform: ViewTransform | None,
    density: Density = Density.FULL,
) -> CornerTexts:
    """What the corners say about slice `index` of a stack (image None: not readable or not yet loaded)."""
    raise NotImplementedError
