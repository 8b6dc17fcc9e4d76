"""Stored values: every depth, sign, byte order and unused bit; padding, inversion, floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid

from radviewer.dicom.load import read_slice
from radviewer.domain.window import Window
from radviewer.errors import TooLarge, UnreadableImage
from tests.dicom.pixel_files import stack_of, values, with_words, written
from tests.phantoms import image, save

SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian)


def expected_value(word: int, stored: int, high: int, signed: bool) -> int:
    """PS3.5 8.1.1, one value at a time."""
    value = (word >> (high + 1 - stored)) & ((1 << stored) - 1)
    return value - (1 << stored) if signed and value >> (stored - 1) else value


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int, int, int, bool]:
    allocated = draw(st.sampled_from([8, 16, 32]))
    stored = draw(st.integers(1, allocated))
    return allocated, stored, draw(st.integers(stored - 1, allocated - 1)), draw(st.booleans())


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layout=layouts(), seed=st.integers(0, 2**32 - 1))
def test_unused_bits_are_dropped_and_signs_extended(
    tmp_path: Path, layout: tuple[int, int, int, bool], seed: int
) -> None:
    allocated, stored, high, signed = layout
    words = np.random.default_rng(seed).integers(0, 1 << allocated, (5, 6), dtype=f"u{allocated // 8}")
    path = with_words(tmp_path / "words.dcm", words, signed=signed, stored=stored, high=high)
    picture = read_slice(stack_of(path), 0)
    assert picture.stored.dtype == np.dtype(f"{'i' if signed else 'u'}{allocated // 8}")
    wanted = [[expected_value(int(word), stored, high, signed) for word in row] for row in words]
    np.testing.assert_array_equal(values(picture), wanted)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_type_in_every_byte_order(tmp_path: Path, kind: str, syntax: str) -> None:
    limits = np.iinfo(kind)
    pixels = np.array([[limits.min, limits.max, 1, 2], [0, limits.max // 3, limits.min // 5, 7]], kind)
    data = pixels.astype(pixels.dtype.newbyteorder(">")) if syntax == uid.ExplicitVRBigEndian else pixels
    ds = image(pixels)
    ds.PixelData = data.tobytes()
    if pixels.dtype.itemsize == 2 and syntax == uid.ExplicitVRBigEndian:
        ds.PixelData = pixels.tobytes()  # `save` swaps these itself
    picture = read_slice(stack_of(save(ds, tmp_path / "a.dcm", syntax)), 0)
    assert picture.stored.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.stored, pixels)


def test_big_endian_bytes_written_as_words(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    ds = image(pixels)
    ds.add_new("PixelData", "OW", pixels.reshape(-1, 2)[:, ::-1].tobytes())
    picture = read_slice(stack_of(save(ds, tmp_path / "ow.dcm", uid.ExplicitVRBigEndian)), 0)
    np.testing.assert_array_equal(picture.stored, pixels)


def test_deflated(tmp_path: Path) -> None:
    pixels = np.arange(2 * 30 * 40, dtype=np.int16).reshape(2, 30, 40)
    stack = stack_of(
        save(image(pixels, NumberOfFrames=2), tmp_path / "deflated.dcm", uid.DeflatedExplicitVRLittleEndian)
    )
    for index in (1, 0):
        np.testing.assert_array_equal(read_slice(stack, index).stored, pixels[index])


def test_a_deflated_film_larger_than_any_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radviewer.dicom.deflated.MAX_HEADER", 100_000)
    pixels = np.random.default_rng(6).integers(0, 4096, (600, 500), dtype=np.uint16)
    picture = written(tmp_path / "film.dcm", pixels, uid.DeflatedExplicitVRLittleEndian)
    np.testing.assert_array_equal(picture.stored, pixels)


def test_frames_of_one_bit_pixels_follow_without_padding(tmp_path: Path) -> None:
    bits = np.random.default_rng(5).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    ds = image(bits, NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    stack = stack_of(save(ds, tmp_path / "bits.dcm"))
    for index in range(3):
        picture = read_slice(stack, index)
        assert picture.stored.dtype == np.uint8
        np.testing.assert_array_equal(picture.stored, bits[index])


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floating_point_pixels(tmp_path: Path, keyword: str, kind: str) -> None:
    pixels = np.linspace(-1e-3, 1e30, 12, dtype=kind).reshape(3, 4)
    bits = pixels.dtype.itemsize * 8
    ds = image(pixels, BitsAllocated=bits, PixelData=None)
    setattr(ds, keyword, pixels.tobytes())
    picture = read_slice(stack_of(save(ds, tmp_path / "float.dcm")), 0)
    assert picture.stored.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.stored, pixels)


def test_wide_integers_become_floating_point(tmp_path: Path) -> None:
    pixels = np.array([[-(2**40), 2**50 + 1]], np.int64)
    picture = written(tmp_path / "wide.dcm", pixels)
    assert picture.stored.dtype == np.float64
    np.testing.assert_array_equal(picture.stored, pixels)


def test_the_frames_own_values_reach_the_image(tmp_path: Path) -> None:
    picture = written(
        tmp_path / "ct.dcm",
        np.array([[0, 1000, 2000]], np.int16),
        RescaleSlope=2,
        RescaleIntercept=-1000,
        RescaleType="HU",
        WindowCenter=[40, 60],
        WindowWidth=[400, 80],
    )
    np.testing.assert_array_equal(picture.modality_values(), [[-1000, 1000, 3000]])
    assert picture.unit == "HU"
    assert picture.vois == (Window(40, 400), Window(60, 80))


@pytest.mark.parametrize(
    ("elements", "kind", "padding"),
    [
        ({}, "i2", None),
        ({"PixelPaddingValue": -2000}, "i2", (-2000, -2000)),
        ({"PixelPaddingValue": 65535}, "u2", (65535, 65535)),
        ({"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 3900}, "u2", (3900, 4000)),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_padding(tmp_path: Path, elements: dict[str, Any], kind: str, padding: object, syntax: str) -> None:
    ds = image(np.zeros((2, 2), kind))
    for keyword, value in elements.items():
        ds[keyword] = pydicom.DataElement(keyword, "US" if kind == "u2" else "SS", value)
    picture = read_slice(stack_of(save(ds, tmp_path / "padded.dcm", syntax)), 0)
    assert picture.padding == padding


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),  # two names of one inversion (PS3.3 C.8.11.3.1.5)
    ],
)
def test_inverted(tmp_path: Path, photometric: str, shape: str | None, inverted: bool) -> None:
    picture = written(
        tmp_path / "film.dcm",
        np.zeros((2, 2), np.uint16),
        PhotometricInterpretation=photometric,
        PresentationLUTShape=shape,
    )
    assert picture.inverted is inverted


def test_stored_values_cannot_be_written_to(tmp_path: Path) -> None:
    picture = written(tmp_path / "a.dcm", np.zeros((2, 2), np.int16))
    with pytest.raises(ValueError, match="read-only"):
        picture.stored[0, 0] = 1


def test_cut_off_pixels_are_refused_with_both_lengths(tmp_path: Path) -> None:
    path = save(image(np.zeros((100, 100), np.uint16)), tmp_path / "cut.dcm")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnreadableImage, match=r"^cut\.dcm cannot be shown: .*20,000 bytes expected, 19,000 found\.$"):
        read_slice(stack_of(path), 0)


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    path = save(image(), tmp_path / "gone.dcm")
    stack = stack_of(path)
    path.unlink()
    with pytest.raises(UnreadableImage, match=r"gone\.dcm .*[Nn]o such file"):
        read_slice(stack, 0)


def test_an_image_larger_than_memory_is_refused_before_it_is_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radviewer.dicom.load._free_memory", lambda: 1000)
    with pytest.raises(TooLarge, match=r"100 × 100 pixels, which needs 0\.0 MB"):
        read_slice(stack_of(save(image(np.zeros((100, 100), np.uint16)), tmp_path / "a.dcm")), 0)
