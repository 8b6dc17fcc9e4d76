"""Every transfer syntax in use, written here and read back; what the codestream says about colour."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from radviewer.dicom.load import read_slice
from radviewer.domain.study import Stack
from radviewer.errors import UnreadableImage
from tests.dicom.pixel_files import PYDICOM, stack_of, values
from tests.phantoms import encapsulated

JPEG = "1.2.840.10008.1.2.4."
JPEG_XL = (JPEG + "110", JPEG + "111", JPEG + "112")
RLE = "1.2.840.10008.1.2.5"
Pixels = NDArray[Any]


def smooth(bits: int, *, signed: bool = False, colour: bool = False, shape: tuple[int, int] = (40, 56)) -> Pixels:
    """Structure with some noise that uses the whole range."""
    rng = np.random.default_rng(bits)
    y, x = np.mgrid[: shape[0], : shape[1]]
    top = (1 << bits) - 1
    waves = (np.sin(x / 7) * np.cos(y / 9) + 1) / 2 * top + rng.normal(0, top / 200, shape)
    image = np.clip(np.rint(waves), 0, top).astype(np.int64)
    image[0, 0], image[0, 1] = 0, top
    if colour:
        image = np.stack([image, image[::-1], image[:, ::-1]], axis=-1)
    if signed:
        image -= 1 << (bits - 1)
    width = 8 if bits <= 8 else 16 if bits <= 16 else 32
    found: Pixels = image.astype(f"{'i' if signed else 'u'}{width // 8}")
    return found


def stack_from(path: Path, stream: bytes, syntax: str, pixels: Pixels, bits: int, **own: Any) -> Stack:
    """Write one frame; pydicom has not heard of JPEG XL, so its UID is put in afterwards."""
    known = JPEG + "201" if syntax in JPEG_XL else syntax
    encapsulated(path, [stream], known, pixels=pixels, BitsStored=bits, HighBit=bits - 1, **own)
    if known != syntax:
        path.write_bytes(path.read_bytes().replace(known.encode(), syntax.encode(), 1))
    return stack_of(path)


def rle(pixels: Pixels) -> bytes:
    """Literal runs, and one run of equal bytes where there is one (PS3.5 G.3)."""
    width = pixels.dtype.itemsize
    planes = np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), -1, 0)
    segments = []
    for plane in planes:
        for byte in reversed(range(width)):
            data = np.ascontiguousarray(plane).view(np.uint8).reshape(-1, width)[:, byte].tobytes()
            first = data[:20]
            packed = bytes([257 - 20]) + data[:1] if first == first[:1] * 20 else bytes([19]) + first
            for place in range(20, len(data), 128):
                run = data[place : place + 128]
                packed += bytes([len(run) - 1]) + run
            segments.append(packed + b"\0" * (len(packed) % 2))
    offsets = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def unsigned(pixels: Pixels, bits: int) -> Pixels:
    """Two's complement in `bits` bits, as codecs without a sign hold it."""
    found: Pixels = (pixels.astype(np.int64) & ((1 << bits) - 1)).astype(f"u{pixels.dtype.itemsize}")
    return found


Encode = Callable[[Pixels, int], bytes]
LOSSLESS: dict[str, Encode] = {
    JPEG + "57": lambda p, b: bytes(
        imagecodecs.jpeg8_encode(unsigned(p, b), lossless=True, predictor=6, bitspersample=b)
    ),
    JPEG + "70": lambda p, b: bytes(
        imagecodecs.jpeg8_encode(unsigned(p, b), lossless=True, predictor=1, bitspersample=b)
    ),
    JPEG + "80": lambda p, b: bytes(imagecodecs.jpegls_encode(unsigned(p, b))),
    JPEG + "90": lambda p, b: bytes(imagecodecs.jpeg2k_encode(p, codecformat="j2k", reversible=True, bitspersample=b)),
    JPEG + "201": lambda p, _: bytes(imagecodecs.htj2k_encode(p, reversible=True)),
    JPEG + "202": lambda p, _: bytes(imagecodecs.htj2k_encode(p, reversible=True, tlm=True)),
    JPEG + "110": lambda p, b: bytes(imagecodecs.jpegxl_encode(unsigned(p, b), lossless=True)),
    RLE: lambda p, _: rle(p),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_grey(tmp_path: Path, syntax: str, bits: int, signed: bool) -> None:
    pixels = smooth(bits, signed=signed)
    stack = stack_from(tmp_path / "grey.dcm", LOSSLESS[syntax](pixels, bits), syntax, pixels, bits)
    picture = read_slice(stack, 0)
    assert picture.stored.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.stored, pixels)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_colour(tmp_path: Path, syntax: str) -> None:
    pixels = smooth(8, colour=True)
    stack = stack_from(tmp_path / "colour.dcm", LOSSLESS[syntax](pixels, 8), syntax, pixels, 8)
    np.testing.assert_array_equal(read_slice(stack, 0).stored, pixels)


