"""A series as axial slices, whichever way it was acquired, and the way back to its own grid.

Axes are exchanged and turned, never interpolated: what is found on the axial slices lies on the series'
own voxels.  Rows run to posterior, columns to the patient's left, slices upwards, as heads are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.films import Refused
from radviewer.domain.geometry import ImagePlane
from radviewer.domain.volume import SliceImage, Volume

Grey = NDArray[np.float32]

LARGEST = 500_000_000
"""Voxels of the largest series that is looked at."""
_NAMES = ("axial", "coronal", "sagittal")
_LETTERS = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
_SAME = 0.01  # mm
_TILTED = 40.0  # degrees: farther from every plane there are no axial slices to speak of


@dataclass(frozen=True, slots=True, eq=False)
class Axial:
    """Axial slices.

    Attributes
    ----------
    values : ndarray, float32, (slices, rows, columns)
        Modality values; slices that could not be read repeat their nearest neighbour.
    spacing : tuple of float
        Between rows and between columns: in mm, or relative where `in_mm` is false.
    steps : ndarray, float64, (slices,)
        Thickness in mm that each slice stands for; NaN where unknown.
    axes : tuple of int
        Axis of the series' own array along slices, rows, columns.
    flips : tuple of bool
        Which of these run the other way.
    acquired : str
        "axial", "coronal" or "sagittal".
    oriented : bool
        Whether the header says which way is up.
    read : ndarray of bool
        Which of the axial slices could be read.
    unread : int
        How many of the series' own slices could not.

    """

    values: Grey
    spacing: tuple[float, float]
    in_mm: bool
    steps: NDArray[np.float64]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    acquired: str
    oriented: bool
    read: NDArray[np.bool_]
    unread: int = 0

    def back(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array over the axial slices on the series' own grid."""
        return np.ascontiguousarray(np.flip(array, self._flipped()).transpose(np.argsort(self.axes)))

    def own_slice(self, index: int) -> int | None:
        """Index in the series of an axial slice; None where the series was acquired in another plane."""
        if self.axes[0] != 0:
            return None
        return len(self.values) - 1 - index if self.flips[0] else index

    def _flipped(self) -> tuple[int, ...]:
        return tuple(i for i, flip in enumerate(self.flips) if flip)


def axial_of(volume: Volume) -> Axial:
    """Turn a series into axial slices.

    Raises
    ------
    Refused
        If no image could be read, it is coloured, too large, oblique to all planes, or a single image in
        another plane.

    """
    images = volume.slices
    readable = [image for image in images if image is not None]
    if not readable:
        raise Refused(volume.problems.get(0, "No image of the series could be read."))
    if readable[0].is_colour:
        raise Refused("These are colour images, not an MR series.")
    if volume.stored.size > LARGEST:
        raise Refused("The series is larger than any brain MR series.")
    axes, flips, oriented = _turn(volume, readable[0])
    if axes[0] != 0 and (volume.geometry is None or len(images) == 1):
        raise Refused("The slices are not axial and not evenly spaced, so no axial slices can be made of them.")
    own = _filled(images)
    values = np.ascontiguousarray(np.flip(own.transpose(axes), tuple(i for i, flip in enumerate(flips) if flip)))
    spacing, steps = _spacing(volume, readable[0], axes)
    in_mm = spacing is not None
    read = np.array([image is not None for image in images])
    read = (read[::-1] if flips[0] else read) if axes[0] == 0 else np.ones(values.shape[0], np.bool_)
    if flips[0] and axes[0] == 0:
        steps = steps[::-1]
    unread = sum(image is None for image in images)
    return Axial(values, spacing or (1.0, 1.0), in_mm, steps, axes, flips, _NAMES[_plane(axes)], oriented, read, unread)


def _plane(axes: tuple[int, int, int]) -> int:
    """Index of the patient's axis that the series' own slices follow."""
    return axes.index(0)


def _turn(volume: Volume, image: SliceImage) -> tuple[tuple[int, int, int], tuple[bool, bool, bool], bool]:
    """Axes and flips; as it is where the header does not say."""
    if volume.geometry is not None:
        steps = volume.geometry.affine_lps[:3, :3]
    elif image.plane is not None:
        steps = _directions(image.plane)
        depths = _depths(volume.slices)
        known = depths[np.isfinite(depths)]
        if known[0] > known[-1]:  # listed against their normal
            steps[:, 0] *= -1
    elif (words := _from_words(image.orientation)) is not None:
        steps = words
    else:
        return (0, 1, 2), (False, False, False), False
    unit = steps / np.linalg.norm(steps, axis=0)
    # Patient axes wanted along slices, rows, columns: superior, posterior, left.
    wanted = (2, 1, 0)
    best = max(permutations(range(3)), key=lambda p: sum(abs(unit[w, a]) for w, a in zip(wanted, p, strict=True)))
    cosines = [float(unit[w, a]) for w, a in zip(wanted, best, strict=True)]
    if min(abs(c) for c in cosines) < math.cos(math.radians(_TILTED)):
        raise Refused(
            "The slices are oblique to all planes of the head; the model reads axial, coronal and sagittal ones."
        )
    down, rows, columns = (c < 0 for c in cosines)
    return (best[0], best[1], best[2]), (down, rows, columns), True


