"""Which pixels lie in a region, against a slow reference and analytic shapes."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from radviewer.domain.measurement import ImageReference, Mark, MarkKind, Point
from radviewer.domain.region import area, region

IMAGE = ImageReference("1", "2", "3", 0)
SHAPE = (17, 23)

coordinate = st.floats(-12, 35, allow_nan=False) | st.integers(-12, 35).map(float)
point = st.tuples(coordinate, coordinate)
outline = st.lists(point, min_size=3, max_size=12).map(tuple)


def mark(kind: MarkKind, *points: Point) -> Mark:
    return Mark(kind, IMAGE, points)


def pixels(drawn: Mark, shape: tuple[int, int] = SHAPE) -> set[tuple[int, int]]:
    found = region(drawn, shape)
    grid = np.stack(np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij"), axis=-1)
    return {(int(r), int(c)) for r, c in found.of(grid)}


def inside(points: tuple[Point, ...], row: int, column: int) -> bool:
    """Even-odd rule, one pixel at a time."""
    crossings = 0
    for (r0, c0), (r1, c1) in zip(points, (*points[1:], points[0]), strict=True):
        if (r0 <= row) != (r1 <= row):
            (r0, c0), (r1, c1) = sorted(((r0, c0), (r1, c1)))
            crossings += c0 + (row - r0) * (c1 - c0) / (r1 - r0) <= column
    return crossings % 2 == 1


@given(outline)
@example(((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)))
@example(((2.0, 2.0), (2.0, 9.0), (8.0, 9.0), (8.0, 2.0)))
def test_freehand_pixels_are_those_of_the_even_odd_rule(points: tuple[Point, ...]) -> None:
    rows, columns = SHAPE
    expected = {(r, c) for r in range(rows) for c in range(columns) if inside(points, r, c)}
    assert pixels(mark(MarkKind.FREEHAND, *points)) == expected


@given(point, point)
def test_rectangle_holds_the_centres_between_its_corners(a: Point, b: Point) -> None:
    rows, columns = SHAPE
    expected = {
        (r, c)
        for r in range(rows)
        for c in range(columns)
        if min(a[0], b[0]) <= r <= max(a[0], b[0]) and min(a[1], b[1]) <= c <= max(a[1], b[1])
    }
    assert pixels(mark(MarkKind.RECTANGLE, a, b)) == expected


@given(point, point)
def test_ellipse_lies_in_its_box_and_is_symmetric(a: Point, b: Point) -> None:
    drawn = pixels(mark(MarkKind.ELLIPSE, a, b))
    assert drawn <= pixels(mark(MarkKind.RECTANGLE, a, b))
    assert drawn == pixels(mark(MarkKind.ELLIPSE, (b[0], a[1]), (a[0], b[1])))


def test_a_disc_includes_its_border() -> None:
    drawn = pixels(mark(MarkKind.ELLIPSE, (5, 6), (11, 12)))
    assert drawn == {(r, c) for r in range(17) for c in range(23) if math.hypot(r - 8, c - 9) <= 3}


def test_neighbouring_outlines_share_no_pixel_and_leave_none_out() -> None:
    left = mark(MarkKind.FREEHAND, (2, 2), (2, 7), (9, 7), (9, 2))
    right = mark(MarkKind.FREEHAND, (2, 7), (2, 12), (9, 12), (9, 7))
    both = mark(MarkKind.FREEHAND, (2, 2), (2, 12), (9, 12), (9, 2))
    assert not pixels(left) & pixels(right)
    assert pixels(left) | pixels(right) == pixels(both)


@pytest.mark.parametrize("kind", [MarkKind.RECTANGLE, MarkKind.ELLIPSE])
def test_a_region_far_away_or_huge_is_cut_at_the_image(kind: MarkKind) -> None:
    assert pixels(mark(kind, (1e6, 1e6), (2e6, 2e6))) == set()
    assert pixels(mark(kind, (-9e6, -9e6), (-1e6, 9e6))) == set()
    assert len(pixels(mark(kind, (-9e6, -9e6), (9e6, 9e6)))) == SHAPE[0] * SHAPE[1]


def test_a_huge_outline_is_cut_at_the_image() -> None:
    far = 9e6
    drawn = mark(MarkKind.FREEHAND, (-far, -far), (-far, far), (far, far), (far, -far))
    assert len(pixels(drawn)) == SHAPE[0] * SHAPE[1]


def test_a_length_has_no_pixels() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        region(mark(MarkKind.LENGTH, (0, 0), (1, 1)), SHAPE)


@given(point, point)
def test_area_of_box_and_ellipse(a: Point, b: Point) -> None:
    box = abs(a[0] - b[0]) * abs(a[1] - b[1])
    assert area(mark(MarkKind.RECTANGLE, a, b)) == pytest.approx(box)
    assert area(mark(MarkKind.ELLIPSE, a, b)) == pytest.approx(box * math.pi / 4)


@given(st.integers(3, 60), st.floats(0.5, 500), st.floats(-1e6, 1e6))
def test_area_of_a_regular_polygon_anywhere(sides: int, radius: float, shift: float) -> None:
    turns = [2 * math.pi * i / sides for i in range(sides)]
    drawn = mark(MarkKind.FREEHAND, *((shift + radius * math.sin(t), shift / 3 + radius * math.cos(t)) for t in turns))
    assert area(drawn) == pytest.approx(sides / 2 * radius**2 * math.sin(2 * math.pi / sides), rel=1e-3)


def test_the_two_loops_of_an_eight_do_not_cancel_out() -> None:
    eight = mark(MarkKind.FREEHAND, (0, 0), (10, 10), (10, 0), (0, 10))
    assert area(eight) == pytest.approx(50, rel=2e-3)


@pytest.mark.parametrize(
    "points", [((3, 3), (3, 3), (3, 3)), ((3, 3), (3, 9), (3, 5)), ((1, 4), (9, 4), (5, 4))], ids=str
)
def test_an_outline_without_extent_has_no_area(points: tuple[Point, ...]) -> None:
    assert area(mark(MarkKind.FREEHAND, *points)) == 0


def test_a_dense_scribble_takes_little_memory() -> None:
    """100,000 strokes across the whole image and far beyond: 50 million crossings, most of them at the rims."""
    rng = np.random.default_rng(2)
    scribble = mark(MarkKind.FREEHAND, *((float(r), float(c)) for r, c in rng.uniform(-1e6, 1e6, (100_000, 2))))
    tracemalloc.start()
    found = region(scribble, (500, 500)).mask
    size = area(scribble)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.4 < found.mean() < 0.6
    assert size == pytest.approx(2e6 * 2e6 / 2, rel=0.05)
    assert most < 300e6
