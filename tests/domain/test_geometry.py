from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.domain.geometry import Geometry, ImagePlane, direction_letters

SAGITTAL = ImagePlane((12.0, -80.0, 95.0), (0, 1, 0), (0, 0, -1), 0.5, 0.8)


def test_plane_to_patient() -> None:
    # Row 10 is 10 × 0.5 mm towards the feet, column 20 is 20 × 0.8 mm towards the back.
    assert SAGITTAL.to_patient(10, 20) == pytest.approx((12, -64, 90))


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_plane_there_and_back(row: float, column: float) -> None:
    assert SAGITTAL.to_pixel(SAGITTAL.to_patient(row, column)) == pytest.approx((row, column, 0), abs=1e-9)


def test_distance_off_the_plane_is_along_the_normal() -> None:
    assert SAGITTAL.normal == (-1, 0, 0)
    assert SAGITTAL.depth == -12
    assert SAGITTAL.to_pixel((7.0, -80.0, 95.0)) == pytest.approx((0, 0, 5))


def affine(*columns: tuple[float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    matrix = np.eye(4)
    matrix[:3] = np.array(columns).T
    return matrix


def test_geometry_there_and_back_with_a_tilted_gantry() -> None:
    tilt = math.radians(15)
    geometry = Geometry(
        (20, 512, 512), affine((0, 3 * math.sin(tilt), 3 * math.cos(tilt)), (0, 0.7, 0), (0.7, 0, 0), (-90, -80, 40))
    )
    assert geometry.tilt_degrees == pytest.approx(15)
    assert geometry.spacing == pytest.approx((3, 0.7, 0.7))
    assert geometry.to_index(geometry.to_patient((4, 100.5, 33))) == pytest.approx((4, 100.5, 33))


def test_a_geometry_keeps_its_own_affine() -> None:
    matrix = affine((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0))
    geometry = Geometry((1, 2, 3), matrix)
    matrix[0, 0] = 5
    assert geometry.affine_lps[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine_lps[0, 0] = 5


@pytest.mark.parametrize(
    "matrix",
    [np.eye(3), np.full((4, 4), np.nan), affine((0, 0, 1), (0, 0, 2), (1, 0, 0), (0, 0, 0))],
    ids=["shape", "not finite", "flat"],
)
def test_what_is_no_geometry_is_refused(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueError, match="an affine"):
        Geometry((1, 2, 3), matrix)


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"),
        ((-2, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "S"),
        ((0, 0, -1), "I"),
        ((0.9, 0.4, 0), "LP"),
        ((0.4, 0, -0.9), "IL"),
        ((0.98, 0.2, 0), "L"),
        ((0.6, -0.55, 0.58), "LS"),
        ((0, 0, 0), ""),
    ],
)
def test_letters_of_a_direction(direction: tuple[float, float, float], letters: str) -> None:
    assert direction_letters(direction) == letters
