"""Grey levels, against pydicom and the formulas of PS3.3 C.11.2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_rescale, apply_voi, apply_windowing
from pydicom.sequence import Sequence

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction, Window
from radviewer.render.presentation import Presentation
from radviewer.render.samples import Encoding, encode
from radviewer.render.windowing import (
    COLOUR_WINDOW,
    as_window,
    automatic_window,
    code_table,
    dragged,
    effective_voi,
    grey_levels,
    to_grey,
    voi_range,
)

EVERY_INT16 = np.arange(-32768, 32768, dtype=np.int16)


def windowed_by_pydicom(window: Window, stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.float64]:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored = 16
    dataset.PixelRepresentation = 1
    dataset.RescaleSlope, dataset.RescaleIntercept = str(slope), str(intercept)
    dataset.WindowCenter, dataset.WindowWidth = str(window.center), str(window.width)
    dataset.VOILUTFunction = window.function.value
    values = apply_rescale(stored, dataset)
    found = apply_windowing(values, dataset)
    # pydicom's output range is that of the stored values through the rescale.
    low, high = sorted(v * slope + intercept for v in (-32768, 32767))
    grey: NDArray[np.float64] = (found - low) / (high - low) * 255
    return grey


@pytest.mark.parametrize("function", list(VoiFunction))
@pytest.mark.parametrize(("center", "width"), [(40, 400), (-600, 1500), (0.5, 1), (127.5, 3.7), (1000, 30000)])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -1024), (0.25, 3.5), (2.0, -7.0)])
def test_windows_as_pydicom(function: VoiFunction, center: float, width: float, slope: float, intercept: float) -> None:
    if function is VoiFunction.SIGMOID:
        width = max(width, 400)  # pydicom's own exponential overflows for narrow ones
    window = Window(center, width, function)
    image = SliceImage(EVERY_INT16.reshape(256, 256), slope, intercept)
    expected = windowed_by_pydicom(window, EVERY_INT16, slope, intercept)
    found = grey_levels(image.modality_values(), window).ravel()
    assert np.abs(found - expected).max() < 1e-6


@pytest.mark.parametrize("inverted", [False, True])
def test_a_table_of_codes_is_the_windowing_of_each_stored_value(inverted: bool) -> None:
    stored = EVERY_INT16.reshape(256, 256)[100:160]
    image, window = SliceImage(stored, 0.5, -20.0), Window(-3000, 5000)
    samples = encode(image)
    assert samples.encoding is not None
    table = code_table(image, samples.encoding, window, inverted)
    expected = np.rint(grey_levels(image.modality_values(), window))
    assert np.array_equal(table[samples.values], 255 - expected if inverted else expected)


def test_linear_has_its_half_pixel() -> None:
    """PS3.3 C.11.2.1.2.1, the standard's own example: c = 2048, w = 4096, and c = 2048, w = 1."""
    values = np.array([0, 1, 2047, 2048, 4095, 4096])
    assert grey_levels(values, Window(2048, 4096)) == pytest.approx(values.clip(0, 4095) / 4095 * 255)
    assert grey_levels(np.array([2047, 2047.5, 2047.6, 2048]), Window(2048, 1)).tolist() == [0, 0, 255, 255]


def test_linear_exact_has_none() -> None:
    values = np.array([0, 1024, 2048, 4096])
    assert grey_levels(values, Window(2048, 4096, VoiFunction.LINEAR_EXACT)) == pytest.approx(values / 4096 * 255)


def test_sigmoid_of_far_away_values_does_not_overflow() -> None:
    found = grey_levels(np.array([-1e300, 0, 1e300]), Window(0, 1e-6, VoiFunction.SIGMOID))
    assert found.tolist() == pytest.approx([0, 127.5, 255])


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_voi_table_as_pydicom(bits: int) -> None:
    rng = np.random.default_rng(bits)
    entries = np.sort(rng.integers(0, 1 << bits, 200)).astype(np.uint16)
    entries[-1] = (1 << bits) - 1
    item = Dataset()
    item.LUTDescriptor = [200, 100, bits]
    item.LUTData = entries.tolist()
    dataset = Dataset()
    dataset.PixelRepresentation = 0
    dataset.VOILUTSequence = Sequence([item])
    values = np.arange(0, 350, dtype=np.uint16)  # pydicom wraps around 255 beyond
    expected = apply_voi(values, dataset) / ((1 << bits) - 1) * 255
    found = grey_levels(values, LookupTable(100, entries, bits))
    assert np.abs(found - expected).max() < 1e-9


def test_a_table_that_uses_fewer_bits_than_it_says_is_not_shown_black() -> None:
    entries = np.arange(4096, dtype=np.uint16)
    assert grey_levels(np.array([4095]), LookupTable(0, entries, 16))[0] == 255
    assert grey_levels(np.array([32000]), LookupTable(0, np.arange(32001, dtype=np.uint16), 16))[0] < 126


def test_a_table_with_entries_beyond_its_bits_does_not_wrap_around() -> None:
    grey = to_grey(np.array([0.0, 1, 2]), LookupTable(0, np.array([0, 255, 1000], np.uint16), 8), inverted=False)
    assert grey[0] < grey[1] < grey[2]


def test_inversion_comes_last() -> None:
    values, window = np.linspace(-100, 500, 50), Window(200, 300)
    assert np.array_equal(to_grey(values, window, inverted=True), 255 - to_grey(values, window, inverted=False))


