"""Planes cut out of a volume, held against an independent interpolation of the same places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.domain.planes import Axes, Orientation, PlaneGrid, Slab, axes_of, planes_through
from radviewer.volumes.reslice import Interpolation, Reslicer

SHAPE = (20, 26, 31)
OUTSIDE = -3000.0
RIGHT_ANGLED = np.array([[0, 0, 0.7, -30], [0, 0.9, 0, 12], [2.5, 0, 0, 400], [0, 0, 0, 1]], float)
SHEARED = np.array([[0.1, 0.02, 0.8, -20], [0.7, 0.9, 0.05, 10], [2.5, 0.05, -0.02, 30], [0, 0, 0, 1]])
LEFT_HANDED = RIGHT_ANGLED @ np.diag([-1.0, 1, 1, 1])
GEOMETRIES = {"right-angled": RIGHT_ANGLED, "sheared": SHEARED, "left-handed": LEFT_HANDED}
TURNED = {"along": (0.0, 0.0), "oblique": (28.0, -17.0)}


def ct(seed: int = 0) -> NDArray[np.int16]:
    """Soft structures between -1000 and 2000 HU."""
    noise = np.random.default_rng(seed).normal(0, 1, SHAPE).astype(np.float32)
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 1.2))
    values = np.interp(smooth, (smooth.min(), smooth.max()), (-1000, 2000))
    whole: NDArray[np.int16] = np.rint(values).astype(np.int16)
    return whole


def turned(geometry: Geometry, degrees: tuple[float, float]) -> Axes:
    return axes_of(geometry).turned(Orientation.AXIAL, degrees[0]).turned(Orientation.CORONAL, degrees[1])


def voxel_places(grid: PlaneGrid, geometry: Geometry, off: float = 0.0) -> NDArray[np.float64]:
    """(3, rows, columns): slice, row and column index of each pixel, `off` mm along the normal."""
    plane = grid.plane
    rows, columns = np.mgrid[: grid.shape[0], : grid.shape[1]]
    points = [
        p + r * columns * plane.column_spacing + c * rows * plane.row_spacing + n * off
        for p, r, c, n in zip(plane.position, plane.row_direction, plane.column_direction, plane.normal, strict=True)
    ]
    back = np.linalg.inv(geometry.affine_lps)
    places: NDArray[np.float64] = np.einsum("ij,jrc->irc", back[:3], np.stack([*points, np.ones(grid.shape)]))
    return places


def trilinear(values: NDArray[Any], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """SimpleITK's linear interpolation at voxel places that lie inside; NaN elsewhere."""
    image = sitk.GetImageFromArray(values.astype(np.float64))
    last = np.array(values.shape)[:, None, None] - 1
    inside = ((places >= 0) & (places <= last)).all(axis=0)
    found = np.full(places.shape[1:], np.nan)
    for row, column in np.argwhere(inside):
        point = image.TransformContinuousIndexToPhysicalPoint(places[::-1, row, column].tolist())
        found[row, column] = image.EvaluateAtPhysicalPoint(point, sitk.sitkLinear)
    return found


