"""No trace of the patient in any byte of what is written."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid

from radviewer.dicom.scan import scan
from radviewer.domain.study import FileLocation, NotAnImage, ScanResult
from radviewer.export.deidentify import DeidentifyOptions, deidentify
from radviewer.export.deidentify_profile import Profile
from tests import phantoms
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


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What pydicom remarks on damaged headers is no matter here."""
    monkeypatch.setattr(logging.getLogger("pydicom"), "disabled", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.usefixtures("quiet")
@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_are_a_reason_and_no_failure(tmp_path: Path, data: st.DataObject) -> None:
    ds = phantoms.image(PatientName="ZQNAMEQZ", ReferencedSeriesSequence=[phantoms.item(SeriesInstanceUID="1.2.3")])
    with TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        path = phantoms.save(ds, folder / "a.dcm", data.draw(st.sampled_from(SYNTAXES)))
        damaged = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            damaged[data.draw(st.integers(132, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(damaged[: data.draw(st.integers(200, len(damaged)))])
        location = FileLocation(path, None, "a.dcm")
        scanned = ScanResult(folder, (), (NotAnImage(location, "", ""),), ())
        keep = DeidentifyOptions(Profile(True, True, True), lambda _doubt: True)
        report = deidentify(scanned, folder / "out", keep)
        assert report.instances + len(report.left_out) == 1
        pydicom_can = [pydicom.dcmread(copy) for copy in folder.glob("out/*/*.dcm")]
        assert len(pydicom_can) == report.instances
