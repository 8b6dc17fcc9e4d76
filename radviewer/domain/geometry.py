"""Where pixels lie in the patient.

Frames and orders used throughout the program: indices are ``(slice, row, column)``
with pixel centres at integers; patient coordinates are DICOM LPS in millimetres
(x to the patient's left, y to posterior, z to superior; PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]

_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))


def dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Scalar product of two vectors of one length."""
    return sum(x * y for x, y in zip(a, b, strict=True))


class SpacingOrigin(Enum):
    """Where an in-plane spacing comes from; the value is shown to the reader."""

    PATIENT = "patient"  # PixelSpacing of a cross-sectional image
    CALIBRATED = "calibrated"  # PixelSpacing with PixelSpacingCalibrationType, or unlike ImagerPixelSpacing
    DETECTOR = "detector plane"  # ImagerPixelSpacing, or PixelSpacing equal to it
    SCANNED = "scanned film"  # NominalScannedPixelSpacing
    ULTRASOUND = "US region"  # SequenceOfUltrasoundRegions (PS3.3 C.8.5.5)


@dataclass(frozen=True, slots=True)
class PixelSpacing:
    """Distance between pixel centres in mm, always > 0, with its provenance.

    Attributes
    ----------
    row : float
        Between rows (vertical), first value of PixelSpacing.
    column : float
        Between columns (horizontal), second value of PixelSpacing.
    attribute : str
        Keyword of the DICOM attribute it was read from.

    """

    row: float
    column: float
    origin: SpacingOrigin = SpacingOrigin.PATIENT
    attribute: str = "PixelSpacing"


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Plane of one image in the patient (PS3.3 C.7.6.2).

    Attributes
    ----------
    position : Vector
        LPS mm of the centre of pixel (row 0, column 0): ImagePositionPatient.
    row_direction, column_direction : Vector
        Unit vectors of increasing column index and of increasing row index: the
        first and last three values of ImageOrientationPatient.
    row_spacing, column_spacing : float
        PixelSpacing in mm.

    """

    position: Vector
    row_direction: Vector
    column_direction: Vector
    row_spacing: float
    column_spacing: float

    @property
    def normal(self) -> Vector:
        """Unit normal: row direction × column direction."""
        (a, b, c), (d, e, f) = self.row_direction, self.column_direction
        return (b * f - c * e, c * d - a * f, a * e - b * d)

    @property
    def depth(self) -> float:
        """Position along the normal, in mm."""
        return dot(self.normal, self.position)

    def to_patient(self, row: float, column: float) -> Vector:
        """LPS mm of a point given in pixel coordinates."""
        x, y, z = (
            p + r * column * self.column_spacing + c * row * self.row_spacing
            for p, r, c in zip(self.position, self.row_direction, self.column_direction, strict=True)
        )
        return (x, y, z)

    def to_pixel(self, point: Vector) -> Vector:
        """``(row, column, distance)`` of an LPS point: pixel coordinates and mm off the plane."""
        offset = tuple(a - b for a, b in zip(point, self.position, strict=True))
        return (
            dot(offset, self.column_direction) / self.row_spacing,
            dot(offset, self.row_direction) / self.column_spacing,
            dot(offset, self.normal),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Regular grid of a stack: equal steps from slice to slice.

    Attributes
    ----------
    shape : tuple of int
        ``(slices, rows, columns)``.
    affine_lps : ndarray, shape (4, 4), float64
        ``(slice, row, column, 1)`` → LPS mm of the pixel's centre.  With gantry tilt
        the first column is the true step between slices, not along the normal.
    frame_of_reference_uid : str or None

    Raises
    ------
    ValueError
        If the affine is not finite or not invertible.

    """

    shape: tuple[int, int, int]
    affine_lps: NDArray[np.float64]
    frame_of_reference_uid: str | None = None

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError("an affine is 4 × 4 finite numbers")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError("an affine has three independent directions")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)

    @property
    def spacing(self) -> Vector:
        """Length of the step per slice, row and column, in mm."""
        s, r, c = (float(n) for n in np.linalg.norm(self.affine_lps[:3, :3], axis=0))
        return (s, r, c)

    @property
    def tilt_degrees(self) -> float:
        """Angle between the step from slice to slice and the normal (gantry tilt), 0–90."""
        step, row, column = self.affine_lps[:3, :3].T
        normal = np.cross(row, column)
        cosine = abs(float(step @ normal)) / float(np.linalg.norm(step) * np.linalg.norm(normal))
        return math.degrees(math.acos(min(1.0, cosine)))

    def to_patient(self, index: Vector) -> Vector:
        """LPS mm of ``(slice, row, column)``."""
        x, y, z = (float(v) for v in (self.affine_lps @ (*index, 1.0))[:3])
        return (x, y, z)

    def to_index(self, point: Vector) -> Vector:
        """``(slice, row, column)``, not rounded, of an LPS point."""
        s, r, c = (float(v) for v in np.linalg.solve(self.affine_lps, (*point, 1.0))[:3])
        return (s, r, c)


def direction_letters(direction: Vector) -> str:
    """Patient letters of a direction, the dominant one first (PS3.3 C.7.6.1.1.1).

    Components under 0.3 of the length are left out, at most two letters remain:
    ``(0.9, 0.4, 0)`` → ``"LP"``.

    """
    length = math.hypot(*direction)
    if length == 0:
        return ""
    parts = [
        (abs(v) / length, pair[0] if v > 0 else pair[1])
        for v, pair in zip(direction, _LETTERS, strict=True)
        if abs(v) / length > 0.3
    ]
    return "".join(letter for _, letter in sorted(parts, reverse=True)[:2])
