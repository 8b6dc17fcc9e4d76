"""Two images of one grid in one picture: blended, or as a checkerboard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.volume import SliceImage
from radviewer.render.presentation import Presentation
from radviewer.render.windowing import effective_voi, to_grey

AMBER = (1.0, 0.76, 0.38)
"""Red, green and blue of the moving image, so that the reader sees which is which."""

FEWEST_CELLS, MOST_CELLS = 2, 32


class FusionMode(Enum):
    """How two images are put together; the value is what the reader sees."""

    BLEND = "blend"
    CHECKERBOARD = "checkerboard"


@dataclass(frozen=True, slots=True)
class FusionStyle:
    """How two images are put together.

    Attributes
    ----------
    share : float
        Of the moving image in a blend, 0–1.
    cells : int
        Squares of a checkerboard along the longer side.

    Raises
    ------
    ValueError
        If a number is out of its range.

    """

    mode: FusionMode = FusionMode.BLEND
    share: float = 0.5
    cells: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or not FEWEST_CELLS <= self.cells <= MOST_CELLS:
            raise ValueError(f"not a style: {self}")


def fused(
    fixed: tuple[SliceImage, Presentation],
    moving: tuple[SliceImage, Presentation],
    inside: NDArray[np.bool_],
    style: FusionStyle,
) -> SliceImage:
    """Both images, each in its own window, as one colour image on the fixed one's grid.

    Parameters
    ----------
    fixed, moving : tuple of (SliceImage, Presentation)
        Grey, of one shape (rows, columns).
    inside : ndarray of bool, (rows, columns)
        Where the moving image has values; elsewhere the fixed one is shown alone.
    style : FusionStyle
        Blend or checkerboard, and how much of which.

    Returns
    -------
    SliceImage
        RGB, with the fixed image's plane and spacing.

    Raises
    ------
    ValueError
        If the shapes differ or an image is in colour.

    """
    image = fixed[0]
    if image.is_colour or moving[0].is_colour or not image.stored.shape == moving[0].stored.shape == inside.shape:
        raise ValueError("two grey images of one shape can be put together, nothing else")
    here, there = (_grey(*one).astype(np.float32) for one in (fixed, moving))
    weight = inside * _weights(style, inside.shape)
    rgb = np.stack([here + weight * (there * tint - here) for tint in AMBER], axis=-1)
    return replace(
        image,
        stored=np.rint(rgb).astype(np.uint8),
        slope=1.0,
        intercept=0.0,
        modality_lut=None,
        unit="",
        padding=None,
        vois=(),
        inverted=False,
    )


def plain(presentation: Presentation) -> Presentation:
    """Shows a fused image as it is: windows and contrast aids are in it already."""
    return replace(presentation, voi=None, inverted=False, steps=())


def _grey(image: SliceImage, presentation: Presentation) -> NDArray[np.uint8]:
    grey = to_grey(image.modality_values(), effective_voi(image, presentation), image.inverted != presentation.inverted)
    padding = image.padding_mask()
    if padding is not None:
        grey[padding] = 0
    return grey


def _weights(style: FusionStyle, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Share of the moving image at each pixel."""
    if style.mode is FusionMode.BLEND:
        return np.full(shape, style.share, np.float32)
    size = max(1, -(-max(shape) // style.cells))
    rows, columns = (np.arange(n) // size for n in shape)
    board: NDArray[np.float32] = ((rows[:, None] + columns) % 2).astype(np.float32)
    return board
