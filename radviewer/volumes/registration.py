"""Rigid registration of two volumes: where a place of one lies in the other.

Mattes mutual information [1]_, from coarse to fine, in both directions.  The two directions start apart and know
nothing of one another, so what they disagree by in mm measures how far the result can be trusted, whatever the
modalities.

.. [1] Mattes et al., PET-CT image registration in the chest using free-form deformations, IEEE TMI 22 (2003) 120.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, Vector
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import RadviewerError
from radviewer.progress import Progress

FEWEST_SLICES = 4

_GOOD_MM, _FAIR_MM = 1.0, 3.0  # disagreement of the two directions
_GOOD_EDGES, _FAIR_EDGES = 0.25, 0.12  # correlation of edges; unrelated images stay below 0.1
_LEAST_OVERLAP = 0.25
_ENOUGH_OVERLAP = 0.5

Affine = NDArray[np.float64]


class NotRegistrable(RadviewerError):
    """Two series cannot be registered; the sentence says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A volume to be registered.

    Attributes
    ----------
    values : ndarray, (slices, rows, columns), float32
        Modality values.
    geometry : Geometry
    valid : ndarray of bool, same shape, or None
        False where there is padding, not anatomy; None where all is valid.
    name : str
        For sentences: "series 3", "T1".

    """

    values: NDArray[np.float32]
    geometry: Geometry
    valid: NDArray[np.bool_] | None = None
    name: str = "the series"


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A rigid displacement and how far it can be trusted.

    Attributes
    ----------
    matrix : ndarray, (4, 4), float64
        Fixed LPS mm → moving LPS mm.
    inconsistency : float
        Mean distance in mm, over the fixed anatomy, by which the registrations in both directions miss one another.
    edges : float
        Correlation (0–1) of the edges of both volumes where they overlap.
    information, information_before : float
        Normalised mutual information (0–1), after and before.
    overlap : float
        Share (0–1) of the fixed anatomy that lies in the moving volume.

    """

    matrix: Affine
    inconsistency: float
    edges: float
    information: float
    information_before: float
    overlap: float

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @property
    def quality(self) -> float:
        """0 (failed) to 1: the least of agreement of the two directions, agreement of edges, and overlap."""
        return min(
            _rising(-self.inconsistency, -_FAIR_MM * 2, -_GOOD_MM / 2),
            _rising(self.edges, _FAIR_EDGES / 2, _GOOD_EDGES * 2),
            _rising(self.overlap, 0.0, _ENOUGH_OVERLAP),
        )

    @property
    def failed(self) -> bool:
        """Whether the result must not be used without a look: directions or edges do not agree."""
        return self.inconsistency > _FAIR_MM or self.edges < _FAIR_EDGES or self.overlap < _LEAST_OVERLAP

    @property
    def quality_words(self) -> str:
        """``"good (0.92)"``, ``"doubtful (0.31)"`` or ``"failed (0.05)"``."""
        good = self.inconsistency <= _GOOD_MM and self.edges >= _GOOD_EDGES and self.overlap >= _ENOUGH_OVERLAP
        word = "failed" if self.failed else "good" if good else "doubtful"
        return f"{word} ({self.quality:.2f})"

    @property
    def inverse(self) -> Affine:
        """Moving LPS mm → fixed LPS mm."""
        return np.linalg.inv(self.matrix).astype(np.float64)

    @property
    def translation_mm(self) -> float:
        """Length of the displacement of the fixed frame's origin."""
        return float(np.linalg.norm(self.matrix[:3, 3]))

    @property
    def rotation_degrees(self) -> float:
        """Angle of the rotation, 0–180."""
        return rotation_degrees(self.matrix)


def moved(matrix: Affine, point: Vector) -> Vector:
    """A point in LPS mm through a 4 × 4 matrix."""
    x, y, z = (float(v) for v in (matrix @ (*point, 1.0))[:3])
    return (x, y, z)


def rotation_degrees(matrix: Affine) -> float:
    """Angle of a rigid matrix's rotation, 0–180."""
    cosine = (float(np.trace(matrix[:3, :3])) - 1) / 2
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def subject_of(volume: Volume, name: str) -> Subject:
    """Modality values of a loaded stack with its padding.

    Raises
    ------
    NotRegistrable
        If the series is in colour, irregular, or lacks slices.

    """
    if volume.stored.ndim == 4:
        raise NotRegistrable(f"{name} is in colour, which cannot be registered. Choose a grey series.")
    if volume.geometry is None:
        raise NotRegistrable(
            f"{name} has no regular spacing or no position in the patient, so it cannot be registered. "
            "Link the viewports by hand instead."
        )
    values = np.empty(volume.stored.shape, np.float32)
    valid = np.ones(volume.stored.shape, np.bool_)
    for index, image in enumerate(volume.slices):
        _fill(values[index], valid[index], image)
    return Subject(values, volume.geometry, None if valid.all() else valid, name)


def _fill(values: NDArray[np.float32], valid: NDArray[np.bool_], image: SliceImage | None) -> None:
    """Values and validity of one slice; one that could not be read is all padding."""
    if image is None:
        values[...], valid[...] = 0, False
        return
    values[...] = image.modality_values()
    padding = image.padding_mask()
    valid[...] = np.isfinite(values) if padding is None else np.isfinite(values) & ~padding
    values[~valid] = 0


def register(
    fixed: Subject,
    moving: Subject,
    progress: Progress,
    *,
    threads: int = 2,
) -> Registration:
    """Find the rigid displacement that brings a place of `fixed` to the same place of `moving`.

    Deterministic: the same volumes give the same matrix, to the last rounding of sums (some 1e-12).

    Parameters
    ----------
    fixed, moving : Subject
        Of any orientation, spacing and tilt, in LPS mm.
    progress : Progress
        Reports steps; cancelling ends the work within one iteration.
    threads : int
        Most threads to work with.

    Raises
    ------
    NotRegistrable
        If a volume is too thin or constant, or the two do not overlap once their centres are brought together.
    Cancelled
        On request.

    """
    for subject in (fixed, moving):
        _check(subject)
    from radviewer.volumes.registration_run import Run  # SimpleITK takes a while to import

    return Run(fixed, moving, progress, threads).result()


def _check(subject: Subject) -> None:
    slices = subject.values.shape[0]
    if subject.values.shape != subject.geometry.shape:
        raise ValueError(f"values {subject.values.shape} on a grid of {subject.geometry.shape}")
    if slices < FEWEST_SLICES:
        raise NotRegistrable(
            f"{subject.name} has {slices} slice{'s' * (slices != 1)}; registration needs at least {FEWEST_SLICES}. "
            "Link the viewports by hand instead."
        )
    if min(subject.values.shape[1:]) < FEWEST_SLICES:
        raise NotRegistrable(f"The images of {subject.name} are too small to be registered.")
    if not np.isfinite(subject.geometry.spacing).all() or max(subject.geometry.spacing) > 200:
        raise NotRegistrable(f"{subject.name} has a spacing that no patient has, so it cannot be registered.")
    inside = subject.values if subject.valid is None else subject.values[subject.valid]
    if inside.size == 0 or float(inside.max()) <= float(inside.min()):
        raise NotRegistrable(f"All pixels of {subject.name} have one value: there is nothing to register.")


def _rising(value: float, nothing: float, all_of_it: float) -> float:
    return min(1.0, max(0.0, (value - nothing) / (all_of_it - nothing)))
