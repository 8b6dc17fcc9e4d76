"""Where planes cut each other."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.domain.geometry import ImagePlane
from radviewer.render.reference_lines import reference_line

AXIAL = ImagePlane((-100, -100, 40), (1, 0, 0), (0, 1, 0), 0.5, 0.5)
SAGITTAL = ImagePlane((10, -50, 100), (0, 1, 0), (0, 0, -1), 1.0, 2.0)


def test_axial_on_sagittal() -> None:
    line = reference_line(SAGITTAL, AXIAL, (400, 300))
    assert line is not None
    # z = 40 lies 60 rows down; y from −100.25 to 99.75 is (y + 50) / 2 columns.
    (r0, c0), (r1, c1) = line
    assert (r0, r1) == pytest.approx((60, 60))
    assert sorted((c0, c1)) == pytest.approx([(-100.25 + 50) / 2, (99.75 + 50) / 2])


def test_sagittal_on_axial() -> None:
    line = reference_line(AXIAL, SAGITTAL, (100, 50))
    assert line is not None
    (r0, c0), (r1, c1) = line
    assert (c0, c1) == pytest.approx((220, 220))  # x = 10
    assert sorted((r0, r1)) == pytest.approx([(-51 + 100) / 0.5, (49 + 100) / 0.5])


def test_parallel_planes_have_no_line() -> None:
    assert reference_line(AXIAL, replace(AXIAL, position=(0, 0, 90)), (10, 10)) is None
    assert reference_line(AXIAL, AXIAL, (10, 10)) is None
    small = math.radians(0.3)
    almost = replace(AXIAL, row_direction=(math.cos(small), 0, math.sin(small)))
    assert reference_line(AXIAL, almost, (10, 10)) is None


def test_an_image_that_does_not_reach_the_plane_has_no_line() -> None:
    assert reference_line(AXIAL, SAGITTAL, (59, 50)) is None
    assert reference_line(AXIAL, SAGITTAL, (61, 50)) is not None


@given(st.floats(-3, 3), st.floats(0.2, 1.3), st.floats(-40, 40))
def test_both_ends_lie_on_both_planes(turn: float, lean: float, shift: float) -> None:
    row = (math.cos(turn), math.sin(turn), 0.0)
    column = (-math.sin(turn) * math.cos(lean), math.cos(turn) * math.cos(lean), math.sin(lean))
    other = ImagePlane((shift, -shift, 30.0), row, column, 0.7, 0.9)
    line = reference_line(AXIAL, other, (200, 220))
    if line is None:
        depths = [AXIAL.to_pixel(other.to_patient(r, c))[2] for r in (-0.5, 199.5) for c in (-0.5, 219.5)]
        assert min(depths) >= 0 or max(depths) < 0
        return
    for end in line:
        r, c, distance = other.to_pixel(AXIAL.to_patient(*end))
        assert distance == pytest.approx(0, abs=1e-6)
        assert -0.5 - 1e-6 <= r <= 199.5 + 1e-6
        assert -0.5 - 1e-6 <= c <= 219.5 + 1e-6
