"""Reports, key images, presentations, pictures and heatmaps: no error of an independent validator, read by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset

from radviewer.dicom.scan import scan
from radviewer.domain.decision import (
    Circumstances,
    Decision,
    FindingKey,
    Policy,
    RejectReason,
    Verdict,
    stack_id,
)
from radviewer.domain.measurement import ImageReference, Mark, MarkKind, Quantity
from radviewer.domain.study import Stack
from radviewer.domain.window import Window
from radviewer.export.derived_images import heatmap, secondary_capture
from radviewer.export.dicom_names import person_name, tracking_uid
from radviewer.export.key_objects import MarkOn, key_images, presentation_state
from radviewer.export.seg import Author, Origin, segmentation
from radviewer.export.sr import decisions_report, results_report
from radviewer.export.sr_groups import Item
from tests import phantoms
from tests.dicom.pixel_files import PYDICOM_DATA
from tests.dicom_validator import errors, segment_images

MODEL, VERSION = "chest-anatomy", "1.2.3"
READER = "Müller^Änne"
SLICES = 5


def film(_folder: Path) -> Path:
    return PYDICOM_DATA / "RG1_UNCR.dcm"


def volume(folder: Path) -> Path:
    for i in range(SLICES):
        pixels = np.random.default_rng(i).integers(0, 4000, (20, 24), np.uint16)
        elements: dict[str, Any] = {"RescaleIntercept": -1024, "RescaleSlope": 1, "PatientName": "Иванов^Иван"}
        placed = phantoms.image(
            pixels,
            instance=i + 1,
            ImagePositionPatient=[-10.5, 3.25, 2.5 * i],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.7, 0.9],
            SpecificCharacterSet="ISO_IR 192",
            FrameOfReferenceUID="1.2.3.4",
            **elements,
        )
        phantoms.save(placed, folder / f"{i}.dcm")
    return folder


SOURCES: list[Callable[[Path], Path]] = [film, volume]


def stack_of(target: Path) -> Stack:
    (study,) = scan(target).studies
    return study.series[0].stacks[0]


def mask_of(stack: Stack) -> np.ndarray[Any, Any]:
    mask = np.zeros(stack.shape[:3], bool)
    mask[stack.shape[0] // 2 :, 3:9, 5:15] = True
    mask[-1, 3, 5] = False
    return mask


def decision(stack: Stack, verdict: Verdict, label: str, **values: Any) -> Decision:
    circumstances = Circumstances("Dr. Who", "2026-01-02T03:04:05.678+00:00", Policy.ON_REQUEST)
    key = FindingKey("1", "2", stack_id(stack), MODEL, VERSION, label)
    return Decision(key, verdict, circumstances, **values)


def items(stack: Stack) -> list[Item]:
    mask = mask_of(stack)
    made = segmentation(mask, "heart", Author(MODEL, VERSION), stack)
    slices = tuple(int(i) for i in np.flatnonzero(mask.any(axis=(1, 2))))
    measured = (
        Quantity("area", 12.34567891, "cm2"),
        Quantity("cardiothoracic ratio", 47.1, "%"),
        Quantity("depth-to-width ratio", 0.82, "1"),
    )
    hot = decision(stack, Verdict.REJECTED, "tuberculosis", reason=RejectReason.ARTEFACT)
    edited = decision(stack, Verdict.EDITED, "heart", mask="0" * 64, dice=0.91)
    index = slices[0]
    return [
        Item(MODEL, VERSION, "heart", None, None, measured, made, index, slices, edited),
        Item(MODEL, VERSION, "tuberculosis", 0.73, 0.452, (), None, index, (index,), hot),
        Item(MODEL, VERSION, "a label of no table", 0.1, 0.5, (Quantity("mean of nothing", float("nan"), "mm"),),
             decision=decision(stack, Verdict.ACCEPTED, "a label of no table")),
    ]  # fmt: skip


def saved(made: Dataset, folder: Path, name: str = "made.dcm") -> Path:
    made.save_as(folder / name, enforce_file_format=True)
    return folder / name


def valid(made: Dataset, stack: Stack, folder: Path) -> Dataset:
    """The object read back, once a validator found no error that its source does not have."""
    path = saved(made, folder)
    assert errors(path) - errors(stack.frames[0].file.location.path) == set()
    found = pydicom.dcmread(path)
    first = pydicom.dcmread(stack.frames[0].file.location.path, stop_before_pixels=True)
    assert (found.PatientID, found.PatientName, found.StudyInstanceUID) == (
        first.PatientID,
        first.PatientName,
        first.StudyInstanceUID,
    )
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_results_and_decisions_are_two_reports_linked_by_tracking_uids(
    source: Callable[[Path], Path], tmp_path: Path
) -> None:
    stack = stack_of(source(tmp_path))
    found = items(stack)
    results = results_report(stack, found)
    said = valid(results, stack, tmp_path)
    judged = valid(decisions_report(stack, found, results, READER), stack, tmp_path)
    assert (said.CompletionFlag, said.VerificationFlag, said.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert (judged.VerificationFlag, judged.PreliminaryFlag) == ("VERIFIED", "FINAL")
    assert judged.VerifyingObserverSequence[0].VerifyingObserverName == READER
    before = judged.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert before.ReferencedSOPInstanceUID == said.SOPInstanceUID
    groups = []
    for report in (said, judged):
        content: Any = highdicom.sr.srread(saved(report, tmp_path)).content
        outlined = (
            content.get_planar_roi_measurement_groups()
            if len(stack.frames) == 1
            else content.get_volumetric_roi_measurement_groups()
        )
        groups.append([*outlined, *content.get_image_measurement_groups()])
    for of_report in groups:
        expected = [tracking_uid(stack, MODEL, VERSION, item.label) for item in found]
        assert [group.tracking_uid for group in of_report] == expected
        values = {m.name.meaning: m.value for m in of_report[0].get_measurements()}
        assert values["Area"] == pytest.approx(12.3457)
        shape = next(m for m in of_report[0].get_measurements() if m.name.value == "depth-to-width")
        assert (shape.name.meaning, shape.value) == ("Depth-to-width ratio", 0.82)
        assert (shape.unit.value, shape.unit.scheme_designator, shape.unit.meaning) == ("1", "UCUM", "no units")
    evaluations = groups[1][1].get_qualitative_evaluations()
    verdicts = {e.name.value: e.value.value for e in evaluations if e.name.scheme_designator == "99RADVIEWER"}
    assert verdicts == {"decision": "rejected", "rejection-reason": "artefact"}


def test_a_segment_is_referred_to_with_its_images(tmp_path: Path) -> None:
    stack = stack_of(volume(tmp_path))
    content: Any = highdicom.sr.srread(saved(results_report(stack, items(stack)), tmp_path)).content
    (group,) = content.get_volumetric_roi_measurement_groups()
    images = [image.referenced_sop_instance_uid for image in group.referenced_segment.source_images_for_segmentation]
    assert images == [stack.frames[i].file.sop_instance_uid for i in (2, 3, 4)]


def test_without_a_name_nothing_is_verified(tmp_path: Path) -> None:
    stack = stack_of(film(tmp_path))
    found = valid(decisions_report(stack, items(stack), None, ""), stack, tmp_path)
    assert (found.VerificationFlag, found.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "PredecessorDocumentsSequence" not in found


@pytest.mark.parametrize(
    ("entered", "written"),
    [("Who", "Who^"), ("Who^Dr", "Who^Dr"), ("", ""), ("a\\b=c\r\nd", "abcd^"), ("李" * 90, "李" * 62 + "^")],
)
def test_a_readers_name_is_one_person_name(entered: str, written: str) -> None:
    assert person_name(entered) == written


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("origin", list(Origin))
def test_segmentations_say_who_drew_them(source: Callable[[Path], Path], origin: Origin, tmp_path: Path) -> None:
    stack = stack_of(source(tmp_path))
    author = Author("", "0f" * 16, origin) if origin is Origin.READER else Author(MODEL, VERSION, origin)
    found = valid(segmentation(mask_of(stack), "nodule", author, stack), stack, tmp_path)
    (segment,) = found.SegmentSequence
    assert segment.SegmentAlgorithmType == origin.value
    assert ("SegmentationAlgorithmIdentificationSequence" in segment) == (origin is not Origin.READER)
    assert segment.TrackingUID == tracking_uid(stack, author.model, author.version, "nodule")


def test_an_independent_reader_gives_the_mask_back(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    stack = stack_of(volume(tmp_path / "ct"))
    path = saved(segmentation(mask_of(stack), "nodule", Author(MODEL, VERSION), stack), tmp_path)
    (image,) = segment_images(path, tmp_path / "nifti")
    found: Any = SimpleITK.ReadImage(str(image))
    assert found.GetSpacing() == pytest.approx((0.9, 0.7, 2.5))
    assert found.GetOrigin()[:2] == pytest.approx((-10.5, 3.25))
    first = round((found.GetOrigin()[2] - 0.0) / 2.5)
    voxels = SimpleITK.GetArrayFromImage(found) > 0
    np.testing.assert_array_equal(voxels, mask_of(stack)[first : first + len(voxels)])
    assert voxels.sum() == mask_of(stack).sum()


@pytest.mark.parametrize("source", SOURCES)
def test_key_images_name_their_instances(source: Callable[[Path], Path], tmp_path: Path) -> None:
    stack = stack_of(source(tmp_path))
    last = len(stack.frames) - 1
    found = valid(key_images(stack, [last, last], READER), stack, tmp_path)
    (named,) = found.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert named.ReferencedSOPInstanceUID == stack.frames[last].file.sop_instance_uid
    assert named.ReferencedSOPClassUID == stack.frames[last].file.sop_class_uid


def shape_of(objects: Any) -> list[np.ndarray[Any, Any]]:
    """Points ``(row, column)``, pixel centres at integers, of the graphic objects of an annotation."""
    return [np.asarray(o.GraphicData, float).reshape(-1, 2)[:, ::-1] - 0.5 for o in objects]


def mark(stack: Stack, index: int, kind: MarkKind, *points: tuple[float, float], lines: tuple[str, ...] = ()) -> MarkOn:
    frame = stack.frames[index]
    return MarkOn(Mark(kind, ImageReference("1", "2", frame.file.sop_instance_uid, frame.index), points), index, lines)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("window", [None, Window(40.0, 400.0)])
def test_a_presentation_state_holds_window_and_marks(
    source: Callable[[Path], Path], window: Window | None, tmp_path: Path
) -> None:
    stack = stack_of(source(tmp_path))
    last = len(stack.frames) - 1
    marks = [
        mark(stack, last, MarkKind.LENGTH, (1.0, 2.0), (3.0, 4.5), lines=("12.3 mm", "µ")),
        mark(stack, last, MarkKind.COBB, (1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0)),
        mark(stack, last, MarkKind.ELLIPSE, (2.0, 2.0), (12.0, 8.0)),
        mark(stack, last, MarkKind.ARROW, (-2.0, 2.0), (1e5, 1e5), lines=("outside",)),
        mark(stack, last, MarkKind.RECTANGLE, (2.0, 2.0), (12.0, 8.0)),
        mark(stack, last, MarkKind.FREEHAND, *((float(i % 9), float(i % 7)) for i in range(20_000))),
    ]
    found = valid(presentation_state(stack, marks, window, "Who"), stack, tmp_path)
    assert len(found.ReferencedSeriesSequence[0].ReferencedImageSequence) == (1 if window is None else last + 1)
    if window is not None:
        assert float(found.SoftcopyVOILUTSequence[0].WindowCenter) == 40.0
    if len(stack.frames) > 1:
        assert float(found.RescaleIntercept) == -1024
    drawn = [shape_of(one.GraphicObjectSequence) for one in found.GraphicAnnotationSequence]
    np.testing.assert_allclose(drawn[0][0], [(1.0, 2.0), (3.0, 4.5)])
    assert [len(shapes) for shapes in drawn] == [1, 2, 1, 1, 1, 1]
    np.testing.assert_allclose(drawn[2][0], [(2, 5), (12, 5), (7, 2), (7, 8)])
    np.testing.assert_allclose(drawn[3][0], [(-0.5, 2.0), (stack.format.rows - 0.5, stack.format.columns - 0.5)])
    assert len(drawn[5][0]) <= 5_001
    assert found.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue == "12.3 mm\r\nµ"


def test_a_presentation_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without anything"):
        presentation_state(stack_of(film(tmp_path)), [], None)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("named", [True, False])
def test_a_picture_is_a_secondary_capture(source: Callable[[Path], Path], named: bool, tmp_path: Path) -> None:
    stack = stack_of(source(tmp_path))
    picture = np.random.default_rng(0).integers(0, 255, (7, 9, 3), np.uint8)
    found = valid(secondary_capture(picture, "heatmap over the film", stack, 0, 3, named=named), stack, tmp_path)
    np.testing.assert_array_equal(found.pixel_array, picture)
    assert found.BurnedInAnnotation == ("YES" if named else "NO")
    assert found.DerivationDescription == "heatmap over the film"
    assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == stack.frames[0].file.sop_instance_uid


def test_a_heatmap_of_a_volume_is_a_parametric_map(tmp_path: Path) -> None:
    stack = stack_of(volume(tmp_path))
    heat = np.random.default_rng(0).random(stack.shape[:3], np.float32)
    heat[0] = heat[-1] = 0
    found = valid(heatmap(heat, "glioma", Author(MODEL, VERSION), stack), stack, tmp_path)
    image = highdicom.pm.ParametricMap.from_dataset(found)
    back = image.get_volume(apply_real_world_transform=False).array  # the last slice first
    np.testing.assert_array_equal(back[::-1], heat[1:-1])
