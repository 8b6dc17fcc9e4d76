"""Overlay planes: separate and embedded, shifted, multi-frame, larger than what a header keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from radviewer.dicom.load import read_slice
from tests.dicom.pixel_files import PYDICOM_DATA, stack_of
from tests.phantoms import image, save

SHAPE = (6, 8)
MASK = np.random.default_rng(7).integers(0, 2, SHAPE).astype(bool)


def packed(bits: NDArray[Any]) -> bytes:
    data = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2)


def add_overlay(ds: Dataset, bits: NDArray[Any], group: int = 0x6000, **own: Any) -> Dataset:
    """Add a separate overlay; `own` by the names below."""
    elements = {
        "rows": (0x10, "US", bits.shape[-2]),
        "columns": (0x11, "US", bits.shape[-1]),
        "kind": (0x40, "CS", "G"),
        "origin": (0x50, "SS", [1, 1]),
        "allocated": (0x100, "US", 1),
        "position": (0x102, "US", 0),
        "data": (0x3000, "OW", packed(bits)),
        "frames": (0x15, "IS", None),
        "first_frame": (0x51, "US", None),
        "label": (0x1500, "LO", None),
    }
    for name, (element, vr, default) in elements.items():
        value = own.get(name, default)
        if value is not None:
            ds.add_new((group, element), vr, value)
    return ds


def test_separate_overlay(tmp_path: Path) -> None:
    for syntax in (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian):
        ds = add_overlay(image(np.zeros(SHAPE, np.int16)), MASK, label="Nodule", kind="R")
        (plane,) = read_slice(stack_of(save(ds, tmp_path / "overlay.dcm", syntax)), 0).overlays
        np.testing.assert_array_equal(plane.mask, MASK)
        assert (plane.kind, plane.label) == ("R", "Nodule")


def test_overlay_of_big_endian_words(tmp_path: Path) -> None:
    swapped = np.frombuffer(packed(MASK), "<u2").astype(">u2").tobytes()
    ds = add_overlay(image(np.zeros(SHAPE, np.int16)), MASK, data=swapped)
    (plane,) = read_slice(stack_of(save(ds, tmp_path / "overlay.dcm", uid.ExplicitVRBigEndian)), 0).overlays
    np.testing.assert_array_equal(plane.mask, MASK)


@pytest.mark.parametrize("origin", [(1, 1), (3, 2), (-1, 0), (0, -3), (7, 9), (-20, -20), (100, 100)])
@pytest.mark.parametrize("shape", [(3, 4), (6, 8), (20, 30)])
def test_overlays_of_another_size_are_placed_and_cut(
    tmp_path: Path, origin: tuple[int, int], shape: tuple[int, int]
) -> None:
    bits = np.random.default_rng(8).integers(0, 2, shape).astype(bool)
    wanted = np.zeros(SHAPE, bool)
    for (row, column), bit in np.ndenumerate(bits):
        at = (row + origin[0] - 1, column + origin[1] - 1)
        if 0 <= at[0] < SHAPE[0] and 0 <= at[1] < SHAPE[1]:
            wanted[at] = bit
    ds = add_overlay(image(np.zeros(SHAPE, np.int16)), bits, origin=list(origin))
    (plane,) = read_slice(stack_of(save(ds, tmp_path / "overlay.dcm")), 0).overlays
    np.testing.assert_array_equal(plane.mask, wanted)


def test_embedded_overlays_are_taken_out_of_the_values(tmp_path: Path) -> None:
    values = np.random.default_rng(9).integers(0, 4096, SHAPE, dtype=np.uint16)
    other = ~MASK
    words = values | (MASK.astype(np.uint16) << 12) | (other.astype(np.uint16) << 15)
    ds = image(words, BitsStored=12, HighBit=11)
    add_overlay(ds, MASK, allocated=16, position=12, data=None)
    add_overlay(ds, other, group=0x6002, allocated=16, position=15, data=None)
    picture = read_slice(stack_of(save(ds, tmp_path / "embedded.dcm")), 0)
    np.testing.assert_array_equal(picture.stored, values)
    np.testing.assert_array_equal([plane.mask for plane in picture.overlays], [MASK, other])


def test_multi_frame_overlays_lie_on_their_frames(tmp_path: Path) -> None:
    bits = np.random.default_rng(10).integers(0, 2, (2, 5, 7)).astype(bool)  # frames do not end at bytes
    ds = image(np.zeros((4, 5, 7), np.int16), NumberOfFrames=4)
    add_overlay(ds, bits, frames=2, first_frame=2)
    stack = stack_of(save(ds, tmp_path / "cine.dcm"))
    planes = [read_slice(stack, index).overlays for index in range(4)]
    assert [len(found) for found in planes] == [0, 1, 1, 0]
    np.testing.assert_array_equal(planes[1][0].mask, bits[0])
    np.testing.assert_array_equal(planes[2][0].mask, bits[1])


def test_one_plane_lies_on_every_frame_of_a_cine(tmp_path: Path) -> None:
    ds = add_overlay(image(np.zeros((3, *SHAPE), np.int16), NumberOfFrames=3), MASK)
    stack = stack_of(save(ds, tmp_path / "cine.dcm"))
    for index in range(3):
        np.testing.assert_array_equal(read_slice(stack, index).overlays[0].mask, MASK)


def test_an_overlay_larger_than_a_header_keeps(tmp_path: Path) -> None:
    bits = np.random.default_rng(11).integers(0, 2, (3000, 4000), dtype=np.uint8).astype(bool)
    ds = add_overlay(image(np.zeros((3000, 4000), np.uint8)), bits)
    (plane,) = read_slice(stack_of(save(ds, tmp_path / "film.dcm")), 0).overlays
    np.testing.assert_array_equal(plane.mask, bits)


@pytest.mark.parametrize("own", [{"rows": 0}, {"data": b"\0\0"}, {"data": None}, {"rows": 65535, "columns": 65535}])
def test_damaged_overlays_are_left_out(tmp_path: Path, own: dict[str, Any]) -> None:
    ds = add_overlay(image(np.zeros(SHAPE, np.int16)), MASK, **own)
    assert read_slice(stack_of(save(ds, tmp_path / "damaged.dcm")), 0).overlays == ()


def test_a_real_overlay_equals_pydicom() -> None:
    path = PYDICOM_DATA / "MR-SIEMENS-DICOM-WithOverlays.dcm"
    (plane,) = read_slice(stack_of(path), 0).overlays
    np.testing.assert_array_equal(plane.mask, pydicom.dcmread(path).overlay_array(0x6000) != 0)