@pytest.mark.parametrize("signed", [False, True])
def test_rle_of_32_bits(tmp_path: Path, signed: bool) -> None:
    pixels = smooth(32, signed=signed)
    stack = stack_from(tmp_path / "wide.dcm", rle(pixels), RLE, pixels, 32)
    np.testing.assert_array_equal(read_slice(stack, 0).stored, pixels)


def progressive(pixels: Pixels) -> bytes:
    ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 95])
    assert ok
    return bytes(data)


LOSSY: dict[str, tuple[int, Encode]] = {
    JPEG + "50": (8, lambda p, _: bytes(imagecodecs.jpeg8_encode(p, level=95))),
    JPEG + "51": (12, lambda p, _: bytes(imagecodecs.jpeg8_encode(p, level=95, bitspersample=12))),
    JPEG + "53": (8, lambda p, _: progressive(p)),
    JPEG + "55": (8, lambda p, _: progressive(p)),
    JPEG + "81": (12, lambda p, _: bytes(imagecodecs.jpegls_encode(p, level=3))),
    JPEG + "91": (
        12,
        lambda p, b: bytes(
            imagecodecs.jpeg2k_encode(p, level=50, codecformat="j2k", reversible=False, bitspersample=b)
        ),
    ),
    JPEG + "93": (
        8,
        lambda p, b: bytes(
            imagecodecs.jpeg2k_encode(p, level=45, codecformat="j2k", reversible=False, bitspersample=b)
        ),
    ),
    JPEG + "203": (12, lambda p, _: bytes(imagecodecs.htj2k_encode(p, reversible=False))),
    JPEG + "112": (8, lambda p, _: bytes(imagecodecs.jpegxl_encode(p, distance=0.5, lossless=False))),
}


@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_grey_comes_close(tmp_path: Path, syntax: str) -> None:
    bits, encode = LOSSY[syntax]
    pixels = smooth(bits)
    picture = read_slice(stack_from(tmp_path / "lossy.dcm", encode(pixels, bits), syntax, pixels, bits), 0)
    assert picture.stored.dtype == pixels.dtype
    error = np.abs(values(picture) - pixels)
    assert error.mean() < 0.01 * (1 << bits)
    assert 0 < error.max() < 0.15 * (1 << bits)


def test_a_jpeg_repacked_as_jpeg_xl(tmp_path: Path) -> None:
    pixels = smooth(8)
    jpeg = bytes(imagecodecs.jpeg8_encode(pixels, level=90))
    stack = stack_from(tmp_path / "repacked.dcm", bytes(imagecodecs.jpegxl_encode_jpeg(jpeg)), JPEG + "111", pixels, 8)
    assert stack.format.transfer_syntax_uid == JPEG + "111"
    assert np.abs(values(read_slice(stack, 0)) - imagecodecs.jpeg8_decode(jpeg)).max() <= 2


@pytest.mark.parametrize("codestream_signed", [False, True])
@pytest.mark.parametrize("header_signed", [False, True])
def test_a_codestream_whose_sign_is_not_the_headers(
    tmp_path: Path, codestream_signed: bool, header_signed: bool
) -> None:
    """The bits are taken under the header's sign (as pydicom does with J2K_pixelrep_mismatch.dcm)."""
    meant = smooth(12, signed=header_signed).astype(np.int64)
    bits = meant & 4095
    held = np.where(bits > 2047, bits - 4096, bits).astype(np.int16) if codestream_signed else bits.astype(np.uint16)
    stream = bytes(imagecodecs.jpeg2k_encode(held, codecformat="j2k", reversible=True, bitspersample=12))
    pixels = meant.astype(np.int16 if header_signed else np.uint16)
    picture = read_slice(stack_from(tmp_path / "sign.dcm", stream, JPEG + "90", pixels, 12), 0)
    np.testing.assert_array_equal(picture.stored, pixels)


def test_near_lossless_keeps_its_bound(tmp_path: Path) -> None:
    pixels = smooth(12)
    stream = bytes(imagecodecs.jpegls_encode(pixels, level=3))
    picture = read_slice(stack_from(tmp_path / "near.dcm", stream, JPEG + "81", pixels, 12), 0)
    assert np.abs(values(picture) - pixels).max() == 3


# --- what a JPEG says about its colour -----------------------------------------------------------------------------

FLAT = np.full((16, 16, 3), (200, 60, 30), np.uint8)


def jpeg_colour(stored_as: str, subsampling: tuple[int, int] = (1, 1)) -> bytes:
    return bytes(
        imagecodecs.jpeg8_encode(FLAT, level=100, colorspace="RGB", outcolorspace=stored_as, subsampling=subsampling)
    )


