"""Planes cut out of a volume, as a stack that is read like any other."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np

from radviewer.domain.geometry import Geometry, ImagePlane, PixelSpacing, Vector
from radviewer.domain.planes import Axes, Orientation, PlaneSet, Slab, planes_through
from radviewer.domain.study import Frame, ImageFile, Stack, StackKind

FEWEST_SLICES = 3
DRAFT_BLOCK = 3
"""Pixels, each way, that hold one and the same value in a draft."""

_NEAR = 0.01  # of a pixel
_FRAMES_KEPT = 32
_COLOUR = ("PALETTE COLOR", "RGB")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which planes are cut.

    Attributes
    ----------
    orientation : Orientation
        By whose name the planes go; they may be turned from it.
    axes, base : Axes
        As turned by the reader, and as they were before; the base says what is upright.
    centre : Vector or None
        LPS point that one pixel lies on; None where nothing was turned: the planes lie on the voxels.
    slab : Slab
        How the values across the thickness become one.
    thickness : float
        In mm; 0 for planes without any.
    draft : bool
        Coarse, while the planes are being turned: in blocks of `DRAFT_BLOCK`.

    """

    orientation: Orientation
    axes: Axes
    base: Axes
    centre: Vector | None = None
    slab: Slab = Slab.MEAN
    thickness: float = 0.0
    draft: bool = False

    def __hash__(self) -> int:
        """Of what a turn changes: cuts are looked up many times at each paint."""
        return hash((self.axes.left, self.axes.superior, self.thickness, self.draft))

    @property
    def words(self) -> str:
        """What the reader is told: ``"coronal, oblique, MIP 10 mm"``."""
        turned = "" if self.axes.keeps(self.orientation, self.base) else ", oblique"
        return f"{self.orientation.value}{turned}" + (f", {self.slab_words}" if self.thickness else "")

    @property
    def slab_words(self) -> str:
        """Kind and thickness of the slab."""
        return f"{self.slab.value} {self.thickness:g} mm"


class _Frames(Sequence[Frame]):
    """Frames of planes, made when they are asked for; the latest are kept, as one paint asks for them often."""

    def __init__(self, planes: PlaneSet, first: Frame) -> None:
        self._planes, self._first = planes, first
        self._made: dict[int, Frame] = {}

    def __len__(self) -> int:
        return self._planes.count

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        made = self._made.get(index)
        if made is None:
            place = range(len(self))[index]  # refuses what lies beyond
            if len(self._made) >= _FRAMES_KEPT:
                self._made.clear()
            made = self._made[index] = replace(self._first, index=place, plane=self._planes.grid(place).plane)
        return made


