from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radviewer.ai.axial import LARGEST, axial_of
from radviewer.ai.brain_series import notes
from radviewer.ai.context import Context
from radviewer.ai.films import Refused
from radviewer.domain.geometry import Geometry
from radviewer.domain.volume import Volume
from tests.ai.series import (
    AXIAL,
    CORONAL,
    PLANES,
    SAGITTAL,
    SPACING,
    STRAIGHT,
    TURNS,
    Axes,
    Flips,
    acquired,
    at_depths,
    head,
    plain,
    turned,
    without,
)

NAMES = {0: "axial", 1: "coronal", 2: "sagittal"}


@pytest.fixture
def patient() -> np.ndarray:
    """Every voxel differs, so no turn goes unnoticed; the upper posterior left corner is marked."""
    values = np.random.default_rng(0).permutation(4 * 6 * 5).reshape(4, 6, 5).astype(np.int16)
    values[-1, -1, -1] = 1000
    return values


def _rotation(degrees: float, axis: int) -> np.ndarray:
    a, b = [i for i in range(3) if i != axis]
    turn = np.eye(3)
    turn[a, a] = turn[b, b] = np.cos(np.radians(degrees))
    turn[a, b], turn[b, a] = -np.sin(np.radians(degrees)), np.sin(np.radians(degrees))
    return turn


@pytest.mark.parametrize("axes", PLANES, ids=str)
@pytest.mark.parametrize("flips", TURNS, ids=str)
def test_the_axial_slices_are_the_same_however_it_was_acquired(patient: np.ndarray, axes: Axes, flips: Flips) -> None:
    found = axial_of(acquired(patient, axes, flips))
    np.testing.assert_array_equal(found.values, patient)
    assert found.acquired == NAMES[axes[0]]
    assert found.spacing == pytest.approx(SPACING[1:])
    assert found.steps == pytest.approx(np.full(4, SPACING[0]))
    assert (found.in_mm, found.oriented) == (True, True)
    assert found.read.tolist() == [True] * 4
    np.testing.assert_array_equal(found.back(found.values), turned(patient, axes, flips))


@pytest.mark.parametrize("flips", TURNS, ids=str)
def test_an_axial_slice_knows_its_own_number(patient: np.ndarray, flips: Flips) -> None:
    volume = acquired(patient, AXIAL, flips)
    found = axial_of(volume)
    for index, values in enumerate(found.values):
        own = found.own_slice(index)
        assert own is not None
        assert set(values.ravel()) == set(volume.stored[own].ravel())
    assert axial_of(acquired(patient, SAGITTAL)).own_slice(1) is None


def test_a_slightly_tilted_series_is_turned_alike(patient: np.ndarray) -> None:
    found = axial_of(acquired(patient, CORONAL, turn=_rotation(25, 0)))
    np.testing.assert_array_equal(found.values, patient)


@pytest.mark.parametrize("axes", [AXIAL, CORONAL, SAGITTAL], ids=str)
@pytest.mark.parametrize("about", range(3))
def test_oblique_series_are_refused(patient: np.ndarray, axes: Axes, about: int) -> None:
    axial_of(acquired(patient, axes, turn=_rotation(38, about)))
    with pytest.raises(Refused, match="oblique"):
        axial_of(acquired(patient, axes, turn=_rotation(43, about)))


def test_without_a_header_it_is_read_as_it_is_shown(patient: np.ndarray) -> None:
    found = axial_of(plain(patient))
    np.testing.assert_array_equal(found.values, patient)
    assert (found.in_mm, found.oriented, found.spacing, found.acquired) == (False, False, (1.0, 1.0), "axial")
    assert np.isnan(found.steps).all()


