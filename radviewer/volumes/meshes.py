"""Triangles as VTK takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData


def poly_data(points: NDArray[Any], triangles: NDArray[Any]) -> vtkPolyData:
    """Copy points ``(n, 3)`` and triangles ``(m, 3)`` into a vtkPolyData."""
    places = vtkPoints()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    cells = vtkCellArray()
    connectivity = numpy_to_vtkIdTypeArray(np.ascontiguousarray(triangles, np.int64).ravel(), deep=True)
    offsets = numpy_to_vtkIdTypeArray(np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int64), deep=True)
    cells.SetData(offsets, connectivity)
    made = vtkPolyData()
    made.SetPoints(places)
    made.SetPolys(cells)
    return made
