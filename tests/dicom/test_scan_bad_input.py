"""Broken and hostile files: each is named with its reason, and the rest opens."""

from __future__ import annotations

import random
import resource
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid

from radviewer.dicom import values
from radviewer.dicom.elements import Encoding, MemoryBytes
from radviewer.dicom.headers import read_header
from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.dicom.tags import read_tags
from radviewer.dicom.walker import Walker
from radviewer.domain.study import FileLocation, ScanResult, Stack
from tests import phantoms
from tests.phantoms import element


def stacks(result: ScanResult) -> list[Stack]:
    return [stack for study in result.studies for series in study.series for stack in series.stacks]


def reason(folder: Path) -> str:
    result = scan(folder)
    assert result.studies == ()
    (skipped,) = result.skipped
    return skipped.reason


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "The file is empty (0 bytes)."),
        (b"just text", "It is not a DICOM file but text."),
        ("Überschrift".encode(), "It is not a DICOM file but text."),
        (b"\x89PNG\r\n\x1a\n", "It is not a DICOM file but a PNG picture."),
        (b"\xff\xd8\xff\xe0", "It is not a DICOM file but a JPEG picture."),
        (b"%PDF-1.7", "It is not a DICOM file but a PDF document."),
        (b"\x1f\x8b\x08", "It is not a DICOM file but a gzip archive."),
        (bytes(200), "It is not a DICOM file: it has no preamble and does not begin with data elements."),
        (
            bytes(128) + b"DICM",
            "It is a DICOM file whose header is damaged: nothing that radviewer knows follows its preamble.",
        ),
        (bytes(128) + b"DICM" + bytes(range(100, 200)), "It is a DICOM file whose header is damaged: "),
        (
            bytes(128) + b"DICM" + element(0x00020010, "UI", b"", 5000),
            "The header cannot be read: its file meta information is cut off.",
        ),
        (b"\x08\x00", "It is not a DICOM file: "),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "It is not a DICOM file: "),
    ],
)
def test_what_is_not_dicom_is_called_what_it_is(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "file.dcm").write_bytes(content)
    assert reason(tmp_path).startswith(expected)


def damaged(tmp_path: Path, tag: int, extra: bytes) -> Path:
    path = phantoms.film(tmp_path / "film.dcm")
    phantoms.splice(path, tag, extra)
    return path


@pytest.mark.parametrize("depth", [100, 10_000, 50_000])
def test_sequences_of_any_depth_are_passed_over(tmp_path: Path, depth: int) -> None:
    path = damaged(tmp_path, 0x00100010, phantoms.nested(depth))
    (stack,) = stacks(scan(tmp_path))
    assert stack.frames[0].label == "PA"
    assert stack.frames[0].file.pixel_offset is not None
    rows = read_tags(FileLocation(path, None, path.name))
    assert max(row.depth for row in rows) < 20
    assert any(row.keyword == "PatientName" for row in rows)


def test_sequences_of_defined_length_may_be_as_deep(tmp_path: Path) -> None:
    path = damaged(tmp_path, 0x00100010, phantoms.nested(2_000, defined=True))
    assert len(stacks(scan(tmp_path))) == 1
    assert len(read_tags(FileLocation(path, None, path.name))) < 200


def test_functional_groups_may_be_as_deep(tmp_path: Path) -> None:
    path = phantoms.enhanced(tmp_path / "e.dcm", 3)
    phantoms.splice(path, 0x52009230, phantoms.nested(10_000))
    assert stacks(scan(tmp_path))[0].geometry is not None


def test_a_sequence_that_never_ends_is_named(tmp_path: Path) -> None:
    damaged(tmp_path, 0x00100010, element(0x00091001, "SQ", b"", 0xFFFFFFFF))
    assert reason(tmp_path).startswith("The header is damaged: ")


