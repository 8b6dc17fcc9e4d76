"""Every attribute of the Basic Profile's table (PS3.15 Table E.1-1), one by one."""

from __future__ import annotations

import copy
from collections import Counter

import pydicom
import pytest
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.dataset import Dataset

from radviewer.export.deidentify_dataset import Changes, Cleaner
from radviewer.export.deidentify_profile import EDITION, Profile, tables
from radviewer.export.deidentify_values import Patient, Uids, shifted
from tests.export.identified import (
    DATE,
    TIME,
    in_data_sets,
    mark,
    marked,
    profile_table,
    vr_of,
    with_every_attribute,
)

TABLE = {tag: code for tag, code in profile_table().items() if in_data_sets(tag)}
LISTS = {"D": "D", "Z": "Z", "X": "X", "U": "U", "Z/D": "Z_D", "X/Z": "X_Z", "X/D": "X_D", "X/Z/D": "X_Z_D"}


def clean(ds: Dataset, profile: Profile | None = None, patient: Patient | None = None) -> Dataset:
    patient = patient or Patient(1)
    Cleaner(profile or Profile(), patient, Uids(b"secret"), Changes()).clean(ds)
    return ds


@pytest.fixture(scope="module")
def cleaned() -> Dataset:
    return clean(with_every_attribute())


@pytest.fixture(scope="module")
def nested() -> Dataset:
    ds = Dataset()
    ds.ReferencedSeriesSequence = [with_every_attribute()]
    return clean(ds).ReferencedSeriesSequence[0]  # type: ignore[no-any-return]


def test_the_librarys_table_is_the_standards() -> None:
    library = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    for tag, code in profile_table().items():
        name = f"{LISTS.get(code, 'X_Z_U_STAR')}_TAGS"
        assert (tag >> 16, tag & 0xFFFF) in library[name], f"{tag:08x} is not {code}"


def test_the_table_is_whole() -> None:
    codes = Counter(profile_table().values())
    assert codes == {"X": 405, "D": 92, "U": 55, "Z": 42, "X/D": 22, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2}


@pytest.mark.parametrize("where", ["cleaned", "nested"])
@pytest.mark.parametrize("code", ["X", "D", "U", "Z", "X/D", "X/Z", "X/Z/D", "Z/D", "X/Z/U*"])
def test_every_attribute_of_the_table(code: str, where: str, request: pytest.FixtureRequest) -> None:
    ds = request.getfixturevalue(where)
    wrong = [f"{tag:08x}" for tag, own in TABLE.items() if own == code and not _is_right(ds, tag, code)]
    assert not wrong


def _is_right(ds: Dataset, tag: int, code: str) -> bool:
    vr = vr_of(tag)
    if code == "X":
        required = tag in (0x00700082, 0x00700083)  # type 1 in presentation states
        return ds[tag].value not in (DATE, TIME) if required else tag not in ds
    if tag in (0x00100010, 0x00100020):
        return bool(ds[tag].value == ("ANON-1^" if vr == "PN" else "ANON-1"))
    if code in ("Z", "X/Z"):
        return ds[tag].is_empty or (vr == "SQ" and len(ds[tag].value) == 0)
    if vr == "SQ":  # of the first four only what is in them is cleaned
        entered = tag in (0x0040A730, 0x00700001, 0x0040A073, 0x0040B020) or code == "X/Z/U*"
        return len(ds[tag].value) == 1 and (entered or mark(tag) not in str(ds[tag].value[0]))
    if vr == "UI":
        return bool(ds[tag].value == Uids(b"secret").new(marked(tag, vr)))
    return code != "U" and ds[tag].value not in (None, "", marked(tag, vr))


def test_what_is_kept_is_as_it_was() -> None:
    ds = Dataset()
    ds.Rows, ds.SliceThickness, ds.Manufacturer, ds.ImageType = 512, "1.0", "Maker", ["ORIGINAL", "PRIMARY"]
    before = copy.deepcopy(ds)
    assert clean(ds) == before


def test_codes_in_sequences_that_are_dummied_are_dummies() -> None:
    ds = Dataset()
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "4711", "99HOSPITAL", "Dr. Somebody"
    ds.PersonIdentificationCodeSequence = [code]
    (item,) = clean(ds).PersonIdentificationCodeSequence
    assert [element.value for element in item] == ["REMOVED"] * 3


def test_dates_are_shifted_together_and_times_kept() -> None:
    patient, options = Patient(1), Profile(shift_dates=True)
    ds = clean(with_every_attribute(), options, patient)
    moved = shifted(DATE.encode(), "DA", patient.days)
    assert moved != DATE
    for tag in tables().dates:
        if vr_of(tag) == "DA" and in_data_sets(tag):
            assert ds[tag].value == moved, f"{tag:08x}"
        elif vr_of(tag) == "TM":
            assert ds[tag].value == "071533"
        elif vr_of(tag) == "DT" and tag in ds:
            assert str(ds[tag].value) == f"{moved}071533"
    assert ds["PatientBirthDate"].is_empty


def test_descriptors_keep_their_safe_words() -> None:
    ds = Dataset()
    ds.SeriesDescription, ds.StudyDescription = "T1 AXIAL Mustermann 1.5mm 29.02.2024 4711", "Mr. Nobody"
    ds.PatientName = "Thorax^Hans"
    ds.ProtocolName = "Thorax venous"
    patient = Patient(1)
    patient.remember([b"Thorax^Hans"])
    clean(ds, Profile(clean_descriptors=True), patient)
    assert ds.SeriesDescription == "T1 AXIAL 1.5mm"
    assert "StudyDescription" not in ds or ds.StudyDescription == "Mr"
    assert ds.ProtocolName == "venous"


def test_only_private_elements_of_the_list_stay() -> None:
    ds = Dataset()
    philips = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    philips.add_new(0x0E, "FL", 1.5)
    philips.add_new(0x10, "FL", 2.5)
    ds.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(0x0E, "LO", "no")
    safe = clean(copy.deepcopy(ds), Profile(retain_safe_private=True))
    assert [(element.tag, element.value) for element in safe] == [
        (0x20050010, "Philips MR Imaging DD 001"),
        (0x2005100E, 1.5),
    ]
    assert len(clean(ds)) == 0


def test_a_sequence_in_disguise_is_removed() -> None:
    ds = Dataset()
    with pydicom.config.disable_value_validation():
        ds.add_new(0x0040A730, "OB", b"whatever")
        ds.add_new(0x00280010, "SQ", [Dataset()])
        ds.add_new(0x00281234, "LO", "nobody knows this element")
    assert len(clean(ds)) == 0
