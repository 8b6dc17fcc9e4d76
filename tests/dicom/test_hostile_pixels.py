"""Codestreams made to hurt: checked before decoding, and decoded where they may crash."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from radviewer.dicom import decode as decode_module
from radviewer.dicom import guard as guard_module
from radviewer.dicom.codestream import Codec
from radviewer.dicom.codestream_j2k import parse_j2k, unwrap
from radviewer.dicom.codestream_jpeg import parse_jpeg
from radviewer.dicom.codestream_jxl import parse_jxl
from radviewer.dicom.decode import decode_frame
from radviewer.dicom.guard import Guard
from radviewer.dicom.load import read_slice
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.rle import decode_rle
from radviewer.domain.study import PixelFormat
from radviewer.errors import UnreadableImage
from radviewer.progress import Cancelled
from tests.dicom.pixel_files import stack_of
from tests.phantoms import encapsulated

PIXELS = np.random.default_rng(2).integers(0, 4096, (48, 64), dtype=np.uint16)
FORM = PixelFormat(48, 64, 1, "MONOCHROME2", 16, 12, 11, False, 0, "1.2.840.10008.1.2.4.90")
RLE_FORM = replace(FORM, transfer_syntax_uid="1.2.840.10008.1.2.5")
J2K = bytes(imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k", reversible=True, bitspersample=12))
JPEG = bytes(imagecodecs.jpeg8_encode(PIXELS, lossless=True, predictor=1, bitspersample=12))
JPEG_LS = bytes(imagecodecs.jpegls_encode(PIXELS))
JXL = bytes(imagecodecs.jpegxl_encode(PIXELS, lossless=True))
COLOUR = bytes(imagecodecs.jpeg8_encode(np.zeros((48, 64, 3), np.uint8)))


def patched(stream: bytes, at: int, value: bytes) -> bytes:
    return stream[:at] + value + stream[at + len(value) :]


def siz(stream: bytes = J2K, **fields: int) -> bytes:
    """Change fields of the SIZ segment (ISO 15444-1 A.5.1)."""
    places = {"right": 8, "bottom": 12, "left": 16, "top": 20, "tile_w": 24, "tile_h": 28, "tile_x": 32, "tile_y": 36}
    for name, value in fields.items():
        stream = patched(stream, places[name], struct.pack(">I", value))
    return stream


def cod(stream: bytes = J2K, **fields: int) -> bytes:
    """Change fields of the COD segment (A.6.1)."""
    start = stream.index(b"\xff\x52") + 4
    places = {"style": 0, "levels": 5, "block_w": 6, "block_h": 7}
    for name, value in fields.items():
        if name == "layers":
            stream = patched(stream, start + 2, struct.pack(">H", value))
        else:
            stream = patched(stream, start + places[name], bytes([value]))
    return stream


def with_precincts(exponents: int) -> bytes:
    """Add precinct sizes to the COD segment."""
    start = J2K.index(b"\xff\x52")
    length = int.from_bytes(J2K[start + 2 : start + 4], "big")
    levels = J2K[start + 9]
    body = bytes([J2K[start + 4] | 1]) + J2K[start + 5 : start + 2 + length] + bytes([exponents] * (levels + 1))
    return J2K[: start + 2] + struct.pack(">H", len(body) + 2) + body + J2K[start + 2 + length :]


def sof(stream: bytes, marker: int, rows: int, columns: int, components: int | None = None) -> bytes:
    """Change the size in a JPEG's frame header."""
    start = stream.index(bytes([0xFF, marker])) + 4
    stream = patched(stream, start + 1, struct.pack(">HH", rows, columns))
    return stream if components is None else patched(stream, start + 5, bytes([components]))


class Refusing(Guard):
    """Stands in for the process: remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Codec] = []

    def decode(self, codec: Codec, *_: object) -> NDArray[Any]:
        self.given.append(codec)
        raise BadPixels("it was not decoded")


@pytest.fixture
def no_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when a codec runs in this process."""

    def run(*_: object) -> None:
        raise AssertionError("a suspicious stream was decoded in this process")

    monkeypatch.setattr(decode_module, "run_codec", run)


