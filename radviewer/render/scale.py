"""Orientation letters and scale bar of a view, from geometry, or from the header's words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from radviewer.domain.geometry import ImagePlane, SpacingOrigin, Vector, direction_letters
from radviewer.render.view import ViewTransform


@dataclass(frozen=True, slots=True)
class EdgeLetters:
    """Patient letters at the four edges of a view: ``left`` is what lies to its left."""

    left: str
    right: str
    top: str
    bottom: str


_OPPOSITE = str.maketrans("LRAPSI", "RLPAIS")


def edge_letters(
    plane: ImagePlane | None, transform: ViewTransform, orientation: tuple[str, str] | None = None
) -> EdgeLetters | None:
    """Letters from the direction cosines, else from the header's words; None where it gives neither.

    `orientation` holds the patient letters of increasing column and of increasing row.
    """
    if plane is None:
        return None if orientation is None else _from_words(orientation, transform)
    left, right, top, bottom = (
        direction_letters(_patient_direction(plane, *transform.image_direction(x, y)))
        for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))
    )
    return EdgeLetters(left, right, top, bottom)


def _from_words(orientation: tuple[str, str], transform: ViewTransform) -> EdgeLetters:
    letters = []
    for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        row, column = transform.image_direction(x, y)
        word = orientation[0] if column else orientation[1]
        letters.append(word if row + column > 0 else word.translate(_OPPOSITE))
    return EdgeLetters(*letters)


def _patient_direction(plane: ImagePlane, row: int, column: int) -> Vector:
    x, y, z = (c * row + r * column for r, c in zip(plane.row_direction, plane.column_direction, strict=True))
    return (x, y, z)


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """Bar of `length` device pixels that stands for `millimetres`."""

    length: float
    millimetres: float

    @property
    def label(self) -> str:
        """``"5 cm"``, ``"2 mm"``, ``"500 µm"``."""
        for unit, size in (("cm", 10.0), ("mm", 1.0)):
            if self.millimetres >= size * (1 - 1e-9):
                return f"{self.millimetres / size:g} {unit}"
        return f"{self.millimetres * 1000:g} µm"


def scale_bar(transform: ViewTransform, longest: float) -> ScaleBar | None:
    """Bar of 1, 2 or 5 × 10ⁿ mm, at most `longest` device pixels; None without spacing."""
    per_mm = transform.pixels_per_mm
    if per_mm is None or longest <= 0:
        return None
    room = longest / per_mm
    power = 10.0 ** math.floor(math.log10(room))
    millimetres = next(n * power for n in (5.0, 2.0, 1.0, 0.5) if n * power <= room)
    return ScaleBar(millimetres * per_mm, millimetres)


def spacing_label(transform: ViewTransform) -> str:
    """Where millimetres come from, empty for the patient's own plane."""
    if transform.spacing is None:
        return "uncalibrated – pixels"
    origin = transform.spacing.origin
    return "" if origin is SpacingOrigin.PATIENT else f"spacing: {origin.value}"
