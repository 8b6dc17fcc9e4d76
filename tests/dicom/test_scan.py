from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid

from radviewer.dicom.listing import listing, summary
from radviewer.dicom.scan import scan
from radviewer.domain.study import ScanResult, Series, Stack, StackKind
from radviewer.errors import NothingToRead
from radviewer.progress import Cancelled, Progress
from tests import phantoms


def only_series(result: ScanResult) -> Series:
    ((series,),) = (study.series for study in result.studies)
    return series


def only_stack(result: ScanResult) -> Stack:
    (stack,) = only_series(result).stacks
    return stack


def paths_listed(result: ScanResult) -> list[str]:
    found: Any = listing(result)
    stacks = [stack for study in found["studies"] for series in study["series"] for stack in series["stacks"]]
    shown = {file["path"] for stack in stacks for file in stack["files"]}
    return sorted([*shown, *(e["path"] for e in found["not_images"]), *(e["path"] for e in found["skipped"])])


def test_a_volume_is_one_stack_in_the_order_of_position(tmp_path: Path) -> None:
    paths = phantoms.volume(tmp_path, 5)
    stack = only_stack(scan(tmp_path))
    assert stack.kind is StackKind.VOLUME
    assert stack.shape == (5, 8, 10)
    assert [frame.file.location.path for frame in stack.frames] == paths
    assert stack.warnings == ()
    assert stack.first_shown == 2
    frame = stack.frames[0]
    assert (frame.slope, frame.intercept, frame.unit) == (1, -1024, "HU")
    assert frame.plane is not None
    assert frame.plane.position == (-30, -40, 50)
    data = paths[0].read_bytes()
    assert frame.file.pixel_offset is not None
    assert frame.file.pixel_length == 160
    pixels = np.frombuffer(data, np.int16, 80, frame.file.pixel_offset)
    assert (pixels == phantoms.ramp(1).ravel()).all()


def test_json_is_the_contract(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "ct", 3, BodyPartExamined="CHEST")
    phantoms.not_image(tmp_path / "sr.dcm", "report")
    (tmp_path / "notes.txt").write_text("hello")
    found: Any = json.loads(json.dumps(listing(scan(tmp_path))))
    (study,) = found["studies"]
    assert list(study) == ["study_uid", "date", "description", "patient_name", "patient_id", "series"]
    assert study["study_uid"] == phantoms.make_uid("study")
    assert (study["date"], study["patient_name"], study["patient_id"]) == ("20240229", "Test^P1", "P1")
    (series,) = study["series"]
    assert list(series) == ["series_uid", "number", "modality", "description", "body_part", "stacks"]
    assert (series["number"], series["modality"], series["body_part"]) == (1, "CT", "CHEST")
    (stack,) = series["stacks"]
    assert list(stack) == [
        "kind",
        "shape",
        "spacing_mm",
        "affine_lps",
        "files",
        "transfer_syntax",
        "warnings",
    ]
    assert (stack["kind"], stack["shape"], stack["spacing_mm"]) == ("volume", [3, 8, 10], [2.0, 0.8, 0.7])
    assert stack["affine_lps"] == [[0, 0, 0.7, -30], [0, 0.8, 0, -40], [2, 0, 0, 50], [0, 0, 0, 1]]
    assert stack["transfer_syntax"] == uid.ExplicitVRLittleEndian
    assert [list(file) for file in stack["files"]] == [["path", "sop_instance_uid", "frame"]] * 3
    assert [file["sop_instance_uid"] for file in stack["files"]] == [
        phantoms.make_uid("study", "series", number) for number in (3, 2, 1)
    ]
    assert all(file["path"].startswith("ct/") and file["frame"] == 0 for file in stack["files"])
    assert found["not_images"] == [{"path": "sr.dcm", "sop_class": "Comprehensive SR Storage"}]
    assert found["skipped"] == [{"path": "notes.txt", "reason": "It is not a DICOM file but text."}]


def test_every_file_is_listed_once_whatever_it_is(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "a", 3)
    phantoms.volume(tmp_path / "b", 3)  # the same instances again
    phantoms.cine(tmp_path / "us.dcm", series="us")
    phantoms.film(tmp_path / "x" / "y" / "film", series="film")
    for kind in phantoms.NOT_IMAGES:
        phantoms.not_image(tmp_path / "other" / f"{kind}.dcm", kind)
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "text.dcm").write_text("<html>not an image</html>")
    (tmp_path / "random.bin").write_bytes(bytes(range(1, 200)))
    regular = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert paths_listed(scan(tmp_path)) == regular


@pytest.mark.parametrize("kind", list(phantoms.NOT_IMAGES))
def test_objects_without_pixels_to_show_are_listed_by_name(tmp_path: Path, kind: str) -> None:
    phantoms.not_image(tmp_path / "object.dcm", kind)
    result = scan(tmp_path)
    assert result.studies == ()
    assert result.skipped == ()
    (found,) = result.not_images
    assert found.sop_class == phantoms.NOT_IMAGES[kind][0].name
    assert found.modality == phantoms.NOT_IMAGES[kind][1]
    assert found.study_uid == phantoms.make_uid("study")


