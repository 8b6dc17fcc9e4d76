"""pydicom's and pydicom-data's files: each opens or is named with a true reason."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
import SimpleITK

from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.dicom.tags import read_tags
from radviewer.domain.study import FileLocation, ScanResult, Stack, StackKind

OWN = Path(pydicom.data.__file__).parent / "test_files"
_SPEC = importlib.util.find_spec("data_store")  # what pydicom-data installs
DATA = Path(_SPEC.origin or "" if _SPEC else "").parent / "data"
FILES = sorted(p for folder in (OWN, DATA) for p in folder.rglob("*") if p.is_file())


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def stacks(result: ScanResult) -> list[Stack]:
    return [stack for study in result.studies for series in study.series for stack in series.stacks]


def header(path: Path) -> pydicom.Dataset:
    """pydicom's own opinion."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, force=True, stop_before_pixels=True)


@pytest.fixture(autouse=True)
def _pydicom_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """pydicom warns about many of these files, each time one of their values is looked at."""
    monkeypatch.setattr(logging.getLogger("pydicom"), "disabled", True)


@pytest.mark.parametrize("folder", [OWN, DATA])
def test_every_file_is_listed_once(folder: Path) -> None:
    found: Any = listing(scan(folder))
    names = [e["path"] for e in [*found["not_images"], *found["skipped"]]]
    shown = [f["path"] for s in found["studies"] for e in s["series"] for k in e["stacks"] for f in k["files"]]
    regular = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert sorted([*names, *set(shown)]) == regular


NOT_SHOWN = {
    "ExplVR_BigEndNoMeta.dcm": "RT Ion Plan Storage",
    "ExplVR_LitEndNoMeta.dcm": "RT Ion Plan Storage",
    "badVR.dcm": "RT Dose Storage",
    "DICOMDIR": "Media Storage Directory Storage",
    "liver": "Segmentation Storage",
    "reportsi": "Basic Text SR Storage",
    "rtdose": "RT Dose Storage",
    "rtplan": "RT Plan Storage",
    "rtstruct": "RT Structure Set Storage",
    "test-SR.dcm": "Comprehensive SR Storage",
    "waveform": "12-lead ECG Waveform Storage",
}
"""Beginning of a file's name → SOP class under which it is listed."""

SKIPPED = {
    "README": "It is not a DICOM file but text.",
    "rtplan.dump": "It is not a DICOM file but text.",
    "rtstruct.dump": "It is not a DICOM file but text.",
    "test1.json": "It is not a DICOM file but text.",
    "test_PN.json": "It is not a DICOM file but text.",
    "zipMR.gz": "It is not a DICOM file but a gzip archive.",
    "crayons.icc": "It is not a DICOM file: it has no preamble and does not begin with data elements.",
    "no_meta.dcm": "It is not a DICOM file: it has no preamble and does not begin with data elements.",
    "IM0000": "It names the class CT Image Storage but holds no pixel data.",
    "UN_sequence.dcm": "It names the class CT Image Storage but holds no pixel data.",
    "priv_SQ.dcm": "It names the class MR Image Storage but holds no pixel data.",
    "no_meta_group_length.dcm": "It names the class RT Image Storage but holds no pixel data.",
    "empty_charset_LEI.dcm": "It is DICOM but names no SOP Class and holds no pixel data.",
    "meta_missing_tsyntax.dcm": "no usable Rows and Columns (0 × 0)",
    "nested_priv_SQ.dcm": "no usable Rows and Columns (0 × 0)",
}


