"""Values on device pixels: exact positions, means when reduced, no mixing with padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.reformat import DRAFT_BLOCK
from radviewer.domain.volume import SliceImage
from radviewer.render.presentation import Interpolation
from radviewer.render.resampling import reductions, resample, resample_mask, visible_patch
from radviewer.render.samples import encode, reduction, samples_of, shrink
from radviewer.render.view import Camera, ViewTransform
from tests.render.pictures import ORIENTATIONS, camera

SPACINGS = [None, PixelSpacing(0.7, 0.3), PixelSpacing(0.5, 1.9)]


def resampled(
    image: SliceImage, transform: ViewTransform, interpolation: Interpolation = Interpolation.LINEAR
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Stored values of the visible device pixels, and which are padding."""
    patch = visible_patch(transform)
    assert patch is not None
    samples = samples_of(image, *reductions(transform), in_blocks=transform.draft)
    found = resample(samples, transform, patch, interpolation)
    assert samples.encoding is not None
    return samples.encoding.decode(found.values), found.padding


def image_points(transform: ViewTransform) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column under the centre of each visible device pixel."""
    patch = visible_patch(transform)
    assert patch is not None
    x, y = np.meshgrid(np.arange(patch.left, patch.right) + 0.5, np.arange(patch.top, patch.bottom) + 0.5)
    a, b, c, d, e, f = transform.matrix
    column, row = np.linalg.solve([[a, b], [c, d]], np.stack([(x - e).ravel(), (y - f).ravel()]))
    return row.reshape(x.shape), column.reshape(x.shape)


def ramp(rows: int, columns: int, dtype: Any) -> NDArray[Any]:
    return (7 * np.arange(rows)[:, None] + 3 * np.arange(columns) - 50).astype(dtype)


@pytest.mark.parametrize("dtype", [np.int16, np.int8, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
@pytest.mark.parametrize("zoom", [1.0, 1.37, 3.3, 40.7])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_magnified_values_lie_where_they_belong(
    orientation: tuple[int, bool], zoom: float, spacing: PixelSpacing | None, dtype: Any
) -> None:
    rows, columns = (12, 9) if dtype is np.int8 else (60, 45)
    image = SliceImage(ramp(rows, columns, dtype), spacing=spacing)
    transform = ViewTransform(camera(orientation, zoom=zoom), (rows, columns), (170, 130), spacing)
    values, _ = resampled(image, transform)
    row, column = image_points(transform)
    expected = 7 * np.clip(row, 0, rows - 1) + 3 * np.clip(column, 0, columns - 1) - 50
    assert np.abs(values - expected).max() < 0.02  # 1/150 of a pixel down, 1/350 across


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
@pytest.mark.parametrize("zoom", [0.93, 0.61, 0.5, 0.31, 0.125, 0.08])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_reduced_values_lie_where_they_belong(
    orientation: tuple[int, bool], zoom: float, spacing: PixelSpacing | None
) -> None:
    image = SliceImage(ramp(600, 500, np.int16), spacing=spacing)
    transform = ViewTransform(camera(orientation, zoom=zoom), (600, 500), (300, 200), spacing)
    values, _ = resampled(image, transform)
    row, column = image_points(transform)
    away = 1.5 / zoom + 1  # the rim is a mean of fewer pixels
    inner = (row > away) & (row < 599 - away) & (column > away) & (column < 499 - away)
    assert inner.any()
    error = np.abs(values - (7 * row + 3 * column - 50))[inner]
    # In device pixels, 7 being the step per row: OpenCV's areas do not quite add up to 1.
    assert error.max() / 7 * transform.pixel_size[0] < 0.2


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
@pytest.mark.parametrize("zoom", [1.0, 2.0, 3.3, 17.9])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_nearest_shows_the_pixel_under_each_device_pixel(
    orientation: tuple[int, bool], zoom: float, spacing: PixelSpacing | None
) -> None:
    image = SliceImage(np.arange(50 * 40, dtype=np.uint16).reshape(50, 40))
    transform = ViewTransform(camera(orientation, zoom=zoom), (50, 40), (90, 70), spacing)
    values, _ = resampled(image, transform, Interpolation.NEAREST)
    row, column = image_points(transform)
    half = 0.5 + 1e-9  # a device pixel's centre may lie on the border of two
    assert np.abs(values // 40 - row).max() <= half
    assert np.abs(values % 40 - column).max() <= half


def test_one_to_one_is_the_image_itself() -> None:
    stored = np.random.default_rng(1).integers(-1000, 3000, (50, 40)).astype(np.int16)
    transform = ViewTransform(camera((0, False), zoom=1.0), (50, 40), (101, 83))
    values, _ = resampled(SliceImage(stored), transform)
    assert np.array_equal(values, stored)


def test_interpolation_of_few_levels_is_not_rounded_to_them() -> None:
    stored = np.tile(np.array([0, 1], np.uint8), (4, 2))
    transform = ViewTransform(camera((0, False), zoom=16.0), (4, 4), (64, 64))
    values, _ = resampled(SliceImage(stored), transform)
    assert len(np.unique(values)) > 8


def test_a_reduced_picture_does_not_lose_fine_detail() -> None:
    """A single bright pixel keeps its share of light at any reduction and place."""
    transform = ViewTransform(camera((0, False), zoom=0.27), (400, 400), (108, 108))
    for row, column in ((200, 200), (201, 203), (150, 77), (33, 290)):
        stored = np.zeros((400, 400), np.uint16)
        stored[row, column] = 1000
        values, _ = resampled(SliceImage(stored), transform)
        assert values.sum() / 0.27**2 == pytest.approx(1000, rel=0.25)


@pytest.mark.parametrize("zoom", [0.11, 0.4, 0.8, 1.0, 2.7, 20.0])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_padding_is_never_mixed_with_anatomy(zoom: float, dtype: Any) -> None:
    rows, columns = np.mgrid[:120, :120]
    outside = np.hypot(rows - 60, columns - 55) > 44.3
    stored = np.where(outside, -2000, 350).astype(dtype)
    stored[60, 55] = 0
    image = SliceImage(stored, padding=(-2000.0, -1500.0))
    transform = ViewTransform(camera((1, True), zoom=zoom, centre=(60.0, 11.0)), (120, 120), (150, 150))
    values, padding = resampled(image, transform)
    assert padding is not None
    assert padding.any()
    assert not padding.all()
    row, column = image_points(transform)
    away = np.hypot(row - 60, column - 55) > 2 + 2 / zoom
    assert (away & ~padding).any()
    assert values[away & ~padding] == pytest.approx(350, abs=0.05)


def test_padding_lies_where_it_belongs() -> None:
    outside = np.zeros((20, 30), np.bool_)
    outside[3:9, 12:30] = True
    image = SliceImage(np.where(outside, -5, 100).astype(np.int16), padding=(-5.0, -5.0))
    transform = ViewTransform(camera((3, False), zoom=7.3), (20, 30), (300, 300))
    _, padding = resampled(image, transform)
    row, column = (np.floor(v + 0.5).astype(int) for v in image_points(transform))
    assert padding is not None
    assert np.array_equal(padding, outside[row, column])


def test_values_that_are_no_number_are_padding() -> None:
    stored = np.ones((10, 10), np.float64)
    stored[4, 4], stored[5, 5], stored[6, 6] = np.nan, np.inf, -np.inf
    transform = ViewTransform(camera((0, False), zoom=3.0), (10, 10), (30, 30))
    values, padding = resampled(SliceImage(stored), transform)
    assert padding is not None
    assert padding.sum() == 3 * 9
    assert np.all(values[~padding] == 1)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.float64])
def test_large_offsets_keep_small_differences(dtype: Any) -> None:
    stored = (1_900_000_000 + 70_000 * np.arange(25).reshape(5, 5) + np.arange(25).reshape(5, 5) % 3).astype(dtype)
    transform = ViewTransform(camera((0, False), zoom=1.0), (5, 5), (5, 5))
    values, _ = resampled(SliceImage(stored), transform)
    assert np.abs(values - stored).max() <= 1


def test_all_padding() -> None:
    image = SliceImage(np.full((8, 8), -2000, np.int16), padding=(-2000.0, -2000.0))
    _, padding = resampled(image, ViewTransform(camera((0, False)), (8, 8), (40, 40)))
    assert padding is not None
    assert padding.all()


def test_extremes_of_16_bits() -> None:
    for dtype, low, high in ((np.int16, -32768, 32767), (np.uint16, 0, 65535)):
        stored = np.array([[low, high], [0, 1]], dtype)
        values, _ = resampled(SliceImage(stored), ViewTransform(camera((0, False), zoom=1.0), (2, 2), (2, 2)))
        assert np.array_equal(values, stored)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2)])
def test_images_of_one_row_or_column(shape: tuple[int, int]) -> None:
    for zoom in (0.1, 0.9, 1.0, 33.0):
        values, _ = resampled(
            SliceImage(np.full(shape, 7, np.int16)), ViewTransform(camera((1, False), zoom=zoom), shape, (50, 40))
        )
        assert values.size
        assert np.all(values == 7)


def test_out_of_view_there_is_nothing_to_show() -> None:
    transform = ViewTransform(camera((0, False), zoom=50.0, centre=(-40.0, 10.0)), (20, 20), (100, 100))
    assert visible_patch(transform) is None


@pytest.mark.parametrize("zoom", [0.07, 0.3, 0.77, 1.0, 5.5])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_a_line_one_pixel_wide_stays_visible_in_a_mask(orientation: tuple[int, bool], zoom: float) -> None:
    mask = np.zeros((300, 400), np.bool_)
    mask[123] = True
    transform = ViewTransform(camera(orientation, zoom=zoom), (300, 400), (300, 300))
    patch = visible_patch(transform)
    assert patch is not None
    shown = resample_mask(mask, transform, patch)
    along = 0 if orientation[0] % 2 == 0 else 1
    assert shown.any(axis=along).all()
    assert shown.mean() < 2.2 * max(1, zoom) / min(shown.shape)


def test_a_reduced_pixel_is_padding_when_most_of_it_is() -> None:
    stored = np.full((4, 16), 500, np.int16)
    for block, count in enumerate((0, 7, 8, 9)):  # pixels of padding in a block of 16
        stored[:, block * 4 : block * 4 + 4].flat[:count] = -1
    image = SliceImage(np.where(stored < 0, -1, stored).astype(np.int16), padding=(-1.0, -1.0))
    for block, count in enumerate((0, 7, 8, 9)):
        assert (image.stored[:, block * 4 : block * 4 + 4] < 0).sum() == count
    small = shrink(encode(image), reduction(4, 0.25), reduction(16, 0.25))
    assert small.padding is not None
    assert small.padding.tolist() == [[False, False, False, True]]
    assert small.encoding is not None
    assert small.encoding.decode(small.values).tolist()[0][:3] == [500, 500, 500]


@pytest.mark.parametrize("zoom", [0.4, 0.77, 1.0, 1.6])
def test_a_draft_lies_where_the_picture_lies(zoom: float) -> None:
    stored = np.zeros((300, 260), np.int16)
    block = DRAFT_BLOCK
    stored[60 * block : 80 * block, 14 * block : 34 * block] = 1000
    transform = ViewTransform(Camera(zoom=zoom), (300, 260), (320, 280))
    full, draft = (
        np.argwhere(resampled(SliceImage(stored), how)[0] > 500) for how in (transform, replace(transform, draft=True))
    )
    np.testing.assert_allclose(draft.mean(axis=0), full.mean(axis=0), atol=0.75)
    np.testing.assert_allclose(np.ptp(draft, axis=0), np.ptp(full, axis=0), atol=1)