def test_the_result_does_not_depend_on_the_order_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.volume(tmp_path / "a", 4)
    phantoms.volume(tmp_path / "b", 4, series="other", EchoTime=[1.0, 2.0, 1.0, 2.0], modality="MR")
    phantoms.volume(tmp_path / "c", 4)
    forward = listing(scan(tmp_path))
    real = os.scandir

    class Reversed:
        def __init__(self, folder: str) -> None:
            with real(folder) as entries:
                self.entries = sorted(entries, key=lambda e: e.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(os, "scandir", Reversed)
    assert listing(scan(tmp_path)) == forward


def test_first_image_is_announced_once_before_the_rest_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(tmp_path, 20)
    listed = 0
    real = os.scandir

    class Counted:
        def __init__(self, folder: str) -> None:
            self.real = real(folder)

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self.real.close()

        def __iter__(self) -> Counted:
            return self

        def __next__(self) -> os.DirEntry[str]:
            nonlocal listed
            listed += 1
            return next(self.real)

    announced: list[tuple[Stack, int, int]] = []
    monkeypatch.setattr(os, "scandir", Counted)
    scan(tmp_path, on_first_image=lambda stack: announced.append((stack, listed, threading.get_ident())))
    ((stack, listed_then, thread),) = announced
    assert stack.shape == (1, 8, 10)
    assert listed_then <= 2
    assert thread == threading.get_ident()


def test_the_middle_frame_of_a_multi_frame_volume_is_announced(tmp_path: Path) -> None:
    phantoms.enhanced(tmp_path / "mr.dcm", 5)
    announced: list[Stack] = []
    scan(tmp_path, on_first_image=announced.append)
    (stack,) = announced
    assert stack.frames[0].index == 2


def test_reports_progress_and_stops_between_files(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 6)
    reports: list[tuple[int, int]] = []
    scan(tmp_path, Progress(lambda done, total, _: reports.append((done, total))))
    assert [done for done, _ in reports] == list(range(1, 7))
    assert [total for _, total in reports] == [0] + [6] * 5
    progress = Progress(lambda done, *_: progress.cancel() if done == 3 else None)
    with pytest.raises(Cancelled):
        scan(tmp_path, progress)


def test_an_empty_folder_is_an_empty_result(tmp_path: Path) -> None:
    assert listing(scan(tmp_path)) == {"studies": [], "not_images": [], "skipped": []}


def test_a_missing_target_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match=r"nowhere does not exist\."):
        scan(tmp_path / "nowhere")


def test_a_single_file_is_a_target(tmp_path: Path) -> None:
    path, *_ = phantoms.volume(tmp_path, 3)
    result = scan(path)
    assert only_stack(result).shape == (1, 8, 10)
    assert paths_listed(result) == [path.name]
    (tmp_path / "text").write_text("text")
    assert paths_listed(scan(tmp_path / "text")) == ["text"]


def test_a_frame_carries_what_showing_it_needs(tmp_path: Path) -> None:
    phantoms.volume(
        tmp_path,
        2,
        WindowCenter=[[40, -600, 10], [50, 60, 70]],
        WindowWidth=[[400, 1500, 0], ["1e999", "nan", 80]],
        WindowCenterWidthExplanation=[["SOFT", "LUNG"]] * 2,
        VOILUTFunction="SIGMOID",
    )
    first, second = only_stack(scan(tmp_path)).frames
    assert [(w.center, w.width, w.explanation, w.function.value) for w in first.windows] == [
        (40, 400, "SOFT", "SIGMOID"),
        (-600, 1500, "LUNG", "SIGMOID"),
    ]
    assert [(w.center, w.width) for w in second.windows] == [(70, 80)]
    assert first.file.needs_header is False


def test_needs_header_where_tables_or_overlays_are(tmp_path: Path) -> None:
    table = phantoms.item(ModalityLUTType="HU")
    phantoms.film(tmp_path / "lut.dcm", ModalityLUTSequence=[table], series="a")
    phantoms.film(tmp_path / "voi.dcm", VOILUTSequence=[table], series="b")
    overlay = phantoms.film(tmp_path / "overlay.dcm", series="c")
    phantoms.splice(overlay, 0x7FE00010, phantoms.element(0x60020010, "US", b"\x08\x00"))
    phantoms.film(tmp_path / "plain.dcm", series="d")
    found = {
        frame.file.location.name: frame.file.needs_header
        for study in scan(tmp_path).studies
        for series in study.series
        for stack in series.stacks
        for frame in stack.frames
    }
    assert found == {"lut.dcm": True, "voi.dcm": True, "overlay.dcm": True, "plain.dcm": False}


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ExplicitVRLittleEndian,
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    ],
)
@pytest.mark.parametrize("meta", [True, False])
def test_every_encoding_is_read_alike(tmp_path: Path, syntax: str, meta: bool) -> None:
    if not meta and syntax == uid.DeflatedExplicitVRLittleEndian:
        syntax = uid.ExplicitVRLittleEndian
    for index, path in enumerate(phantoms.volume(tmp_path / "as-is", 3, WindowCenter=40, WindowWidth=400)):
        ds = pydicom.dcmread(path)
        phantoms.save(ds, tmp_path / "other" / f"{index}", syntax, meta=meta)
    expected, found = only_stack(scan(tmp_path / "as-is")), only_stack(scan(tmp_path / "other"))
    assert found.geometry is not None
    assert expected.geometry is not None
    assert (found.geometry.affine_lps == expected.geometry.affine_lps).all()
    assert found.format.transfer_syntax_uid == syntax
    assert [f.windows for f in found.frames] == [f.windows for f in expected.frames]
    assert [f.file.sop_instance_uid for f in found.frames] == [f.file.sop_instance_uid for f in expected.frames]
    deflated = syntax == uid.DeflatedExplicitVRLittleEndian
    assert (found.frames[0].file.pixel_offset is None) == deflated


def test_the_summary_is_readable_and_cannot_steer_a_terminal(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3, SeriesDescription="\x1b[2Jthorax", tilt=20.0)
    text = summary(scan(tmp_path))
    assert "volume  3 × 8 × 10" in text
    assert "tilted by 20.0°" in text
    assert "\x1b" not in text
    assert text.endswith("1 studies, 3 images, 0 other DICOM objects, 0 files skipped.")
