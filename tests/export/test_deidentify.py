"""De-identified copies of whole studies: UIDs that hold together, burned-in text, what is left out."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import highdicom
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from radviewer.dicom.scan import scan
from radviewer.domain.measurement import MarkKind
from radviewer.export import deidentify_file
from radviewer.export.deidentify import DeidentifyOptions, Doubt, deidentify
from radviewer.export.deidentify_pixels import Writing
from radviewer.export.deidentify_profile import Profile
from radviewer.export.deidentify_report import DeidentifyReport
from radviewer.export.key_objects import key_images, presentation_state
from radviewer.export.seg import Author, segmentation
from radviewer.export.sr import decisions_report, results_report
from radviewer.progress import Cancelled, Progress
from tests import phantoms
from tests.dicom_validator import errors
from tests.export.test_dicom_objects import items, mark, mask_of, saved, stack_of, volume

CT: dict[str, Any] = {"modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}


def copy(folder: Path, out: Path, options: DeidentifyOptions | None = None) -> DeidentifyReport:
    return deidentify(scan(folder), out, options or DeidentifyOptions())


def copies(out: Path) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in sorted(out.glob("*/*.dcm"))]


def uids_in(ds: Dataset) -> set[str]:
    found: set[str] = set()
    for element in ds.iterall():
        if element.VR == "UI" and element.value:
            found.update([element.value] if element.VM == 1 else element.value)
    return {str(one) for one in found}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Images with a segmentation, two reports, key images and a presentation that refer to one another."""
    folder = tmp_path / "study"
    stack = stack_of(volume(folder))
    found = items(stack)
    results = results_report(stack, found)
    (folder / "more").mkdir()
    made = {
        "seg": segmentation(mask_of(stack), "heart", Author("chest-anatomy", "1.2.3"), stack),
        "sr": results,
        "decisions": decisions_report(stack, found, results, "Müller^Änne"),
        "ko": key_images(stack, [1, 2], "Müller^Änne"),
        "pr": presentation_state(
            stack, [mark(stack, 1, MarkKind.ARROW, (1.0, 2.0), (3.0, 4.0), lines=("Frau Iwanowa",))], None
        ),
    }
    for name, one in made.items():
        saved(one, folder / "more", f"{name}.dcm")
    return folder


def test_references_hold_over_images_segmentations_and_reports(study: Path, tmp_path: Path) -> None:
    before = {path: pydicom.dcmread(path) for path in study.rglob("*.dcm")}
    report = copy(study, tmp_path / "out")
    assert (report.instances, report.studies, report.patients, report.left_out) == (10, 1, 1, [])
    after = copies(tmp_path / "out")
    old = set.union(*map(uids_in, before.values()))
    new = set.union(*map(uids_in, after))
    assert {one for one in old & new if not one.startswith("1.2.840.10008.")} <= {"1.2.276.0.7230010.3.0.0.1"}
    assert len(new) == len(old)
    images = {ds.SOPInstanceUID for ds in after if ds.Modality == "CT"}
    for modality, expected in {"SEG": 3, "SR": 3, "KO": 2, "PR": 1}.items():
        for ds in (one for one in after if one.Modality == modality):
            assert len(uids_in(ds) & images) >= expected, modality
    results, decisions = sorted((ds for ds in after if ds.Modality == "SR"), key=lambda ds: ds.VerificationFlag)
    named = decisions.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == results.SOPInstanceUID
    assert {ds.PatientID for ds in after} == {"ANON-1"}
    assert len({ds.StudyInstanceUID for ds in after}) == 1


def test_reports_name_nobody_and_keep_their_numbers(study: Path, tmp_path: Path) -> None:
    copy(study, tmp_path / "out")
    for ds in copies(tmp_path / "out"):
        assert not re.search("müller|иванов|iwanowa|dr. who", str(ds), re.IGNORECASE)
    values = [
        element.value
        for ds in copies(tmp_path / "out")
        for element in ds.iterall()
        if element.keyword == "NumericValue" and ds.Modality == "SR"
    ]
    assert pytest.approx(12.3457, abs=1e-3) in [float(v) for v in values]


def test_the_segmentation_is_the_same_mask(study: Path, tmp_path: Path) -> None:
    copy(study, tmp_path / "out")
    (path,) = [p for p in (tmp_path / "out").glob("*/*.dcm") if pydicom.dcmread(p).Modality == "SEG"]
    found = highdicom.seg.segread(path)
    frames = [ds.SOPInstanceUID for ds in copies(tmp_path / "out") if ds.Modality == "CT"]
    before = highdicom.seg.segread(study / "more" / "seg.dcm")
    assert np.array_equal(found.pixel_array, before.pixel_array)
    assert len(found.get_source_image_uids()) <= len(frames)


