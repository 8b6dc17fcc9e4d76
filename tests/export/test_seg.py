"""Segmentations, read back by pydicom and by highdicom."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack
from radviewer.errors import UnreadableImage
from radviewer.export.seg import Author, can_segment, can_write, segmentation
from tests import phantoms
from tests.dicom.pixel_files import PYDICOM_DATA
from tests.dicom_validator import errors, segment_images

AUTHOR = Author("chest-anatomy", "1.2.3")
RG1 = PYDICOM_DATA / "RG1_UNCR.dcm"


def stacks_of(target: Path) -> list[Stack]:
    return [s for study in scan(target).studies for series in study.series for s in series.stacks]


def mask_of(stack: Stack) -> np.ndarray[Any, Any]:
    mask: np.ndarray[Any, Any] = np.zeros(stack.shape, bool)
    mask[:, 1:-2, 2:-3] = (
        np.random.default_rng(0).random((stack.shape[0], stack.shape[1] - 3, stack.shape[2] - 5)) < 0.5
    )
    mask[:, 2, 2] = True
    return mask


def written(mask: np.ndarray[Any, Any], stack: Stack, label: str = "right lung") -> tuple[Dataset, bytes]:
    stream = io.BytesIO()
    segmentation(mask, label, AUTHOR, stack).save_as(stream, enforce_file_format=True)
    return pydicom.dcmread(io.BytesIO(stream.getvalue())), stream.getvalue()


def read_back(data: bytes, stack: Stack) -> np.ndarray[Any, Any]:
    found = highdicom.seg.segread(io.BytesIO(data))
    uids = [frame.file.sop_instance_uid for frame in stack.frames]
    pixels: np.ndarray[Any, Any] = found.get_pixels_by_source_instance(uids)[..., 0]
    return pixels


FILMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "spacing": {"PixelSpacing": [0.2, 0.3]},
    "imager": {"ImagerPixelSpacing": [0.2, 0.3], "modality": "DX"},
    "frame-of-reference": {"FrameOfReferenceUID": "1.2.3"},
    "class-that-needs-a-frame-of-reference": {"SOPClassUID": phantoms.SOP_CLASSES["CT"]},
    "unknown-class": {"SOPClassUID": "1.2.3.4.5"},
    "no-study": {"StudyInstanceUID": None},
    "hostile-values": {
        "PatientBirthDate": b"2024-02-29",
        "StudyTime": b"noon",
        "PatientSex": b"female",
        "PatientAge": b"old",
        "PatientName": ("x" * 3000).encode(),
        "StudyDescription": b"a\\b",
    },
    "placed": {
        "FrameOfReferenceUID": "1.2.3",
        "ImagePositionPatient": [1.0, 2.0, 3.0],
        "ImageOrientationPatient": [0.9999, 0.001, 0, 0, 0.0011, -0.9999],
        "PixelSpacing": [0.2, 0.3],
    },
}


@pytest.mark.parametrize("name", FILMS)
def test_the_mask_of_a_film_reads_back(tmp_path: Path, name: str) -> None:
    phantoms.film(tmp_path / "film.dcm", **FILMS[name])
    (stack,) = stacks_of(tmp_path)
    assert can_write(stack)
    mask = mask_of(stack)
    found, data = written(mask, stack)
    assert np.array_equal(found.pixel_array, mask[0])
    assert np.array_equal(read_back(data, stack), mask)
    reference = found.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    source = pydicom.dcmread(tmp_path / "film.dcm")
    assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == source.SOPClassUID
    assert found.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    assert found.StudyInstanceUID == source.get("StudyInstanceUID", "")


def test_the_real_film_without_a_valid_spacing() -> None:
    (stack,) = stacks_of(RG1)
    mask = np.zeros(stack.shape, bool)
    mask[0, 100:900, 33:555] = mask[0, 1954, 1840] = True
    found, data = written(mask, stack)
    assert np.array_equal(found.pixel_array, mask[0])
    assert np.array_equal(read_back(data, stack), mask)
    assert "FrameOfReferenceUID" not in found
    assert "PixelMeasuresSequence" not in found.SharedFunctionalGroupsSequence[0]
    assert (str(found.PatientName), found.PatientID) == ("CompressedSamples^RG1", "9RG1")


def test_what_it_says() -> None:
    (stack,) = stacks_of(RG1)
    found, _ = written(mask_of(stack), stack)
    (segment,) = found.SegmentSequence
    assert (segment.SegmentLabel, segment.SegmentAlgorithmType) == ("right lung", "AUTOMATIC")
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("chest-anatomy", "1.2.3")
    (kind,) = segment.SegmentedPropertyTypeCodeSequence
    assert kind.CodeMeaning == "Lung"
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"
    assert segment.TrackingUID
    assert segment.TrackingID
    assert (found.SegmentationType, found.ContentQualification, found.Modality) == ("BINARY", "RESEARCH", "SEG")
    assert found.SeriesDescription == "AI outlines, chest-anatomy 1.2.3, research use only"


def test_the_same_mask_is_the_same_object_and_another_is_not(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm")
    (stack,) = stacks_of(tmp_path)
    mask = mask_of(stack)
    first, again, other = (segmentation(m, "heart", AUTHOR, stack) for m in (mask, mask.copy(), ~mask))
    newer = segmentation(mask, "heart", Author("chest-anatomy", "1.2.4"), stack)
    assert first.SOPInstanceUID == again.SOPInstanceUID
    assert first.DimensionOrganizationSequence == again.DimensionOrganizationSequence
    assert len({first.SOPInstanceUID, other.SOPInstanceUID, newer.SOPInstanceUID}) == 3
    assert first.SeriesInstanceUID == other.SeriesInstanceUID != newer.SeriesInstanceUID
    tracked = {made.SegmentSequence[0].TrackingUID for made in (first, again, other)}
    assert len(tracked) == 1


def test_a_volume_keeps_its_place_in_the_patient(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 5)
    (stack,) = stacks_of(tmp_path)
    mask = mask_of(stack)
    mask[3] = False
    found, data = written(mask, stack, "something else")
    assert np.array_equal(read_back(data, stack), mask)
    assert found.FrameOfReferenceUID == phantoms.make_uid("study", "frame of reference")
    assert found.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lesion"
    assert stack.geometry is not None
    volume = highdicom.seg.segread(io.BytesIO(data)).get_volume(combine_segments=True)
    assert np.array_equal(np.unique(volume.array), [0, 1])


def test_text_of_any_script_is_passed_on(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm", PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 100")
    (stack,) = stacks_of(tmp_path)
    found, _ = written(mask_of(stack), stack)
    assert str(found.PatientName) == "Müller^Jürgen"


def test_malformed_uids_are_passed_on_as_they_are(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm", StudyInstanceUID=b"1.02.3", SeriesInstanceUID=b"not a UID")
    (stack,) = stacks_of(tmp_path)
    mask = mask_of(stack)
    made = segmentation(mask, "heart", AUTHOR, stack)
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    assert stream.getvalue().count(b"1.02.3") == 1
    assert stream.getvalue().count(b"not a UID\0") == 1
    assert np.array_equal(np.unpackbits(np.frombuffer(made.PixelData, np.uint8), bitorder="little")[:120], mask.ravel())


def test_one_frame_of_several_is_named(tmp_path: Path) -> None:
    pixels = np.zeros((2, 8, 10), np.uint8)
    phantoms.save(phantoms.image(pixels, modality="DX", NumberOfFrames=2), tmp_path / "two.dcm")
    (stack,) = stacks_of(tmp_path)
    assert not can_write(stack)
    only = Stack(stack.kind, stack.frames[1:])
    found, _ = written(mask_of(only), only)
    image = found.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert image.ReferencedFrameNumber == 2


def test_frames_of_an_enhanced_series_are_named(tmp_path: Path) -> None:
    places = [(0, 0, z) for z in (6, 0, 4, 2)]  # not in the order of the frames
    path = phantoms.enhanced(tmp_path / "enhanced.dcm", at=places)
    (stack,) = stacks_of(tmp_path)
    assert can_segment(stack)
    assert not can_write(stack)  # other objects
    mask = np.zeros(stack.shape, bool)
    for index in (0, 1, 3):
        mask[index, index : index + 3, 2:5] = True
    found, data = written(mask, stack)
    (tmp_path / "seg").mkdir()
    (tmp_path / "seg" / "mask.dcm").write_bytes(data)
    assert errors(tmp_path / "seg" / "mask.dcm") <= errors(path)  # of the study that it passes on
    (image,) = segment_images(tmp_path / "seg" / "mask.dcm", tmp_path / "out")
    assert np.count_nonzero(np.asarray(nibabel.load(image).dataobj)) == mask.sum()  # type: ignore[attr-defined]
    source = pydicom.dcmread(path)
    (listed,) = found.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert (listed.ReferencedSOPInstanceUID, "ReferencedFrameNumber" in listed) == (source.SOPInstanceUID, False)
    seen = {}
    for group, plane in zip(found.PerFrameFunctionalGroupsSequence, found.pixel_array, strict=True):
        (image,) = group.DerivationImageSequence[0].SourceImageSequence
        assert image.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert image.ReferencedSOPClassUID == source.SOPClassUID
        number = int(image.ReferencedFrameNumber)
        assert list(group.PlanePositionSequence[0].ImagePositionPatient) == list(places[number - 1])
        seen[number] = plane
    for index, frame in enumerate(stack.frames):
        if mask[index].any():
            np.testing.assert_array_equal(seen.pop(frame.index + 1), mask[index])
    assert not any(plane.any() for plane in seen.values())
    again, _ = written(mask, stack)
    assert again.SOPInstanceUID == found.SOPInstanceUID


def test_images_at_one_place_cannot_be_told_apart(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "apart", 3)
    phantoms.volume(tmp_path / "together", 3, at=[(0, 0, 0)] * 3)
    (apart,), (together,) = (stacks_of(tmp_path / name) for name in ("apart", "together"))
    assert len(apart.frames) == len(together.frames) == 3
    assert can_write(apart)
    assert not can_write(together)


def test_an_image_without_a_uid_cannot_be_referred_to(tmp_path: Path) -> None:
    phantoms.save(phantoms.image(modality="CR", SOPInstanceUID=None), tmp_path / "film.dcm", meta=False)
    (stack,) = stacks_of(tmp_path)
    assert not can_write(stack)


@pytest.mark.parametrize("content", [b"", b"no longer DICOM" * 20, None])
def test_a_film_that_went_away_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = phantoms.film(tmp_path / "film.dcm")
    (stack,) = stacks_of(tmp_path)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"film\.dcm"):
        segmentation(mask_of(stack), "heart", AUTHOR, stack)


def test_the_same_mask_on_two_frames_of_a_file_is_two_objects(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4095, (2, 9, 11)).astype(np.uint16)
    phantoms.save(phantoms.image(pixels, modality="DX", NumberOfFrames=2), tmp_path / "two.dcm")
    (stack,) = stacks_of(tmp_path)
    frames = [Stack(stack.kind, (frame,)) for frame in stack.frames]
    first, second = (written(mask_of(frame), frame)[0] for frame in frames)
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.SegmentSequence[0].TrackingUID != second.SegmentSequence[0].TrackingUID
