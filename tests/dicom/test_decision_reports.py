"""Decisions read from structured reports, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from radviewer.dicom.decision_reports import read_decisions
from radviewer.domain.decision import RejectReason, Verdict
from radviewer.domain.study import FileLocation
from radviewer.errors import UnreadableImage
from radviewer.export.dicom_names import tracking_uid
from radviewer.export.sr import decisions_report, results_report
from tests.export.test_dicom_objects import MODEL, READER, VERSION, film, items, stack_of


def report(folder: Path, reader: str = READER) -> FileLocation:
    stack = stack_of(film(folder))
    decisions_report(stack, items(stack), None, reader).save_as(folder / "report.dcm", enforce_file_format=True)
    return FileLocation(folder / "report.dcm", None, "report.dcm")


def test_decisions_are_read_as_they_were_made(tmp_path: Path) -> None:
    stack = stack_of(film(tmp_path))
    heart, tuberculosis, other = read_decisions(report(tmp_path))
    assert (heart.verdict, heart.reason, heart.probability, heart.reader) == (Verdict.EDITED, None, None, READER)
    assert (tuberculosis.verdict, tuberculosis.reason) == (Verdict.REJECTED, RejectReason.ARTEFACT)
    assert tuberculosis.probability == pytest.approx(0.73)
    assert other.label == "a label of no table"
    for found in (heart, tuberculosis, other):
        assert found.tracking_uid == tracking_uid(stack, MODEL, VERSION, found.label)
        assert (found.model, found.version) == (MODEL, VERSION)


def test_nobody_vouches_for_a_report_that_is_not_verified(tmp_path: Path) -> None:
    assert {found.reader for found in read_decisions(report(tmp_path, ""))} == {""}


def test_results_of_models_are_no_decisions(tmp_path: Path) -> None:
    stack = stack_of(film(tmp_path))
    results_report(stack, items(stack)).save_as(tmp_path / "results.dcm", enforce_file_format=True)
    assert read_decisions(FileLocation(tmp_path / "results.dcm", None, "results.dcm")) == ()


def test_a_report_that_is_broken_is_said(tmp_path: Path) -> None:
    place = report(tmp_path)
    broken = pydicom.dcmread(place.path)
    del broken.ContentSequence
    broken.save_as(place.path)
    assert read_decisions(place) == ()
    place.path.write_bytes(b"junk" * 50)
    with pytest.raises(UnreadableImage, match="damaged report"):
        read_decisions(place)


def test_mutants_never_do_harm(tmp_path: Path) -> None:
    place = report(tmp_path)
    whole = place.path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(400):
        mutant = bytearray(whole)
        for spot in random.integers(132, len(whole), random.integers(1, 9)):
            mutant[spot] = random.integers(256)
        place.path.write_bytes(bytes(mutant[: random.integers(200, len(mutant) + 1)]))
        try:
            read_decisions(place)
        except UnreadableImage:
            continue
