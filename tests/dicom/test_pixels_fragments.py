"""Frames in fragments: right, wrong and missing offset tables; data that end early."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid

from radviewer.dicom.elements import MemoryBytes
from radviewer.dicom.fragments import frames_of, read_frame, walk_fragments
from radviewer.dicom.load import read_slice
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.errors import UnreadableImage
from tests.dicom.pixel_files import stack_of
from tests.phantoms import image, save

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)
FRAMES = np.random.default_rng(1).integers(0, 4096, (4, 12, 16), dtype=np.uint16)
STREAMS = [bytes(imagecodecs.jpegls_encode(frame)) for frame in FRAMES]


def item(data: bytes) -> bytes:
    return ITEM + struct.pack("<I", len(data)) + data


def even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def pieces(stream: bytes, size: int) -> list[bytes]:
    stream = even(stream)
    return [stream[place : place + size] for place in range(0, len(stream), size)]


def pixel_data(frames: Sequence[Sequence[bytes]], table: Sequence[int] | None) -> bytes:
    """Items of several frames of several fragments; `table` None leaves it empty."""
    head = item(b"" if table is None else struct.pack(f"<{len(table)}I", *table))
    return head + b"".join(item(part) for parts in frames for part in parts) + DELIMITER


def true_offsets(frames: Sequence[Sequence[bytes]]) -> list[int]:
    lengths = [sum(8 + len(part) for part in parts) for parts in frames]
    return [sum(lengths[:n]) for n in range(len(lengths))]


def write(path: Path, data: bytes, frames: int = len(FRAMES)) -> Path:
    """An encapsulated file whose pixel data are exactly `data`."""
    ds = image(FRAMES, NumberOfFrames=frames, BitsStored=12, HighBit=11)
    ds.add_new("PixelData", "OB", ITEM + bytes(4) + ITEM + bytes(4) + DELIMITER)
    ds["PixelData"].is_undefined_length = True
    save(ds, path, uid.JPEGLSLossless)
    written = path.read_bytes()
    start = written.rindex(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    path.write_bytes(written[:start] + data)
    return path


WHOLE = [[even(stream)] for stream in STREAMS]
SPLIT = [pieces(stream, 60 + 2 * n) for n, stream in enumerate(STREAMS)]
WRONG = [
    pytest.param(None, id="empty"),
    pytest.param([0, 0, 0, 0], id="zeros"),
    pytest.param([0, 7, 13, 21], id="nowhere"),
    pytest.param([0, 2**32 - 8, 2**31, 8], id="beyond the file"),
    pytest.param([0], id="too short"),
    pytest.param([8 + offset for offset in true_offsets(SPLIT)], id="relative to the wrong byte"),
]


@pytest.mark.parametrize("table", [*WRONG, pytest.param(true_offsets(WHOLE), id="right")])
def test_one_fragment_per_frame(tmp_path: Path, table: list[int] | None) -> None:
    stack = stack_of(write(tmp_path / "whole.dcm", pixel_data(WHOLE, table)))
    for index in (3, 0, 2, 1):
        np.testing.assert_array_equal(read_slice(stack, index).stored, FRAMES[index])


@pytest.mark.parametrize("table", [*WRONG, pytest.param(true_offsets(SPLIT), id="right")])
def test_several_fragments_per_frame(tmp_path: Path, table: list[int] | None) -> None:
    """Where the table is wrong, the codestreams' own first bytes tell the frames apart."""
    stack = stack_of(write(tmp_path / "split.dcm", pixel_data(SPLIT, table)))
    for index in (3, 0, 2, 1):
        np.testing.assert_array_equal(read_slice(stack, index).stored, FRAMES[index])


def test_one_frame_of_many_fragments(tmp_path: Path) -> None:
    path = write(tmp_path / "one.dcm", pixel_data([pieces(STREAMS[0], 20)], None), frames=1)
    np.testing.assert_array_equal(read_slice(stack_of(path), 0).stored, FRAMES[0])