@pytest.mark.parametrize(
    "extra",
    [
        element(0x00090010, "LO", b"short", 60_000),
        element(0x00091001, "OB", b"short", 4_000_000_000),
        element(0x00091001, "SQ", b"short", 0x7FFFFFFF),
        element(0x00091001, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 0x7FFFFFFF), 0xFFFFFFFF),
    ],
)
def test_lengths_beyond_the_file_are_named(tmp_path: Path, extra: bytes) -> None:
    damaged(tmp_path, 0x00100010, extra)
    phantoms.volume(tmp_path / "rest", 3)
    result = scan(tmp_path)
    assert [stack.shape[0] for stack in stacks(result)] == [3]
    (skipped,) = result.skipped
    assert skipped.reason.startswith("The header is damaged: the element (")
    assert "bytes but the file has only" in skipped.reason


def test_a_header_cut_off_is_named(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "film.dcm")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x28\x00\x10\x00") + 5])
    assert reason(tmp_path).startswith("It names the class Computed Radiography Image Storage but holds no pixel data")


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Rows": 30000, "Columns": 30000}, "which needs 1,800,000,000 bytes, but the file holds 240 bytes"),
        ({"Rows": 65535, "Columns": 65535, "BitsAllocated": 64}, "more than radviewer opens (4 GiB for one image)"),
        ({"NumberOfFrames": 2_000_000_000}, "2,000,000,000 frames; radviewer opens at most 100,000"),
        ({"NumberOfFrames": b"1e300"}, "frames; radviewer opens at most 100,000"),
        ({"NumberOfFrames": 90_000}, "which needs 21,600,000 bytes"),
        ({"Rows": 0}, "no usable Rows and Columns (0 × 10)"),
        ({"Rows": None}, "no usable Rows and Columns"),
        ({"BitsAllocated": 13}, "its BitsAllocated is 13"),
        ({"BitsAllocated": None}, "its BitsAllocated is missing"),
        ({"SamplesPerPixel": 200}, "its SamplesPerPixel is 200"),
        ({"PixelData": b""}, "its pixel data are empty"),
    ],
)
def test_absurd_sizes_are_refused_with_the_reason(tmp_path: Path, elements: dict[str, Any], expected: str) -> None:
    phantoms.film(tmp_path / "film.dcm", **elements)
    assert expected in reason(tmp_path)


@pytest.mark.parametrize(
    ("syntax", "elements"),
    [
        (uid.RLELossless, {"Rows": 65535, "Columns": 20000}),
        (uid.JPEG2000Lossless, {"Rows": 65535, "Columns": 65535, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}),
        (uid.JPEG2000Lossless, {"NumberOfFrames": 99_999}),
    ],
)
def test_absurd_compressed_sizes_are_refused(tmp_path: Path, syntax: str, elements: dict[str, Any]) -> None:
    phantoms.encapsulated(tmp_path / "film.dcm", [bytes(100)], syntax, modality="CR", **elements)
    assert "its compressed pixel data are only" in reason(tmp_path)


def test_pixel_data_cut_off_are_shown_with_a_warning(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "film.dcm")
    path.write_bytes(path.read_bytes()[:-40])
    (stack,) = stacks(scan(tmp_path))
    assert stack.warnings == ("film.dcm: The pixel data are cut off: 200 of 240 bytes are there.",)
    assert stack.frames[0].file.pixel_length == 200
    path.write_bytes(path.read_bytes()[:-190])
    assert "which needs 240 bytes, but the file holds 10 bytes of pixel data" in reason(tmp_path)


@pytest.mark.parametrize("syntax", [uid.MPEG2MPML, uid.MPEG4HP41, uid.HEVCMP51])
def test_videos_are_recognised(tmp_path: Path, syntax: str) -> None:
    phantoms.encapsulated(tmp_path / "video.dcm", [bytes(100)], syntax, modality="ES")
    assert reason(tmp_path).endswith("video, which radviewer does not play.")


