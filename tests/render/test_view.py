"""The mapping between image and screen: exact, in all eight orientations."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.domain.geometry import PixelSpacing
from radviewer.render.view import LARGEST_ZOOM, Camera, ViewTransform
from tests.render.pictures import ORIENTATIONS, camera

orientations = st.sampled_from(ORIENTATIONS)
zooms = st.floats(0.05, 60)
spacings = st.none() | st.builds(PixelSpacing, st.floats(0.05, 5), st.floats(0.05, 5))
sizes = st.tuples(st.integers(1, 3000), st.integers(1, 2000))
points = st.tuples(st.floats(-50, 700), st.floats(-50, 700))

SHAPE = (300, 200)


@st.composite
def transforms(draw: st.DrawFn) -> ViewTransform:
    zoom, centre = draw(st.none() | zooms), draw(st.none() | points)
    made = camera(draw(orientations), zoom=zoom, centre=centre)
    return ViewTransform(made, draw(st.tuples(st.integers(1, 600), st.integers(1, 600))), draw(sizes), draw(spacings))


@given(transforms(), points)
def test_there_and_back(transform: ViewTransform, point: tuple[float, float]) -> None:
    assert transform.to_image(*transform.to_view(*point)) == pytest.approx(point, abs=1e-6)


@given(transforms())
def test_the_outline_begins_on_a_whole_pixel_near_where_the_camera_looks(transform: ViewTransform) -> None:
    left, top, _, _ = transform.image_rectangle()
    assert left == pytest.approx(round(left), abs=1e-6)
    assert top == pytest.approx(round(top), abs=1e-6)
    x, y = transform.to_view(*transform.centre)
    assert abs(x - transform.size[0] / 2) <= 0.5 + 1e-5
    assert abs(y - transform.size[1] / 2) <= 0.5 + 1e-5


@given(orientations, sizes, spacings)
def test_fit_shows_all_and_touches_two_sides(
    orientation: tuple[int, bool], size: tuple[int, int], spacing: PixelSpacing | None
) -> None:
    transform = ViewTransform(camera(orientation), SHAPE, size, spacing)
    left, top, right, bottom = transform.image_rectangle()
    assert left >= -0.5
    assert top >= -0.5
    assert right <= size[0] + 0.5
    assert bottom <= size[1] + 0.5
    assert min(size[0] - (right - left), size[1] - (bottom - top)) == pytest.approx(0, abs=1e-6)


@given(transforms())
def test_physical_aspect(transform: ViewTransform) -> None:
    """One mm down is as long as one mm across."""
    if transform.spacing is None:
        return
    x0, y0 = transform.to_view(0, 0)
    down, across = transform.to_view(1 / transform.spacing.row, 0), transform.to_view(0, 1 / transform.spacing.column)
    assert transform.pixels_per_mm is not None
    assert math.hypot(down[0] - x0, down[1] - y0) == pytest.approx(transform.pixels_per_mm)
    assert math.hypot(across[0] - x0, across[1] - y0) == pytest.approx(transform.pixels_per_mm)


# Where the image's upper left corner, and its upper right one, appear on the screen.
CORNERS = {
    (0, False): ("top left", "top right"),
    (1, False): ("top right", "bottom right"),
    (2, False): ("bottom right", "bottom left"),
    (3, False): ("bottom left", "top left"),
    (0, True): ("top right", "top left"),
    (1, True): ("top left", "bottom left"),
    (2, True): ("bottom left", "bottom right"),
    (3, True): ("bottom right", "top right"),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_corners_of_the_eight_orientations(orientation: tuple[int, bool]) -> None:
    transform = ViewTransform(camera(orientation), (100, 100), (100, 100))

    def corner(row: float, column: float) -> str:
        x, y = transform.to_view(row, column)
        return f"{'top' if y < 50 else 'bottom'} {'left' if x < 50 else 'right'}"

    assert (corner(0, 0), corner(0, 99)) == CORNERS[orientation]


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_rotation_and_mirroring_act_on_what_is_seen(orientation: tuple[int, bool]) -> None:
    seen = camera(orientation)
    size = (101, 101)

    def at(of: Camera) -> tuple[float, float]:
        x, y = ViewTransform(of, (101, 101), size).to_view(20, 10)
        return (x - 50.5, y - 50.5)

    x, y = at(seen)
    assert at(seen.rotated()) == pytest.approx((-y, x))
    assert at(seen.rotated(-1)) == pytest.approx((y, -x))
    assert at(seen.flipped_horizontally()) == pytest.approx((-x, y))
    assert at(seen.flipped_vertically()) == pytest.approx((x, -y))
    assert seen.rotated().rotated(3) == seen == seen.flipped_vertically().flipped_vertically()


@given(transforms(), st.floats(0.2, 5), st.floats(0, 1), st.floats(0, 1))
def test_zoom_keeps_the_point_under_the_pointer(transform: ViewTransform, factor: float, u: float, v: float) -> None:
    left, top, right, bottom = transform.image_rectangle()
    x, y = left + u * (right - left), top + v * (bottom - top)
    before = transform.to_image(x, y)
    after = transform.with_camera(transform.zoomed(factor, x, y))
    row, column = after.centre
    if -0.5 < row < transform.shape[0] - 0.5 and -0.5 < column < transform.shape[1] - 0.5:  # not held back at the rim
        assert after.to_view(*before) == pytest.approx((x, y), abs=1.01)


def test_zooming_in_and_out_comes_back() -> None:
    transform = start = ViewTransform(Camera(), (512, 512), (800, 600))
    for factor in [1.25] * 12 + [0.8] * 12:
        transform = transform.with_camera(transform.zoomed(factor, 333, 222))
    assert transform.zoom == pytest.approx(start.zoom)
    assert transform.to_view(0, 0) == pytest.approx(start.to_view(0, 0), abs=8)


def test_zoom_has_limits() -> None:
    transform = ViewTransform(Camera(), (512, 512), (800, 600))
    assert transform.with_camera(transform.zoomed(1e9)).zoom == LARGEST_ZOOM
    tiny = transform.with_camera(transform.zoomed(1e-9))
    assert tiny.zoom == pytest.approx(1 / 8)
    assert tiny.with_camera(tiny.zoomed(1e-9)).zoom == tiny.zoom


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_pan_follows_the_pointer_pixel_by_pixel(orientation: tuple[int, bool]) -> None:
    transform = ViewTransform(camera(orientation, zoom=2.3), SHAPE, (401, 300))
    x, y = transform.to_view(150, 100)
    for _ in range(7):
        transform = transform.with_camera(transform.panned(1, -2))
    assert transform.to_view(150, 100) == pytest.approx((x + 7, y - 14))


def test_the_image_cannot_be_dragged_out_of_reach() -> None:
    transform = ViewTransform(Camera(), SHAPE, (400, 300))
    far = transform.with_camera(transform.panned(1e6, -1e6))
    left, top, right, bottom = far.image_rectangle()
    assert left <= 200 <= right
    assert top <= 150 <= bottom


def test_one_to_one_is_one_device_pixel_per_image_pixel() -> None:
    transform = ViewTransform(Camera(), SHAPE, (1600, 1000), ratio=2.0)
    exact = transform.with_camera(transform.one_to_one())
    x0, y0 = exact.to_view(10, 10)
    assert exact.to_view(11, 12) == pytest.approx((x0 + 2, y0 + 1))


def test_the_same_view_twice_as_large() -> None:
    camera_ = Camera(zoom=3.0, centre=(100.0, 50.0))
    small = ViewTransform(camera_, SHAPE, (300, 200))
    large = ViewTransform(camera_.scaled(2), SHAPE, (600, 400), ratio=2.0)
    x, y = small.to_view(90, 40)
    assert large.to_view(90, 40) == pytest.approx((2 * x, 2 * y), abs=1.0)


def test_pixel_under_the_pointer() -> None:
    transform = ViewTransform(Camera(zoom=10.0), (4, 4), (40, 40))
    assert transform.pixel_at(0.5, 0.5) == (0, 0)
    assert transform.pixel_at(39.9, 0.1) == (0, 3)
    assert transform.pixel_at(9.9, 10.1) == (1, 0)
    assert transform.pixel_at(40.1, 5) is None
    assert transform.pixel_at(-0.1, 5) is None


@pytest.mark.parametrize("zoom", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_zoom_is_refused(zoom: float) -> None:
    with pytest.raises(ValueError, match="not a zoom"):
        Camera(zoom=zoom)


@pytest.mark.parametrize(("shape", "size"), [((0, 5), (10, 10)), ((5, 5), (0, 10))])
def test_an_empty_view_is_refused(shape: tuple[int, int], size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="nothing to show"):
        ViewTransform(Camera(), shape, size)


def test_pixels_without_spacing_keep_their_shape() -> None:
    tall = ViewTransform(Camera(), (100, 100), (400, 400), aspect=(2.0, 1.0))
    (x0, y0), (x1, y1) = tall.to_view(0, 0), tall.to_view(10, 10)
    assert (y1 - y0) == pytest.approx(2 * (x1 - x0))
    assert tall.pixels_per_mm is None
    assert tall.with_camera(Camera(quarter_turns=1)).aspect == (2.0, 1.0)
    known = ViewTransform(Camera(), (100, 100), (400, 400), PixelSpacing(1, 1), aspect=(2.0, 1.0))
    assert known.to_view(10, 0)[1] - known.to_view(0, 0)[1] == pytest.approx(40)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("edge", ["left", "right"])
@pytest.mark.parametrize("size", [(301, 120), (90, 200)])
def test_an_image_may_lie_against_an_edge(
    orientation: tuple[int, bool], edge: Literal["left", "right"], size: tuple[int, int]
) -> None:
    looking = camera(orientation, against=edge)
    transform = ViewTransform(looking, (100, 60), size)
    left, _, right, _ = transform.image_rectangle()
    assert (left if edge == "left" else size[0] - right) == pytest.approx(0, abs=1)
    place = transform.to_view(30, 20)
    assert transform.with_camera(transform.zoomed(2, *place)).to_view(30, 20) == pytest.approx(place, abs=0.5)
    inward = 5 if edge == "left" else -5
    panned = transform.with_camera(transform.panned(inward, 0))
    assert panned.to_view(30, 20)[0] == pytest.approx(place[0] + inward, abs=1)
    outward = transform.with_camera(transform.panned(-10_000 * inward, 0)).image_rectangle()
    assert outward[2] > 0
    assert outward[0] < size[0]
    mirrored = ViewTransform(looking.flipped_horizontally(), (100, 60), size).image_rectangle()
    assert (mirrored[0], mirrored[2]) == pytest.approx((size[0] - right, size[0] - left), abs=1)
