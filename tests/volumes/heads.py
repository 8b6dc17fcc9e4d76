"""A head made of formulas: it can be sampled on any grid, however it lies, in two contrasts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.volumes.registration import Subject

SHAPE = (20, 96, 96)
SPACING = (6.0, 2.2, 2.2)
CENTRE = (4.0, -9.0, 31.0)
_PARTS = (-0.375, -0.125, 0.125, 0.375)  # of a slice's thickness

_BALLS = (  # centre in mm from the head's, radii in mm, T1, T2
    ((0, 0, 0), (72, 90, 56), 40.0, 30.0),  # scalp
    ((0, 0, 0), (66, 84, 50), 5.0, 6.0),  # skull
    ((0, 0, 0), (62, 80, 46), 95.0, 80.0),  # brain
    ((-12, -4, 8), (7, 26, 14), 25.0, 190.0),  # ventricles
    ((13, -2, 8), (6, 22, 12), 25.0, 190.0),
    ((0, 46, -24), (34, 20, 14), 80.0, 100.0),  # cerebellum
    ((28, -30, 20), (14, 12, 12), 60.0, 160.0),  # lesion
    ((-34, 20, -8), (9, 16, 10), 130.0, 60.0),
    ((-20, -50, 12), (12, 10, 14), 118.0, 66.0),
    ((47, 14, 20), (9, 16, 8), 140.0, 40.0),
    ((-46, -18, -20), (9, 16, 8), 30.0, 150.0),
    ((42, 8, -24), (10, 10, 7), 135.0, 50.0),
)


def displacement(degrees: float = 8.0, shift: tuple[float, float, float] = (7.0, -7.0, 6.8)) -> NDArray[np.float64]:
    """Turn about an oblique axis through the head's centre, then shift: 12 mm and 8° unless told otherwise."""
    axis = np.array((1.0, -0.6, 0.8)) / np.linalg.norm((1.0, -0.6, 0.8))
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = math.radians(degrees)
    turn = np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = np.array(CENTRE) + shift - turn @ CENTRE
    return matrix


def grid(
    shape: tuple[int, int, int] = SHAPE, spacing: tuple[float, float, float] = SPACING, tilt: float = 0.0
) -> Geometry:
    """Axial grid around the head's centre; `tilt` shears the slices along the columns."""
    affine = np.zeros((4, 4))
    affine[:, 0] = (0, math.tan(math.radians(tilt)) * spacing[0], spacing[0], 0)
    affine[:, 1], affine[:, 2] = (0, spacing[1], 0, 0), (spacing[2], 0, 0, 0)
    middle = affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    affine[:, 3] = (*(np.array(CENTRE) - middle), 1)
    return Geometry(shape, affine)


def head(
    geometry: Geometry,
    where: NDArray[np.float64] | None = None,
    *,
    contrast: int = 1,
    noise: float = 2.0,
    name: str = "series 1",
) -> Subject:
    """The head on a grid: `where` displaces it (LPS mm → LPS mm), `contrast` is 1 or 2."""
    affine = geometry.affine_lps if where is None else np.linalg.inv(where) @ geometry.affine_lps
    index = np.indices(geometry.shape).reshape(3, -1).astype(np.float64)
    values = np.zeros(index.shape[1])
    for part in _PARTS:  # a slice shows the mean over its thickness
        shifted = index + np.array([[part], [0.0], [0.0]])
        values += _signal((affine[:3, :3] @ shifted + affine[:3, 3:]).T - CENTRE, contrast) / len(_PARTS)
    values += np.random.default_rng([contrast, where is not None]).normal(0, noise, len(values))
    return Subject(values.reshape(geometry.shape).astype(np.float32), geometry, name=name)


def _signal(points: NDArray[np.float64], contrast: int) -> NDArray[np.float64]:
    """Values at points in mm from the head's centre, (n, 3)."""
    values = np.zeros(len(points))
    for centre, radii, t1, t2 in _BALLS:
        depth = 1 - np.linalg.norm((points - centre) / radii, axis=1)
        edge = np.clip(0.5 + depth * min(radii) / 3, 0, 1)
        values += edge * ((t1 if contrast == 1 else t2) - values)
    ripple = sum(np.sin(points @ w) for w in ((0.19, 0.07, 0.11), (-0.08, 0.21, 0.09), (0.11, -0.13, 0.17)))
    inside = np.linalg.norm(points / (62, 80, 46), axis=1) < 1
    rippled: NDArray[np.float64] = values + (6.0 if contrast == 1 else -8.0) * ripple * inside
    return rippled
