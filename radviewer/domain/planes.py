"""Planes through a volume: axial, coronal, sagittal and any turn of them.

All vectors are unit vectors in patient LPS; positions and spacings are in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, ImagePlane, Vector, dot

LONGEST_SIDE = 2048
"""Most rows, columns and planes of a set of planes; beyond it they lie further apart."""

_TILTED = 0.1  # degrees
_SAME = 1 - 1e-10  # cosine
_FLAT = 0.05  # length of what is left of a direction on a plane that it stands on


class Orientation(Enum):
    """The three main planes; the value is the word the reader sees."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Slab(Enum):
    """What a slab shows of the values across it; the value is what the reader sees."""

    MIP = "MIP"
    MINIP = "MinIP"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Axes:
    """Three directions at right angles that planes are laid along.

    Attributes
    ----------
    left, posterior, superior : Vector
        Right-handed; in a head that lies straight, the patient's own directions.

    """

    left: Vector = (1.0, 0.0, 0.0)
    posterior: Vector = (0.0, 1.0, 0.0)
    superior: Vector = (0.0, 0.0, 1.0)

    def of(self, orientation: Orientation) -> tuple[Vector, Vector, Vector]:
        """Directions of increasing column and row, and of the next plane.

        As images are hung: the patient's right, or the front, is at the screen's left; the head is up.
        """
        down = _times(self.superior, -1)
        match orientation:
            case Orientation.AXIAL:
                return self.left, self.posterior, self.superior
            case Orientation.CORONAL:
                return self.left, down, self.posterior
            case Orientation.SAGITTAL:
                return self.posterior, down, self.left

    def upright(self, orientation: Orientation, base: Axes) -> tuple[Vector, Vector, Vector]:
        """Directions as `of` gives them, on the same plane, but turned upright by the `base` the axes came from.

        A plane that is turned about its own normal goes on being seen as it was.
        """
        return _upright(self, orientation, base)

    def turned(self, about: Orientation, degrees: float) -> Axes:
        """Turn about the normal of one of the planes, by the right hand."""
        _, _, normal = self.of(about)
        left, posterior = (_turned(v, normal, math.radians(degrees)) for v in (self.left, self.posterior))
        return _right_angled(left, posterior)

    def keeps(self, orientation: Orientation, base: Axes) -> bool:
        """Whether a plane of these axes is seen as the base's own: only its neighbours were turned, or nothing."""
        seen, before = self.upright(orientation, base), base.of(orientation)
        return all(dot(a, b) > _SAME for a, b in zip(seen, before, strict=True))

    def shows_as(self, other: Axes, orientation: Orientation, base: Axes) -> bool:
        """Whether a plane is seen as that of other axes: they differ by a turn about its normal, if at all."""
        seen, before = self.upright(orientation, base), other.upright(orientation, base)
        return all(dot(a, b) > _SAME for a, b in zip(seen, before, strict=True))

    @property
    def is_oblique(self) -> bool:
        """Whether some direction is more than a degree off the patient's own."""
        return any(max(abs(c) for c in v) < math.cos(math.radians(1)) for v in (self.left, self.posterior))


def axes_of(geometry: Geometry) -> Axes:
    """Directions of a volume's own grid, named by the patient's directions that they are nearest to.

    Planes along the grid show voxels as they were measured.  With gantry tilt the step from slice to
    slice leads, so that axial planes are at right angles to the table and not to the tilted slices.
    """
    step, row, column = geometry.affine_lps[:3, :3].T
    along = step if geometry.tilt_degrees > _TILTED else np.cross(column, row)
    along = along / np.linalg.norm(along)
    across = column - along * float(along @ column)
    across = across / np.linalg.norm(across)
    own = [across, np.cross(along, across), along]
    named: list[Vector | None] = [None, None, None]
    for size, axis, place in sorted(
        ((abs(float(v[k])), i, k) for i, v in enumerate(own) for k in range(3)), reverse=True
    ):
        if size and named[place] is None and own[axis] is not None:
            sign = 1.0 if own[axis][place] > 0 else -1.0
            x, y, z = (float(c) * sign for c in own[axis])
            named[place], own[axis] = (x, y, z), np.zeros(3)
    left, posterior, _ = (v or (0.0, 0.0, 0.0) for v in named)
    return _right_angled(left, posterior)


@dataclass(frozen=True, slots=True)
class PlaneGrid:
    """Where the pixels of one plane lie: `shape` is ``(rows, columns)``."""

    plane: ImagePlane
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlaneSet:
    """Parallel planes that cover a volume, an equal step apart.

    Attributes
    ----------
    first : PlaneGrid
    normal : Vector
        Direction of the next plane.
    step : float
        Distance between planes in mm.
    count : int

    """

    first: PlaneGrid
    normal: Vector
    step: float
    count: int

    def grid(self, index: int) -> PlaneGrid:
        """Plane `index`, from 0."""
        moved = _plus(self.first.plane.position, self.normal, index * self.step)
        plane = self.first.plane
        return PlaneGrid(
            ImagePlane(moved, plane.row_direction, plane.column_direction, plane.row_spacing, plane.column_spacing),
            self.first.shape,
        )

    def nearest(self, point: Vector) -> int:
        """Index of the plane nearest to an LPS point, within the set."""
        offset = tuple(a - b for a, b in zip(point, self.first.plane.position, strict=True))
        index = round(dot(offset, self.normal) / self.step)
        return min(max(index, 0), self.count - 1)


