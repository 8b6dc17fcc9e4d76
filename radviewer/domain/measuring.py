"""What a mark measures on its image.

Lengths and angles are those of the plane that is shown: in mm where the spacing is known (its
provenance is the image's, see `SpacingOrigin`), else in pixels.  Regions count stored values
through the modality LUT, whatever window or contrast step is on the screen.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.measurement import Mark, MarkKind, Point, Quantity
from radviewer.domain.region import REGION_KINDS, area, region
from radviewer.domain.volume import SliceImage

PIXELS = "{pixels}"
"""UCUM annotation for lengths, areas and counts in pixels (as in DICOM's CID 82 and 7181)."""

_UCUM = {"HU": "[hnsf'U]", "SUVbw": "g/ml{SUVbw}", "SUVlbm": "g/ml{SUVlbm}", "BQML": "Bq/ml", "CNTS": "{counts}"}
_SHOWN = {PIXELS: "px", "mm2": "mm²", "deg": "°", "{luminance}": ""} | {ucum: unit for unit, ucum in _UCUM.items()}
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # Rec. 601, as PS3.3 C.7.6.3.1.2 for YBR


def ucum(unit: str) -> str:
    """UCUM code of a modality unit; without unit, "1"."""
    return _UCUM.get(unit, unit or "1")


def shown_unit(code: str) -> str:
    """What the reader sees for a UCUM code of a `Quantity`: ``"{pixels}"`` → ``"px"``."""
    return "" if code == "1" else _SHOWN.get(code, code)


def measure(mark: Mark, image: SliceImage) -> tuple[Quantity, ...]:
    """Quantities of one mark, in the order they are shown; all finite.

    Parameters
    ----------
    mark : Mark
        Points as ``(row, column)`` of `image`.
    image : SliceImage
        The image it was drawn on.

    Returns
    -------
    tuple of Quantity
        ``length`` (mm or {pixels}); ``angle`` and ``Cobb angle`` (deg, 0–180 and 0–90, in
        physical space); for regions ``mean``, ``SD`` (of a sample, n − 1), ``min``, ``max`` in
        the modality's unit (luminance 0–255 for colour), ``area`` (mm2 or {pixels}, of the whole
        drawn shape), ``pixels`` that were counted, and ``left out`` where pixels are padding or no
        number.  What is not defined is missing: an angle with a side of no length, statistics of
        no pixel, the SD of one.  Nothing for arrows and key images.

    """
    scale = image.aspect if image.spacing is None else (image.spacing.row, image.spacing.column)
    points = [(row * scale[0], column * scale[1]) for row, column in mark.points]
    if mark.kind is MarkKind.LENGTH:
        if image.spacing is None:  # counted in pixels of the grid, whatever their shape
            return (Quantity("length", math.dist(*mark.points), PIXELS),)
        return (Quantity("length", math.dist(*points), "mm"),)
    if mark.kind is MarkKind.ANGLE:
        first, vertex, second = points
        return _angle("angle", _direction(vertex, first), _direction(vertex, second))
    if mark.kind is MarkKind.COBB:
        a, b, c, d = points
        return _angle("Cobb angle", _direction(a, b), _direction(c, d), lines=True)
    if mark.kind in REGION_KINDS:
        values, unit, left_out = _values(mark, image)
        counts = (Quantity("pixels", len(values), PIXELS), Quantity("left out", left_out, PIXELS))
        return (*_statistics(values, unit), _area(mark, image.spacing), *(counts if left_out else counts[:1]))
    return ()


def _direction(start: Point, end: Point) -> Point:
    return (end[0] - start[0], end[1] - start[1])


def _angle(name: str, u: Point, v: Point, *, lines: bool = False) -> tuple[Quantity, ...]:
    """Angle between two directions, or between two lines whose ends do not matter."""
    if math.hypot(*u) == 0 or math.hypot(*v) == 0:
        return ()
    # atan2 keeps its precision near 0° and 180°, where acos loses half the digits.
    angle = math.degrees(math.atan2(abs(u[0] * v[1] - u[1] * v[0]), u[0] * v[0] + u[1] * v[1]))
    return (Quantity(name, min(angle, 180.0 - angle) if lines else angle, "deg"),)


def _values(mark: Mark, image: SliceImage) -> tuple[NDArray[np.float64], str, int]:
    """Modality values (or luminance) of a region's pixels, their unit, and how many were left out."""
    rows, columns = image.stored.shape[:2]
    stored = region(mark, (rows, columns)).of(image.stored)
    if image.is_colour:
        return stored @ _LUMINANCE, "{luminance}", 0
    padding = image.with_stored(stored).padding_mask()
    values = image.modality_values(stored if padding is None else stored[~padding])
    values = values[np.isfinite(values)]
    return values, ucum(image.unit), len(stored) - len(values)


def _statistics(values: NDArray[np.float64], unit: str) -> tuple[Quantity, ...]:
    if not values.size:
        return ()
    with np.errstate(over="ignore", invalid="ignore"):  # float64 pixels may reach 1e308
        found = {"mean": float(values.mean())}
        if values.size > 1:
            found["SD"] = float(values.std(ddof=1))
    found |= {"min": float(values.min()), "max": float(values.max())}
    return tuple(Quantity(name, value, unit) for name, value in found.items() if math.isfinite(value))


def _area(mark: Mark, spacing: PixelSpacing | None) -> Quantity:
    pixels = area(mark)
    if spacing is None:
        return Quantity("area", pixels, PIXELS)
    return Quantity("area", pixels * spacing.row * spacing.column, "mm2")
