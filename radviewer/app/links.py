"""How a place in one stack is found in another: by a shared frame of reference, by hand, or by registration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from PySide6.QtCore import QObject, Signal

from radviewer.domain.geometry import ImagePlane, Vector
from radviewer.domain.study import Stack
from radviewer.volumes.registration import Affine, Registration, moved

_PARALLEL = 0.95  # cosine between normals above which two planes can be linked by a shift


class LinkKind(Enum):
    """What a link rests on; the value is read in the corner of a viewport."""

    NONE = ""
    FRAME = "same frame of reference"
    OFFSET = "linked by hand"
    REGISTERED = "registered"


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """From one stack's patient coordinates to another's.

    Attributes
    ----------
    matrix : ndarray, (4, 4)
        LPS mm → LPS mm.
    registration : Registration or None
        What it was measured by, in either direction.

    """

    kind: LinkKind
    matrix: Affine
    registration: Registration | None = None

    @property
    def words(self) -> str:
        """For the corner of a viewport: ``"registered, quality good (0.92)"``."""
        if self.registration is None:
            return self.kind.value
        return f"{self.kind.value}, quality {self.registration.quality_words}"

    @property
    def inverse(self) -> Link:
        """The same link the other way."""
        return Link(self.kind, np.linalg.inv(self.matrix).astype(np.float64), self.registration)


_FRAME = Link(LinkKind.FRAME, np.eye(4))

Ends = tuple[str, str]


class Links(QObject):
    """Links between stacks, remembered until the study is closed.

    A link the reader asked for holds for all series of the two frames of reference; between two series of one
    frame (the patient has moved) it holds for these two alone, and comes before the frame.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._made: dict[Ends, Link] = {}

    def between(self, source: Stack, other: Stack) -> Link | None:
        """How to get from `source` to `other`; None when nothing links them."""
        here, there = _ends(source, other)
        if (here, there) in self._made:
            return self._made[here, there]
        if (there, here) in self._made:
            return self._made[there, here].inverse
        return _FRAME if source.source is other.source or shares_frame(source, other) else None

    def kind(self, source: Stack, other: Stack) -> LinkKind:
        """What links two stacks."""
        link = self.between(source, other)
        return LinkKind.NONE if link is None else link.kind

    def map(self, source: Stack, other: Stack, point: Vector) -> Vector | None:
        """Where an LPS point of `source` lies in `other`, LPS mm; None when nothing links them."""
        link = self.between(source, other)
        return None if link is None else moved(link.matrix, point)

    def turn(self, source: Stack, other: Stack, direction: Vector) -> Vector | None:
        """A direction of `source` as `other` has it."""
        link = self.between(source, other)
        if link is None:
            return None
        x, y, z = (float(v) for v in link.matrix[:3, :3] @ direction)
        return (x, y, z)

    def lay(self, source: Stack, other: Stack, plane: ImagePlane) -> ImagePlane | None:
        """A plane of `source` as it lies in `other`; None when nothing links them."""
        position = self.map(source, other, plane.position)
        row, column = (self.turn(source, other, v) for v in (plane.row_direction, plane.column_direction))
        if position is None or row is None or column is None:
            return None
        return replace(plane, position=position, row_direction=row, column_direction=column)

    def can_offset(self, here: ImagePlane | None, there: ImagePlane | None) -> str:
        """Why two images cannot be linked by hand, a sentence; "" when they can."""
        if here is None or there is None:
            return "One of the two images does not say where it lies in the patient, so they cannot be linked."
        if abs(float(np.dot(here.normal, there.normal))) < _PARALLEL:
            return "The two images do not lie parallel. Register the series instead, or show parallel images."
        return ""

    def link_here(self, source: Stack, here: ImagePlane, other: Stack, there: ImagePlane) -> None:
        """Take the middles of two images for the same place: a shift, no rotation.

        Raises
        ------
        ValueError
            If the planes do not lie parallel.

        """
        if self.can_offset(here, there):
            raise ValueError("the planes do not lie parallel")
        matrix = np.eye(4)
        matrix[:3, 3] = np.subtract(_middle(there, other), _middle(here, source))
        self._put(source, other, Link(LinkKind.OFFSET, matrix))

    def put(self, source: Stack, other: Stack, registration: Registration) -> None:
        """Link by a registration with `source` as its fixed volume."""
        self._put(source, other, Link(LinkKind.REGISTERED, registration.matrix, registration))

    def unlink(self, source: Stack, other: Stack) -> bool:
        """Forget what the reader asked for; False when there was nothing.  A shared frame of reference stays."""
        here, there = _ends(source, other)
        found = [self._made.pop(ends, None) for ends in ((here, there), (there, here))]
        if found == [None, None]:
            return False
        self.changed.emit()
        return True

    def clear(self) -> None:
        """Forget everything."""
        if self._made:
            self._made.clear()
            self.changed.emit()

    def _put(self, source: Stack, other: Stack, link: Link) -> None:
        here, there = _ends(source, other)
        self._made.pop((there, here), None)
        self._made[here, there] = link
        self.changed.emit()


def shares_frame(stack: Stack, other: Stack | None) -> bool:
    """Whether two stacks state the same frame of reference: their mm are comparable."""
    return (
        other is not None
        and stack.frame_of_reference_uid is not None
        and stack.frame_of_reference_uid == other.frame_of_reference_uid
    )


def _ends(source: Stack, other: Stack) -> Ends:
    """Names of what a link between two stacks joins: their frames, or the stacks where those are one or unknown.

    Planes are linked as what they are cut out of is.
    """
    source, other = source.source, other.source
    if shares_frame(source, other) or None in (source.frame_of_reference_uid, other.frame_of_reference_uid):
        return (f"stack {source.key}", f"stack {other.key}")
    return (f"frame {source.frame_of_reference_uid}", f"frame {other.frame_of_reference_uid}")


def _middle(plane: ImagePlane, stack: Stack) -> Vector:
    _, rows, columns = stack.shape
    return plane.to_patient((rows - 1) / 2, (columns - 1) / 2)
