"""Lesions of two times: matched by place and label, measured in ml and mm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.links import Links
from radviewer.app.matching import Change, Lesion, components, lesions_of, matched, pairings
from radviewer.app.shown import Shown
from radviewer.domain.decision import FindingKey
from radviewer.domain.geometry import Geometry, Vector
from radviewer.domain.opinion import Mask
from tests.app.hand_made import shown, stack

SHAPE = (6, 20, 20)
SPACING = (4.0, 2.0, 1.0)


def _image(name: str, geometry: Geometry | None = None) -> Shown:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *SPACING, 1
    made = stack(name, [4.0 * i for i in range(6)], shape=(20, 20))
    return shown(replace(made, geometry=geometry or Geometry(SHAPE, affine)))


def _box(*ranges: tuple[int, int]) -> Mask:
    mask = np.zeros(SHAPE, np.bool_)
    mask[tuple(slice(*r) for r in ranges)] = True
    return mask


def _row(label: str, mask: Mask | None = None, state: RowState = RowState.ACCEPTED, kind: Kind = Kind.FINDING) -> Row:
    return Row(kind, FindingKey("1", "2", "3", "m", "1", label), label, state, mask=mask)


def _same(point: Vector) -> Vector | None:
    return point


def _nowhere(_point: Vector) -> Vector | None:
    return None


def test_volume_diameter_and_centre_are_in_ml_and_mm() -> None:
    (lesion,) = lesions_of(_image("a"), (_row("nodule", _box((2, 3), (4, 8), (5, 15))),))
    assert lesion.volume_ml == pytest.approx(4 * 10 * 8 / 1000)
    assert lesion.diameter_mm == pytest.approx(np.hypot(8, 10))
    assert lesion.centre == pytest.approx((9.5, 11.0, 8.0))


def test_the_longest_diameter_goes_through_slices() -> None:
    (lesion,) = lesions_of(_image("a"), (_row("nodule", _box((0, 6), (4, 5), (5, 6))),))
    assert lesion.diameter_mm == pytest.approx(np.sqrt(20**2 + 2**2 + 1))


def test_foci_are_lesions_of_their_own_and_specks_are_none() -> None:
    mask = _box((1, 3), (2, 8), (2, 8)) | _box((2, 4), (12, 16), (12, 18)) | _box((5, 6), (0, 1), (19, 20))
    found = lesions_of(_image("a"), (_row("nodule", mask),))
    assert [round((lesion.volume_ml or 0) * 1000) for lesion in found] == [576, 384]


def test_parts_of_neighbouring_slices_belong_together() -> None:
    mask = _box((0, 1), (0, 4), (0, 4)) | _box((0, 1), (0, 4), (10, 14)) | _box((1, 2), (2, 3), (0, 14))
    _, count = components(mask)
    assert count == 1
    _, apart = components(_box((0, 1), (0, 4), (0, 4)) | _box((2, 3), (0, 4), (0, 4)))
    assert apart == 2


def test_the_nearest_lesions_are_one_and_change_in_numbers() -> None:
    two = _box((2, 4), (4, 8), (4, 8)) | _box((2, 4), (14, 18), (14, 18))
    earlier = lesions_of(_image("a"), (_row("nodule", two),))
    later = lesions_of(_image("b"), (_row("nodule", _box((2, 4), (4, 12), (4, 8))),))
    first, second = matched(earlier, later, _same)
    assert (first.change, second.change) == (Change.MATCHED, Change.GONE)
    assert first.by_place
    assert first.volume_change == pytest.approx((0.256, 100))
    assert first.diameter_change is not None
    assert second.volume_change is None


def test_places_are_compared_through_the_link() -> None:
    def shifted(point: Vector) -> Vector | None:
        return (point[0] + 100, point[1], point[2])

    mask = _box((2, 4), (4, 8), (4, 8))
    earlier = lesions_of(_image("a"), (_row("nodule", mask),))
    moved = np.zeros((4, 4))
    moved[2, 0], moved[1, 1], moved[0, 2], moved[:, 3] = *SPACING, (100, 0, 0, 1)
    later = lesions_of(_image("b", Geometry(SHAPE, moved)), (_row("nodule", mask),))
    assert [match.change for match in matched(earlier, later, shifted)] == [Change.MATCHED]
    assert [match.change for match in matched(earlier, later, _same)] == [Change.GONE, Change.NEW]


def test_without_a_place_the_label_decides_when_it_names_one_lesion() -> None:
    old, new = Lesion(_row("nodule")), Lesion(_row("nodule"))
    (match,) = matched((old,), (new,), _nowhere)
    assert match.change is Change.MATCHED
    assert not match.by_place
    assert len(matched((old, Lesion(_row("nodule"))), (new,), _nowhere)) == 3
    assert [m.change for m in matched((old,), (Lesion(_row("mass")),), _nowhere)] == [Change.GONE, Change.NEW]


@pytest.mark.parametrize("state", [RowState.REJECTED, RowState.REFUSED, RowState.NOT_FLAGGED])
def test_what_is_no_finding_is_left_out(state: RowState) -> None:
    assert lesions_of(_image("a"), (_row("nodule", _box((2, 4), (4, 8), (4, 8)), state),)) == ()
    assert lesions_of(_image("a"), (_row("lung", _box((2, 4), (4, 8), (4, 8)), kind=Kind.ANATOMY),)) == ()


def test_the_later_study_is_compared_with_the_one_before() -> None:
    first, second = _image("a"), _image("b")
    old = replace(first, study=replace(first.study, date="20240101"))
    new = replace(second, study=replace(second.study, date="20250101"))
    rows = (_row("nodule", _box((2, 4), (4, 8), (4, 8))),)
    (pairing,) = pairings(((old, rows), (new, rows)), Links())
    assert pairing.title == "2024-01-01 → 2025-01-01"
    assert [match.change for match in pairing.matches] == [Change.MATCHED]
    assert pairings(((first, rows), (new, rows)), Links()) == ()
    assert pairings(((new, rows), (new, rows)), Links()) == ()
