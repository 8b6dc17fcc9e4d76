"""Where another image's plane cuts this one."""

from __future__ import annotations

import math

from radviewer.domain.geometry import ImagePlane
from radviewer.domain.measurement import Point

_PARALLEL = math.sin(math.radians(0.5))


def reference_line(here: ImagePlane, other: ImagePlane, other_shape: tuple[int, int]) -> tuple[Point, Point] | None:
    """Segment, in this image's ``(row, column)``, along which the other image cuts its plane.

    It ends where the other image ends; this image's own border does not cut it.  None when the planes
    are parallel (to half a degree) or the other image does not reach this plane.  Both planes must be of
    one frame of reference.

    Parameters
    ----------
    here, other : ImagePlane
        In LPS mm.
    other_shape : tuple of int
        ``(rows, columns)`` of the other image.

    """
    a, b = here.normal, other.normal
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    if math.hypot(*cross) < _PARALLEL:
        return None
    rows, columns = other_shape
    corners = [
        here.to_pixel(other.to_patient(row, column))
        for row, column in ((-0.5, -0.5), (-0.5, columns - 0.5), (rows - 0.5, columns - 0.5), (rows - 0.5, -0.5))
    ]
    ends: list[Point] = []
    for (r0, c0, d0), (r1, c1, d1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (d0 < 0) != (d1 < 0):  # this edge of the other image passes through the plane
            part = d0 / (d0 - d1)
            ends.append((r0 + part * (r1 - r0), c0 + part * (c1 - c0)))
    return (ends[0], ends[1]) if len(ends) == 2 else None
