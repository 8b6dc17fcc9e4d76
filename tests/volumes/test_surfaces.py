"""Surfaces enclose what the voxels fill, are closed, and lie in the patient where the voxels lie."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.errors import NothingToRead
from radviewer.volumes import surfaces
from radviewer.volumes.surfaces import Surface, surface_of, voxel_ml

Mask = NDArray[np.bool_]

ANISOTROPIC = np.array([[0, 0, 0.7, -20], [0, 0.9, 0, 30], [5.0, 0, 0, 400], [0, 0, 0, 1]], np.float64)
TILTED = np.array([[0, 0, 0.7, 0], [1.8, 0.9, 0, 0], [4.5, 0, 0, 0], [0, 0, 0, 1]], np.float64)
CUBIC = np.array([[0, 0, 1, 5], [0, 1, 0, 6], [1, 0, 0, 7], [0, 0, 0, 1]], np.float64)
LEFT_HANDED = ANISOTROPIC @ np.diag([-1.0, 1, 1, 1])
AFFINES = {"cubic": CUBIC, "anisotropic": ANISOTROPIC, "tilted": TILTED, "left-handed": LEFT_HANDED}


def ellipsoid(shape: tuple[int, int, int], middle: tuple[float, ...], radii: tuple[float, ...]) -> Mask:
    """Voxels whose centres lie in an ellipsoid, all in voxels."""
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    distance = sum(((axis - m) / r) ** 2 for axis, m, r in zip(grid, middle, radii, strict=True))
    found: Mask = np.asarray(distance <= 1)
    return found


def geometry(mask: Mask, affine: NDArray[np.float64]) -> Geometry:
    return Geometry((mask.shape[0], mask.shape[1], mask.shape[2]), affine)


SHAPES = {
    "sphere": ellipsoid((24, 26, 28), (12, 12, 13), (8, 8, 8)),
    "ellipsoid": ellipsoid((30, 30, 40), (14, 15, 19), (5, 9, 17)),
    "at the border": ellipsoid((16, 20, 24), (2, 3, 12), (9, 9, 9)),
    "fills the grid": np.ones((6, 10, 12), np.bool_),
    "two parts": ellipsoid((20, 20, 40), (9, 9, 9), (6, 6, 6)) | ellipsoid((20, 20, 40), (9, 9, 30), (4, 4, 4)),
    "with a cavity": ellipsoid((24, 24, 24), (12, 12, 12), (10, 10, 10))
    & ~ellipsoid((24, 24, 24), (12, 12, 12), (5, 5, 5)),
}


def edges(surface: Surface) -> NDArray[np.int64]:
    """How often each directed edge is met less how often its opposite is: all 0 when it is closed."""
    t = surface.triangles.astype(np.int64)
    directed = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    sign = np.where(directed[:, 0] < directed[:, 1], 1, -1)
    _, which = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    return np.bincount(which.ravel(), sign).astype(np.int64)


@pytest.mark.parametrize("affine", AFFINES)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_closed_and_encloses_the_voxels_volume(shape: str, affine: str) -> None:
    mask = SHAPES[shape]
    assert mask.sum() >= 500
    surface = surface_of(mask, geometry(mask, AFFINES[affine]))
    assert not edges(surface).any()
    exact = mask.sum() * abs(np.linalg.det(AFFINES[affine][:3, :3])) / 1000
    assert surface.voxel_ml == pytest.approx(exact)
    assert surface.enclosed_ml == pytest.approx(exact, rel=0.005)  # positive: the normals look outward
    assert surface.note == ""


@pytest.mark.parametrize("affine", AFFINES)
def test_it_lies_where_the_voxels_lie(affine: str) -> None:
    mask = ellipsoid((20, 30, 40), (12, 10, 25), (6, 7, 9))
    grid = geometry(mask, AFFINES[affine])
    surface = surface_of(mask, grid)
    inverse = np.linalg.inv(grid.affine_lps)
    index = surface.points.astype(np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
    radius = np.sqrt((((index - (12, 10, 25)) / (6, 7, 9)) ** 2).sum(axis=1))
    assert np.abs(radius - 1).max() < 0.16  # a voxel is a sixth of the shortest axis
    assert abs(radius.mean() - 1) < 0.03


def test_it_is_smoother_than_the_voxels() -> None:
    mask = SHAPES["sphere"]
    surface = surface_of(mask, geometry(mask, CUBIC))
    radius = np.linalg.norm(surface.points - np.array((18, 18, 19)), axis=1)
    assert radius.std() < 0.25  # of the voxels' corners: 0.36


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_few_voxels_keep_their_volume(size: int) -> None:
    mask = np.zeros((5, 5, 5), np.bool_)
    mask[1 : 1 + size, 2, 2] = True
    surface = surface_of(mask, geometry(mask, ANISOTROPIC))
    assert surface.enclosed_ml == pytest.approx(surface.voxel_ml, rel=1e-3)


def test_a_sheet_one_voxel_thick_keeps_its_volume() -> None:
    mask = ellipsoid((9, 40, 40), (4, 20, 20), (0.5, 18, 18))
    surface = surface_of(mask, geometry(mask, CUBIC))
    assert surface.enclosed_ml == pytest.approx(surface.voxel_ml, rel=0.02)


def test_voxels_that_meet_in_a_corner_are_closed() -> None:
    mask = np.random.default_rng(3).random((12, 13, 14)) > 0.6
    surface = surface_of(mask, geometry(mask, CUBIC))
    assert not edges(surface).any()
    assert surface.enclosed_ml == pytest.approx(surface.voxel_ml, rel=0.02)


@pytest.mark.parametrize("limit", ["MOST_VOXELS", "MOST_TRIANGLES"])
def test_a_huge_mask_is_made_coarser_and_says_so(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = ellipsoid((50, 60, 70), (25, 30, 35), (20, 25, 30))
    fine = surface_of(mask, geometry(mask, ANISOTROPIC))
    monkeypatch.setattr(surfaces, limit, 12_000)
    coarse = surface_of(mask, geometry(mask, ANISOTROPIC))
    assert len(coarse.triangles) < 0.6 * len(fine.triangles)
    assert "blocks" in coarse.note
    assert coarse.voxel_ml == fine.voxel_ml
    assert coarse.enclosed_ml == pytest.approx(fine.voxel_ml, rel=0.005)
    assert coarse.centre == pytest.approx(fine.centre, abs=1.5)


def test_an_empty_mask_is_said() -> None:
    mask = np.zeros((4, 5, 6), np.bool_)
    with pytest.raises(NothingToRead, match="empty"):
        surface_of(mask, geometry(mask, CUBIC))


def test_a_mask_of_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lie on a grid"):
        surface_of(np.ones((4, 5, 6), np.bool_), Geometry((5, 5, 6), CUBIC))


def test_volume_of_voxels() -> None:
    mask = np.ones((10, 10, 10), np.bool_)
    assert voxel_ml(mask, geometry(mask, TILTED)) == pytest.approx(0.7 * 0.9 * 4.5)