def test_copies_have_no_error_that_their_sources_do_not_have(study: Path, tmp_path: Path) -> None:
    allowed = set.union(*(errors(path) for path in study.rglob("*.dcm")))
    copy(study, tmp_path / "out")
    for path in (tmp_path / "out").glob("*/*.dcm"):
        assert errors(path) - allowed == set(), pydicom.dcmread(path).Modality


def test_every_copy_says_what_was_done(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "in", 2)
    options = DeidentifyOptions(Profile(True, True, True))
    copy(tmp_path / "in", tmp_path / "out", options)
    for ds in copies(tmp_path / "out"):
        codes = [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
        assert codes == ["113100", "113105", "113107", "113111"]
        assert (ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert len({ds.StudyDate for ds in copies(tmp_path / "out")}) == 1


def test_patients_are_told_apart_and_their_studies_kept_together(tmp_path: Path) -> None:
    for patient, study, day in [("A", "s1", "20200101"), ("A", "s2", "20200111"), ("B", "s3", "20200101")]:
        phantoms.volume(tmp_path / "in" / study, 1, patient=patient, study=study, StudyDate=day)
    report = copy(tmp_path / "in", tmp_path / "out", DeidentifyOptions(Profile(shift_dates=True)))
    assert (report.patients, report.studies) == (2, 3)
    found: dict[str, list[int]] = {}
    for ds in copies(tmp_path / "out"):
        found.setdefault(ds.PatientID, []).append(date.fromisoformat(ds.StudyDate).toordinal())
    assert sorted(map(len, found.values())) == [1, 2]
    (both,) = [days for days in found.values() if len(days) == 2]
    assert abs(both[0] - both[1]) == 10


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (CT, Writing.NONE),
        (CT | {"BurnedInAnnotation": "YES"}, Writing.STATED),
        (CT | {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, Writing.LIKELY),
        ({"modality": "US"}, Writing.LIKELY),
        ({"modality": "US", "BurnedInAnnotation": "NO"}, Writing.NONE),
        ({"modality": "OT"}, Writing.LIKELY),
        ({"modality": "CR"}, Writing.LIKELY),
        ({"modality": "XC"}, Writing.LIKELY),
    ],
)
def test_images_that_may_be_written_on_are_left_out_unless_somebody_wants_them(
    tmp_path: Path, elements: dict[str, Any], expected: Writing
) -> None:
    phantoms.save(phantoms.image(**elements), tmp_path / "in" / "a.dcm")
    asked: list[Doubt] = []
    report = copy(tmp_path / "in", tmp_path / "out")
    assert report.instances == int(not expected.is_doubtful)
    assert [one.reason for one in report.left_out] == (
        [f"There may be writing in its pixels: {expected.value}."] if expected.is_doubtful else []
    )
    keep = DeidentifyOptions(keep_burned_in=lambda doubt: not asked.append(doubt))  # type: ignore[func-returns-value]
    assert copy(tmp_path / "in", tmp_path / "kept", keep).writing == {expected: 1}
    assert [doubt.writing for doubt in asked] == [expected] * expected.is_doubtful
    (ds,) = copies(tmp_path / "kept")
    assert ds.PatientIdentityRemoved == ("NO" if expected.is_doubtful else "YES")


def test_letters_in_the_pixels_are_seen(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(1000, 50, (128, 256)).astype(np.int16)
    letters = np.zeros(pixels.shape, np.uint8)
    cv2.putText(letters, "MUSTERMANN HANS", (5, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    pixels[letters > 127] = 4095
    phantoms.save(phantoms.image(pixels, instance=1, **CT), tmp_path / "in" / "a.dcm")
    metal = np.random.default_rng(0).normal(1000, 50, (128, 256)).astype(np.int16)
    metal[40:80, 60:90] = metal[50:70, 100:140] = 4095
    phantoms.save(phantoms.image(metal, instance=2, **CT), tmp_path / "in" / "b.dcm")
    report = copy(tmp_path / "in", tmp_path / "out")
    assert (report.instances, len(report.left_out)) == (1, 1)
    assert Writing.SEEN.value in report.left_out[0].reason


def test_compressed_pixels_are_copied_unseen_and_not_called_anonymous(tmp_path: Path) -> None:
    path = phantoms.encapsulated(tmp_path / "in" / "a.dcm", [b"codestream "], uid.JPEG2000Lossless, **CT)
    copy(tmp_path / "in", tmp_path / "out")
    (ds,) = copies(tmp_path / "out")
    assert ds.PixelData == pydicom.dcmread(path).PixelData
    assert ds.PatientIdentityRemoved == "NO"


def test_overlays_and_curves_are_removed(tmp_path: Path) -> None:
    ds = phantoms.image(**CT)
    ds.add_new(0x60020010, "US", 8)
    ds.add_new(0x60023000, "OW", b"overlay ")
    ds.add_new(0x50040005, "US", 1)
    phantoms.save(ds, tmp_path / "in" / "a.dcm")
    copy(tmp_path / "in", tmp_path / "out")
    assert not [e for e in copies(tmp_path / "out")[0] if e.tag.group >> 8 in (0x50, 0x60)]


def test_one_bad_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    paths = phantoms.volume(folder, 3, names=["Müller Hans.dcm", "b\u202ec.dcm", "c\nd.dcm"])
    paths[1].write_bytes(paths[1].read_bytes()[:-7])
    (folder / "notes on Hans.txt").write_text("Hans")
    phantoms.not_image(folder / "hans.pdf", "pdf")
    phantoms.dicomdir(folder / "DICOMDIR", ["HANS"])
    report = copy(folder, tmp_path / "out")
    assert report.instances == 2
    assert {one.name for one in report.left_out} == {"b\u202ec.dcm", "notes on Hans.txt", "hans.pdf", "DICOMDIR"}
    assert len({one.number for one in report.left_out}) == 4
    for name in ("deidentification.json", "deidentification.txt"):
        assert "hans" not in (tmp_path / "out" / name).read_text().lower()
    listed = json.loads((tmp_path / "out" / "deidentification.json").read_text())["left_out"]
    assert [one["file"] for one in listed] == sorted(one["file"] for one in listed)
    assert all(set(one) == {"file", "reason"} for one in listed)


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("depth", [10, 100, 3000])
def test_sequences_without_end_are_left_out(tmp_path: Path, depth: int, defined: bool) -> None:
    inside = phantoms.nested(depth, defined=defined).replace(b"\x09\x00\x01\x10", b"\x40\x00\x30\xa7")  # content
    path = phantoms.save(phantoms.image(**CT), tmp_path / "in" / "a.dcm")
    phantoms.splice(path, 0x7FE00010, inside)
    scanned = scan(tmp_path / "in")
    report = deidentify(scanned, tmp_path / "out", DeidentifyOptions())
    assert report.instances + len(report.left_out) == 1
    assert report.instances == (depth == 10)


def test_a_deflated_file_is_copied_and_a_bomb_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.save(phantoms.image(**CT), tmp_path / "in" / "a.dcm", uid.DeflatedExplicitVRLittleEndian)
    assert copy(tmp_path / "in", tmp_path / "out").instances == 1
    assert copies(tmp_path / "out")[0].file_meta.TransferSyntaxUID == uid.DeflatedExplicitVRLittleEndian
    monkeypatch.setattr(deidentify_file, "_LARGEST_INFLATED", 100)
    assert copy(tmp_path / "in", tmp_path / "none").instances == 0


def test_members_of_an_archive_are_copied(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in phantoms.volume(tmp_path / "in", 2)}
    phantoms.archive(tmp_path / "study.zip", files | {"../../out/1/3.dcm": b"not a study"})
    report = copy(tmp_path / "study.zip", tmp_path / "out")
    assert (report.instances, len(report.left_out)) == (2, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "study.zip", "out"}


def test_only_the_chosen_series_is_copied(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "in" / "a", 2, series="a")
    phantoms.volume(tmp_path / "in" / "b", 3, series="b")
    (tmp_path / "in" / "other.txt").write_text("text")
    chosen = DeidentifyOptions(series=frozenset({phantoms.make_uid("study", "b")}))
    report = copy(tmp_path / "in", tmp_path / "out", chosen)
    assert (report.instances, report.series, report.left_out) == (3, 1, [])


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "in", 5)
    progress = Progress(lambda done, _total, _text: progress.cancel() if done == 3 else None)
    scanned = scan(tmp_path / "in")
    with pytest.raises(Cancelled):
        deidentify(scanned, tmp_path / "out", DeidentifyOptions(), progress)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
