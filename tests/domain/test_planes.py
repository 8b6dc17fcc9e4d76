"""Planes through a volume: named after the patient, along the grid, covering all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, direction_letters
from radviewer.domain.planes import LONGEST_SIDE, Axes, Orientation, axes_of, planes_through


def geometry(
    shape: tuple[int, int, int] = (30, 40, 50),
    step: tuple[float, float, float] = (0, 0, 2.5),
    row: tuple[float, float, float] = (0, 0.8, 0),
    column: tuple[float, float, float] = (0.8, 0, 0),
) -> Geometry:
    """Affine from the steps of a slice, a row index and a column index."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([step, row, column]).T
    affine[:3, 3] = (-12.5, 31.0, 200.0)
    return Geometry(shape, affine)


Steps = dict[str, Any]

SAGITTAL: Steps = {"step": (3.0, 0, 0), "row": (0, 0, -0.9), "column": (0, 0.9, 0)}
UPSIDE_DOWN: Steps = {"step": (0, 0, -2.5), "row": (0, -0.8, 0), "column": (0.8, 0, 0)}
TILTED: Steps = {"step": (0, 0.6, 2.4), "row": (0, 0.8, 0), "column": (0.8, 0, 0)}
OBLIQUE: Steps = {"step": (0.1, -0.6, 3.0), "row": (0.02, 0.88, 0.18), "column": (0.9, -0.01, -0.03)}


