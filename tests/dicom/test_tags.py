from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom import uid

from radviewer.dicom import tags
from radviewer.dicom.tags import TagRow, read_tags
from radviewer.domain.study import FileLocation
from tests import phantoms
from tests.phantoms import element, item


def rows(path: Path, frame: int | None = None) -> tuple[TagRow, ...]:
    return read_tags(FileLocation(path, None, path.name), frame)


def row(path: Path, keyword: str) -> TagRow:
    (found,) = [r for r in rows(path) if r.keyword == keyword]
    return found


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ExplicitVRLittleEndian,
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    ],
)
def test_every_element_is_a_row(tmp_path: Path, syntax: str) -> None:
    dose = item(RadionuclideTotalDose=3e8, RadionuclideCodeSequence=[item(CodeMeaning="^18^Fluorine")])
    ds = phantoms.image(
        modality="PT",
        RadiopharmaceuticalInformationSequence=[dose],
        FrameIncrementPointer=[0x00540080, 0x00540070],
        PixelSpacing=[0.5, 0.25],
    )
    path = phantoms.save(ds, tmp_path / "file", syntax)
    assert row(path, "TransferSyntaxUID") == TagRow(0, "(0002,0010)", "TransferSyntaxUID", "UI", syntax)
    assert row(path, "Rows") == TagRow(0, "(0028,0010)", "Rows", "US", "8")
    assert row(path, "PatientName") == TagRow(0, "(0010,0010)", "PatientName", "PN", "Test^P1")
    assert row(path, "PixelSpacing").value == "0.5\\0.25"
    assert row(path, "FrameIncrementPointer").value == "(0054,0080)\\(0054,0070)"
    assert row(path, "RadiopharmaceuticalInformationSequence").vr == "SQ"
    assert row(path, "RadionuclideTotalDose").depth == 1
    assert row(path, "CodeMeaning") == TagRow(2, "(0008,0104)", "CodeMeaning", "LO", "^18^Fluorine")
    assert row(path, "PixelData").value == "(160 bytes)"
    top = [r.tag for r in rows(path) if r.depth == 0]
    assert top == sorted(top)
    written = pydicom.dcmread(path)
    assert len(top) == len(written) + len(written.file_meta)


def test_private_elements_have_the_name_the_dictionary_knows(tmp_path: Path) -> None:
    ds = phantoms.image(modality="MR")
    ds.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", 800)
    ds.private_block(0x21, "NOBODY", create=True).add_new(0x01, "UN", b"readable")
    ds.private_block(0x23, "NOBODY", create=True).add_new(0x01, "UN", b"\1\2\3\4")
    found = {r.tag: r for r in rows(phantoms.save(ds, tmp_path / "file"))}
    assert (found["(0019,0010)"].keyword, found["(0019,0010)"].value) == ("PrivateCreator", "SIEMENS MR HEADER")
    assert (found["(0019,100C)"].keyword, found["(0019,100C)"].value) == ("[B_value]", "800")
    assert (found["(0021,1001)"].keyword, found["(0021,1001)"].value) == ("", "readable")
    assert found["(0023,1001)"].value == "(4 bytes)"


def test_of_many_frames_only_the_one_that_is_looked_at(tmp_path: Path) -> None:
    path = phantoms.enhanced(tmp_path / "file", 5)
    positions = [r.value for r in rows(path, 3) if r.keyword == "ImagePositionPatient"]
    assert positions == ["-30.0\\-40.0\\56.0"]
    assert "Item 4" in [r.value for r in rows(path, 3)]
    assert len([r for r in rows(path) if r.keyword == "ImagePositionPatient"]) == 5


def test_values_are_bounded_and_free_of_control_characters(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "file")
    phantoms.splice(path, 0x00100010, element(0x00080108, "LT", b"a\x07[2J\r\nb" + b"c" * 9000))
    (long,) = [r for r in rows(path) if r.tag == "(0008,0108)"]
    assert long.value.startswith("a [2J  bccc")
    assert len(long.value) == tags.MAX_TEXT


def test_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MAX_ROWS", 20)
    found = rows(phantoms.film(tmp_path / "file"))
    assert len(found) == 21
    assert found[-1].value == "Only the first 20 lines are shown."


def test_what_a_damaged_file_still_holds_is_shown(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "file")
    phantoms.splice(
        path,
        0x00200010 if b"\x20\x00\x10\x00" in path.read_bytes() else 0x0020000D,
        element(0x00190010, "LO", b"", 60_000),
    )
    found = rows(path)
    assert [r.value for r in found if r.keyword == "PatientID"] == ["P1"]
    assert found[-1].value.startswith("The header is damaged from here on: the element (0019,0010) claims 60,000 bytes")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"text", "This is not a DICOM file."),
        (b"", "This is not a DICOM file."),
        (bytes(128) + b"DICM" + element(0x00020010, "UI", b"", 999), "The header cannot be read: "),
    ],
)
def test_what_cannot_be_read_is_one_remark(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "file").write_bytes(content)
    (only,) = rows(tmp_path / "file")
    assert only.value.startswith(expected)


def test_a_file_that_is_gone_is_one_remark(tmp_path: Path) -> None:
    (only,) = rows(tmp_path / "gone")
    assert only.value == "The file cannot be read: no such file or directory."


def test_members_of_archives_have_tags(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "film")
    archive = phantoms.archive(tmp_path / "z.zip", {"inner/film": path.read_bytes()})
    assert read_tags(FileLocation(archive, "inner/film", "z.zip/inner/film")) == rows(path)
