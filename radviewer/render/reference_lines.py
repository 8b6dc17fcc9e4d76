"""Where another image's plane cuts this one."""

from __future__ import annotations

from radviewer.domain.geometry import ImagePlane
from radviewer.domain.measurement import Point


def reference_line(here: ImagePlane, other: ImagePlane, other_shape: tuple[int, int]) -> tuple[Point, Point] | None:
    """Segment, in this image's ``(row, column)``, along which the other image cuts its plane.

    None when the planes are parallel or the other image does not reach this plane.
    """
    raise NotImplementedError
