"""Enhanced and classic multi-frame images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import uid

from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.domain.geometry import SpacingOrigin
from radviewer.domain.study import Stack, StackKind
from tests import phantoms
from tests.phantoms import item


def stacks(folder: Path) -> list[Stack]:
    return [stack for study in scan(folder).studies for series in study.series for stack in series.stacks]


@pytest.mark.parametrize("modality", ["MR", "CT"])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_frames_are_ordered_by_position_not_by_place_in_the_file(tmp_path: Path, modality: str, syntax: str) -> None:
    places = phantoms.positions(5, phantoms.SAGITTAL)[[3, 0, 4, 2, 1]]
    path = phantoms.enhanced(tmp_path / "e", modality=modality, at=places, orientation=phantoms.SAGITTAL)
    phantoms.save(pydicom.dcmread(path), path, syntax)
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.VOLUME
    assert [frame.index for frame in stack.frames] == [1, 4, 3, 0, 2]
    assert stack.geometry is not None
    expected = np.eye(4)
    expected[:3] = np.column_stack([(-2, 0, 0), (0, 0, -0.8), (0, 0.7, 0), (-30, -40, 50)])
    np.testing.assert_allclose(stack.geometry.affine_lps, expected, atol=1e-9)
    found: Any = listing(scan(tmp_path))
    files = found["studies"][0]["series"][0]["stacks"][0]["files"]
    assert [file["frame"] for file in files] == [1, 4, 3, 0, 2]
    assert {file["path"] for file in files} == {"e"}


def test_affine_of_an_enhanced_image_equals_simpleitk(tmp_path: Path) -> None:
    path = phantoms.enhanced(tmp_path / "e.dcm", 4, orientation=phantoms.CORONAL)
    (stack,) = stacks(tmp_path)
    image: Any = SimpleITK.ReadImage(str(path))
    assert stack.geometry is not None
    for c, r, s in [(0, 0, 0), (9, 7, 3), (2, 5, 1)]:
        point = image.TransformIndexToPhysicalPoint((c, r, s))
        np.testing.assert_allclose((stack.geometry.affine_lps @ (s, r, c, 1))[:3], point, atol=1e-6)


def test_a_frame_has_its_own_values_and_shares_the_rest(tmp_path: Path) -> None:
    groups = [
        {
            "FrameVOILUTSequence": item(WindowCenter=40 + k, WindowWidth=400),
            "PixelValueTransformationSequence": item(RescaleSlope=1 + k, RescaleIntercept=-5, RescaleType="HU"),
        }
        for k in range(3)
    ]
    phantoms.enhanced(tmp_path / "e.dcm", 3, modality="CT", groups=groups)
    (stack,) = stacks(tmp_path)
    assert [(f.slope, f.intercept, f.unit, f.windows[0].center) for f in stack.frames] == [
        (1, -5, "HU", 40),
        (2, -5, "HU", 41),
        (3, -5, "HU", 42),
    ]
    assert all(f.spacing is not None and (f.spacing.row, f.spacing.column) == (0.8, 0.7) for f in stack.frames)


def two_sets(sequence: str, first: pydicom.Dataset, second: pydicom.Dataset) -> dict[str, Any]:
    places = phantoms.positions(3)
    return {"at": [*places, *places], "groups": [{sequence: one} for one in [first] * 3 + [second] * 3]}


@pytest.mark.parametrize(
    ("sequence", "first", "second", "expected"),
    [
        ("MREchoSequence", item(EffectiveEchoTime=80.0), item(EffectiveEchoTime=10.0), ["echo 1", "echo 2"]),
        ("MRDiffusionSequence", item(DiffusionBValue=0.0), item(DiffusionBValue=1000.0), ["b 0", "b 1000"]),
        ("FrameContentSequence", item(TemporalPositionIndex=1), item(TemporalPositionIndex=2), ["time 1", "time 2"]),
        ("FrameContentSequence", item(StackID="1"), item(StackID="2"), ["stack 1", "stack 2"]),
        (
            "CardiacSynchronizationSequence",
            item(NominalCardiacTriggerDelayTime=0.0),
            item(NominalCardiacTriggerDelayTime=50.0),
            ["time 1", "time 2"],
        ),
        (
            "MRImageFrameTypeSequence",
            item(FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"]),
            item(FrameType=["ORIGINAL", "PRIMARY", "P", "NONE"]),
            ["original m", "original p"],
        ),
    ],
)
def test_functional_groups_split_a_file(
    tmp_path: Path, sequence: str, first: pydicom.Dataset, second: pydicom.Dataset, expected: list[str]
) -> None:
    phantoms.enhanced(tmp_path / "e.dcm", **two_sets(sequence, first, second))
    found = stacks(tmp_path)
    assert [(stack.label, stack.shape[0]) for stack in found] == [(label, 3) for label in expected]
    assert all(stack.geometry is not None for stack in found)


def test_several_enhanced_files_of_a_series_are_pooled(tmp_path: Path) -> None:
    places = phantoms.positions(6)
    phantoms.enhanced(tmp_path / "a.dcm", at=places[3:], instance=1)
    phantoms.enhanced(tmp_path / "b.dcm", at=places[:3], instance=2)
    (stack,) = stacks(tmp_path)
    assert [(f.file.location.name, f.index) for f in stack.frames] == [
        (name, k) for name in ("b.dcm", "a.dcm") for k in range(3)
    ]


def test_frames_without_a_place_are_shown_in_their_order_with_a_warning(tmp_path: Path) -> None:
    path = phantoms.enhanced(tmp_path / "e.dcm", 4)
    ds = pydicom.dcmread(path)
    del ds.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    phantoms.save(ds, path)
    (stack,) = stacks(tmp_path)
    assert (stack.kind, stack.geometry) == (StackKind.IMAGES, None)
    assert [frame.index for frame in stack.frames] == [0, 1, 2, 3]
    assert stack.warnings == ("Some frames have no position and orientation: the frames are in the order of the file.",)


def test_fewer_groups_than_frames(tmp_path: Path) -> None:
    path = phantoms.enhanced(tmp_path / "e.dcm", 4)
    ds = pydicom.dcmread(path)
    del ds.PerFrameFunctionalGroupsSequence[3]
    phantoms.save(ds, path)
    (stack,) = stacks(tmp_path)
    assert stack.shape[0] == 4
    assert len(stack.warnings) == 1


def test_a_loop_has_a_time_and_a_calibrated_region(tmp_path: Path) -> None:
    phantoms.cine(tmp_path / "us.dcm", 6)
    (stack,) = stacks(tmp_path)
    assert (stack.kind, stack.shape, stack.frame_time_ms) == (StackKind.CINE, (6, 8, 10), 40)
    assert [frame.index for frame in stack.frames] == list(range(6))
    spacing = stack.frames[3].spacing
    assert spacing is not None
    np.testing.assert_allclose((spacing.row, spacing.column), (0.3, 0.2))
    assert spacing.origin is SpacingOrigin.ULTRASOUND
    found: Any = listing(scan(tmp_path))
    (json,) = found["studies"][0]["series"][0]["stacks"]
    assert (json["kind"], json["spacing_mm"], json["affine_lps"]) == ("cine", None, None)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"FrameTime": None, "FrameTimeVector": [0, 30, 34, 33]}, 33),
        ({"FrameTime": None, "CineRate": 25}, 40),
        ({"FrameTime": None, "RecommendedDisplayFrameRate": 50}, 20),
        ({"FrameTime": 0}, None),
        ({"FrameTime": "nan"}, None),
    ],
)
def test_frame_times(tmp_path: Path, elements: dict[str, Any], expected: float | None) -> None:
    phantoms.cine(tmp_path / "us.dcm", 4, **elements)
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.CINE
    assert stack.frame_time_ms == expected


def test_pages_without_time_are_images(tmp_path: Path) -> None:
    phantoms.cine(tmp_path / "sc.dcm", 3, modality="OT", FrameTime=None, SequenceOfUltrasoundRegions=None)
    (stack,) = stacks(tmp_path)
    assert (stack.kind, stack.shape[0]) == (StackKind.IMAGES, 3)


def nuclear(path: Path, frames: int, **own: Any) -> Path:
    base: dict[str, Any] = {"modality": "NM", "NumberOfFrames": frames, "PixelSpacing": [4.0, 4.0]}
    return phantoms.save(phantoms.image(phantoms.ramp(frames), **(base | own)), path)


@pytest.mark.parametrize("step", [3.0, -3.0])
def test_reconstructed_nuclear_slices_are_a_volume(tmp_path: Path, step: float) -> None:
    detector = item(ImagePositionPatient=[-10, -20, 30], ImageOrientationPatient=list(phantoms.AXIAL))
    nuclear(
        tmp_path / "nm.dcm",
        4,
        FrameIncrementPointer=0x00540080,
        SliceVector=[1, 2, 3, 4],
        SpacingBetweenSlices=step,
        DetectorInformationSequence=[detector],
    )
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.VOLUME
    assert stack.geometry is not None
    first = 30 if step > 0 else 30 - 9
    np.testing.assert_allclose(stack.geometry.affine_lps[:3, 0], [0, 0, 3])
    np.testing.assert_allclose(stack.geometry.affine_lps[:3, 3], [-10, -20, first])
    assert [frame.index for frame in stack.frames] == ([0, 1, 2, 3] if step > 0 else [3, 2, 1, 0])


def test_static_nuclear_views_are_images_and_dynamic_ones_a_loop(tmp_path: Path) -> None:
    nuclear(tmp_path / "static.dcm", 2, FrameIncrementPointer=[0x00540010, 0x00540020], series="static")
    nuclear(
        tmp_path / "dynamic.dcm",
        6,
        FrameIncrementPointer=[0x00540100],
        ActualFrameDuration=1000,
        series="dynamic",
        SeriesNumber=2,
    )
    static, dynamic = stacks(tmp_path)
    assert (static.kind, dynamic.kind, dynamic.frame_time_ms) == (StackKind.IMAGES, StackKind.CINE, 1000)


def test_a_file_that_holds_fewer_frames_than_it_claims_shows_those(tmp_path: Path) -> None:
    path = phantoms.cine(tmp_path / "us.dcm", 6)
    path.write_bytes(path.read_bytes()[:-200])
    (stack,) = stacks(tmp_path)
    assert stack.shape[0] == 3
    assert stack.frames[0].file.number_of_frames == 3
    assert stack.warnings == ("us.dcm: The file claims 6 frames but holds 3; the others are missing.",)