def test_directions_in_words_are_enough_to_turn_it(patient: np.ndarray) -> None:
    """A header with an orientation and no pixel spacing."""
    found = axial_of(plain(patient[:, ::-1, :], orientation=("L", "A")))
    np.testing.assert_array_equal(found.values, patient)
    assert (found.in_mm, found.oriented, found.acquired) == (False, True, "axial")
    turned_over = axial_of(plain(patient.transpose(0, 2, 1), orientation=("P", "LP")))
    np.testing.assert_array_equal(turned_over.values, patient)
    nonsense = axial_of(plain(patient, orientation=("LS", "LI")))
    np.testing.assert_array_equal(nonsense.values, patient)
    assert not nonsense.oriented
    with pytest.raises(Refused, match="not axial"):
        axial_of(plain(patient, orientation=("P", "I")))
    with pytest.raises(Refused, match="not axial"):
        axial_of(plain(patient, orientation=("L", "I")))


@pytest.mark.parametrize("flips", [STRAIGHT, (False, True, True)], ids=str)
def test_planes_alone_tell_the_directions(patient: np.ndarray, flips: Flips) -> None:
    found = axial_of(replace(acquired(patient, AXIAL, flips), geometry=None))
    np.testing.assert_array_equal(found.values, patient)
    assert found.steps == pytest.approx(np.full(4, SPACING[0]))


def test_swapped_rows_and_columns_without_a_grid_keep_their_spacings(patient: np.ndarray) -> None:
    found = axial_of(replace(acquired(patient, (0, 2, 1), (True, False, False)), geometry=None))
    np.testing.assert_array_equal(found.values, patient)
    assert found.spacing == pytest.approx(SPACING[1:])


def test_slices_listed_against_their_normal_are_turned_by_their_positions(patient: np.ndarray) -> None:
    volume = acquired(patient[::-1])
    heights = [9.0, 6.0, 3.0, 0.0]
    slices = at_depths(patient[::-1], heights).slices
    np.testing.assert_array_equal(axial_of(replace(volume, slices=slices, geometry=None)).values, patient)


def test_uneven_slices_stand_for_half_the_way_to_their_neighbours(patient: np.ndarray) -> None:
    found = axial_of(at_depths(patient, [0.0, 3.0, 6.0, 15.0]))
    assert found.steps == pytest.approx([3.0, 3.0, 6.0, 9.0])
    assert found.spacing == pytest.approx(SPACING[1:])
    upside_down = axial_of(replace(acquired(patient, AXIAL, (True, True, False)), geometry=None))
    np.testing.assert_array_equal(upside_down.values, patient)


def test_slices_at_one_place_have_no_thickness(patient: np.ndarray) -> None:
    for depths in ([5.0] * 4, [0.0, 0.0, 3.0, 3.0]):
        assert np.isnan(axial_of(at_depths(patient, depths)).steps).all()


def test_a_sheared_stack_stands_for_its_true_volume(patient: np.ndarray) -> None:
    volume = acquired(patient)
    assert volume.geometry is not None
    affine = volume.geometry.affine_lps.copy()
    affine[1, 0] = SPACING[0] * np.tan(np.radians(30))
    found = axial_of(replace(volume, geometry=Geometry(volume.geometry.shape, affine)))
    assert found.steps == pytest.approx(np.full(4, SPACING[0]))


@pytest.mark.parametrize("flips", [STRAIGHT, (True, False, True)], ids=str)
def test_unreadable_slices_repeat_their_neighbour_and_are_reported(patient: np.ndarray, flips: Flips) -> None:
    volume = acquired(patient, AXIAL, flips)
    found = axial_of(without(volume, 0, 2))
    assert found.back(np.broadcast_to(found.read[:, None, None], (4, 6, 5)))[:, 0, 0].tolist() == [False, True] * 2
    own = found.back(found.values)
    np.testing.assert_array_equal(own[0], volume.stored[1])
    np.testing.assert_array_equal(own[2], volume.stored[1])
    assert found.unread == 2
    assert axial_of(without(acquired(patient, SAGITTAL), 1)).unread == 1
    assert axial_of(volume).unread == 0


def test_nothing_readable_is_refused_with_the_first_reason(patient: np.ndarray) -> None:
    with pytest.raises(Refused, match=r"0\.dcm is cut off"):
        axial_of(without(acquired(patient), 0, 1, 2, 3))


def test_a_single_axial_slice_has_no_thickness(patient: np.ndarray) -> None:
    found = axial_of(acquired(patient[:1]))
    assert found.values.shape == (1, 6, 5)
    assert found.in_mm
    assert np.isnan(found.steps).all()
    assert np.isnan(axial_of(plain(patient[:1])).steps).all()


