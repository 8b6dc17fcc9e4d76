"""Modality LUT and VOI LUT tables of the header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from radviewer.dicom.load import read_slice
from radviewer.domain.window import LookupTable, VoiFunction, Window
from radviewer.errors import UnreadableImage
from tests.dicom.pixel_files import PYDICOM_DATA, stack_of, written

SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
PIXELS = np.array([[0, 1, 2, 3], [4, 5, 6, 400]], np.uint16)


def table(values: NDArray[Any], first: int, bits: int = 16, *, signed: bool = False, **own: Any) -> Dataset:
    item = Dataset()
    item["LUTDescriptor"] = pydicom.DataElement("LUTDescriptor", "SS" if signed else "US", [len(values), first, bits])
    item["LUTData"] = pydicom.DataElement("LUTData", "OW", values.astype("<u2").tobytes())
    for keyword, value in own.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_modality_lut(tmp_path: Path, syntax: str) -> None:
    values = np.array([10, 20, 40, 80])
    item = table(values, 2, ModalityLUTType="OD")
    picture = written(tmp_path / "modality.dcm", PIXELS, syntax, ModalityLUTSequence=[item])
    np.testing.assert_array_equal(picture.modality_values(), [[10, 10, 10, 20], [40, 80, 80, 80]])
    assert picture.unit == "OD"


def test_unspecified_modality_units_are_no_unit(tmp_path: Path) -> None:
    item = table(np.arange(4), 0, ModalityLUTType="US")
    assert written(tmp_path / "us.dcm", PIXELS, ModalityLUTSequence=[item]).unit == ""


def test_a_damaged_modality_lut_is_said(tmp_path: Path) -> None:
    item = table(np.arange(4), 0)
    item.LUTData = b"\0\0"
    with pytest.raises(UnreadableImage, match="Modality LUT is damaged"):
        written(tmp_path / "damaged.dcm", PIXELS, ModalityLUTSequence=[item])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_voi_luts_come_before_the_windows(tmp_path: Path, syntax: str) -> None:
    """In the order of PS3.3 table C.11-2b, with their explanations."""
    luts = [table(np.arange(5), 1, 3, LUTExplanation="soft"), table(np.arange(9), 0, 4, LUTExplanation="hard")]
    picture = written(
        tmp_path / "voi.dcm",
        PIXELS,
        syntax,
        VOILUTSequence=luts,
        WindowCenter=3,
        WindowWidth=6,
        VOILUTFunction="SIGMOID",
        WindowCenterWidthExplanation="curve",
    )
    first, second, window = picture.vois
    assert isinstance(first, LookupTable)
    assert isinstance(second, LookupTable)
    assert (first.explanation, first.first, first.bits) == ("soft", 1, 3)
    assert (second.explanation, second.first, second.bits) == ("hard", 0, 4)
    assert window == Window(3, 6, VoiFunction.SIGMOID, "curve")
    np.testing.assert_array_equal(first.apply(PIXELS), [[0, 0, 1, 2], [3, 4, 4, 4]])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_input_of_a_voi_lut_is_signed_when_the_modality_values_are(tmp_path: Path, syntax: str) -> None:
    lut = table(np.arange(5), -1000, signed=True)
    picture = written(
        tmp_path / "signed.dcm", PIXELS, syntax, VOILUTSequence=[lut], RescaleSlope=1, RescaleIntercept=-1024
    )
    found = picture.vois[0]
    assert isinstance(found, LookupTable)
    assert found.first == -1000


def test_a_damaged_voi_lut_is_left_out(tmp_path: Path) -> None:
    good, bad = table(np.arange(5), 0), table(np.arange(5), 0)
    bad.LUTData = b"\0"
    picture = written(tmp_path / "voi.dcm", PIXELS, VOILUTSequence=[bad, good], WindowCenter=3, WindowWidth=6)
    assert [type(voi) for voi in picture.vois] == [LookupTable, Window]


def test_entries_wider_than_described_still_fit_the_output_range(tmp_path: Path) -> None:
    picture = written(tmp_path / "wide.dcm", PIXELS, VOILUTSequence=[table(np.array([0, 4095]), 0, 8)])
    found = picture.vois[0]
    assert isinstance(found, LookupTable)
    assert found.bits == 12


def test_real_tables_equal_pydicom() -> None:
    path = PYDICOM_DATA / "mlut_18.dcm"
    ds = pydicom.dcmread(path)
    picture = read_slice(stack_of(path), 0)
    np.testing.assert_array_equal(picture.modality_values(), apply_modality_lut(ds.pixel_array, ds))
    path = PYDICOM_DATA / "vlut_04.dcm"
    ds = pydicom.dcmread(path)
    picture = read_slice(stack_of(path), 0)
    voi = picture.vois[0]
    assert isinstance(voi, LookupTable)
    modality = np.asarray(apply_modality_lut(ds.pixel_array, ds))
    np.testing.assert_array_equal(voi.apply(picture.modality_values()), apply_voi_lut(modality, ds))
