"""Decoded images: stored values in their native dtype and what gives them meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, ImagePlane, PixelSpacing
from radviewer.domain.window import LookupTable, Voi

Pixels = NDArray[Any]
"""Stored values: any integer or floating dtype."""


def _own(value: float, dtype: np.dtype[Any]) -> Any:
    """A value as one of `dtype` where it is one: numpy compares whole numbers with fractions ten times slower."""
    if dtype.kind in "iu" and float(value).is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        return dtype.type(int(value))
    return value


@dataclass(frozen=True, slots=True, eq=False)
class OverlayPlane:
    """One 60xx overlay (PS3.3 C.9.2), already on the image's grid.

    `mask` is bool, shape (rows, columns) of the image.
    """

    mask: NDArray[np.bool_]
    kind: str  # OverlayType: "G" graphics, "R" region of interest
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SliceImage:
    """One decoded image, all that is needed to show and measure it.

    Attributes
    ----------
    stored : ndarray
        (rows, columns) for grey, in the native dtype (int8 … int32, uint8 … uint32, float32,
        float64), sign and BitsStored already honoured; or (rows, columns, 3) uint8 RGB
        (palette and YBR already converted).  Never written to.
    slope, intercept : float
        Modality value = stored × slope + intercept, unless there is a `modality_lut`.
    modality_lut : LookupTable or None
    unit : str
        Unit of the modality value: "HU", "SUVbw", … or "".
    padding : tuple of float or None
        Inclusive range of stored values that are padding, not anatomy (PS3.3 C.7.5.1.1.2).
    vois : tuple of Voi
        The image's own windows and VOI LUTs, the first is the default; may be empty.
    inverted : bool
        MONOCHROME1 or Presentation LUT Shape INVERSE: applied after the VOI, last.
    plane, spacing, orientation, aspect
        As of the `Frame`.
    overlays : tuple of OverlayPlane

    """

    stored: Pixels
    slope: float = 1.0
    intercept: float = 0.0
    modality_lut: LookupTable | None = None
    unit: str = ""
    padding: tuple[float, float] | None = None
    vois: tuple[Voi, ...] = ()
    inverted: bool = False
    plane: ImagePlane | None = None
    spacing: PixelSpacing | None = None
    overlays: tuple[OverlayPlane, ...] = ()
    orientation: tuple[str, str] | None = None
    aspect: tuple[float, float] = (1.0, 1.0)

    @property
    def is_colour(self) -> bool:
        """Whether `stored` is RGB."""
        return self.stored.ndim == 3

    def with_stored(self, stored: Pixels) -> SliceImage:
        """Return the same image over other pixels of the same grid."""
        return replace(self, stored=stored)

    def padding_mask(self) -> NDArray[np.bool_] | None:
        """Where `stored` is padding, or None when the image has none."""
        if self.padding is None or self.is_colour:
            return None
        low, high = (_own(value, self.stored.dtype) for value in self.padding)
        mask: NDArray[np.bool_] = self.stored == low if low == high else (self.stored >= low) & (self.stored <= high)
        return mask

    def modality_values(self, stored: Pixels | None = None) -> NDArray[np.float64]:
        """Stored values (all, or the ones given) through the modality LUT, in `unit`."""
        values = self.stored if stored is None else stored
        if self.modality_lut is not None:
            return self.modality_lut.apply(values).astype(np.float64)
        return values.astype(np.float64) * self.slope + self.intercept


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A loaded stack.

    Attributes
    ----------
    stored : ndarray
        (slices, rows, columns) or (slices, rows, columns, 3); `slices` are views of it.
    slices : tuple of SliceImage or None
        None where an image could not be read.
    geometry : Geometry or None
        As of the stack.
    problems : dict of int to str
        Slice index → why it could not be read, a sentence for the reader.

    """

    stored: Pixels
    slices: tuple[SliceImage | None, ...]
    geometry: Geometry | None
    problems: dict[int, str]
