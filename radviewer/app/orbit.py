"""From where a volume is looked at in 3D: a parallel view around a point, in patient LPS mm."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Vector

_DIRECTIONS: dict[str, tuple[Vector, Vector]] = {
    "A": ((0, 1, 0), (0, 0, 1)),
    "P": ((0, -1, 0), (0, 0, 1)),
    "L": ((-1, 0, 0), (0, 0, 1)),
    "R": ((1, 0, 0), (0, 0, 1)),
    "S": ((0, 0, -1), (0, -1, 0)),
    "I": ((0, 0, 1), (0, -1, 0)),
}
"""Letter → way of looking and what is up, LPS: "A" stands before the patient and looks to posterior."""

VIEWS = tuple(_DIRECTIONS)
_AIR = 1.08  # around what is shown
_SMALLEST, _LARGEST = 1.0, 1e5  # mm

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Orbit:
    """A point of view.

    Attributes
    ----------
    focus : Vector
        LPS mm of the picture's middle.
    direction, up : Vector
        Unit vectors, at right angles: into the picture, and to its upper edge.
    span : float
        mm across the picture's shorter side.

    """

    focus: Vector = (0.0, 0.0, 0.0)
    direction: Vector = (0.0, 1.0, 0.0)
    up: Vector = (0.0, 0.0, 1.0)
    span: float = 300.0

    @property
    def right(self) -> Vector:
        """Unit vector to the picture's right edge."""
        return _vector(np.cross(self.direction, self.up))

    def seen_from(self, letter: str) -> Orbit:
        """The same from the patient's side A, P, L, R, S or I; head up, or anterior up from above and below."""
        direction, up = _DIRECTIONS[letter]
        return replace(self, direction=direction, up=up)

    def fitted(self, low: Array, high: Array, size: tuple[float, float] = (1.0, 1.0)) -> Orbit:
        """The same with a box, LPS mm, in the middle and as large as it fits into a picture of `size`."""
        box = np.abs(high - low)
        extents = (float(np.abs(np.array(axis)) @ box) for axis in (self.right, self.up))
        span = max(extent * min(size) / max(side, 1.0) for extent, side in zip(extents, size, strict=True))
        return replace(self, focus=_vector((low + high) / 2), span=_clamped(span * _AIR))

    def turned(self, across: float, down: float) -> Orbit:
        """Turned as a ball under the pointer; ways as shares of the picture's shorter side, one is half a turn."""
        way = math.hypot(across, down)
        if way == 0:
            return self
        # the ball turns about an axis in the picture's plane, the eye the other way round
        axis = (np.array(self.right) * down + np.array(self.up) * across) / way
        turn = _rotation(axis, -math.pi * way)
        direction = _unit(turn @ np.array(self.direction))
        up = turn @ np.array(self.up)
        return replace(self, direction=_vector(direction), up=_vector(_unit(up - direction * (up @ direction))))

    def panned(self, across: float, down: float) -> Orbit:
        """Moved with the pointer; ways as shares of the picture's shorter side."""
        way = (-across * np.array(self.right) + down * np.array(self.up)) * self.span
        return replace(self, focus=_vector(np.array(self.focus) + way))

    def zoomed(self, factor: float) -> Orbit:
        """Larger by a factor above 1."""
        return replace(self, span=_clamped(self.span / factor))

    def place(self, point: Vector, size: tuple[float, float]) -> tuple[float, float, float]:
        """Where an LPS point lies in a picture: x to the right and y down in its pixels, and mm beyond the focus."""
        offset = np.array(point) - np.array(self.focus)
        scale = min(size) / self.span
        x = size[0] / 2 + float(offset @ np.array(self.right)) * scale
        y = size[1] / 2 - float(offset @ np.array(self.up)) * scale
        return (x, y, float(offset @ np.array(self.direction)))


def _clamped(span: float) -> float:
    return min(max(span, _SMALLEST), _LARGEST)


def _unit(vector: Array) -> Array:
    made: Array = vector / np.linalg.norm(vector)
    return made


def _vector(array: Array) -> Vector:
    x, y, z = (float(v) for v in array)
    return (x, y, z)


def _rotation(axis: Array, angle: float) -> Array:
    """Matrix of a rotation about a unit axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    made: Array = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return made
