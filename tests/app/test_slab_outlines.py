"""Outlines and heatmaps on slabs: of everything within them, not of their middle plane alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.planes import Orientation, Slab
from radviewer.domain.reformat import Reformat
from tests.app.test_mpr import in_planes
from tests.block_phantom import write_blocks

OFF = 8.0
"""Millimetres of the outline off the middle plane."""


@pytest.fixture
def planes(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> dict[Orientation, Viewport]:
    write_blocks(tmp_path / "study")
    return in_planes(qtbot, room, tmp_path / "study")


def cut_of(viewport: Viewport) -> Reformat:
    assert viewport.cut is not None
    return viewport.cut


def behind(planes: Reformat, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """A mask of 5 voxels each way, `OFF` mm off a plane."""
    geometry = planes.of.geometry
    assert geometry is not None
    plane = planes.planes.grid(index).plane
    rows, columns = planes.planes.first.shape
    x, y, z = plane.to_patient((rows - 1) / 2, (columns - 1) / 2)
    a, b, c_ = plane.normal
    s, r, c = (round(v) for v in geometry.to_index((x + OFF * a, y + OFF * b, z + OFF * c_)))
    mask = np.zeros(geometry.shape, np.bool_)
    mask[s - 1 : s + 2, r - 2 : r + 3, c - 2 : c + 3] = True
    return mask


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("slab", Slab)
@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_an_outline_is_seen_when_the_slab_reaches_it(
    room: ReadingRoom, planes: dict[Orientation, Viewport], orientation: Orientation, slab: Slab, degrees: float
) -> None:
    viewport, cutter = planes[orientation], room.cache.cutter
    other = Orientation.CORONAL if orientation is Orientation.AXIAL else Orientation.AXIAL
    room.mpr.turn(planes[other], degrees)
    mask = behind(cut_of(viewport), viewport.index)
    assert not cutter.mask(mask, cut_of(viewport), viewport.index).any()
    room.mpr.set_slab(viewport, slab, 2 * OFF - 9)
    assert not cutter.mask(mask, cut_of(viewport), viewport.index).any()
    room.mpr.set_slab(viewport, slab, 2 * OFF + 6)
    seen = cutter.mask(mask, cut_of(viewport), viewport.index)
    assert seen.dtype == np.bool_
    assert 9 <= seen.sum() <= 100
    assert cutter.mask(mask, cut_of(viewport), viewport.index) is seen


def test_of_an_axial_slab_it_is_the_union_of_its_slices(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial = planes[Orientation.AXIAL]
    mask = np.random.default_rng(1).random(cut_of(axial).of.shape) < 0.01
    room.mpr.set_slab(axial, Slab.MEAN, 8.0)
    cut, place = cut_of(axial), axial.index
    np.testing.assert_array_equal(room.cache.cutter.mask(mask, cut, place), mask[place - 2 : place + 3].any(axis=0))


def test_heat_is_the_hottest_within_the_slab(room: ReadingRoom, planes: dict[Orientation, Viewport]) -> None:
    axial = planes[Orientation.AXIAL]
    heat = np.random.default_rng(1).random(cut_of(axial).of.shape, np.float32)
    room.mpr.set_slab(axial, Slab.MEAN, 8.0)
    cut, place = cut_of(axial), axial.index
    found = room.cache.cutter.heat(heat, cut, place)
    np.testing.assert_allclose(found, heat[place - 2 : place + 3].max(axis=0))
