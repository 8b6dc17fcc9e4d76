"""Surfaces of masks: closed, smooth, of the same volume as the voxels, in patient LPS mm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.errors import NothingToRead
from radviewer.volumes.blocks import block_mean, blocks_affine, coarsest_fitting

MOST_VOXELS = 16_000_000
"""Of the box around a mask; larger ones are made coarser first."""
MOST_TRIANGLES = 300_000

_ITERATIONS = 20
_PASS_BAND = 0.06  # of the windowed sinc filter: lower is smoother (Taubin 1995)
_MOST_RESCALE = 1.3  # beyond it a shape is too thin to be smoothed, and stays as its voxels are

Points = NDArray[np.float64]
Triangles = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A closed surface.

    Attributes
    ----------
    points : ndarray of float32, shape (n, 3)
        Patient LPS in mm.
    triangles : ndarray of int32, shape (m, 3)
        Indices of points, counter-clockwise seen from outside.
    voxel_ml : float
        Volume of the mask's voxels.
    note : str
        A sentence where the surface is coarser than the mask; else "".

    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    voxel_ml: float
    note: str = ""

    @property
    def enclosed_ml(self) -> float:
        """Volume the surface encloses."""
        return float(_cones(self.points.astype(np.float64), self.triangles.astype(np.int64)).sum()) / 1000

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of the box around it, LPS mm."""
        middle: NDArray[np.float64] = (self.points.min(axis=0).astype(np.float64) + self.points.max(axis=0)) / 2
        return middle


def voxel_ml(mask: NDArray[np.bool_], geometry: Geometry) -> float:
    """Volume of a mask's voxels in ml."""
    return int(np.count_nonzero(mask)) * abs(float(np.linalg.det(geometry.affine_lps[:3, :3]))) / 1000


