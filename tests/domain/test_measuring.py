"""Lengths, angles and statistics, against what is known analytically."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.measurement import POINTS_OF, ImageReference, Mark, MarkKind, Point
from radviewer.domain.measuring import PIXELS, measure, shown_unit, ucum
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable

IMAGE = ImageReference("1", "2", "3", 0)
TALL = PixelSpacing(2.0, 0.5)

coordinate = st.floats(-1e3, 1e3)
point = st.tuples(coordinate, coordinate)


def mark(kind: MarkKind, *points: Point) -> Mark:
    return Mark(kind, IMAGE, points)


def measured(drawn: Mark, image: SliceImage) -> dict[str, float]:
    return {quantity.name: quantity.value for quantity in measure(drawn, image)}


def image_of(stored: Any, **fields: Any) -> SliceImage:
    return SliceImage(np.asarray(stored), **fields)


FLAT = image_of(np.zeros((64, 64), np.int16))


def test_length_in_mm_with_rows_and_columns_of_different_spacing() -> None:
    (length,) = measure(mark(MarkKind.LENGTH, (1, 2), (4, 18)), image_of(FLAT.stored, spacing=TALL))
    assert (length.name, length.unit) == ("length", "mm")
    assert length.value == pytest.approx(math.hypot(3 * 2.0, 16 * 0.5))


def test_length_without_spacing_is_in_pixels_never_mm() -> None:
    (length,) = measure(mark(MarkKind.LENGTH, (0, 0), (3, 4)), FLAT)
    assert (length.value, length.unit) == (5, PIXELS)


def test_angle_is_that_of_the_patient_not_of_the_pixel_grid() -> None:
    # 45° in pixels; 2 mm down for each 0.5 mm across.
    drawn = mark(MarkKind.ANGLE, (10, 20), (10, 10), (20, 20))
    assert measured(drawn, FLAT)["angle"] == pytest.approx(45)
    assert measured(drawn, image_of(FLAT.stored, spacing=TALL))["angle"] == pytest.approx(math.degrees(math.atan(4)))


@given(st.floats(0, 2 * math.pi), st.floats(0, math.pi), st.floats(0.1, 300), st.floats(0.1, 300))
def test_angle_of_two_directions(start: float, angle: float, first: float, second: float) -> None:
    a = (first * math.sin(start), first * math.cos(start))
    b = (second * math.sin(start + angle), second * math.cos(start + angle))
    assert measured(mark(MarkKind.ANGLE, a, (0, 0), b), FLAT)["angle"] == pytest.approx(math.degrees(angle), abs=1e-6)


@given(point, point, point, point)
def test_cobb_angle_does_not_depend_on_how_the_lines_were_drawn(a: Point, b: Point, c: Point, d: Point) -> None:
    found = measured(mark(MarkKind.COBB, a, b, c, d), FLAT)
    turned = measured(mark(MarkKind.COBB, b, a, c, d), FLAT)
    swapped = measured(mark(MarkKind.COBB, d, c, a, b), FLAT)
    assert found == pytest.approx(turned, abs=1e-6)
    assert found == pytest.approx(swapped, abs=1e-6)
    assert all(0 <= value <= 90 for value in found.values())


def test_cobb_angle_of_known_lines() -> None:
    assert measured(mark(MarkKind.COBB, (0, 0), (0, 9), (5, 0), (5 + math.tan(math.radians(20)) * 9, 9)), FLAT)[
        "Cobb angle"
    ] == pytest.approx(20)


def test_an_angle_with_a_side_of_no_length_is_not_defined() -> None:
    assert measure(mark(MarkKind.ANGLE, (1, 1), (1, 1), (5, 5)), FLAT) == ()
    assert measure(mark(MarkKind.COBB, (1, 1), (1, 1), (5, 5), (6, 6)), FLAT) == ()


def test_disc_phantom_in_hounsfield_units() -> None:
    rows, columns = np.mgrid[:80, :80]
    disc = np.hypot(rows - 40, columns - 37) <= 20
    image = image_of(np.where(disc, 1064, 24).astype(np.int16), intercept=-1024.0, unit="HU", spacing=TALL)
    quantities = {q.name: q for q in measure(mark(MarkKind.ELLIPSE, (20, 17), (60, 57)), image)}
    assert (quantities["mean"].value, quantities["SD"].value) == (40, 0)
    assert (quantities["min"].value, quantities["max"].value) == (40, 40)
    assert quantities["mean"].unit == "[hnsf'U]"
    assert shown_unit(quantities["mean"].unit) == "HU"
    assert quantities["pixels"].value == disc.sum()
    assert quantities["area"].value == pytest.approx(math.pi * 20 * 20 * 2.0 * 0.5)
    assert quantities["area"].unit == "mm2"


def test_ramp_has_known_mean_and_deviation() -> None:
    image = image_of(np.tile(np.arange(100, dtype=np.uint16), (50, 1)), slope=2.0, intercept=-10.0)
    found = measured(mark(MarkKind.RECTANGLE, (10, 20), (19, 39)), image)
    assert found["mean"] == pytest.approx(2 * 29.5 - 10)
    # Variance of 20 equally likely whole numbers is (20² − 1) / 12, of a sample of 200 a little more.
    assert found["SD"] == pytest.approx(2 * math.sqrt(399 / 12 * 200 / 199))
    assert (found["min"], found["max"], found["pixels"]) == (30, 68, 200)


def test_noise_of_known_deviation() -> None:
    noise = np.random.default_rng(7).normal(100, 12, (256, 256))
    found = measured(mark(MarkKind.RECTANGLE, (0, 0), (255, 255)), image_of(noise.astype(np.float32)))
    assert found["mean"] == pytest.approx(100, abs=0.2)
    assert found["SD"] == pytest.approx(12, rel=0.01)


def test_statistics_go_through_a_modality_table() -> None:
    table = LookupTable(first=0, table=np.array([0, 10, 40, 90], np.uint16), bits=16)
    image = image_of(np.array([[0, 1], [2, 3]], np.uint8), modality_lut=table, slope=7.0)
    found = measured(mark(MarkKind.RECTANGLE, (0, 0), (1, 1)), image)
    assert (found["mean"], found["min"], found["max"]) == (35, 0, 90)


def test_padding_is_left_out_and_said_so() -> None:
    stored = np.full((10, 10), 50, np.int16)
    stored[:, 5:] = -2000
    found = measured(mark(MarkKind.RECTANGLE, (0, 0), (9, 9)), image_of(stored, padding=(-2000.0, -2000.0)))
    assert (found["mean"], found["min"], found["pixels"], found["left out"]) == (50, 50, 50, 50)
    assert "left out" not in measured(mark(MarkKind.RECTANGLE, (0, 0), (9, 4)), image_of(stored))


def test_values_that_are_no_number_are_left_out() -> None:
    stored = np.ones((4, 4), np.float32)
    stored[0] = np.nan
    stored[1, 0] = np.inf
    found = measured(mark(MarkKind.RECTANGLE, (0, 0), (3, 3)), image_of(stored))
    assert (found["mean"], found["pixels"], found["left out"]) == (1, 11, 5)


def test_colour_is_measured_by_its_luminance() -> None:
    stored = np.zeros((4, 4, 3), np.uint8)
    stored[..., 1] = 200
    quantities = {q.name: q for q in measure(mark(MarkKind.RECTANGLE, (0, 0), (3, 3)), image_of(stored))}
    assert quantities["mean"].value == pytest.approx(0.587 * 200)
    assert quantities["mean"].unit == "{luminance}"


def test_a_region_partly_outside_counts_its_pixels_inside_and_its_whole_area() -> None:
    stored = np.arange(100, dtype=np.int16).reshape(10, 10)
    found = measured(mark(MarkKind.RECTANGLE, (-5, -5), (1, 1)), image_of(stored))
    assert found["pixels"] == 4
    assert found["mean"] == np.mean([0, 1, 10, 11])
    assert found["area"] == 36


@pytest.mark.parametrize("kind", [MarkKind.RECTANGLE, MarkKind.ELLIPSE])
def test_regions_without_extent(kind: MarkKind) -> None:
    assert measured(mark(kind, (3, 3), (3, 3)), FLAT) == {"mean": 0, "min": 0, "max": 0, "area": 0, "pixels": 1}
    assert measured(mark(kind, (3.2, 3.2), (3.4, 3.4)), FLAT)["pixels"] == 0
    assert measured(mark(kind, (300, 300), (400, 400)), FLAT)["pixels"] == 0


def test_arrows_and_key_images_measure_nothing() -> None:
    assert measure(mark(MarkKind.ARROW, (0, 0), (5, 5)), FLAT) == ()
    assert measure(mark(MarkKind.KEY_IMAGE), FLAT) == ()


@given(
    st.sampled_from(list(MarkKind)),
    st.lists(point, min_size=12, max_size=12),
    st.sampled_from([np.uint8, np.int16, np.uint32, np.float64]),
    st.booleans(),
)
def test_everything_measured_is_finite(kind: MarkKind, points: list[Point], dtype: Any, padded: bool) -> None:
    fewest, most = POINTS_OF[kind]
    drawn = mark(kind, *points[: min(max(fewest, 5), most)])
    stored = np.linspace(0, 250, 400).reshape(20, 20).astype(dtype)
    image = image_of(stored, spacing=TALL, padding=(0.0, 100.0) if padded else None)
    assert all(math.isfinite(quantity.value) for quantity in measure(drawn, image))


def test_extreme_floats_give_no_infinity() -> None:
    stored = np.array([[1.7e308, 1.7e308], [-1.7e308, 1.0]])
    found = measured(mark(MarkKind.RECTANGLE, (0, 0), (1, 1)), image_of(stored))
    assert all(math.isfinite(value) for value in found.values())
    assert found["max"] == 1.7e308


def test_window_and_inversion_do_not_change_what_is_measured() -> None:
    stored = np.arange(64, dtype=np.int16).reshape(8, 8)
    drawn = mark(MarkKind.ELLIPSE, (1, 1), (6, 6))
    assert measure(drawn, image_of(stored)) == measure(drawn, image_of(stored, inverted=True))


@pytest.mark.parametrize("unit", ["HU", "SUVbw", "BQML", "CNTS", "OD", ""])
def test_units_come_back_as_the_reader_knows_them(unit: str) -> None:
    assert shown_unit(ucum(unit)) == unit


def test_without_spacing_angles_know_the_shape_of_pixels_and_lengths_count_them() -> None:
    tall = image_of(np.zeros((64, 64), np.int16), aspect=(2.0, 1.0))
    assert measured(mark(MarkKind.ANGLE, (10, 0), (0, 0), (10, 20)), tall)["angle"] == pytest.approx(45)
    (length,) = measure(mark(MarkKind.LENGTH, (0, 0), (3, 4)), tall)
    assert length.value == pytest.approx(5)
    assert length.unit == PIXELS