def _from_words(orientation: tuple[str, str] | None) -> NDArray[np.float64] | None:
    """The same from the letters that columns and rows run to, where there is no pixel spacing.

    In which order the slices lie is not known; None where the letters do not name two axes.
    """
    if orientation is None or not all(orientation):
        return None
    column, row = (np.array(_LETTERS[word[0]], np.float64) for word in orientation)
    across = np.abs(np.cross(column, row))
    return np.array([across, row, column]).T if across.any() else None


def _directions(plane: ImagePlane) -> NDArray[np.float64]:
    """Directions per slice, row and column as columns, like those of an affine."""
    return np.array([plane.normal, plane.column_direction, plane.row_direction], dtype=np.float64).T


def _filled(images: tuple[SliceImage | None, ...]) -> Grey:
    """Modality values of all slices; one that could not be read repeats the nearest that could."""
    known = [i for i, image in enumerate(images) if image is not None]
    planes = []
    for i in range(len(images)):
        image = images[min(known, key=lambda k: abs(k - i))]
        if image is None:
            raise AssertionError("known slices are known")
        planes.append(_values(image))
    own = np.stack(planes)
    if not np.isfinite(own).all():
        raise Refused("The values are not finite numbers; rescale slope or intercept is wrong.")
    return own


def _values(image: SliceImage) -> Grey:
    with np.errstate(over="ignore", invalid="ignore"):
        values = image.modality_values().astype(np.float32)
    hidden = image.padding_mask()
    if hidden is not None and hidden.any() and not hidden.all():
        values[hidden] = values[~hidden].max() if image.inverted else values[~hidden].min()
    return -values if image.inverted else values


def _spacing(
    volume: Volume, image: SliceImage, axes: tuple[int, int, int]
) -> tuple[tuple[float, float] | None, NDArray[np.float64]]:
    """Row and column spacing of the axial slices, and the thickness each stands for."""
    count = (len(volume.slices), *volume.stored.shape[1:3])[axes[0]]
    if volume.geometry is not None:
        every = volume.geometry.spacing
        in_plane = (every[axes[1]], every[axes[2]])
        single = len(volume.slices) == 1  # its step is a guess
        # Not the length of the step: slices may be stacked obliquely to their normal.
        voxel = abs(float(np.linalg.det(volume.geometry.affine_lps[:3, :3])))
        return in_plane, np.full(count, float("nan") if single else voxel / (in_plane[0] * in_plane[1]))
    own = image.spacing
    spacing = None if own is None else (own.row, own.column)
    return (spacing if axes[1] == 1 or spacing is None else spacing[::-1]), _uneven(volume.slices)


def _depths(images: tuple[SliceImage | None, ...]) -> NDArray[np.float64]:
    """Position of each slice along its normal in mm; NaN where unknown."""
    planes = [None if image is None else image.plane for image in images]
    return np.array([float("nan") if plane is None else plane.depth for plane in planes], np.float64)


def _spread(depths: NDArray[np.float64], unread: list[bool]) -> NDArray[np.float64]:
    """Depths with those of unread slices filled in, beyond the ends at the step of the nearest two."""
    known = np.flatnonzero(np.isfinite(depths))
    if len(known) < 2 or not all(np.isfinite(depths) | np.array(unread)):
        return depths
    places = np.arange(len(depths))
    filled = np.interp(places, known, depths[known])
    for end, inner in ((known[0], known[1]), (known[-1], known[-2])):
        step = (depths[end] - depths[inner]) / (end - inner)
        beyond = places < end if inner > end else places > end
        filled[beyond] = depths[end] + step * (places[beyond] - end)
    return filled


def _uneven(images: tuple[SliceImage | None, ...]) -> NDArray[np.float64]:
    """Half the way to both neighbours for slices that are not evenly spaced.

    Slices that could not be read are taken to lie evenly between those that could.  NaN without positions, and where
    slices lie at one place: they are no parts of one volume.
    """
    depths = _spread(_depths(images), [image is None for image in images])
    if len(depths) < 2 or (np.abs(np.diff(depths)) < _SAME).any():
        return np.full(len(depths), float("nan"))
    steps: NDArray[np.float64] = np.abs(np.gradient(depths))
    return steps
