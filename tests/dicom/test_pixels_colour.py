"""Colour: samples, planes, YBR, palettes → RGB of 8 bits."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import uid
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from radviewer.dicom.load import read_slice
from radviewer.dicom.lut import SegmentReader
from radviewer.dicom.photometric import to_rgb
from radviewer.errors import UnreadableImage
from tests.dicom.pixel_files import PYDICOM, PYDICOM_DATA, stack_of, written
from tests.phantoms import image, save

SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
COLOURS = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def test_interleaved_and_by_plane(tmp_path: Path) -> None:
    np.testing.assert_array_equal(written(tmp_path / "pixel.dcm", COLOURS).stored, COLOURS)
    ds = image(COLOURS, PlanarConfiguration=1)
    ds.PixelData = np.moveaxis(COLOURS, -1, 0).tobytes()
    np.testing.assert_array_equal(read_slice(stack_of(save(ds, tmp_path / "plane.dcm")), 0).stored, COLOURS)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colour_keeps_the_upper_eight_bits(tmp_path: Path, bits: int) -> None:
    deep = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) << (bits - 6)
    ds = image(COLOURS, Rows=4, Columns=5, BitsAllocated=16, BitsStored=bits, HighBit=bits - 1)
    ds.add_new("PixelData", "OW", deep.astype("<u2").tobytes())
    picture = read_slice(stack_of(save(ds, tmp_path / "deep.dcm")), 0)
    assert picture.stored.dtype == np.uint8
    np.testing.assert_array_equal(picture.stored, deep >> (bits - 8))


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422"])
def test_full_chroma_under_any_name(tmp_path: Path, photometric: str) -> None:
    """Many files say _422 and hold all samples."""
    picture = written(tmp_path / "ybr.dcm", COLOURS, PhotometricInterpretation=photometric)
    if photometric != "YBR_PARTIAL_422":
        wanted = convert_color_space(COLOURS, "YBR_FULL", "RGB").astype(int)
    else:
        wanted = partial_to_rgb(COLOURS)
    assert np.abs(picture.stored - wanted).max() <= 1


def partial_to_rgb(samples: NDArray[np.uint8]) -> NDArray[np.int64]:
    """PS3.3 C.7.6.3.1.2: Y in 16–235, chroma in 16–240."""
    y, cb, cr = np.moveaxis(samples.astype(float), -1, 0)
    y, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    found: NDArray[np.int64] = np.clip(np.rint(255 * rgb), 0, 255).astype(int)
    return found


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_halved_chroma(tmp_path: Path, photometric: str) -> None:
    pairs = np.array([[10, 200, 90, 160], [60, 61, 128, 128], [255, 0, 128, 128]], np.uint8)  # Y Y Cb Cr
    ds = image(np.zeros((1, 6, 3), np.uint8), PhotometricInterpretation=photometric)
    ds.PixelData = pairs.tobytes()
    picture = read_slice(stack_of(save(ds, tmp_path / "halved.dcm")), 0)
    wide = np.array([[(y, cb, cr) for a, b, cb, cr in pairs for y in (a, b)]], np.uint8)
    reference = to_rgb(wide, photometric, 8)
    np.testing.assert_array_equal(picture.stored, reference)
    np.testing.assert_array_equal(picture.stored[0, 2:4, 0] == picture.stored[0, 2:4, 1], True)  # no chroma: grey


def test_a_cine_of_halved_chroma_whose_last_frame_is_cut_off(tmp_path: Path) -> None:
    pairs = np.random.default_rng(1).integers(0, 256, (3, 4, 3, 4), dtype=np.uint8)  # Y Y Cb Cr
    ds = image(np.zeros((3, 4, 6, 3), np.uint8), NumberOfFrames=3, PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = pairs.tobytes()[:-20]
    stack = stack_of(save(ds, tmp_path / "cine.dcm"))
    assert len(stack.frames) == 2
    wide = np.repeat(pairs[1].reshape(4, 3, 1, 4), 2, axis=2)
    wide[..., 1, 0] = wide[..., 1, 1]
    wide = wide[..., [0, 2, 3]].reshape(4, 6, 3)
    np.testing.assert_array_equal(read_slice(stack, 1).stored, to_rgb(wide, "YBR_FULL_422", 8))


def test_full_chroma_that_is_cut_off_is_not_taken_for_halved(tmp_path: Path) -> None:
    path = save(image(COLOURS, PhotometricInterpretation="YBR_FULL_422"), tmp_path / "cut.dcm")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableImage, match="144 bytes expected, 124 found"):
        read_slice(stack_of(path), 0)


def test_white_and_black_of_each_ybr() -> None:
    extremes = np.array([[[255, 128, 128], [0, 128, 128]]], np.uint8)
    np.testing.assert_array_equal(to_rgb(extremes, "YBR_FULL", 8)[0], [[255] * 3, [0] * 3])
    extremes = np.array([[[235, 128, 128], [16, 128, 128]]], np.uint8)
    np.testing.assert_array_equal(to_rgb(extremes, "YBR_PARTIAL_422", 8)[0], [[255] * 3, [0] * 3])


@pytest.mark.parametrize("photometric", ["CMYK", "ARGB", "RGB"])
def test_retired_colour_spaces_are_refused_by_name(tmp_path: Path, photometric: str) -> None:
    ds = image(COLOURS, SamplesPerPixel=4, PhotometricInterpretation=photometric)
    ds.PixelData = bytes(6 * 8 * 4)
    with pytest.raises(UnreadableImage, match=rf"colour space \({photometric}, 4 samples"):
        read_slice(stack_of(save(ds, tmp_path / "old.dcm")), 0)


# --- palettes ------------------------------------------------------------------------------------------------------


def palette_image(indices: NDArray[Any], entries: int, first: int, bits: int, data: list[bytes], **own: Any) -> Any:
    ds = image(indices, PhotometricInterpretation="PALETTE COLOR", **own)
    for name, channel in zip(("Red", "Green", "Blue"), data, strict=True):
        ds[f"{name}PaletteColorLookupTableDescriptor"] = pydicom.DataElement(
            f"{name}PaletteColorLookupTableDescriptor",
            "SS" if first < 0 else "US",
            [entries if entries < 65536 else 0, first, bits],
        )
        setattr(ds, f"{name}PaletteColorLookupTableData", channel)
    return ds


def words(table: NDArray[Any], order: str = "<") -> list[bytes]:
    return [table[:, channel].astype(f"{order}u2").tobytes() for channel in range(3)]


TABLE = np.random.default_rng(4).integers(0, 65536, (100, 3), dtype=np.uint16)


def test_palette_indices_beyond_the_table_take_its_ends(tmp_path: Path) -> None:
    indices = np.array([[0, 9, 10, 11], [109, 110, 200, 255]], np.uint8)
    ds = palette_image(indices, 100, 10, 16, words(TABLE))
    picture = read_slice(stack_of(save(ds, tmp_path / "palette.dcm")), 0)
    rows = np.clip(indices.astype(int) - 10, 0, 99)
    np.testing.assert_array_equal(picture.stored, TABLE[rows] >> 8)
    assert picture.is_colour


def test_palette_of_signed_pixels(tmp_path: Path) -> None:
    indices = np.array([[-3, -2], [0, 5]], np.int16)
    ds = palette_image(indices, 100, -2, 16, words(TABLE))
    picture = read_slice(stack_of(save(ds, tmp_path / "signed.dcm")), 0)
    np.testing.assert_array_equal(picture.stored, TABLE[np.clip(indices.astype(int) + 2, 0, 99)] >> 8)


def test_palette_entries_as_bytes_or_words(tmp_path: Path) -> None:
    indices = np.arange(100, dtype=np.uint8).reshape(10, 10)
    eight = (TABLE >> 8).astype(np.uint8)
    as_bytes = [eight[:, channel].tobytes() for channel in range(3)]
    for name, bits, data in (("bytes", 8, as_bytes), ("words", 8, words(eight)), ("sixteen", 16, words(eight))):
        ds = palette_image(indices, 100, 0, bits, data)  # the last says 16 bits and stores 8
        picture = read_slice(stack_of(save(ds, tmp_path / f"{name}.dcm")), 0)
        np.testing.assert_array_equal(picture.stored, eight[indices], err_msg=name)


def test_a_palette_of_65536_entries(tmp_path: Path) -> None:
    table = np.stack([np.arange(65536), np.arange(65536)[::-1], np.full(65536, 0x1234)], axis=-1)
    indices = np.array([[0, 255, 256, 65535]], np.uint16)
    ds = palette_image(indices, 65536, 0, 16, words(table))
    picture = read_slice(stack_of(save(ds, tmp_path / "large.dcm")), 0)
    np.testing.assert_array_equal(picture.stored, table[indices] >> 8)


@pytest.mark.parametrize(
    ("little", "big"), [("OBXXXX1A", "OBXXXX1A_expb"), ("gdcm-US-ALOKA-16", "gdcm-US-ALOKA-16_big")]
)
def test_palettes_of_both_byte_orders_are_the_same(little: str, big: str) -> None:
    """pydicom does not swap a big-endian palette."""
    first, second = (read_slice(stack_of(PYDICOM_DATA / f"{name}.dcm"), 0).stored for name in (little, big))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["OBXXXX1A.dcm", "gdcm-US-ALOKA-16.dcm"])
def test_real_palettes_equal_pydicom(name: str) -> None:
    path = PYDICOM_DATA / name
    ds = pydicom.dcmread(path)
    np.testing.assert_array_equal(
        read_slice(stack_of(path), 0).stored, np.asarray(apply_color_lut(ds.pixel_array, ds)) >> 8
    )


def test_a_missing_palette_is_said(tmp_path: Path) -> None:
    ds = image(np.zeros((2, 2), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(UnreadableImage, match="palette has no usable descriptor"):
        read_slice(stack_of(save(ds, tmp_path / "none.dcm")), 0)
    ds = palette_image(np.zeros((2, 2), np.uint8), 100, 0, 16, [b"\0\0"] * 3)
    with pytest.raises(UnreadableImage, match="palette is missing or shorter"):
        read_slice(stack_of(save(ds, tmp_path / "short.dcm")), 0)


def test_segmented_palette(tmp_path: Path) -> None:
    """Discrete 0 100; linear to 1000 in 9 steps; both once more by an indirect segment (PS3.3 C.7.9.2)."""
    segments = [0, 2, 0, 25600, 1, 9, 65280, 2, 2, 0, 0]
    one = [0, 25600, *(round(25600 + (65280 - 25600) * k / 9) for k in range(1, 10))]
    channel = struct.pack(f"<{len(segments)}H", *segments)
    ds = palette_image(np.arange(22, dtype=np.uint8).reshape(2, 11), 22, 0, 16, [b"", b"", b""])
    for name in ("Red", "Green", "Blue"):
        delattr(ds, f"{name}PaletteColorLookupTableData")
        setattr(ds, f"Segmented{name}PaletteColorLookupTableData", channel)
    picture = read_slice(stack_of(save(ds, tmp_path / "segmented.dcm")), 0)
    np.testing.assert_array_equal(picture.stored[..., 0].reshape(-1), np.array(one * 2) >> 8)


@given(st.lists(st.integers(0, 255), max_size=200), st.integers(1, 65536), st.booleans())
def test_any_segments_end(values: list[int], count: int, narrow: bool) -> None:
    reader = SegmentReader(values, count, narrow=narrow)
    assert len(reader.expand()) < count + 65536


def test_endless_segments_end() -> None:
    """Thousands of indirect segments, each of 65,535 empty ones."""
    values = [0, 0] * 60_000 + [2, 65535, 0, 0] * 60_000
    assert SegmentReader(values, 65536, narrow=False).expand() == []


@pytest.mark.parametrize("name", ["examples_palette.dcm", "examples_rgb_color.dcm"])
def test_examples_are_colour(name: str) -> None:
    assert read_slice(stack_of(PYDICOM / name), 0).is_colour