def without_markers(stream: bytes) -> bytes:
    """Remove APP0 (JFIF) and APP14 (Adobe)."""
    place, kept = 2, stream[:2]
    while stream[place + 1] != 0xDA:
        length = 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
        if stream[place + 1] not in (0xE0, 0xEE):
            kept += stream[place : place + length]
        place += length
    return kept + stream[place:]


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize(
    ("stream", "obeys_the_header"),
    [
        pytest.param(jpeg_colour("YCBCR"), False, id="JFIF says YCbCr"),
        pytest.param(jpeg_colour("RGB"), False, id="Adobe says RGB"),
        pytest.param(without_markers(jpeg_colour("YCBCR", (2, 2))), False, id="subsampled, so it is YCbCr"),
        pytest.param(without_markers(jpeg_colour("YCBCR")), True, id="YCbCr, unmarked"),
    ],
)
def test_a_jpeg_knows_its_colours_better_than_the_header(
    tmp_path: Path, stream: bytes, obeys_the_header: bool, photometric: str
) -> None:
    if obeys_the_header and photometric == "RGB":
        return  # nothing says that it is YCbCr: see the next test
    stack = stack_from(tmp_path / "jpeg.dcm", stream, JPEG + "50", FLAT, 8, PhotometricInterpretation=photometric)
    assert np.abs(read_slice(stack, 0).stored.astype(int) - FLAT).max() <= 2


def test_an_unmarked_jpeg_obeys_the_header(tmp_path: Path) -> None:
    stream = without_markers(jpeg_colour("RGB")).replace(b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0")
    stream = stream.replace(b"\x03R\0G\0B\0", b"\x03\1\0\2\0\3\0")
    stack = stack_from(tmp_path / "rgb.dcm", stream, JPEG + "50", FLAT, 8)
    assert np.abs(read_slice(stack, 0).stored.astype(int) - FLAT).max() <= 2


@pytest.mark.parametrize("photometric", ["RGB", "YBR_RCT"])
def test_jpeg_2000_undoes_its_own_transform(tmp_path: Path, photometric: str) -> None:
    pixels = smooth(8, colour=True)
    for mct in (True, False):
        stream = bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, mct=mct))
        stack = stack_from(
            tmp_path / f"{mct}.dcm", stream, JPEG + "90", pixels, 8, PhotometricInterpretation=photometric
        )
        np.testing.assert_array_equal(read_slice(stack, 0).stored, pixels)


@pytest.mark.parametrize("syntax", [JPEG + "57", JPEG + "80", RLE])
def test_ybr_that_no_codec_undoes(tmp_path: Path, syntax: str) -> None:
    """Lossless codecs keep the samples: YBR_FULL is converted afterwards."""
    ybr = np.full((4, 6, 3), (120, 90, 200), np.uint8)
    stream = LOSSLESS[syntax](ybr, 8)
    stack = stack_from(tmp_path / "ybr.dcm", stream, syntax, ybr, 8, PhotometricInterpretation="YBR_FULL")
    wanted = (120 + 1.402 * 72, 120 - 0.344136 * -38 - 0.714136 * 72, 120 + 1.772 * -38)
    np.testing.assert_allclose(read_slice(stack, 0).stored[0, 0], wanted, atol=1)


def test_a_jp2_file_inside_is_unwrapped(tmp_path: Path) -> None:
    pixels = smooth(12)
    stream = bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="jp2", reversible=True, bitspersample=12))
    assert stream[4:8] == b"jP  "
    stack = stack_from(tmp_path / "jp2.dcm", stream, JPEG + "90", pixels, 12)
    np.testing.assert_array_equal(read_slice(stack, 0).stored, pixels)


def test_the_codestream_decides_which_codec_it_is(tmp_path: Path) -> None:
    """The file says JPEG 2000 and holds JPEG-LS."""
    pixels = smooth(12)
    stack = stack_from(tmp_path / "lie.dcm", bytes(imagecodecs.jpegls_encode(pixels)), JPEG + "90", pixels, 12)
    np.testing.assert_array_equal(read_slice(stack, 0).stored, pixels)


def test_twelve_bit_extended_jpeg_of_pydicom() -> None:
    """pydicom's own decoders refuse JPEG-lossy.dcm."""
    picture = read_slice(stack_of(PYDICOM / "JPEG-lossy.dcm"), 0)
    assert picture.stored.shape == (1024, 256)
    assert picture.stored.dtype == np.uint16
    assert picture.stored.max() == 264


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\xff\xd8\xff\xd9", "JPEG codestream has no frame header"),
        (b"GIF89a....", "do not start like any known codestream"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000 header is incomplete"),
        (b"\xff\x0a\x06", "JPEG XL header is cut short"),
    ],
)
def test_what_is_no_codestream_is_said(tmp_path: Path, stream: bytes, reason: str) -> None:
    pixels = smooth(8)
    stack = stack_from(tmp_path / "no.dcm", stream, JPEG + "50", pixels, 8)
    with pytest.raises(UnreadableImage, match=reason):
        read_slice(stack, 0)