# --- what does not match the header is never decoded ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        pytest.param(siz(right=65), "48 × 64 pixels, but its JPEG 2000 data hold 48 × 65", id="one column more"),
        pytest.param(siz(right=2**31, bottom=2**31), "hold 2,147,483,648 × 2,147,483,648", id="JPEG 2000 bomb"),
        pytest.param(sof(JPEG, 0xC3, 65535, 65535), "but its JPEG data hold 65,535 × 65,535", id="JPEG bomb"),
        pytest.param(sof(JPEG, 0xC3, 0, 64), "hold 0 × 64", id="lines to be defined later"),
        pytest.param(sof(JPEG_LS, 0xF7, 48, 1), "but its JPEG-LS data hold 48 × 1", id="JPEG-LS"),
        pytest.param(COLOUR, "1 samples per pixel, but its JPEG data hold 3", id="components"),
        pytest.param(patched(J2K, 42, bytes([31])), "allocates 16 bits per sample, but its JPEG 2000", id="depth"),
        pytest.param(patched(J2K, 24, bytes(4)), "size segment contradicts itself", id="no tile"),
        pytest.param(siz(left=64), "contradicts itself", id="no area"),
        pytest.param(J2K[:30], "header is incomplete", id="cut off"),
        pytest.param(JPEG.replace(b"\xff\xc3", b"\xff\xc5"), r"JPEG process \(SOF5\) is not supported", id="SOF5"),
        pytest.param(JPEG[:60], "its JPEG codestream", id="no scan"),
    ],
)
@pytest.mark.usefixtures("no_codec")
def test_what_does_not_match_is_refused(stream: bytes, reason: str) -> None:
    guard = Refusing()
    with pytest.raises(BadPixels, match=reason):
        decode_frame(stream, FORM, guard)
    assert guard.given == []


def test_two_frame_headers_are_refused() -> None:
    at = JPEG.index(b"\xff\xc3")
    segment = JPEG[at : at + 2 + int.from_bytes(JPEG[at + 2 : at + 4], "big")]
    with pytest.raises(BadPixels, match="more than one frame header"):
        parse_jpeg(JPEG[:at] + segment + JPEG[at:])


def test_a_compressed_frame_has_a_largest_size() -> None:
    side = 12_000
    form = replace(FORM, rows=side, columns=side)
    with pytest.raises(BadPixels, match="more than is decoded of one compressed image"):
        decode_frame(siz(right=side, bottom=side), form, Refusing())


# --- what matches but is suspicious goes to the other process ------------------------------------------------------


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(siz(right=64 + 9, left=9), id="offset image"),
        pytest.param(patched(J2K, 43, b"\2"), id="subsampled component"),
        pytest.param(cod(layers=65535), id="layers"),
        pytest.param(cod(levels=33), id="levels"),
        pytest.param(cod(block_w=0, block_h=0), id="4 × 4 code blocks"),
        pytest.param(cod(block_w=9), id="impossible code blocks"),
        pytest.param(J2K.replace(b"\xff\x90", b"\xff\x5f\0\x09" + bytes(7) + b"\xff\x90", 1), id="progression changes"),
        pytest.param(JPEG + b"\xff\xda" * 200, id="hundreds of scans"),
        pytest.param(JPEG_LS.replace(b"\xff\xda", b"\xff\xf8\0\x06\2\0\0\0\xff\xda", 1), id="JPEG-LS mapping table"),
        pytest.param(JPEG.replace(b"\1\x11\0", b"\1\x21\0", 1), id="lossless and subsampled"),
        pytest.param(JXL, id="JPEG XL"),
    ],
)
@pytest.mark.usefixtures("no_codec")
def test_suspicious_streams_are_not_decoded_here(stream: bytes) -> None:
    guard = Refusing()
    with pytest.raises(BadPixels, match="it was not decoded"):
        decode_frame(stream, FORM, guard)
    assert len(guard.given) == 1


@pytest.mark.parametrize(("exponents", "odd"), [(0x00, True), (0x11, True), (0x44, False), (0x88, False)])
def test_tiny_precincts_are_suspicious(exponents: int, odd: bool) -> None:
    large = siz(with_precincts(exponents), right=512, bottom=512, tile_w=512, tile_h=512)
    assert parse_j2k(large).oddity == ("very small precincts" if odd else None)


def test_many_tiles_are_suspicious() -> None:
    assert parse_j2k(siz(right=100, bottom=100, tile_w=1, tile_h=1)).oddity == "a very large number of tiles"


def test_a_second_tile_part_cannot_hide_its_style() -> None:
    """Coding parameters of every tile-part header are looked at, not only the first."""
    at = J2K.index(b"\xff\x90")
    first = J2K[at:-2]
    hidden = b"\xff\x90\0\x0a\0\0" + struct.pack(">I", 12 + 2 + 14) + b"\1\2"
    hidden += b"\xff\x52\0\x0c\0\0\xff\xff\0\5\4\4\0\1" + b"\xff\x93"
    first = patched(first, 6, struct.pack(">I", len(first)))
    assert parse_j2k(J2K[:at] + first + b"\xff\xd9").oddity is None
    assert parse_j2k(J2K[:at] + first + hidden + b"\xff\xd9").oddity == "a very large number of layers"