def surface_of(mask: NDArray[np.bool_], geometry: Geometry) -> Surface:
    """Surface of a mask.

    The voxels' own surface (surface nets: Gibson 1998) is smoothed with a windowed sinc filter, and each of its
    closed parts, cavities too, is brought back to the volume it had.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        On the grid of `geometry`; may touch its border.
    geometry : Geometry
        Also sheared or left-handed.

    Raises
    ------
    NothingToRead
        If the mask is empty.
    ValueError
        If mask and geometry have different shapes.

    """
    if mask.shape != geometry.shape:
        raise ValueError(f"a mask of {mask.shape} does not lie on a grid of {geometry.shape}")
    part, corner = _cropped(mask)
    factors = _factors(part, geometry)
    affine = geometry.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ corner
    note = ""
    if max(factors) > 1:
        part = _coarser(part, factors)
        affine = blocks_affine(affine, factors)
        note = f"The surface was made on blocks of {' × '.join(map(str, factors))} voxels (slice, row, column)."
    count = int(np.count_nonzero(mask))
    points, triangles = _smooth_mesh(part, count / math.prod(factors))
    # the mesh has (column, row, slice), the affine takes (slice, row, column)
    patient = (points[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    if np.linalg.det(affine[:3, 2::-1]) < 0:
        triangles = triangles[:, ::-1]
    return Surface(patient, np.ascontiguousarray(triangles, np.int32), voxel_ml(mask, geometry), note)


def _cropped(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Box around the mask, and the index of its corner."""
    ends = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        touched = np.flatnonzero(mask.any(axis=others))
        if not touched.size:
            raise NothingToRead("This outline is empty: there is no surface to show.")
        ends.append((int(touched[0]), int(touched[-1]) + 1))
    box = tuple(slice(*end) for end in ends)
    return mask[box], np.array([end[0] for end in ends], np.float64)


def _factors(part: NDArray[np.bool_], geometry: Geometry) -> tuple[int, int, int]:
    """Voxels per block and axis that keep voxels and triangles within their limits."""
    limit, triangles = MOST_VOXELS, 2 * _faces(part)
    if triangles > MOST_TRIANGLES:  # their number goes with the square of the blocks' edges
        limit = min(limit, max(1000, int(part.size * (MOST_TRIANGLES / triangles) ** 1.5)))
    return coarsest_fitting(part.shape, geometry.spacing, limit)


def _faces(part: NDArray[np.bool_]) -> int:
    """Voxel faces on the surface, about: counted in some of the slices."""
    step = max(1, len(part) // 32)
    some, following = part[:-1:step], part[1::step]
    if not len(some):
        some = following = part
    count = sum(int(np.count_nonzero(np.diff(some, axis=axis))) for axis in (1, 2))
    return (count + int(np.count_nonzero(some != following))) * step


def _coarser(part: NDArray[np.bool_], factors: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Blocks at least half of which lie in the mask; of a mask with no such block, those it touches."""
    share = block_mean(part, factors)
    half = share >= 0.5
    return half if half.any() else share > 0


def _smooth_mesh(part: NDArray[np.bool_], voxels: float) -> tuple[Points, Triangles]:
    """Points ``(column, row, slice)`` and triangles, outward in that frame, enclosing `voxels`."""
    raw, triangles, regions = _net(part)
    smooth = _filtered(raw, triangles)
    many = int(regions.max()) + 1
    of_triangle = regions[triangles[:, 0]]
    before = np.bincount(of_triangle, _cones(raw, triangles), many)
    before *= voxels / max(before.sum(), 1e-9)
    after = np.bincount(of_triangle, _cones(smooth, triangles), many)
    ratio = before / np.where(after == 0, np.nan, after)
    factor = np.cbrt(np.where(np.isfinite(ratio), ratio, -1.0))
    kept = (factor > 1 / _MOST_RESCALE) & (factor < _MOST_RESCALE)
    factor[~kept] = 1.0
    sizes = np.maximum(np.bincount(regions, minlength=many), 1)
    centres = np.stack([np.bincount(regions, smooth[:, i], many) / sizes for i in range(3)], axis=1)[regions]
    rescaled = centres + (smooth - centres) * factor[regions, None]
    return np.where(kept[regions, None], rescaled, raw), triangles


def _net(part: NDArray[np.bool_]) -> tuple[Points, Triangles, NDArray[np.int64]]:
    """The voxels' own surface: points, triangles, and the number of the closed part each point belongs to."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

    padded = np.pad(part.view(np.uint8), 1)  # a mask that touches the border is closed there
    image = vtkImageData()
    image.SetDimensions(padded.shape[::-1])
    image.SetOrigin(-1, -1, -1)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel()))
    net = vtkSurfaceNets3D()
    net.SetInputData(image)
    net.SetValue(0, 1)
    net.SmoothingOff()
    net.SetOutputMeshTypeToTriangles()
    net.Update()  # without Python's lock: the window goes on
    points = vtk_to_numpy(net.GetOutput().GetPoints().GetData())
    triangles = vtk_to_numpy(net.GetOutput().GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return _parts(*_joined(points, triangles, padded.shape))


def _joined(points: NDArray[Any], triangles: NDArray[Any], shape: tuple[int, ...]) -> tuple[Points, Triangles]:
    """Points that lie in one place made one: where voxels meet in a corner only, the net has several."""
    places = np.rint(2 * (points[:, ::-1].astype(np.float64) + 1)).astype(np.int64)  # in half voxels
    numbers = np.ravel_multi_index(tuple(places.T), tuple(2 * n for n in shape))
    _, first, number = np.unique(numbers, return_index=True, return_inverse=True)
    return points[first].astype(np.float64), number.ravel()[triangles]


def _parts(points: Points, triangles: Triangles) -> tuple[Points, Triangles, NDArray[np.int64]]:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkPolyDataConnectivityFilter

    from radviewer.volumes.meshes import poly_data

    parts = vtkPolyDataConnectivityFilter()
    parts.SetInputData(poly_data(points, triangles))
    parts.SetExtractionModeToAllRegions()
    parts.ColorRegionsOn()
    parts.Update()
    found = parts.GetOutput()
    points = vtk_to_numpy(found.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    regions = vtk_to_numpy(found.GetPointData().GetArray("RegionId"))[: len(points)]  # the rest is of unused points
    return points, triangles, regions.astype(np.int64)


def _filtered(points: Points, triangles: Triangles) -> Points:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    from radviewer.volumes.meshes import poly_data

    smoothing = vtkWindowedSincPolyDataFilter()
    smoothing.SetInputData(poly_data(points, triangles))
    smoothing.SetNumberOfIterations(_ITERATIONS)
    smoothing.SetPassBand(_PASS_BAND)
    smoothing.NormalizeCoordinatesOn()
    smoothing.FeatureEdgeSmoothingOff()
    smoothing.BoundarySmoothingOff()
    smoothing.NonManifoldSmoothingOn()
    smoothing.Update()
    smooth: Points = vtk_to_numpy(smoothing.GetOutput().GetPoints().GetData()).astype(np.float64)
    return smooth


def _cones(points: Points, triangles: Triangles) -> NDArray[np.float64]:
    """Signed volume between each triangle and the middle of all points: their sum is what is enclosed."""
    middle = points.mean(axis=0)
    a, b, c = (points[triangles[:, i]] - middle for i in range(3))
    cones: NDArray[np.float64] = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    return cones
