"""The reader's marks: lengths, angles, regions, arrows, key images.

Points are ``(row, column)`` in the pixel coordinates of one image (pixel centres at
integers), so a mark stays where it was drawn however the image is shown.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Enum

from radviewer.domain.reformat import Cut

Point = tuple[float, float]


class MarkKind(Enum):
    """What a mark is; the value is what is written to disk, never change it."""

    LENGTH = "length"  # 2 points
    ANGLE = "angle"  # 3 points, the vertex second
    COBB = "cobb"  # 4 points: two lines
    RECTANGLE = "rectangle"  # 2 opposite corners
    ELLIPSE = "ellipse"  # 2 opposite corners of the bounding box
    FREEHAND = "freehand"  # 3 or more points, closed
    ARROW = "arrow"  # tip, tail; with text
    KEY_IMAGE = "key-image"  # no point


POINTS_OF = {
    MarkKind.LENGTH: (2, 2),
    MarkKind.ANGLE: (3, 3),
    MarkKind.COBB: (4, 4),
    MarkKind.RECTANGLE: (2, 2),
    MarkKind.ELLIPSE: (2, 2),
    MarkKind.FREEHAND: (3, 100_000),
    MarkKind.ARROW: (2, 2),
    MarkKind.KEY_IMAGE: (0, 0),
}
"""Fewest and most points of each kind."""


@dataclass(frozen=True, slots=True)
class PlaneSource:
    """How planes were cut that an image is one of: all that is needed to cut them again.

    Attributes
    ----------
    sop_instance_uid : str
        Of the first image of the stack they were cut out of.
    frame : int
        Its 0-based index in its file.
    cut : Cut
        Never a draft.

    """

    sop_instance_uid: str
    frame: int
    cut: Cut


@dataclass(frozen=True, slots=True)
class ImageReference:
    """Which image a mark belongs to; `frame` is the 0-based index in its file, or of the plane.

    Attributes
    ----------
    planes : PlaneSource or None
        Of a plane cut out of a volume, which lies in no file: how it was cut when the mark was made.  References are
        equal whatever the thickness of the slab.

    """

    study_uid: str
    series_uid: str
    sop_instance_uid: str
    frame: int
    planes: PlaneSource | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of the reader.

    Raises
    ------
    ValueError
        If the number of points does not fit the kind, or a point is not finite.

    """

    kind: MarkKind
    image: ImageReference
    points: tuple[Point, ...] = ()
    text: str = ""
    mark_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        fewest, most = POINTS_OF[self.kind]
        if not fewest <= len(self.points) <= most:
            raise ValueError(f"a {self.kind.value} has {fewest} to {most} points, not {len(self.points)}")
        if not all(abs(v) < 1e7 for point in self.points for v in point):  # also refuses NaN
            raise ValueError("a point of a mark is not finite")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured value as it is shown: name, value, unit (UCUM)."""

    name: str
    value: float
    unit: str