def test_a_large_blank_image_is_suspicious() -> None:
    guard = Refusing()
    form = replace(FORM, rows=3000, columns=3000)
    with pytest.raises(BadPixels, match="it was not decoded"):
        decode_frame(siz(right=3000, bottom=3000, tile_w=3000, tile_h=3000), form, guard)
    assert guard.given == [Codec.JPEG_2000]


def test_ordinary_streams_need_no_other_process() -> None:
    for stream in (J2K, JPEG, JPEG_LS):
        guard = Refusing()
        np.testing.assert_array_equal(decode_frame(stream, FORM, guard).pixels, PIXELS)
        assert guard.given == []


# --- the other process ---------------------------------------------------------------------------------------------


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as made:
        yield made


def test_the_guard_decodes(guard: Guard) -> None:
    for codec, stream in ((Codec.JPEG_XL, JXL), (Codec.JPEG_2000, J2K), (Codec.JPEG, JPEG), (Codec.JPEG_LS, JPEG_LS)):
        np.testing.assert_array_equal(guard.decode(codec, stream, PIXELS.nbytes), PIXELS)


def test_the_guard_passes_on_why_a_codec_refused(guard: Guard) -> None:
    with pytest.raises(BadPixels, match="JPEG XL data are damaged or cut short"):
        guard.decode(Codec.JPEG_XL, JXL[:100], PIXELS.nbytes)
    np.testing.assert_array_equal(guard.decode(Codec.JPEG_XL, JXL, PIXELS.nbytes), PIXELS)


def test_the_guard_gives_back_no_more_than_expected(guard: Guard) -> None:
    with pytest.raises(BadPixels, match="more than its header describes"):
        guard.decode(Codec.JPEG_2000, J2K, PIXELS.nbytes - 1)


def test_a_bomb_runs_out_of_memory_in_the_guard(guard: Guard) -> None:
    """Two gigabytes of samples; the process may have one."""
    bomb = siz(right=23_000, bottom=23_000, tile_w=23_000, tile_h=23_000)
    with pytest.raises(BadPixels, match="JPEG 2000 data"):
        guard.decode(Codec.JPEG_2000, bomb, 2**40)
    np.testing.assert_array_equal(guard.decode(Codec.JPEG_2000, J2K, PIXELS.nbytes), PIXELS)


def stand_in(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.abort()", "crashed"),
        ("import sys; sys.stdin.buffer.readline(); sys.exit(3)", "crashed"),
        ("import signal; signal.pause()", r"took longer than 0 s"),
        ('import sys; sys.stdout.write(\'{"dtype": "<u2", "shape": [99999, 99999]}\\n\')', "more than its header"),
        ("print('nonsense')", "crashed"),
        ('print(\'{"dtype": "no such type", "shape": [1]}\')', "crashed"),
    ],
)
def test_a_process_that_dies_or_hangs_costs_one_image(monkeypatch: pytest.MonkeyPatch, code: str, reason: str) -> None:
    start = guard_module._start
    with Guard(time_limit=0.4 if "pause" in code else 10) as guard:
        monkeypatch.setattr(guard_module, "_start", lambda: stand_in(code))
        with pytest.raises(BadPixels, match=reason):
            guard.decode(Codec.JPEG_2000, J2K, PIXELS.nbytes)
        monkeypatch.setattr(guard_module, "_start", start)
        guard._time_limit = 10
        np.testing.assert_array_equal(guard.decode(Codec.JPEG_2000, J2K, PIXELS.nbytes), PIXELS)


def test_cancelling_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    process = stand_in("import signal; signal.pause()")
    monkeypatch.setattr(guard_module, "_start", lambda: process)
    with Guard(lambda: True) as guard, pytest.raises(Cancelled):
        guard.decode(Codec.JPEG_2000, J2K, PIXELS.nbytes)
    assert process.poll() is not None


def test_a_guard_that_is_not_needed_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "_start", lambda: pytest.fail("a process was started"))
    with Guard() as guard:
        decode_frame(J2K, FORM, guard)