@pytest.mark.parametrize("steps", [{}, SAGITTAL, UPSIDE_DOWN, TILTED, OBLIQUE], ids=str)
def test_directions_carry_the_patients_names(steps: Steps) -> None:
    axes = axes_of(geometry(**steps))
    letters = [direction_letters(v)[0] for v in (axes.left, axes.posterior, axes.superior)]
    assert letters == ["L", "P", "S"]
    square = np.array([axes.left, axes.posterior, axes.superior])
    assert_allclose(square @ square.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(square) == pytest.approx(1)


def test_with_gantry_tilt_axial_planes_stand_on_the_step() -> None:
    axes = axes_of(geometry(**TILTED))
    assert_allclose(axes.superior, np.array([0, 0.6, 2.4]) / np.hypot(0.6, 2.4), atol=1e-9)


@pytest.mark.parametrize(
    ("orientation", "right", "down"),
    [(Orientation.AXIAL, "L", "P"), (Orientation.CORONAL, "L", "I"), (Orientation.SAGITTAL, "P", "I")],
)
def test_planes_hang_as_images_do(orientation: Orientation, right: str, down: str) -> None:
    plane = planes_through(geometry(**SAGITTAL), axes_of(geometry(**SAGITTAL)).of(orientation)).first.plane
    assert direction_letters(plane.row_direction) == right
    assert direction_letters(plane.column_direction) == down


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_every_voxel_lies_within_the_planes(orientation: Orientation, degrees: float) -> None:
    grid = geometry(**OBLIQUE)
    axes = axes_of(grid).turned(Orientation.AXIAL, degrees).turned(Orientation.SAGITTAL, degrees / 3)
    planes = planes_through(grid, axes.of(orientation))
    rows, columns = planes.first.shape
    for corner in _corners(grid):
        row, column, distance = planes.first.plane.to_pixel(corner)
        assert -1e-3 <= row <= rows - 1 + 1e-3
        assert -1e-3 <= column <= columns - 1 + 1e-3
        off = np.dot(planes.normal, np.array(corner) - planes.first.plane.position)
        assert -1e-3 <= off <= (planes.count - 1) * planes.step + 1e-3
        assert abs(distance) == pytest.approx(abs(off), abs=1e-6)


def _corners(grid: Geometry) -> list[tuple[float, float, float]]:
    ends = [(0.0, n - 1.0) for n in grid.shape]
    return [grid.to_patient((s, r, c)) for s in ends[0] for r in ends[1] for c in ends[2]]


def test_along_the_grid_the_planes_are_the_slices() -> None:
    grid = geometry()
    planes = planes_through(grid, axes_of(grid).of(Orientation.AXIAL))
    assert (planes.count, planes.first.shape, planes.step) == (30, (40, 50), 2.5)
    assert_allclose(planes.grid(7).plane.position, grid.to_patient((7, 0, 0)), atol=1e-9)
    assert planes.nearest(grid.to_patient((11.3, 20, 20))) == 11
    assert planes.nearest((0.0, 0.0, -1e6)) == 0
    coronal = planes_through(grid, axes_of(grid).of(Orientation.CORONAL))
    assert (coronal.step, coronal.first.plane.row_spacing) == (0.8, 0.8)


def test_an_anchor_lies_on_a_pixel_of_a_plane() -> None:
    grid = geometry(**OBLIQUE)
    anchor = grid.to_patient((10.2, 17.9, 3.3))
    planes = planes_through(grid, axes_of(grid).turned(Orientation.CORONAL, 33).of(Orientation.CORONAL), anchor)
    row, column, distance = planes.grid(planes.nearest(anchor)).plane.to_pixel(anchor)
    assert_allclose([row, column, distance], np.rint([row, column, 0]), atol=1e-6)


def test_absurd_voxels_make_no_endless_planes() -> None:
    grid = geometry(shape=(300, 512, 512), step=(0, 0, 200.0), row=(0, 0.05, 0), column=(0.05, 0, 0))
    for orientation in Orientation:
        planes = planes_through(grid, axes_of(grid).of(orientation))
        assert max(*planes.first.shape, planes.count) <= LONGEST_SIDE + 1
        assert planes.first.plane.row_spacing * planes.first.shape[0] < 70_000


def test_turning_keeps_right_angles_and_goes_back() -> None:
    turned = Axes().turned(Orientation.SAGITTAL, 31).turned(Orientation.AXIAL, -12)
    assert turned.is_oblique
    assert not Axes().turned(Orientation.AXIAL, 0.5).is_oblique
    back: NDArray[np.float64] = np.array(turned.turned(Orientation.AXIAL, 12).left)
    assert_allclose(back, Axes().turned(Orientation.SAGITTAL, 31).left, atol=1e-9)


def test_a_turn_is_right_handed() -> None:
    turned = Axes().turned(Orientation.AXIAL, 90)  # about superior: left goes to posterior
    assert_allclose(turned.left, (0, 1, 0), atol=1e-9)


@pytest.mark.parametrize("orientation", Orientation)
def test_a_plane_turned_about_its_normal_is_seen_as_before(orientation: Orientation) -> None:
    base = axes_of(geometry(**OBLIQUE))
    turned = base.turned(orientation, 25)
    for seen, before in zip(turned.upright(orientation, base), base.of(orientation), strict=True):
        assert_allclose(seen, before, atol=1e-9)


@pytest.mark.parametrize("orientation", Orientation)
def test_upright_directions_are_right_angled_and_on_the_plane(orientation: Orientation) -> None:
    base = Axes()
    turned = base.turned(Orientation.CORONAL, 35).turned(Orientation.AXIAL, -50).turned(Orientation.SAGITTAL, 15)
    across, down, along = (np.array(v) for v in turned.upright(orientation, base))
    square = np.array([across, down, along])
    assert_allclose(square @ square.T, np.eye(3), atol=1e-9)
    assert_allclose(along, turned.of(orientation)[2], atol=1e-9)
    own = np.cross(*turned.of(orientation)[:2])
    assert_allclose(np.cross(across, down), own, atol=1e-9)  # never a mirror image
    assert across[0] > 0 or orientation is Orientation.SAGITTAL


def test_a_plane_that_stands_on_what_was_up_keeps_its_own_directions() -> None:
    turned = Axes().turned(Orientation.SAGITTAL, 90)  # the coronal plane lies flat
    assert turned.upright(Orientation.CORONAL, Axes()) == turned.of(Orientation.CORONAL)
