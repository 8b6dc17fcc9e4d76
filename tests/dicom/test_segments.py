"""Segmentations read back: radviewer's own, other programs', and those that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from radviewer.dicom.scan import scan
from radviewer.dicom.segments import read_segments
from radviewer.domain.study import FileLocation, Stack
from radviewer.errors import UnreadableImage
from radviewer.export.seg import Author, Origin, segmentation
from tests import phantoms
from tests.dicom.pixel_files import PYDICOM_DATA

SHAPE = (5, 6, 7)


def series(folder: Path, **elements: Any) -> Stack:
    for i in range(SHAPE[0]):
        values: dict[str, Any] = {"ImagePositionPatient": [-10.5, 3.25, 2.5 * i], "PixelSpacing": [0.7, 0.9]}
        values |= {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "FrameOfReferenceUID": "1.2.3.4"}
        pixels = np.full(SHAPE[1:], i, np.uint16)
        phantoms.save(phantoms.image(pixels, instance=i + 1, **values | elements), folder / f"{i}.dcm")
    return stack_of(folder)


def stack_of(target: Path) -> Stack:
    return scan(target).studies[0].series[0].stacks[0]


def mask_of(shape: tuple[int, ...] = SHAPE) -> np.ndarray[Any, Any]:
    mask = np.random.default_rng(1).random(shape) < 0.4
    mask[0] = False
    mask[-1, 0, 0] = True
    return mask


def at(path: Path) -> FileLocation:
    return FileLocation(path, None, path.name)


def saved(made: Dataset, folder: Path) -> FileLocation:
    made.save_as(folder / "seg.dcm", enforce_file_format=True)
    return at(folder / "seg.dcm")


def changed(location: FileLocation, change: Callable[[Dataset], object]) -> FileLocation:
    dataset = pydicom.dcmread(location.path)
    change(dataset)
    dataset.save_as(location.path)
    return location


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return series(tmp_path / "images")


def test_what_was_written_is_read_again(stack: Stack, tmp_path: Path) -> None:
    mask = mask_of()
    made = segmentation(mask, "nodule", Author("model", "1", Origin.EDITED), stack)
    (segment,) = read_segments(saved(made, tmp_path), stack)
    np.testing.assert_array_equal(segment.mask, mask)
    assert (segment.label, segment.kind, segment.tracking_uid) == (
        "nodule",
        "SEMIAUTOMATIC",
        made.SegmentSequence[0].TrackingUID,
    )


@pytest.mark.parametrize("name", ["RG1_UNCR.dcm", "RG1_J2KR.dcm"])
def test_a_film_has_its_outline_again(name: str, tmp_path: Path) -> None:
    film = stack_of(PYDICOM_DATA / name)
    mask = np.zeros(film.shape[:3], bool)
    mask[0, 3:1000, 5:77] = True
    (segment,) = read_segments(saved(segmentation(mask, "heart", Author("model", "1"), film), tmp_path), film)
    np.testing.assert_array_equal(segment.mask, mask)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
@pytest.mark.parametrize("named", [True, False])
def test_several_segments_of_another_program(stack: Stack, tmp_path: Path, kind: str, named: bool) -> None:
    masks = np.stack([mask_of(), ~mask_of()], axis=-1)
    images = [pydicom.dcmread(frame.file.location.path) for frame in stack.frames]
    for image in images:
        image.PatientName = image.PatientBirthDate = image.PatientSex = image.AccessionNumber = image.StudyID = ""
        image.ReferringPhysicianName, image.StudyDate, image.StudyTime = "", "20200101", "000000"
        image.SliceThickness = 2.5
    lung = highdicom.sr.CodedConcept("39607008", "SCT", "Lung")
    algorithm = highdicom.AlgorithmIdentificationSequence("other", lung, "2")
    described = [highdicom.seg.SegmentDescription(n, f"part {n}", lung, lung, "AUTOMATIC", algorithm) for n in (1, 2)]
    uids = [highdicom.UID() for _ in range(2)]
    pixels = masks.astype(np.uint8) if kind == "BINARY" else masks.astype(np.float32)
    made = highdicom.seg.Segmentation(
        images, pixels, kind, described, uids[0], 1, uids[1], 1, "M", "N", "1", "2", omit_empty_frames=False
    )
    location = saved(made, tmp_path)
    if not named:
        changed(location, _forget_images)
    found = read_segments(location, stack)
    assert [segment.label for segment in found] == ["part 1", "part 2"]
    assert found[0].algorithm == "other"
    for number, segment in enumerate(found):
        np.testing.assert_array_equal(segment.mask, masks[..., number])


def _forget_images(dataset: Dataset) -> None:
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        del groups.DerivationImageSequence


def test_it_is_not_about_other_images(stack: Stack, tmp_path: Path) -> None:
    other = series(tmp_path / "others", SeriesInstanceUID="1.9", StudyInstanceUID="1.8")
    location = saved(segmentation(mask_of(), "nodule", Author("model", "1"), other), tmp_path)
    for frame, mine in zip(other.frames, stack.frames, strict=True):
        assert frame.file.sop_instance_uid == mine.file.sop_instance_uid  # of one phantom
    renamed = changed(location, _rename_images)
    assert read_segments(renamed, stack) == ()


def _rename_images(dataset: Dataset) -> None:
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def _turn(dataset: Dataset) -> None:
    _forget_images(dataset)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 1, 0, 0]


def _cut(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:4]


def _many(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 2_000_000_000


def _wide(dataset: Dataset) -> None:
    dataset.Columns = 60_000


def _compressed(dataset: Dataset) -> None:
    dataset.BitsAllocated = 32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_turn, "another geometry"),
        (_cut, "cut off"),
        (_many, "2000000000 frames"),
        (_wide, "60000 pixels"),
        (_compressed, "encoded in a way"),
    ],
)
def test_what_does_not_fit_is_refused(
    stack: Stack, tmp_path: Path, change: Callable[[Dataset], None], words: str
) -> None:
    location = saved(segmentation(mask_of(), "nodule", Author("model", "1"), stack), tmp_path)
    with pytest.raises(UnreadableImage, match=words):
        read_segments(changed(location, change), stack)


def test_junk_is_no_segmentation(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "junk.dcm").write_bytes(b"junk" * 100)
    with pytest.raises(UnreadableImage, match="damaged"):
        read_segments(at(tmp_path / "junk.dcm"), stack)
    with pytest.raises(UnreadableImage, match="cannot be read"):
        read_segments(at(tmp_path / "nothing.dcm"), stack)


def test_mutants_of_a_file_never_do_harm(stack: Stack, tmp_path: Path) -> None:
    location = saved(segmentation(mask_of(), "nodule", Author("model", "1"), stack), tmp_path)
    whole = location.path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(400):
        mutant = bytearray(whole)
        for place in random.integers(132, len(whole), random.integers(1, 9)):
            mutant[place] = random.integers(256)
        location.path.write_bytes(bytes(mutant[: random.integers(200, len(mutant) + 1)]))
        try:
            found = read_segments(location, stack)
        except UnreadableImage:
            continue
        assert all(segment.mask.shape == SHAPE for segment in found)
