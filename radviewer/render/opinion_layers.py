"""What the second opinion draws over one image: outlines and a heatmap, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radviewer.render.contours import OutlineStyle

__all__ = ["HeatLayer", "OpinionLayers", "Outline", "OutlineStyle", "SpotMark"]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One outline on the slice shown.

    Attributes
    ----------
    mask : ndarray of bool
        ``(rows, columns)`` of the image; the same array for as long as it is the same outline.
    selected : bool
        Drawn broader, with its label.

    """

    mask: NDArray[np.bool_]
    label: str
    style: OutlineStyle
    selected: bool = False


@dataclass(frozen=True, slots=True)
class SpotMark:
    """A place on the slice shown, ``(row, column)``, that the reader marked without an outline."""

    row: float
    column: float
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class HeatLayer:
    """A heatmap on the slice shown.

    Attributes
    ----------
    heat : ndarray of float32
        ``(rows, columns)`` of the image, 0–1 on a scale fixed per model.
    threshold : float
        Heat below it is not painted.
    opacity : float
        Of the hottest, 0–1.
    native : (int, int)
        Cells the network itself told apart, rows and columns; (0, 0) where unknown.

    """

    heat: NDArray[np.float32]
    label: str
    threshold: float
    opacity: float
    native: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class OpinionLayers:
    """All layers of an image; `fill` fills the outlines with `opacity`."""

    outlines: tuple[Outline, ...] = ()
    spots: tuple[SpotMark, ...] = ()
    heat: HeatLayer | None = None
    fill: bool = False
    opacity: float = 0.6

    def without_rejected(self) -> OpinionLayers:
        """The same without what the reader has rejected: it leaves the program only when asked for."""
        kept = tuple(outline for outline in self.outlines if outline.style is not OutlineStyle.REJECTED)
        return replace(self, outlines=kept)