@pytest.mark.parametrize("affine", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("degrees", TURNED.values(), ids=TURNED)
@pytest.mark.parametrize("orientation", Orientation)
def test_values_are_those_of_another_library(
    affine: NDArray[np.float64], degrees: tuple[float, float], orientation: Orientation
) -> None:
    values, geometry = ct(), Geometry(SHAPE, affine)
    planes = planes_through(geometry, turned(geometry, degrees).of(orientation))
    grid = planes.grid(planes.count // 2)
    found = Reslicer(values, geometry, OUTSIDE).plane(grid)
    expected = trilinear(values, voxel_places(grid, geometry))
    inside = np.isfinite(expected)
    assert inside.mean() > 0.2
    assert np.abs(found - expected)[inside].max() <= 1.0
    assert found.dtype == values.dtype


def test_along_the_grid_voxels_come_back_as_they_are() -> None:
    values, geometry = ct(), Geometry(SHAPE, RIGHT_ANGLED @ np.diag([1, 1, 9 / 7, 1]))
    planes = planes_through(geometry, axes_of(geometry).of(Orientation.AXIAL))
    for interpolation in Interpolation:
        assert_array_equal(Reslicer(values, geometry, OUTSIDE).plane(planes.grid(6), interpolation), values[6])


@pytest.mark.parametrize("degrees", TURNED.values(), ids=TURNED)
def test_nearest_neighbour_takes_whole_voxels(degrees: tuple[float, float]) -> None:
    mask, geometry = ct() > 700, Geometry(SHAPE, SHEARED)
    planes = planes_through(geometry, turned(geometry, degrees).of(Orientation.CORONAL))
    grid = planes.grid(planes.count // 2)
    places = voxel_places(grid, geometry)
    safe = (np.abs(places - np.rint(places)) < 0.49).all(axis=0)  # not on the border between two voxels
    nearest = np.rint(places).astype(int)
    inside = safe & ((nearest >= 0) & (nearest < np.array(SHAPE)[:, None, None])).all(axis=0)
    found = Reslicer(mask, geometry).plane(grid, Interpolation.NEAREST)
    assert_array_equal(found[inside].astype(bool), mask[tuple(nearest[:, inside])])


@pytest.mark.parametrize("slab", Slab)
@pytest.mark.parametrize("degrees", TURNED.values(), ids=TURNED)
def test_a_slab_is_what_its_planes_make(slab: Slab, degrees: tuple[float, float]) -> None:
    values, geometry = ct(), Geometry(SHAPE, RIGHT_ANGLED @ np.diag([1, 1, 9 / 7, 1]))
    planes = planes_through(geometry, turned(geometry, degrees).of(Orientation.AXIAL))
    grid, thickness = planes.grid(planes.count // 2), 10.0
    found = Reslicer(values, geometry, OUTSIDE).plane(grid, slab=slab, thickness=thickness)
    if degrees == (0.0, 0.0):  # the voxels whose centres lie in the slab
        offsets = [-5.0, -2.5, 0.0, 2.5, 5.0]
    else:
        along = np.linalg.inv(geometry.affine_lps)[:3, :3] @ grid.plane.normal
        count = int(np.ceil(thickness * np.linalg.norm(along) - 1e-6))
        offsets = [(i - (count - 1) / 2) * thickness / count for i in range(count)]
    layers = np.stack([trilinear(values, voxel_places(grid, geometry, off)) for off in offsets])
    expected = {Slab.MIP: layers.max(axis=0), Slab.MINIP: layers.min(axis=0), Slab.MEAN: layers.mean(axis=0)}[slab]
    inside = np.isfinite(expected)
    assert inside.mean() > 0.2
    assert np.abs(found - expected)[inside].max() <= 1.0


@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("orientation", Orientation)
def test_beyond_the_volume_lies_the_value_for_it(interpolation: Interpolation, orientation: Orientation) -> None:
    values, geometry = np.full(SHAPE, 100, np.int16), Geometry(SHAPE, RIGHT_ANGLED)
    planes = planes_through(geometry, turned(geometry, (40.0, 20.0)).of(orientation))
    grid = planes.grid(planes.count // 2)
    places = voxel_places(grid, geometry)
    outer = np.maximum(-places, places - (np.array(SHAPE)[:, None, None] - 1)).max(axis=0)
    found = Reslicer(values, geometry, OUTSIDE).plane(grid, interpolation)
    assert (found[outer > 0.51] == OUTSIDE).all()
    assert (found[outer < 0.49] == 100).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_kind_of_pixel_can_be_cut(dtype: str) -> None:
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 120
    geometry = Geometry(SHAPE, RIGHT_ANGLED)
    grid = planes_through(geometry, axes_of(geometry).of(Orientation.AXIAL)).grid(3)
    found = Reslicer(values.astype(dtype), geometry).plane(grid, Interpolation.NEAREST)
    assert found.dtype == np.dtype(dtype)
    assert found.max() > 100


def test_what_cannot_be_cut_is_refused() -> None:
    geometry = Geometry(SHAPE, RIGHT_ANGLED)
    with pytest.raises(ValueError, match="do not fit"):
        Reslicer(np.zeros((2, 3, 4)), geometry)
    with pytest.raises(ValueError, match="cannot be cut"):
        Reslicer(np.zeros(SHAPE, complex), geometry)


@pytest.mark.parametrize("thickness", [float("nan"), float("inf"), -1.0])
def test_no_thickness_is_a_plane(thickness: float) -> None:
    values, geometry = ct(), Geometry(SHAPE, RIGHT_ANGLED)
    grid = planes_through(geometry, turned(geometry, (10.0, 10.0)).of(Orientation.AXIAL)).grid(9)
    reslicer = Reslicer(values, geometry, OUTSIDE)
    assert_array_equal(reslicer.plane(grid, slab=Slab.MIP, thickness=thickness), reslicer.plane(grid))


def test_the_volume_is_neither_copied_nor_changed() -> None:
    values = ct()
    values.setflags(write=False)
    geometry = Geometry(SHAPE, RIGHT_ANGLED)
    before = values.copy()
    reslicer = Reslicer(values, geometry)
    reslicer.plane(planes_through(geometry, axes_of(geometry).of(Orientation.SAGITTAL)).grid(4))
    assert_array_equal(values, before)


@pytest.mark.parametrize("matrix", GEOMETRIES.values(), ids=GEOMETRIES)
def test_pixels_reach_as_far_as_the_outer_voxels(matrix: NDArray[np.float64]) -> None:
    geometry = Geometry(SHAPE, matrix)
    reslicer = Reslicer(np.ones(SHAPE, np.uint8), geometry)
    for degrees in ((0.0, 0.0), (0.0, 90.0), (180.0, 45.0), (28.0, -17.0), (-131.0, 76.0)):
        for orientation in Orientation:
            planes = planes_through(geometry, turned(geometry, degrees).of(orientation))
            for index in range(0, planes.count, 7):
                grid = planes.grid(index)
                last = np.array(SHAPE)[:, None, None] - 1
                places = voxel_places(grid, geometry)
                beyond = np.maximum(-places, places - last).max(axis=0)
                shown = reslicer.plane(grid, Interpolation.NEAREST) > 0
                sure = np.abs(beyond - 0.5) > 1e-5
                assert_array_equal(shown[sure], (beyond < 0.5)[sure])


def test_planes_of_every_other_voxel_lie_where_planes_of_all_do() -> None:
    affine = np.array([[0, 0.1, 0.8, -40], [0, 0.7, 0, 30], [1.5, 0, 0, 5], [0, 0, 0, 1]])
    geometry = Geometry((20, 130, 128), affine)
    slices, rows, columns = np.indices(geometry.shape)
    values = (3 * slices + 2 * rows + columns).astype(np.int16)  # linear, so thinning loses nothing
    whole = Reslicer(values, geometry, -1000)
    thinned = whole.thinned()
    axes = axes_of(geometry).turned(Orientation.AXIAL, 20)
    planes = planes_through(geometry, axes.of(Orientation.CORONAL))
    grid = planes.grid(planes.count // 2)
    every, other = whole.plane(grid).astype(np.int32), thinned.plane(grid).astype(np.int32)
    both = (every > -1000) & (other > -1000)
    assert both.sum() > 0.9 * (every > -1000).sum() > 0
    assert np.abs(every - other)[both].max() <= 1


def test_a_small_volume_is_not_thinned() -> None:
    geometry = Geometry((3, 60, 60), np.eye(4))
    reslicer = Reslicer(np.zeros(geometry.shape, np.int16), geometry)
    assert reslicer.thinned() is reslicer
