from __future__ import annotations

import cv2
import numpy as np
import pytest

from radviewer.ai.films import Refused
from radviewer.ai.sonograms import (
    LARGEST,
    Scan,
    canvas_of,
    grey_of,
    inverse,
    is_split,
    laid,
    letterbox,
    scan_of,
)
from radviewer.domain.volume import SliceImage
from tests.ai.series import speckled


@pytest.mark.parametrize(
    ("shape", "canvas"),
    [
        ((300, 400), (192, 256)),
        ((400, 300), (256, 192)),
        ((500, 500), (256, 256)),
        ((100, 101), (256, 256)),
        ((70, 900), (32, 256)),
        ((900, 70), (256, 32)),
        ((1, 5000), (32, 256)),
        ((257, 256), (256, 256)),
        ((64, 74), (224, 256)),
    ],
)
def test_the_canvas_is_no_larger_than_the_scan_needs(shape: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert canvas_of(shape, 256) == canvas


@pytest.mark.parametrize("shape", [(300, 400), (401, 299), (80, 700), (70, 71), (1200, 1600)])
def test_cells_return_to_their_pixels(shape: tuple[int, int]) -> None:
    canvas = canvas_of(shape, 256)
    box = letterbox(shape, canvas)
    assert box.step_row == box.step_column
    rows, columns = (
        (box.origin_row, box.origin_row + canvas[0] * box.step_row),
        (
            box.origin_column,
            box.origin_column + canvas[1] * box.step_column,
        ),
    )
    assert sum(rows) == pytest.approx(shape[0])  # in the middle
    assert sum(columns) == pytest.approx(shape[1])
    assert rows[0] <= 1e-9
    assert columns[0] <= 1e-9
    matrix = inverse(box)
    for row, column in ((0, 0), (shape[0] - 1, 3), (17, shape[1] - 1)):
        x, y = matrix @ (column, row, 1)  # centres at integers
        assert box.origin_row + (y + 0.5) * box.step_row == pytest.approx(row + 0.5)
        assert box.origin_column + (x + 0.5) * box.step_column == pytest.approx(column + 0.5)


@pytest.mark.parametrize("shape", [(300, 400), (1300, 900), (150, 90)])
def test_what_is_laid_on_the_canvas_comes_back_to_its_place(shape: tuple[int, int]) -> None:
    image = np.zeros(shape, np.float32)
    centre = (shape[1] // 3, shape[0] // 4)
    radius = min(shape) // 8
    cv2.circle(image, centre, radius, (1.0,), cv2.FILLED)
    canvas = canvas_of(shape, 256)
    box = letterbox(shape, canvas)
    grey, inside = laid(image, inverse(box), canvas)
    assert grey.shape == inside.shape == canvas
    assert inside.sum() == pytest.approx(shape[0] * shape[1] / box.step_row**2, rel=0.02)
    back = box.map(grey, shape)
    rows, columns = np.nonzero(back > 0.5)
    assert (columns.mean(), rows.mean()) == pytest.approx(centre, abs=0.3 * max(1.0, box.step_row))
    assert (back > 0.5).sum() == pytest.approx((image > 0).sum(), rel=0.05)


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((40, 22), (35, 81)), constant_values=3)


def test_the_flat_border_is_cut_off_and_the_place_kept() -> None:
    image = speckled((260, 360))
    alone, framed = scan_of(image, 256), scan_of(_framed(image), 256)
    np.testing.assert_array_equal(alone.grey, framed.grey)
    assert framed.placement.origin_row == pytest.approx(alone.placement.origin_row + 40)
    assert framed.placement.origin_column == pytest.approx(alone.placement.origin_column + 35)
    assert framed.placement.step_row == alone.placement.step_row
    assert framed.shape == (322, 476)
    lesion = alone.placement.map((alone.grey < 0.2).astype(np.float32), (260, 360)) > 0.5
    rows, columns = np.nonzero(cv2.GaussianBlur(lesion.astype(np.float32), (0, 0), 6) > 0.5)
    assert (rows.mean(), columns.mean()) == pytest.approx((0.45 * 260, 0.4 * 360), abs=6)


def test_gain_and_offset_change_nothing() -> None:
    image = speckled((200, 260))
    straight = scan_of(image, 128)
    assert (straight.grey.min(), straight.grey.max()) == pytest.approx((0, 1), abs=0.02)
    for changed in (image * 0.01, image.astype(np.int32) * 200 - 9000):
        np.testing.assert_allclose(scan_of(changed, 128).grey, straight.grey, atol=0.01)


@pytest.mark.parametrize("pixel", [(2.0, 1.0), (1.0, 1.5)])
def test_cells_are_squares_in_the_patient(pixel: tuple[float, float]) -> None:
    shape = (220, 260)
    scan = scan_of(speckled(shape), 256, pixel=pixel)
    height, width = (n * side for n, side in zip(shape, pixel, strict=True))
    assert scan.placement.step_row * pixel[0] == pytest.approx(scan.placement.step_column * pixel[1])
    rows, columns = (np.ptp(np.nonzero(scan.inside)[axis]) + 1 for axis in range(2))
    assert rows / columns == pytest.approx(height / width, rel=0.02)
    assert max(rows, columns) == pytest.approx(256, abs=1)
    middle = scan.placement.origin_row + scan.grey.shape[0] / 2 * scan.placement.step_row
    assert middle == pytest.approx(shape[0] / 2)


def test_a_taller_scan_stays_taller() -> None:
    scan = scan_of(speckled((400, 200)), 256)
    assert scan.grey.shape == (256, 128)
    assert scan.placement.step_row == scan.placement.step_column


def _two(gap: int = 12, *, stacked: bool = False) -> np.ndarray:
    parts = [speckled((240, 200), seed) for seed in range(2)]
    if stacked:
        return np.concatenate([parts[0], np.zeros((gap, 200), np.uint8), parts[1]])
    return np.concatenate([parts[0], np.zeros((240, gap), np.uint8), parts[1]], axis=1)


def _m_mode() -> np.ndarray:
    """A B-mode image above, black, and the trace of a line over time."""
    trace = np.repeat(speckled((150, 1)), 320, axis=1) * np.random.default_rng(0).uniform(0.8, 1, (150, 320))
    return np.concatenate([speckled((170, 320)), np.zeros((14, 320), np.uint8), trace.astype(np.uint8)])


@pytest.mark.parametrize(
    "board",
    [_two(), _two(stacked=True), _two(60), _two(3), _m_mode(), _framed(_two())],
    ids=["dual", "stacked", "wide", "thin", "M", "framed"],
)
def test_boards_with_two_images_are_refused_or_overridden(board: np.ndarray) -> None:
    with pytest.raises(Refused, match="more than one image"):
        scan_of(board, 256)
    noted: list[str] = []
    assert isinstance(scan_of(board, 256, noted.append), Scan)
    assert len(noted) == 1


def _shadow() -> np.ndarray:
    """A lesion with a black shadow down to the lower border."""
    image = speckled((300, 360))
    image[120:, 150:190] = 0
    return image


@pytest.mark.parametrize(
    "image",
    [speckled((300, 400)), speckled((500, 200)), _shadow(), np.pad(speckled((200, 260)), ((0, 0), (0, 140)))],
    ids=["plain", "tall", "shadow", "black beside"],
)
def test_single_images_are_no_boards(image: np.ndarray) -> None:
    assert not is_split(image.astype(np.float32))
    scan_of(image, 256)


def _coloured(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    rgb = np.repeat(image[..., None], 3, axis=2)
    rgb[60 : 60 + rows, 60 : 60 + columns] = (230, 40, 20)
    return rgb


def test_doppler_is_refused_and_coloured_letters_are_grey() -> None:
    image = speckled((300, 400))
    with pytest.raises(Refused, match="colour"):
        grey_of(SliceImage(_coloured(image, 60, 60)))
    noted: list[str] = []
    grey_of(SliceImage(_coloured(image, 60, 60)), noted.append)
    assert len(noted) == 1
    lettered = grey_of(SliceImage(_coloured(image, 10, 60)))
    np.testing.assert_allclose(lettered[100:], image[100:], atol=0.01)
    assert lettered[65, 65] == pytest.approx(0.299 * 230 + 0.587 * 40 + 0.114 * 20, abs=0.1)
    assert lettered.dtype == np.float32


def test_modality_values_and_negatives() -> None:
    image = speckled((80, 90))
    np.testing.assert_array_equal(grey_of(SliceImage(image, slope=2.0, intercept=1.0)), image * 2.0 + 1)
    np.testing.assert_array_equal(grey_of(SliceImage(image, inverted=True)), -image.astype(np.float32))


@pytest.mark.parametrize("shape", [(134, 96), (300, 400), (371, 277)])
def test_a_picture_stored_in_negative_or_with_an_offset_is_the_same_picture(shape: tuple[int, int]) -> None:
    image = speckled(shape)
    seen = scan_of(grey_of(SliceImage(image)), 256).grey
    for other in (SliceImage(255 - image, inverted=True), SliceImage(image, intercept=-1024.0)):
        np.testing.assert_allclose(scan_of(grey_of(other), 256).grey, seen, atol=2e-3)


def test_tiny_blank_huge_and_numbers_that_are_none() -> None:
    with pytest.raises(Refused, match="too small"):
        scan_of(speckled((63, 400)), 256)
    noted: list[str] = []
    for shape in ((63, 400), (9, 7), (1, 300), (2, 2)):
        assert np.isfinite(scan_of(speckled(shape), 256, noted.append).grey).all()
    assert len(noted) >= 4
    with pytest.raises(Refused, match="blank"):
        scan_of(np.full((100, 100), 7, np.uint8), 256)
    with pytest.raises(Refused, match="larger than any"):
        scan_of(np.broadcast_to(np.zeros((), np.uint8), (LARGEST // 1000 + 1, 1000)), 256)
    for spoilt in (np.nan, np.inf):
        values = speckled((100, 100)).astype(np.float32)
        values[5, 5] = spoilt
        with pytest.raises(Refused, match="not finite"):
            scan_of(values, 256)
    with pytest.raises(Refused, match="not finite"):
        scan_of(grey_of(SliceImage(speckled((100, 100)), slope=1e300)), 256)


def test_a_small_scan_on_a_large_screen_is_too_small() -> None:
    screen = np.zeros((500, 500), np.uint8)
    screen[200:255, 150:210] = speckled((55, 60))
    with pytest.raises(Refused, match="too small"):
        scan_of(screen, 256)