def reason_for(name: str, reasons: dict[str, str]) -> str | None:
    """Longest beginning of the name that is in the table."""
    return next((reasons[key] for key in sorted(reasons, key=len, reverse=True) if name.startswith(key)), None)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_each_file_alone_opens_or_is_named(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    shutil.copy(path, target)
    result = scan(target) if "DICOMDIR" not in path.name else scan(tmp_path)
    skipped, sop_class = reason_for(path.name, SKIPPED), reason_for(path.name, NOT_SHOWN)
    if skipped is not None:
        assert [skipped in s.reason for s in result.skipped] == [True]
        assert result.studies == ()
    elif sop_class is not None:
        assert [n.sop_class for n in result.not_images] == [sop_class]
        assert result.studies == ()
    else:
        (stack,) = stacks(result)
        _agrees_with_pydicom(stack, header(path))
    rows = read_tags(FileLocation(path, None, path.name))
    assert len(rows) > 3 or result.skipped


def _agrees_with_pydicom(stack: Stack, ds: pydicom.Dataset) -> None:
    frame = stack.frames[0]
    assert (stack.format.rows, stack.format.columns) == (ds.Rows, ds.Columns)
    assert stack.format.photometric_interpretation == ds.PhotometricInterpretation
    assert (stack.format.bits_allocated, stack.format.bits_stored) == (ds.BitsAllocated, ds.BitsStored)
    assert len(stack.frames) == int(ds.get("NumberOfFrames") or 1)
    assert frame.file.sop_instance_uid == ds.get("SOPInstanceUID", frame.file.sop_instance_uid)
    spacing = ds.get("PixelSpacing")
    if spacing and min(spacing) > 0:
        assert frame.spacing is not None
        np.testing.assert_allclose((frame.spacing.row, frame.spacing.column), np.array(spacing, float))
    if "ImagePositionPatient" in ds and spacing:
        assert stack.kind is StackKind.VOLUME
        assert frame.plane is not None
        np.testing.assert_allclose(frame.plane.position, np.array(ds.ImagePositionPatient, float))
    if "RescaleSlope" in ds:
        assert (frame.slope, frame.intercept) == (float(ds.RescaleSlope), float(ds.RescaleIntercept))
    assert frame.instance_number == ds.get("InstanceNumber")


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in FILES
        if "ImageOrientationPatient" in header(p)
        and "Rows" in header(p)
        and "RT" not in header(p).Modality
        and p.name != "MR_truncated.dcm"  # SimpleITK does not read it
    ],
    ids=lambda p: p.name,
)
def test_affine_of_each_placed_file_equals_simpleitk(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "file.dcm"
    shutil.copy(path, target)
    (stack,) = stacks(scan(target))
    reader: Any = SimpleITK
    reader = reader.ImageFileReader()
    reader.SetFileName(str(target))
    reader.ReadImageInformation()
    assert stack.geometry is not None
    affine = stack.geometry.affine_lps
    columns = np.array(reader.GetDirection()).reshape(3, 3) * np.array(reader.GetSpacing())
    np.testing.assert_allclose(affine[:3, 3], reader.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(affine[:3, 2], columns[:, 0], atol=1e-4)
    np.testing.assert_allclose(affine[:3, 1], columns[:, 1], atol=1e-4)
    normal = affine[:3, 0] / np.linalg.norm(affine[:3, 0])
    np.testing.assert_allclose(normal, columns[:, 2] / np.linalg.norm(columns[:, 2]), atol=1e-4)


def test_the_file_set_of_pydicom_opens_by_its_dicomdir() -> None:
    result = scan(OWN / "dicomdirtests" / "DICOMDIR")
    assert sum(stack.shape[0] for stack in stacks(result)) == 31
    assert result.skipped == ()
    assert [n.location.name for n in result.not_images] == ["DICOMDIR"]
    by_name = {s.description: s for study in result.studies for s in study.series}
    gated = by_name["SmartScore - Gated 0.5 sec"].stacks
    assert [stack.shape for stack in gated] == [(5, 16, 16)]
    pilot = by_name["T/S/C RF FAST PILOT"].stacks
    assert sorted(stack.label for stack in pilot) == ["axial", "coronal", "sagittal"]


def test_the_chest_film_has_no_millimetres() -> None:
    (stack,) = stacks(scan(DATA / "RG1_UNCR.dcm"))
    assert stack.kind is StackKind.IMAGES
    assert stack.frames[0].spacing is None


def test_four_encodings_of_one_film_in_four_folders(tmp_path: Path) -> None:
    for name in ("J2KI", "J2KR", "UNCI", "UNCR"):
        (tmp_path / name).mkdir()
        shutil.copy(DATA / f"RG1_{name}.dcm", tmp_path / name / "film.dcm")
    result = scan(tmp_path)
    assert [s.location.name for s in result.skipped] == ["J2KI/film.dcm"]
    assert result.skipped[0].reason == "duplicate of UNCI/film.dcm: the same SOP Instance UID, encoded differently."
    assert sorted(stack.frames[0].file.location.name for stack in stacks(result)) == [
        f"{name}/film.dcm" for name in ("J2KR", "UNCI", "UNCR")
    ]
