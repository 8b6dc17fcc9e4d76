"""Planes cut out of a volume, with or without a slab around them (VTK's `vtkImageReslice`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkImagingCore import vtkImageReslice

from radviewer.domain.geometry import Geometry
from radviewer.domain.planes import PlaneGrid, Slab

MOST_SAMPLES = 256
"""Planes that a slab is made of, at most."""

_ALIGNED = 1e-6
_EDGE = 0.5 + 1e-6  # of a voxel: how far the outer voxels reach
_LONG = 128  # voxels along an axis of which every other one still shows what is there


class Interpolation(Enum):
    """How values between voxels are made."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


class Reslicer:
    """Cuts planes out of one volume, which it neither copies nor changes.

    Parameters
    ----------
    values : ndarray, (slices, rows, columns)
        Stored values, any integer or floating dtype in native byte order, or bool.
    geometry : Geometry
        Of the same shape; sheared grids (gantry tilt) are cut where they lie.
    outside : float
        What pixels beyond the volume show.

    Raises
    ------
    ValueError
        If shape and geometry do not fit, or the values are no numbers.

    """

    def __init__(self, values: NDArray[Any], geometry: Geometry, outside: float = 0.0) -> None:
        if values.shape != geometry.shape:
            raise ValueError(f"values of shape {values.shape} do not fit a geometry of {geometry.shape}")
        flat = np.ascontiguousarray(values)
        flat = flat.view(np.uint8) if flat.dtype == np.bool_ else flat
        if flat.dtype.kind not in "iuf" or flat.dtype.itemsize > 8 or flat.dtype == np.float16:
            raise ValueError(f"values of type {values.dtype} cannot be cut")
        self._values = flat  # VTK looks into its memory
        self._geometry = geometry
        self._to_index = np.linalg.inv(geometry.affine_lps)
        self.outside = outside
        image = vtkImageData()
        slices, rows, columns = geometry.shape
        image.SetDimensions(columns, rows, slices)
        image.GetPointData().SetScalars(numpy_to_vtk(flat.reshape(-1), deep=False))
        self._image = image

    def thinned(self) -> Reslicer:
        """Of every other voxel along the longer axes: its planes need an eighth of the memory's pages to be read."""
        steps = [2 if count >= _LONG else 1 for count in self._geometry.shape]
        if steps == [1, 1, 1]:
            return self
        values = np.ascontiguousarray(self._values[:: steps[0], :: steps[1], :: steps[2]])
        affine = self._geometry.affine_lps @ np.diag([*map(float, steps), 1.0])  # the first voxel stays where it is
        return Reslicer(values, Geometry((values.shape[0], values.shape[1], values.shape[2]), affine), self.outside)

    def plane(
        self,
        grid: PlaneGrid,
        interpolation: Interpolation = Interpolation.LINEAR,
        slab: Slab = Slab.MEAN,
        thickness: float = 0.0,
        coarse: float = 1.0,
    ) -> NDArray[Any]:
        """Values on a plane.

        Parameters
        ----------
        grid : PlaneGrid
            Where the pixels' centres lie, LPS mm.
        interpolation : Interpolation
            Nearest neighbour for masks; whole numbers are rounded.
        slab : Slab
            How values across the thickness become one.
        thickness : float
            In mm, half of it on either side; up to a voxel's size it is the plane alone.
        coarse : float
            Voxels along the thickness that one sample stands for; more than 1 is faster and less exact.

        Returns
        -------
        ndarray, (rows, columns)
            In the volume's dtype (uint8 for bool); `outside` beyond the outer voxels.

        """
        matrix = self._matrix(grid)
        thin = self._thin(matrix, slab, thickness)
        if thin is not None:
            return thin.plane(grid, interpolation)
        samples, apart = self._samples(grid, thickness, coarse)
        reslice = vtkImageReslice()
        reslice.SetInputData(self._image)
        axes = vtkMatrix4x4()
        full = matrix.copy()
        full[:3, 2] *= apart
        axes.DeepCopy(full.reshape(-1).tolist())
        reslice.SetResliceAxes(axes)
        rows, columns = grid.shape
        reslice.SetOutputSpacing(1, 1, 1)
        reslice.SetOutputOrigin(0, 0, 0)
        reslice.SetOutputExtent(0, columns - 1, 0, rows - 1, 0, 0)
        reslice.SetBackgroundLevel(self.outside)
        _SET_INTERPOLATION[interpolation](reslice)
        if samples > 1:
            _SET_SLAB[slab](reslice)
            reslice.SetSlabNumberOfSlices(samples)
        reslice.Update()
        found = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars()).reshape(rows, columns)
        # VTK's own borders differ between its ways of interpolating: one rule for all.
        cut: NDArray[Any] = np.where(self._inside(matrix, grid.shape), found, found.dtype.type(self.outside))
        return cut

    def _thin(self, matrix: NDArray[np.float64], slab: Slab, thickness: float) -> Reslicer | None:
        """One layer of voxels that stands for a slab along an axis of the grid: much faster than cutting each plane.

        It holds the voxels whose centres lie in the slab.  None without a slab, and for planes whose pixels are not
        voxels.
        """
        normal = matrix[:3, 2]
        axis = int(np.abs(normal).argmax())
        steps = np.delete(matrix[:3], axis, axis=0)[:, [0, 1, 3]]
        crosses = np.abs(np.delete(normal, axis)).max() > _ALIGNED or np.abs(matrix[axis, :2]).max() > _ALIGNED
        between = np.abs(steps - np.rint(steps)).max() > _ALIGNED  # the greatest of values between voxels is another
        if crosses or between or not math.isfinite(thickness) or thickness * abs(normal[axis]) <= 1:
            return None
        place = 2 - axis  # of the axis in (slice, row, column)
        middle, half = matrix[axis, 3], thickness * abs(normal[axis]) / 2
        first = max(0, math.ceil(middle - half - 1e-6))
        last = min(self._geometry.shape[place] - 1, math.floor(middle + half + 1e-6))
        if last < first:
            return None
        layers = self._values[(slice(None),) * place + (slice(first, last + 1),)]
        shape = [*self._geometry.shape]
        shape[place] = 1
        start = [0.0, 0.0, 0.0, 1.0]
        start[place] = middle  # the layer lies on the plane itself
        affine = self._geometry.affine_lps.copy()
        affine[:, 3] = self._geometry.affine_lps @ start
        geometry = Geometry((shape[0], shape[1], shape[2]), affine)
        return Reslicer(_REDUCED[slab](layers, place), geometry, self.outside)

    def _matrix(self, grid: PlaneGrid) -> NDArray[np.float64]:
        """Pixel ``(column, row, mm along the normal, 1)`` → voxel ``(column, row, slice, 1)``."""
        plane = grid.plane
        matrix = np.eye(4)
        matrix[:3, 0] = np.array(plane.row_direction) * plane.column_spacing
        matrix[:3, 1] = np.array(plane.column_direction) * plane.row_spacing
        matrix[:3, 2] = plane.normal
        matrix[:3, 3] = plane.position
        index = self._to_index @ matrix
        matrix[...] = index[[2, 1, 0, 3]]
        return matrix

    def _samples(self, grid: PlaneGrid, thickness: float, coarse: float) -> tuple[int, float]:
        """How many planes a slab is made of, and how many mm lie between them."""
        along = self._to_index[:3, :3] @ np.array(grid.plane.normal)
        voxel = 1 / float(np.linalg.norm(along))  # mm from one voxel to the next along the normal
        if not math.isfinite(thickness) or thickness <= voxel:
            return 1, voxel
        samples = min(MOST_SAMPLES, max(2, math.ceil(thickness / voxel / coarse - 1e-6)))
        return samples, thickness / samples

    def _inside(self, matrix: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Which pixels lie in the volume: in each row those from one column to another, as a volume has no bays."""
        rows, columns = np.arange(shape[0]), np.arange(shape[1])
        first, end = np.zeros(shape[0], np.intp), np.full(shape[0], shape[1], np.intp)
        for axis, count in enumerate(self._geometry.shape[::-1]):
            along, start = matrix[axis, 0] * columns, matrix[axis, 1] * rows + matrix[axis, 3]
            low, high = -_EDGE - start, count - 1 + _EDGE - start
            if matrix[axis, 0] >= 0:
                entered, left = np.searchsorted(along, low, "left"), np.searchsorted(along, high, "right")
            else:
                entered, left = np.searchsorted(-along, -high, "left"), np.searchsorted(-along, -low, "right")
            np.maximum(first, entered, out=first)
            np.minimum(end, left, out=end)
        inside: NDArray[np.bool_] = (columns >= first[:, None]) & (columns < end[:, None])
        return inside


_SET_INTERPOLATION = {
    Interpolation.NEAREST: vtkImageReslice.SetInterpolationModeToNearestNeighbor,
    Interpolation.LINEAR: vtkImageReslice.SetInterpolationModeToLinear,
    Interpolation.CUBIC: vtkImageReslice.SetInterpolationModeToCubic,
}
_SET_SLAB = {
    Slab.MIP: vtkImageReslice.SetSlabModeToMax,
    Slab.MINIP: vtkImageReslice.SetSlabModeToMin,
    Slab.MEAN: vtkImageReslice.SetSlabModeToMean,
}


def _mean(layers: NDArray[Any], axis: int) -> NDArray[Any]:
    mean: NDArray[Any] = layers.mean(axis=axis, keepdims=True, dtype=np.float64)
    return (np.rint(mean) if layers.dtype.kind in "iu" else mean).astype(layers.dtype)


_REDUCED: dict[Slab, Callable[[NDArray[Any], int], NDArray[Any]]] = {
    Slab.MIP: lambda layers, axis: layers.max(axis=axis, keepdims=True),
    Slab.MINIP: lambda layers, axis: layers.min(axis=axis, keepdims=True),
    Slab.MEAN: _mean,
}
