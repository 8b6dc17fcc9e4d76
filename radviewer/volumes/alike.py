"""A volume on the planes of another one, through a rigid displacement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, ImagePlane, Vector
from radviewer.domain.planes import PlaneGrid
from radviewer.domain.volume import SliceImage, Volume
from radviewer.volumes.registration import Affine, moved
from radviewer.volumes.reslice import Interpolation, Reslicer

_EDGE = 0.5 + 1e-6  # of a voxel: how far the outer voxels reach


class Alike:
    """A volume that is looked at on planes which are not its own.

    Parameters
    ----------
    volume : Volume
        Grey and regular.

    Raises
    ------
    ValueError
        If it is not, or no slice of it could be read.

    """

    def __init__(self, volume: Volume) -> None:
        example = next((image for image in volume.slices if image is not None), None)
        if volume.geometry is None or example is None or example.is_colour:
            raise ValueError("only a grey, regular volume can be cut")
        self._geometry: Geometry = volume.geometry
        same = all(image is not None and _meaning(image) == _meaning(example) for image in volume.slices)
        if not same:  # PET: every slice has a slope of its own
            example = replace(example, slope=1.0, intercept=0.0, modality_lut=None, padding=None)
        self._example = replace(example, overlays=(), orientation=None)
        self._reslicer = Reslicer(volume.stored if same else _modality_values(volume), self._geometry)

    def on(self, image: SliceImage, matrix: Affine) -> tuple[SliceImage, NDArray[np.bool_]] | None:
        """Values on the grid of an image of the fixed volume, between voxels linearly.

        Parameters
        ----------
        image : SliceImage
            Of the fixed volume.
        matrix : ndarray, (4, 4)
            Fixed LPS mm → LPS mm of this volume.

        Returns
        -------
        tuple of (SliceImage, ndarray of bool) or None
            On the image's own grid and plane, and where this volume has values; None when the image does not say
            where it lies.

        """
        if image.plane is None:
            return None
        rows, columns = image.stored.shape[:2]
        grid = PlaneGrid(displaced(image.plane, matrix), (rows, columns))
        values = self._reslicer.plane(grid, Interpolation.LINEAR)
        there = replace(self._example, stored=values, plane=image.plane, spacing=image.spacing, aspect=image.aspect)
        inside, padding = self._inside(grid), there.padding_mask()
        return there, inside if padding is None else inside & ~padding

    def _inside(self, grid: PlaneGrid) -> NDArray[np.bool_]:
        """Which pixels of a plane lie in the volume."""
        plane, (rows, columns) = grid.plane, grid.shape
        inverse = np.linalg.inv(self._geometry.affine_lps)[:3]
        along_row = inverse[:, :3] @ np.multiply(plane.row_direction, plane.column_spacing)
        along_column = inverse[:, :3] @ np.multiply(plane.column_direction, plane.row_spacing)
        start = inverse @ (*plane.position, 1.0)
        inside = np.ones((rows, columns), np.bool_)
        for axis, count in enumerate(self._geometry.shape):
            down, across = np.arange(rows)[:, None] * along_column[axis], np.arange(columns) * along_row[axis]
            index = start[axis] + down + across
            inside &= (index >= -_EDGE) & (index <= count - 1 + _EDGE)
        return inside


def displaced(plane: ImagePlane, matrix: Affine) -> ImagePlane:
    """A plane through a rigid displacement."""

    def turned(direction: Vector) -> Vector:
        x, y, z = (float(v) for v in matrix[:3, :3] @ direction)
        return (x, y, z)

    return replace(
        plane,
        position=moved(matrix, plane.position),
        row_direction=turned(plane.row_direction),
        column_direction=turned(plane.column_direction),
    )


def _meaning(image: SliceImage) -> tuple[object, ...]:
    return (image.slope, image.intercept, image.modality_lut, image.padding)


def _modality_values(volume: Volume) -> NDArray[Any]:
    values = np.zeros(volume.stored.shape, np.float32)
    for index, image in enumerate(volume.slices):
        if image is not None:
            values[index] = image.modality_values()
    return values
