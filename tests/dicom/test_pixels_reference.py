"""Every image of pydicom and pydicom-data against a decoder that is not ours, or refused for a true reason."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_modality_lut, apply_rescale
from pydicom.pixels.utils import pixel_array

from radviewer.dicom.load import read_slice
from radviewer.dicom.pixels_fit import Refused
from radviewer.domain.volume import SliceImage
from radviewer.errors import UnreadableImage
from tests.dicom.pixel_files import PYDICOM, PYDICOM_DATA, image_files, stack_of

FILES = list(image_files())
ITK: Any = SimpleITK

UNREADABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "256 pixels, but its JPEG 2000 data hold 1,024 × 3,722,445,056",
    "MR_truncated.dcm": "cut off: 8,192 bytes expected, 8,130 found",
}
"""Files of which no image can be shown, and why: what the sentence must say."""

REFUSED = {
    "meta_missing_tsyntax.dcm": "no usable Rows and Columns",
    "nested_priv_SQ.dcm": "no usable Rows and Columns",
}
"""Objects with pixel data that are no images, and what the scan says of them."""

SAME_AS = {
    "emri_small_jpeg_2k_lossless_too_short.dcm": "emri_small.dcm",
    "SC_rgb_jpeg.dcm": "SC_rgb_jpeg_dcmd.dcm",  # SimpleITK opens it after a search of ten seconds
}
"""Files that pydicom does not open, and another that holds the same values."""

BY_PYDICOM = {
    "RT dose": "SimpleITK refuses one frame, and swaps the bytes of big-endian words wrongly",
    "MONOCHROME1": "SimpleITK inverts the stored values",
    "Modality LUT": "SimpleITK does not apply a table",
    "SC_rgb_rle": "SimpleITK mixes up the bytes of RLE colour of more than 8 bits",
}
"""Where SimpleITK is not the reference, and why."""


def _is_by_pydicom(path: Path, ds: pydicom.Dataset) -> bool:
    return (
        (ds.get("Modality") == "RTDOSE" and path.name != "badVR.dcm")
        or len(stack_of(path).frames) > 30  # SimpleITK decodes all of them
        or ds.PhotometricInterpretation == "MONOCHROME1"
        or "ModalityLUTSequence" in ds
        or (path.name.startswith("SC_rgb_rle") and ds.BitsAllocated > 8)
    )


def _by_pydicom(path: Path, ds: pydicom.Dataset, index: int) -> NDArray[Any]:
    stored = pixel_array(path, index=index)
    if "ModalityLUTSequence" in ds:
        return np.asarray(apply_modality_lut(stored, ds))
    return np.asarray(apply_rescale(stored, ds))


def _by_simpleitk(path: Path, frames: int, index: int) -> NDArray[Any]:
    array: NDArray[Any] = ITK.GetArrayFromImage(ITK.ReadImage(str(path)))
    return array[index] if array.ndim > 2 and array.shape[0] == frames else array


def _same_scale(reference: NDArray[Any], picture: SliceImage, bits: int) -> NDArray[Any]:
    """Reference on the scale of a SliceImage: colour of 8 bits, 1-bit pixels 0 and 1."""
    if picture.is_colour and reference.dtype.itemsize > 1:
        return reference >> (8 * reference.dtype.itemsize - 8)
    if bits == 1:
        return reference // 255
    return reference


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    ITK.ProcessObject.SetGlobalWarningDisplay(False)
    caplog.set_level(logging.CRITICAL, "pydicom")


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # they are odd files: that is what they are for
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_values_equal_an_independent_decoder(path: Path) -> None:
    ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    if path.name in REFUSED:
        with pytest.raises(Refused, match=REFUSED[path.name]):
            stack_of(path)
        return
    stack = stack_of(path)
    if path.name in UNREADABLE:
        with pytest.raises(UnreadableImage, match=UNREADABLE[path.name]):
            read_slice(stack, 0)
        return
    for index in sorted({0, len(stack.frames) // 2, len(stack.frames) - 1}):
        picture = read_slice(stack, index)
        if path.name in SAME_AS:
            reference = _by_pydicom(path.parent / SAME_AS[path.name], ds, index)
        elif _is_by_pydicom(path, ds):
            reference = _by_pydicom(path, ds, index)
        else:
            reference = _by_simpleitk(path, len(stack.frames), index)
        ours = picture.stored if picture.is_colour else picture.modality_values()
        np.testing.assert_array_equal(ours, _same_scale(reference, picture, stack.format.bits_allocated))


def test_the_table_is_about_all_of_them() -> None:
    names = {path.name for path in FILES}
    assert len(FILES) > 120
    assert {*UNREADABLE, *REFUSED, *SAME_AS} <= names
    assert {path.parent for path in FILES} >= {PYDICOM, PYDICOM_DATA}
