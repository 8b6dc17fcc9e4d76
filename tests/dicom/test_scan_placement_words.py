"""What a film's header says of its place in words, from the file to the decoded image."""

from __future__ import annotations

from pathlib import Path

import pytest

from radviewer.dicom.load import read_slice
from radviewer.dicom.scan import scan
from radviewer.domain.study import Frame
from radviewer.domain.volume import SliceImage
from tests import phantoms


def read(path: Path) -> tuple[Frame, SliceImage]:
    (study,) = scan(path).studies
    (stack,) = study.series[0].stacks
    return stack.frames[0], read_slice(stack, 0)


@pytest.mark.parametrize(
    ("words", "letters"),
    [
        (["L", "F"], ("L", "I")),
        (["P", "H"], ("P", "S")),
        (["LA", "FP"], ("LA", "IP")),
        (["RAF", "F"], ("RA", "I")),
        (["l", "f"], ("L", "I")),
        (["L"], None),
        (["L", ""], None),
        (["L", "R"], None),
        (["LR", "F"], None),
        (["L", "F", "P"], None),
        (["X", "F"], None),
        (["LEFT", "FOOT"], None),
        ([], None),
    ],
)
def test_patient_orientation(tmp_path: Path, words: list[str], letters: tuple[str, str] | None) -> None:
    frame, image = read(phantoms.film(tmp_path / "film.dcm", PatientOrientation=words))
    assert frame.orientation == letters
    assert image.orientation == letters


@pytest.mark.parametrize(
    ("ratio", "aspect"),
    [
        (["2", "1"], (2.0, 1.0)),
        (["3", "4"], (1.0, 4 / 3)),
        (["1", "1"], (1.0, 1.0)),
        (["0", "1"], (1.0, 1.0)),
        (["-2", "1"], (1.0, 1.0)),
        (["100000", "1"], (1.0, 1.0)),
        (["2"], (1.0, 1.0)),
    ],
)
def test_pixel_aspect_ratio(tmp_path: Path, ratio: list[str], aspect: tuple[float, float]) -> None:
    frame, image = read(phantoms.film(tmp_path / "film.dcm", PixelAspectRatio=ratio))
    assert frame.spacing is None
    assert frame.aspect == pytest.approx(aspect)
    assert image.aspect == frame.aspect


def test_frames_without_functional_groups_share_both(tmp_path: Path) -> None:
    path = phantoms.cine(tmp_path / "cine.dcm", PatientOrientation=["L", "F"], PixelAspectRatio=["2", "1"])
    (study,) = scan(path).studies
    (stack,) = study.series[0].stacks
    assert {frame.orientation for frame in stack.frames} == {("L", "I")}
    assert {frame.aspect for frame in stack.frames} == {(2.0, 1.0)}
    assert [frame.index for frame in stack.frames] == list(range(6))