def test_the_guarded_process_has_a_limit_on_memory() -> None:
    code = (
        "from radviewer.dicom.guard_worker import MEMORY, _confine; _confine(); import resource;"
        "assert resource.getrlimit(resource.RLIMIT_AS)[0] == MEMORY; bytearray(MEMORY)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("MemoryError")


# --- JPEG-LS without its end ---------------------------------------------------------------------------------------


def test_jpeg_ls_is_closed_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """CharLS 2.4 counts to 2³² when the end marker is missing."""
    seen: list[bytes] = []
    decode = imagecodecs.jpegls_decode

    def watched(data: bytes, **options: Any) -> NDArray[Any]:
        seen.append(data)
        return decode(data, **options)

    monkeypatch.setattr(imagecodecs, "jpegls_decode", watched)
    whole = JPEG_LS[: JPEG_LS.rindex(b"\xff\xd9")]
    np.testing.assert_array_equal(decode_frame(whole, FORM, Refusing()).pixels, PIXELS)
    with pytest.raises(BadPixels, match="JPEG-LS data are damaged or cut short"):
        decode_frame(JPEG_LS[:-500], FORM, Refusing())
    assert all(b"\xff\xd9" in data[-64:] for data in seen)
    assert len(seen) == 2


@pytest.mark.parametrize("missing", [2, 3])
def test_jpeg_2000_without_its_end_marker_is_whole_or_refused(missing: int) -> None:
    assert J2K.endswith(b"\xff\xd9")
    if missing == 2:
        np.testing.assert_array_equal(decode_frame(J2K[:-2], FORM, Refusing()).pixels, PIXELS)
        return
    with pytest.raises(BadPixels, match="JPEG 2000 data are damaged or cut short"):
        decode_frame(J2K[:-missing], FORM, Refusing())


def test_a_jpeg_without_its_end_marker_is_whole_or_refused() -> None:
    """libjpeg fills up what is missing and says nothing."""
    end = JPEG.rindex(b"\xff\xd9")
    np.testing.assert_array_equal(decode_frame(JPEG[:end], FORM, Refusing()).pixels, PIXELS)
    for kept in (end - 20, end // 2):
        with pytest.raises(BadPixels, match="JPEG data are cut short"):
            decode_frame(JPEG[:kept], FORM, Refusing())


# --- RLE -----------------------------------------------------------------------------------------------------------


def rle_frame(segments: list[bytes], count: int | None = None, offsets: list[int] | None = None) -> bytes:
    if offsets is None:
        offsets = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    padding = [0] * (15 - len(offsets))
    return struct.pack("<16I", len(segments) if count is None else count, *offsets, *padding) + b"".join(segments)


GOOD = b"\x81\x05" * 24  # 24 runs of 128


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\2\0\0\0", "RLE header is cut short"),
        (rle_frame([GOOD]), "1 segments, but its header describes 2"),
        (rle_frame([GOOD, GOOD], count=2**32 - 1), "4294967295 segments"),
        (rle_frame([GOOD, GOOD], offsets=[64, 2**31]), "contradict its length"),
        (rle_frame([GOOD, GOOD], offsets=[112, 64]), "contradict its length"),
        (rle_frame([GOOD, GOOD], offsets=[0, 64]), "contradict its length"),
        (rle_frame([GOOD, GOOD + b"\x81"]), "segment 2 of its RLE frame is damaged or cut short"),
        (rle_frame([GOOD, b"\x81\5" * 23 + b"\xfe\5"]), "segment 2 of its RLE frame holds 2,947 of 3,072 bytes"),
        (rle_frame([GOOD, GOOD * 9]), "segment 2 of its RLE frame is damaged"),
    ],
)
def test_damaged_rle_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(BadPixels, match=reason):
        decode_rle(frame, RLE_FORM)


def test_rle_that_cannot_hold_its_image_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(BadPixels, match="too short for its Rows and Columns"):
        decode_rle(rle_frame([GOOD, GOOD]), replace(RLE_FORM, rows=60_000, columns=60_000))


# --- any bytes at all ----------------------------------------------------------------------------------------------


@st.composite
def mutants(draw: st.DrawFn, stream: bytes) -> bytes:
    data = bytearray(stream)
    for place, value in draw(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), max_size=6)):
        data[place % len(data)] = value
    return bytes(data[: draw(st.integers(0, len(data)))])


@given(st.binary(max_size=200) | mutants(JPEG) | mutants(JPEG_LS) | mutants(J2K) | mutants(JXL) | mutants(COLOUR))
def test_headers_are_parsed_or_refused(data: bytes) -> None:
    for parse in (parse_jpeg, parse_j2k, parse_jxl, lambda data: parse_j2k(unwrap(data))):
        try:
            header = parse(data)
        except BadPixels:
            continue
        assert header.rows >= 0
        assert header.columns >= 0


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_any_rle_frame_is_unpacked_or_refused(data: bytes) -> None:
    form = replace(RLE_FORM, rows=3, columns=5)
    for frame in (data, rle_frame([data, data]), rle_frame([GOOD, data])):
        try:
            assert decode_rle(frame, form).shape == (3, 5)
        except BadPixels:
            continue


def test_the_file_is_named_and_the_sentence_complete(tmp_path: Path) -> None:
    path = encapsulated(tmp_path / "bomb.dcm", [siz(right=2**31)], "1.2.840.10008.1.2.4.90", pixels=PIXELS)
    with pytest.raises(UnreadableImage, match=r"^bomb\.dcm cannot be shown: its header describes .*\.$"):
        read_slice(stack_of(path), 0)