@dataclass(frozen=True, eq=False, kw_only=True)
class Reformat(Stack):
    """A stack of planes.

    Attributes
    ----------
    of : Stack
        What they are cut out of.
    cut : Cut
    planes : PlaneSet

    """

    of: Stack
    cut: Cut
    planes: PlaneSet

    @cached_property
    def key(self) -> str:
        """Identifies the planes while the program runs; all turns of one orientation have the same."""
        return f"{self.of.key}|{self.cut.orientation.value}"

    @property
    def source(self) -> Stack:
        """The stack whose files hold the pixels."""
        return self.of

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(planes, rows, columns)``."""
        return (self.planes.count, *self.planes.first.shape)

    def original(self, index: int) -> int | None:
        """Index of the source's own slice that plane `index` is; None where it is none.

        Such a plane is there as soon as its slice is, and needs no volume.
        """
        if self.cut.thickness or self.cut.draft or self._order is None:
            return None
        return index if self._order > 0 else self.planes.count - 1 - index

    @cached_property
    def _order(self) -> int | None:
        """1 where the planes are the slices, -1 where they are in the other order, None where they are not."""
        if (self.planes.count, *self.planes.first.shape) != self.of.shape:
            return None
        ends = (self.of.frames[0].plane, self.of.frames[-1].plane)
        for order in (1, -1):
            if all(
                _same(self.planes.grid(i).plane, end)
                for i, end in zip((0, self.planes.count - 1), ends[::order], strict=True)
            ):
                return order
        return None


def _same(plane: ImagePlane, other: ImagePlane | None) -> bool:
    """Whether pixels of two planes of one shape lie on one another, to a hundredth of a pixel."""
    if other is None:
        return False
    places = ((0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0))
    near = _NEAR * min(plane.row_spacing, plane.column_spacing)
    return all(math.dist(plane.to_patient(*at), other.to_patient(*at)) < near * max(1.0, max(at) / 10) for at in places)


def why_not(stack: Stack) -> str | None:
    """Why no planes can be cut out of a stack, as a sentence for the reader; None when they can."""
    if isinstance(stack, Reformat):
        return why_not(stack.of)
    name = f"“{stack.label}”" if stack.label else "This series"
    count, pixels = len(stack.frames), stack.format
    if pixels.samples_per_pixel > 1 or pixels.photometric_interpretation in _COLOUR:
        return f"{name} is in colour: planes are cut through grey volumes only. Read it image by image."
    if count < FEWEST_SLICES:
        what = "one image" if count == 1 else f"{count} images"
        return f"{name} has {what}: planes need at least {FEWEST_SLICES} slices. Read it image by image."
    if stack.geometry is None:
        return (
            f"{name} is no regular grid (uneven spacing, or no position in the patient): "
            "planes through it would show wrong millimetres. Read it image by image."
        )
    return None


def reformatted(stack: Stack, cut: Cut) -> Reformat:
    """Cut planes out of a stack.

    Parameters
    ----------
    stack : Stack
        With a regular grid.
    cut : Cut
        Which planes.

    Raises
    ------
    ValueError
        If `why_not` gives a reason.

    """
    geometry, reason = stack.geometry, why_not(stack)
    if geometry is None or reason is not None:
        raise ValueError(reason)
    directions = cut.axes.upright(cut.orientation, cut.base)
    planes = planes_through(geometry, directions, cut.centre)
    slices, rows, columns = ((n - 1) / 2 for n in geometry.shape)
    return Reformat(
        kind=StackKind.VOLUME,
        frames=_Frames(planes, _frame(stack, cut, planes)),
        geometry=_geometry(planes, stack.frame_of_reference_uid),
        label=cut.words,
        frame_of_reference_uid=stack.frame_of_reference_uid or f"of {stack.key}",
        warnings=stack.warnings,
        first_shown=planes.nearest(geometry.to_patient((slices, rows, columns))),
        of=stack,
        cut=cut,
        planes=planes,
    )


def _frame(stack: Stack, cut: Cut, planes: PlaneSet) -> Frame:
    """What all planes have in common."""
    rows, columns = planes.first.shape
    source, size = stack.frames[len(stack.frames) // 2], planes.first.plane.row_spacing
    pixels = replace(source.file.format, rows=rows, columns=columns)
    file: ImageFile = replace(
        source.file, format=pixels, sop_instance_uid=_uid(stack, cut, planes), number_of_frames=planes.count
    )
    spacing = PixelSpacing(size, size, attribute="planes through the volume")
    return Frame(
        file,
        0,
        spacing=spacing,
        slope=source.slope,
        intercept=source.intercept,
        unit=source.unit,
        windows=source.windows,
        label=cut.slab_words if cut.thickness else "",
    )


def _uid(stack: Stack, cut: Cut, planes: PlaneSet) -> str:
    """What marks on these planes are kept under: the same for the same planes, whatever the slab."""
    first = planes.first.plane
    numbers = (*first.position, *first.row_direction, *first.column_direction, first.row_spacing, planes.step)
    name = f"{stack.frames[0].file.sop_instance_uid} {cut.orientation.value} " + " ".join(f"{v:.3f}" for v in numbers)
    return f"2.25.{int(hashlib.sha256(name.encode()).hexdigest()[:32], 16)}"


def _geometry(planes: PlaneSet, frame_of_reference_uid: str | None) -> Geometry:
    plane, affine = planes.first.plane, np.eye(4)
    affine[:3, 0] = np.array(planes.normal) * planes.step
    affine[:3, 1] = np.array(plane.column_direction) * plane.row_spacing
    affine[:3, 2] = np.array(plane.row_direction) * plane.column_spacing
    affine[:3, 3] = plane.position
    return Geometry((planes.count, *planes.first.shape), affine, frame_of_reference_uid)