@pytest.mark.parametrize(
    ("name", "charset", "expected"),
    [
        (b"M\xfcller^J\xf6rg", "ISO_IR 100", "Müller^Jörg"),
        ("Müller".encode(), "ISO_IR 192", "Müller"),
        (b"M\xfcller", "", "Müller"),
        ("Müller".encode(), "", "Müller"),
        (b"M\xfcller", "ISO_IR 192", "M\ufffdller"),
        (b"M\xfcller", "NO SUCH SET", "Müller"),
        (b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
        (
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        ),
        (b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞"),
        ("Люкceмбypг".encode("iso8859_5"), "ISO_IR 144", "Люкceмбypг"),
        ("Διονυσιος".encode("iso8859_7"), "ISO_IR 126", "Διονυσιος"),
        (b"\x1b\x1b\x1b\xff\xfe", "\\\\\\", None),
        (b"\x80\x81\x1b$Q\xff", "GB18030", None),
    ],
)
def test_names_in_any_character_set(tmp_path: Path, name: bytes, charset: str, expected: str | None) -> None:
    path = phantoms.film(tmp_path / "film.dcm", PatientName=None)
    phantoms.splice(path, 0x00080016, element(0x00080005, "CS", charset.encode()))
    phantoms.splice(path, 0x00100020, element(0x00100010, "PN", name))
    (study,) = scan(tmp_path).studies
    if expected is not None:
        assert study.patient_name == expected
    str(listing(scan(tmp_path))).encode()


def test_markup_and_control_characters_stay_plain_text(tmp_path: Path) -> None:
    text = "<script>alert(1)</script>&amp;"
    phantoms.film(tmp_path / "film.dcm", SeriesDescription=text.encode(), StudyDescription=b"a\0b")
    found: Any = listing(scan(tmp_path))
    assert found["studies"][0]["series"][0]["description"] == text
    assert found["studies"][0]["description"] == "a\0b"


@pytest.mark.parametrize("value", [b"", b"nan", b"inf", b"1e400", b"1_000", b"twelve", b"\xff\xfe", b"1\\2\\", b"0x10"])
@pytest.mark.parametrize(
    "keyword",
    ["SeriesNumber", "InstanceNumber", "SliceThickness", "WindowCenter", "RescaleIntercept", "EchoTime", "StudyDate"],
)
def test_numbers_that_are_none_are_unknown(tmp_path: Path, keyword: str, value: bytes) -> None:
    own: dict[str, Any] = {keyword: value}
    phantoms.volume(tmp_path, 3, **own)
    (stack,) = stacks(scan(tmp_path))
    assert stack.shape[0] == 3
    assert np.isfinite([(f.slope, f.intercept) for f in stack.frames]).all()


DATES = [
    (b"2024.02.29", "20240229"),
    (b"2024", None),
    (b"yesterday", None),
    (b"20201345", None),
    (b"20230229", None),
    (b"00000000", None),
]


def test_dates_are_dates_or_unknown(tmp_path: Path) -> None:
    for index, (raw, expected) in enumerate(DATES):
        folder = tmp_path / str(index)
        phantoms.film(folder / "film.dcm", StudyDate=raw)
        assert [study.date for study in scan(folder).studies] == [expected]


def test_many_small_elements_do_not_take_forever() -> None:
    data = element(0x00091001, "LO", b"") * 300_000
    walker = Walker(MemoryBytes(data), max_steps=1000)
    found = walker.elements(0, len(data), Encoding(implicit=False, big_endian=False), None)
    assert found.problem == "it has more data elements than radviewer reads from one file"
    inside = element(0x00091001, "SQ", b"", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 300_000
    found = Walker(MemoryBytes(inside), max_steps=1000).elements(
        0, len(inside), Encoding(implicit=False, big_endian=False), None
    )
    assert found.problem == "it has more data elements than radviewer reads from one file"


class CountedBytes(MemoryBytes):
    """Counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.given = 0

    def read(self, offset: int, length: int) -> bytes:
        data = super().read(offset, length)
        self.given += len(data)
        return data


def test_a_long_file_meta_information_is_not_read_again_for_every_element() -> None:
    source = CountedBytes(bytes(128) + b"DICM" + element(0x00020102, "OB", bytes(84)) * 20_000)
    read_header(source, frozenset())
    assert source.given < 4 * source.size


@pytest.mark.parametrize("length", range(16_200, 16_260, 2))
def test_file_meta_information_may_end_anywhere(tmp_path: Path, length: int) -> None:
    """The first read of the file must not decide where an element header ends."""
    path = phantoms.film(tmp_path / "film.dcm")
    data = path.read_bytes()
    path.write_bytes(data[:132] + element(0x00020102, "OB", bytes(length)) + data[132:])
    (stack,) = stacks(scan(tmp_path))
    assert stack.format.transfer_syntax_uid == uid.ExplicitVRLittleEndian


class CountedText(str):
    """Counts how often texts are compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedText.compared += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def test_a_series_for_every_image_does_not_take_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anonymisers that give every file a series of its own exist."""
    count = 200
    for index in range(count):
        phantoms.film(tmp_path / str(index), SeriesInstanceUID=f"1.2.{index}", StudyInstanceUID="1.2")
    monkeypatch.setattr(values, "uid", lambda raw: CountedText(raw.strip(b" \0").decode("ascii")))
    monkeypatch.setattr(CountedText, "compared", 0)
    (study,) = scan(tmp_path).studies
    assert len(study.series) == count
    assert CountedText.compared < 40 * count


def test_a_long_value_is_not_kept_whole(tmp_path: Path) -> None:
    damaged(tmp_path, 0x00100010, element(0x00080008, "UT", b"A" * 30_000_000))
    tracemalloc.start()
    scan(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


# --- mutations -------------------------------------------------------------------------------------------------------


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), preamble=st.booleans())
def test_any_bytes_are_listed_somewhere(tmp_path: Path, data: bytes, preamble: bool) -> None:
    (tmp_path / "file").write_bytes((bytes(128) + b"DICM" if preamble else b"") + data)
    found: Any = listing(scan(tmp_path))
    names = [e["path"] for e in [*found["not_images"], *found["skipped"]]]
    names += [f["path"] for s in found["studies"] for e in s["series"] for k in e["stacks"] for f in k["files"]]
    assert set(names) == {"file"}


def samples() -> list[Path]:
    """Small files of pydicom's own, every transfer syntax and many oddities among them."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size < 40_000)


def mutants(data: bytes, seed: int, count: int) -> list[bytes]:
    """Seeded flips, most of them in the header, and cuts."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8, 64))):
            limit = len(mutant) if chance.random() < 0.2 else min(len(mutant), 3000)
            mutant[chance.randrange(limit)] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
        made.append(bytes(mutant[: chance.randrange(len(mutant))] if chance.random() < 0.15 else mutant))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_mutants_neither_crash_nor_hang_nor_fill_memory(tmp_path: Path, seed: int) -> None:
    files = samples()
    for index, path in enumerate(files):
        for number, mutant in enumerate(mutants(path.read_bytes() or b"\0", seed * 1000 + index, 2)):
            (tmp_path / f"{index}-{number}").write_bytes(mutant)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    result = scan(tmp_path)
    json: Any = listing(result)
    assert time.process_time() - begin < 20  # a hang, not a measurement
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB
    names = [e["path"] for e in [*json["not_images"], *json["skipped"]]]
    shown = {f["path"] for s in json["studies"] for e in s["series"] for k in e["stacks"] for f in k["files"]}
    assert sorted([*names, *shown]) == sorted(p.name for p in tmp_path.iterdir())
    for path in tmp_path.iterdir():
        read_tags(FileLocation(path, None, path.name))