Directions = tuple[Vector, Vector, Vector]
"""Of increasing column and row, and of the next plane."""


def planes_through(geometry: Geometry, directions: Directions, anchor: Vector | None = None) -> PlaneSet:
    """Parallel planes that cover a volume.

    Parameters
    ----------
    geometry : Geometry
        Of the volume.
    directions : tuple of Vector
        As `Axes.of` and `Axes.upright` give them.
    anchor : Vector, optional
        LPS point that one pixel of one plane lies on; the centre of the volume's first voxel, so that planes
        along the volume's own grid show its own voxels.

    Returns
    -------
    PlaneSet
        Square pixels as fine as the finer of the voxel's two sides, at most `LONGEST_SIDE` of them each way.

    """
    across, down, along = directions
    origin = anchor or geometry.to_patient((0.0, 0.0, 0.0))
    spans = [_span(geometry, origin, direction) for direction in (across, down, along)]
    finest = min(_spacing(geometry, across), _spacing(geometry, down))
    pixel = max(finest, *((high - low) / (LONGEST_SIDE - 1) for low, high in spans[:2]))
    step = max(_spacing(geometry, along), (spans[2][1] - spans[2][0]) / (LONGEST_SIDE - 1))
    (left, columns), (top, rows), (first, count) = (
        _cells(span, size) for span, size in zip(spans, (pixel, pixel, step), strict=True)
    )
    position = _plus(_plus(_plus(origin, across, left * pixel), down, top * pixel), along, first * step)
    plane = ImagePlane(position, across, down, pixel, pixel)
    return PlaneSet(PlaneGrid(plane, (rows, columns)), along, step, count)


@lru_cache(maxsize=32)
def _upright(axes: Axes, orientation: Orientation, base: Axes) -> Directions:
    """As `Axes.upright`; asked for several times at each step of a turn."""
    _, _, along = axes.of(orientation)
    wanted = base.left if orientation is Orientation.AXIAL else _times(base.superior, -1)
    flat = np.array(wanted) - np.array(along) * dot(wanted, along)
    if np.linalg.norm(flat) < _FLAT:
        return axes.of(orientation)
    first = _vector(flat / np.linalg.norm(flat))
    normal = _times(along, -1) if orientation is Orientation.SAGITTAL else along
    if orientation is Orientation.AXIAL:
        return first, _cross(normal, first), along
    return _cross(first, normal), first, along


@lru_cache(maxsize=8)
def _corners(geometry: Geometry) -> tuple[Vector, ...]:
    """Centres of the outer voxels, LPS mm."""
    return tuple(geometry.to_patient((s, r, c)) for s, r, c in product(*((0.0, n - 1.0) for n in geometry.shape)))


def _span(geometry: Geometry, origin: Vector, direction: Vector) -> tuple[float, float]:
    """Least and greatest distance of the outer voxels' centres from the origin, along a direction, in mm."""
    places = [dot(corner, direction) for corner in _corners(geometry)]
    start = dot(origin, direction)
    return min(places) - start, max(places) - start


def _cells(span: tuple[float, float], size: float) -> tuple[int, int]:
    """First cell and number of cells of a size that cover a span; cell 0 lies on the origin."""
    first, last = (round(v / size, 3) for v in span)
    low, high = math.floor(first), math.ceil(last)
    return low, max(1, high - low + 1)


def _spacing(geometry: Geometry, direction: Vector) -> float:
    """Distance between voxels along a direction, in mm: that of the grid's axis where it is one."""
    directions, lengths = _steps(geometry)
    shares = np.array(direction) @ directions / lengths
    return float(1 / np.linalg.norm(shares))


@lru_cache(maxsize=8)
def _steps(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions, (3, 3), and lengths in mm of a grid's steps."""
    steps = geometry.affine_lps[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    return steps / lengths, lengths


def _right_angled(left: Vector, posterior: Vector) -> Axes:
    x = np.array(left) / np.linalg.norm(left)
    y = np.array(posterior) - x * float(x @ np.array(posterior))
    y = y / np.linalg.norm(y)
    return Axes(_vector(x), _vector(y), _vector(np.cross(x, y)))


def _vector(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Vector:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def _turned(vector: Vector, axis: Vector, angle: float) -> Vector:
    """Rodrigues' rotation."""
    v, k = np.array(vector), np.array(axis)
    turned = v * math.cos(angle) + np.cross(k, v) * math.sin(angle) + k * float(k @ v) * (1 - math.cos(angle))
    return _vector(turned)


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _times(vector: Vector, factor: float) -> Vector:
    x, y, z = (v * factor for v in vector)
    return (x, y, z)


def _plus(point: Vector, direction: Vector, distance: float) -> Vector:
    x, y, z = (p + d * distance for p, d in zip(point, direction, strict=True))
    return (x, y, z)
