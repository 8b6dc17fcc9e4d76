from __future__ import annotations

import numpy as np
import pytest

from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, Window


def test_modality_values_by_slope_or_by_table() -> None:
    stored = np.array([[0, 1], [2, 5]], np.int16)
    assert SliceImage(stored, 2.0, -3.0).modality_values().tolist() == [[-3, -1], [1, 7]]
    table = LookupTable(1, np.array([10, 20, 30], np.uint16), 16)
    assert SliceImage(stored, 2.0, -3.0, table).modality_values().tolist() == [[10, 10], [20, 30]]


def test_padding_is_an_inclusive_range_of_stored_values() -> None:
    image = SliceImage(np.array([[-2000, -1999, -1024, 0]], np.int16), padding=(-2000.0, -1024.0))
    mask = image.padding_mask()
    assert mask is not None
    assert mask.tolist() == [[True, True, True, False]]
    assert SliceImage(image.stored).padding_mask() is None


def test_colour_has_no_padding() -> None:
    image = SliceImage(np.zeros((2, 2, 3), np.uint8), padding=(0.0, 0.0))
    assert image.is_colour
    assert image.padding_mask() is None


def test_a_lookup_table_is_clamped_at_its_ends() -> None:
    table = LookupTable(-2, np.array([7, 8, 9], np.uint16), 16)
    assert table.apply(np.array([-100, -2, -1, 0, 100])).tolist() == [7, 7, 8, 9, 9]


@pytest.mark.parametrize(("center", "width"), [(0, 0), (0, -1), (float("nan"), 1), (0, float("inf"))])
def test_what_is_no_window_is_refused(center: float, width: float) -> None:
    with pytest.raises(ValueError, match="not a window"):
        Window(center, width)


REFERENCE = ImageReference("1", "2", "3", 0)


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        (MarkKind.LENGTH, ((0, 0),)),
        (MarkKind.ANGLE, ((0, 0), (1, 1))),
        (MarkKind.FREEHAND, ((0, 0), (1, 1))),
        (MarkKind.KEY_IMAGE, ((0, 0),)),
    ],
)
def test_a_mark_with_the_wrong_number_of_points_is_refused(
    kind: MarkKind, points: tuple[tuple[float, float], ...]
) -> None:
    with pytest.raises(ValueError, match="points"):
        Mark(kind, REFERENCE, points)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e8])
def test_a_mark_has_finite_points(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        Mark(MarkKind.LENGTH, REFERENCE, ((0, 0), (value, 1)))


@pytest.mark.parametrize("padding", [(-5.0, -5.0), (-5.0, -3.0), (-5.5, -4.5), (-70000.0, -70000.0), (-70000.0, -4.0)])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_padding_is_what_lies_in_its_range(padding: tuple[float, float], dtype: type) -> None:
    stored: np.ndarray = np.arange(-8, 8).reshape(4, 4).astype(dtype)
    mask = SliceImage(stored, padding=padding).padding_mask()
    assert mask is not None
    expected = [[padding[0] <= float(value) <= padding[1] for value in row] for row in stored]
    assert mask.tolist() == expected