@given(st.floats(-2000, 2000), st.floats(1, 4000), st.sampled_from(list(VoiFunction)))
def test_grey_levels_rise_and_stay_in_range(center: float, width: float, function: VoiFunction) -> None:
    grey = grey_levels(np.linspace(-5000, 5000, 501), Window(center, width, function))
    assert np.all(np.diff(grey) >= 0)
    assert 0 <= grey.min() <= grey.max() <= 255


@given(st.floats(-2000, 2000), st.floats(1.5, 4000), st.sampled_from(list(VoiFunction)))
def test_the_range_of_a_window_is_what_it_shows(center: float, width: float, function: VoiFunction) -> None:
    window = Window(center, width, function)
    low, high = voi_range(window)
    ends = grey_levels(np.array([low, high]), window)
    assert ends == pytest.approx([0, 255], abs=5)  # the sigmoid never quite gets there


def test_own_window_then_fallback_then_automatic() -> None:
    stored = np.arange(10000, dtype=np.int16).reshape(100, 100)
    own, table, chosen, fallback = (
        Window(1, 2),
        LookupTable(0, np.arange(9, dtype=np.uint16), 16),
        Window(5, 6),
        Window(7, 8),
    )
    with_own = SliceImage(stored, vois=(own, table))
    assert effective_voi(with_own, Presentation(fallback=fallback)) is own
    assert effective_voi(with_own, Presentation(voi=chosen)) is chosen
    assert effective_voi(with_own, Presentation(voi=table)) is table
    assert effective_voi(SliceImage(stored), Presentation(fallback=fallback)) is fallback
    assert effective_voi(SliceImage(stored), Presentation()) == automatic_window(SliceImage(stored))


def test_automatic_window_spans_the_anatomy_not_padding_or_outliers() -> None:
    stored = np.random.default_rng(3).normal(500, 50, (300, 300)).astype(np.int16)
    stored[:, :150] = -2000
    stored[0, 200:210] = 30000
    low, high = voi_range(automatic_window(SliceImage(stored, padding=(-2000.0, -2000.0))))
    assert 340 < low < 400
    assert 600 < high < 660


def test_automatic_window_of_a_few_bright_pixels_on_nothing() -> None:
    stored = np.zeros((500, 500), np.uint8)
    stored[200:203, 200:220] = 200
    low, high = voi_range(automatic_window(SliceImage(stored)))
    assert low <= 0
    assert high >= 200


@pytest.mark.parametrize(
    "stored",
    [
        np.zeros((5, 5), np.uint8),
        np.full((5, 5), -7, np.int16),
        np.full((5, 5), np.nan, np.float32),
        np.array([[0, 1]], np.uint8),
        np.array([[1e300, -1e300]]),
        np.array([[1e-12, 2e-12]], np.float32),
    ],
    ids=["zero", "constant", "no number", "one bit", "huge", "tiny"],
)
def test_automatic_window_always_is_one(stored: NDArray[Any]) -> None:
    window = automatic_window(SliceImage(stored))
    assert np.isfinite(window.center)
    assert 0 < window.width < np.inf


def test_automatic_window_of_a_huge_slope() -> None:
    window = automatic_window(SliceImage(np.arange(25, dtype=np.int16).reshape(5, 5), slope=1e30))
    assert np.isfinite(window.center)
    assert 2e31 < window.width < 3e31


def test_two_levels_are_told_apart() -> None:
    window = automatic_window(SliceImage(np.eye(50, dtype=np.uint8)))
    assert grey_levels(np.array([0, 1]), window).tolist() == [0, 255]


def test_colour_is_left_as_it_is() -> None:
    # PS3.3 C.11.2.1.2: windows are defined for grey images only, yet colour files carry them.
    image = SliceImage(np.zeros((4, 4, 3), np.uint8), vois=(Window(40, 80),))
    assert effective_voi(image, Presentation(fallback=Window(1, 2))) == COLOUR_WINDOW
    assert effective_voi(image, Presentation(voi=Window(1, 2))) == Window(1, 2)
    assert grey_levels(np.arange(256), COLOUR_WINDOW) == pytest.approx(np.arange(256))


def test_drag_right_is_wider_and_up_is_brighter() -> None:
    window = Window(40, 400, explanation="abdomen")
    assert dragged(window, 100, 0).width > 400
    assert dragged(window, -100, 0).width < 400
    assert dragged(window, 0, 100).center < 40
    assert dragged(window, 30, 0).center == 40
    assert dragged(window, 0, 10).explanation == ""
    assert dragged(window, -1e6, 0).width == 1


def test_a_drag_can_narrow_a_window_on_small_values() -> None:
    small = dragged(Window(0.01, 0.02, VoiFunction.LINEAR_EXACT), -100, 0)
    assert 0 < small.width < 0.02


def test_a_drag_from_a_table_starts_from_its_range() -> None:
    window = as_window(LookupTable(100, np.arange(301, dtype=np.uint16), 16))
    assert voi_range(window) == (100, 400)
    same = Window(1, 2)
    assert as_window(same) is same


def test_decoding_undoes_encoding() -> None:
    encoding = Encoding(offset=-1024.0, step=0.25, is_code=True)
    assert encoding.decode(np.array([0, 4, 6], np.uint16)).tolist() == [-1024, -1023, -1022.5]