def test_extended_offset_table(tmp_path: Path) -> None:
    """Fragments that do not start like a codestream, so that only the table can tell."""
    odd = [[stream[:1], stream[1:]] for stream in map(even, STREAMS)]
    odd[2:] = [[odd[2][0], odd[2][1][:50], odd[2][1][50:]], odd[3]]
    ds = image(FRAMES, NumberOfFrames=4, BitsStored=12, HighBit=11)
    ds.ExtendedOffsetTable = struct.pack("<4Q", *true_offsets(odd))
    ds.ExtendedOffsetTableLengths = struct.pack("<4Q", *[len(stream) for stream in STREAMS])
    ds.add_new("PixelData", "OB", pixel_data(odd, None)[: -len(DELIMITER)])
    ds["PixelData"].is_undefined_length = True
    stack = stack_of(save(ds, tmp_path / "extended.dcm", uid.JPEGLSLossless))
    for index in range(4):
        np.testing.assert_array_equal(read_slice(stack, index).stored, FRAMES[index])


def test_frames_before_the_end_of_cut_data_are_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.dcm", pixel_data(WHOLE, None))
    path.write_bytes(path.read_bytes()[: -len(DELIMITER) - 30])
    stack = stack_of(path)
    for index in range(3):
        np.testing.assert_array_equal(read_slice(stack, index).stored, FRAMES[index])
    with pytest.raises(UnreadableImage, match="JPEG-LS data are damaged or cut short"):
        read_slice(stack, 3)


def test_missing_frames_are_counted(tmp_path: Path) -> None:
    stack = stack_of(write(tmp_path / "few.dcm", pixel_data(WHOLE[:2], None)))
    np.testing.assert_array_equal(read_slice(stack, 1).stored, FRAMES[1])
    with pytest.raises(UnreadableImage, match="frame 4 is missing: the file holds 2"):
        read_slice(stack, 3)


NATIVE = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
JPEG_LS = b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.4.80"
"""TransferSyntaxUID in the file meta information."""


def rename(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    return path


def test_compressed_data_without_encapsulation(tmp_path: Path) -> None:
    """A defined length and no items, against PS3.5 A.4."""
    ds = image(FRAMES[0], BitsStored=12, HighBit=11)
    ds.add_new("PixelData", "OB", even(STREAMS[0]))
    stack = stack_of(rename(save(ds, tmp_path / "bare.dcm"), NATIVE, JPEG_LS))
    assert stack.format.transfer_syntax_uid == uid.JPEGLSLossless
    np.testing.assert_array_equal(read_slice(stack, 0).stored, FRAMES[0])


def test_uncompressed_data_under_a_compressed_name(tmp_path: Path) -> None:
    ds = image(FRAMES[0], BitsStored=12, HighBit=11)
    stack = stack_of(rename(save(ds, tmp_path / "lie.dcm"), NATIVE, JPEG_LS))
    assert stack.format.transfer_syntax_uid == uid.JPEGLSLossless
    np.testing.assert_array_equal(read_slice(stack, 0).stored, FRAMES[0])


def test_encapsulated_data_under_an_uncompressed_name(tmp_path: Path) -> None:
    path = write(tmp_path / "lie.dcm", pixel_data(WHOLE[:1], None), frames=1)
    stack = stack_of(rename(path, JPEG_LS, NATIVE))
    assert stack.format.transfer_syntax_uid == uid.ExplicitVRLittleEndian
    np.testing.assert_array_equal(read_slice(stack, 0).stored, FRAMES[0])


def test_no_fragment_at_all_is_said(tmp_path: Path) -> None:
    stack = stack_of(write(tmp_path / "none.dcm", item(b"") + DELIMITER, frames=1))
    with pytest.raises(UnreadableImage, match="hold no fragment"):
        read_slice(stack, 0)


@given(st.binary(max_size=300), st.integers(1, 50), st.lists(st.integers(0, 2**33), max_size=6))
def test_any_bytes_give_frames_or_a_reason(data: bytes, frames: int, extended: list[int]) -> None:
    source = MemoryBytes(ITEM + bytes(4) + ITEM + data)
    try:
        found = walk_fragments(source, 0, source.size)
    except BadPixels:
        return
    parts = frames_of(source, found, frames, extended)
    assert 1 <= len(parts) <= frames
    for one in parts:
        assert len(read_frame(source, one)) <= source.size