@pytest.mark.parametrize("axes", [CORONAL, SAGITTAL], ids=str)
@pytest.mark.parametrize("gridless", [False, True])
def test_a_single_slice_in_another_plane_is_refused(patient: np.ndarray, axes: Axes, gridless: bool) -> None:
    one = patient[:, :1] if axes == CORONAL else patient[:, :, :1]
    volume = acquired(one, axes)
    assert len(volume.slices) == 1
    with pytest.raises(Refused, match="not axial"):
        axial_of(replace(volume, geometry=None) if gridless else volume)


def test_uneven_sagittal_slices_are_refused(patient: np.ndarray) -> None:
    with pytest.raises(Refused, match="not evenly spaced"):
        axial_of(replace(acquired(patient, SAGITTAL), geometry=None))


def test_colour_and_size_and_numbers_that_are_none_are_refused(patient: np.ndarray) -> None:
    with pytest.raises(Refused, match="colour"):
        axial_of(plain(np.zeros((2, 4, 4, 3), np.uint8)))
    endless = np.broadcast_to(np.zeros((), np.uint8), (LARGEST // 10**6 + 1, 1000, 1000))
    with pytest.raises(Refused, match="larger than any"):
        axial_of(plain(endless[:, :, :]))
    for slope in (float("nan"), 1e300):
        with pytest.raises(Refused, match="not finite"):
            axial_of(plain(patient, slope=slope))
    spoilt = patient.astype(np.float32)
    spoilt[2, 3, 3] = np.nan
    with pytest.raises(Refused, match="not finite"):
        axial_of(plain(spoilt))


def test_a_negative_is_turned_positive_and_its_padding_dark(patient: np.ndarray) -> None:
    negative = axial_of(plain(1000 - patient, inverted=True))
    np.testing.assert_array_equal(np.diff(negative.values.ravel()), np.diff(patient.astype(np.float32).ravel()))
    padded = patient.copy()
    padded[:, 0] = -2000
    for stored, inverted, padding in ((padded, False, -2000), (1000 - padded, True, 3000)):
        found = axial_of(plain(stored, inverted=inverted, padding=(padding, padding))).values
        assert (found[:, 0] == found[:, 1:].min(axis=(1, 2))[:, None]).all()


def test_modality_values_are_read(patient: np.ndarray) -> None:
    found = axial_of(plain(patient, slope=2.0, intercept=-5.0))
    np.testing.assert_array_equal(found.values, patient * 2.0 - 5)
    assert found.values.dtype == np.float32


def test_a_volume_without_slices_is_refused() -> None:
    with pytest.raises(Refused, match="No image"):
        axial_of(Volume(np.zeros((0, 4, 4), np.int16), (), None, {}))


def test_an_unreadable_slice_beside_gaps_leaves_the_thickness_known() -> None:
    depths = [0.0, 3.0, 6.0, 9.0, 15.0, 18.0]  # one is missing between 9 and 15
    volume = without(at_depths(head()[:6], depths), 1)
    axial = axial_of(volume)
    np.testing.assert_allclose(axial.steps, [3, 3, 3, 4.5, 4.5, 3])
    assert "the volume counts the gaps" in notes(Context(modality="MR"), axial, volume.problems)


@pytest.mark.parametrize(
    ("unread", "steps"), [((0,), [3, 3, 4.5, 6]), ((3,), [3, 3, 3, 3]), ((2,), [3, 3.75, 4.5, 4.5])]
)
def test_unreadable_slices_lie_where_their_neighbours_say(unread: tuple[int, ...], steps: list[float]) -> None:
    axial = axial_of(without(at_depths(head((4, 64, 56)), [0.0, 3.0, 6.0, 12.0]), *unread))
    np.testing.assert_allclose(axial.steps, steps)


def test_of_a_single_readable_slice_nothing_is_known() -> None:
    axial = axial_of(without(at_depths(head((4, 64, 56)), [0.0, 3.0, 6.0, 12.0]), 0, 1, 3))
    assert np.isnan(axial.steps).all()
