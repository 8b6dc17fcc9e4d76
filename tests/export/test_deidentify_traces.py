"""No trace of the patient in any byte of what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
import pytest
from pydicom import uid

from radviewer.dicom.scan import scan
from radviewer.export.deidentify import DeidentifyOptions, deidentify
from radviewer.export.deidentify_profile import Profile
from tests.export.identified import DATE, OLD_UID, TIME, identified_image

SYNTAXES = [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]
_MARKS = re.compile(rb"[ -~]*(?:ZQ|QZ)[ -~]*", re.IGNORECASE)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("options", [Profile(), Profile(True, True, True)], ids=["basic", "options"])
def test_no_mark_survives(tmp_path: Path, syntax: str, options: Profile) -> None:
    folder = tmp_path / "ZQFOLDERQZ" / "ZQ名前QZ"
    source = identified_image(folder / "ZQFILEQZ.dcm", syntax).read_bytes()
    assert len(set(_MARKS.findall(source))) > 500
    (folder / "ZQTEXTQZ.txt").write_text("ZQCONTENTQZ")
    out = tmp_path / "out"
    report = deidentify(scan(tmp_path / "ZQFOLDERQZ"), out, DeidentifyOptions(options))
    assert report.instances == 1
    for path in out.rglob("*"):
        assert b"ZQ" not in str(path.relative_to(out)).upper().encode()
        if path.is_file():
            written = path.read_bytes()
            assert _MARKS.findall(written) == []
            assert OLD_UID.encode() not in written
            assert DATE.encode() not in written
            assert TIME.encode() not in written or options.shift_dates


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_copy_can_be_read_and_its_pixels_are_the_same(tmp_path: Path, syntax: str) -> None:
    before = pydicom.dcmread(identified_image(tmp_path / "in" / "a.dcm", syntax))
    deidentify(scan(tmp_path / "in"), tmp_path / "out", DeidentifyOptions())
    after = pydicom.dcmread(tmp_path / "out" / "1" / "1.dcm")
    assert after.PixelData == before.PixelData
    assert after.file_meta.TransferSyntaxUID == syntax
    assert after.preamble == b"\0" * 128
    assert len(after.ReferencedSeriesSequence) == 2
    str(after)  # reads every value
    assert scan(tmp_path / "out").studies
