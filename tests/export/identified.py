"""Data sets in which every attribute names somebody: by a mark of its own, or by the patient's name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom import uid
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from radviewer.export.deidentify_profile import tags_of
from tests import phantoms

NAME = "ZQNAMEQZ"
DATE, TIME = "19870613", "071533"
OLD_UID = "1.2.999.7654321"
STRUCTURE = {0x00080016, 0x00080060, 0x00080005, 0x00080008, 0x00080064, 0x00080001}
"""What makes the file an image; values of `phantoms.image` stay."""
_MARKED = {"LT", "ST", "UT", "AE", "PN", "UR"}
_NAMED = {"LO", "SH", "UC", "CS"}
_NUMBERS: dict[str, Any] = {
    "US": 54321,
    "SS": -321,
    "UL": 7654321,
    "SL": -7654,
    "FD": 76.5,
    "FL": 7.5,
    "IS": "7654",
    "DS": "76.5",
}


def profile_table() -> dict[int, str]:
    """Tag → action code of the Basic Profile (PS3.15 Table E.1-1)."""
    table = tomllib.loads((Path(__file__).parent / "basic_profile.toml").read_text())
    return {tag: code for code, block in table.items() for tag in tags_of(block)}


def in_data_sets(tag: int) -> bool:
    """Whether an attribute may stand in a data set: commands, file meta information and directories may not."""
    return tag >> 16 >= 8


def vr_of(tag: int) -> str:
    """VR by the dictionary; LO for what is newer than it."""
    return dictionary_VR(tag)[:2] if dictionary_has_tag(tag) else "LO"


def mark(tag: int) -> str:
    """Text that stands nowhere else."""
    return f"ZQ{tag:08X}QZ"


def marked(tag: int, vr: str) -> Any:
    """Value that would give the patient away."""
    if vr == "SQ":
        item = Dataset()
        item.add_new(0x00080104, "LO", mark(tag))  # Code Meaning, which the table does not name
        item.add_new(0x00080100, "SH", mark(tag))
        return [item]
    times = {"DA": DATE, "DT": DATE + TIME, "TM": TIME, "AS": "067Y", "UI": f"{OLD_UID}.{tag}"}
    return times.get(vr) or _NUMBERS.get(vr) or (mark(tag).encode() if vr[0] == "O" or vr == "UN" else mark(tag))


def with_every_attribute() -> Dataset:
    """Data set with each attribute of the profile's table that may stand in one."""
    ds = Dataset()
    with pydicom.config.disable_value_validation():
        for tag in filter(in_data_sets, profile_table()):
            ds[Tag(tag)] = DataElement(tag, vr_of(tag), marked(tag, vr_of(tag)))
    return ds


def with_everything() -> Dataset:
    """Data set with the table's attributes, and all others of the dictionary whose text could name somebody."""
    ds = with_every_attribute()
    with pydicom.config.disable_value_validation():
        for tag, vr in _others():
            ds[Tag(tag)] = DataElement(tag, vr, NAME if vr in _NAMED else marked(tag, vr))
        _add_private(ds)
    return ds


def _others() -> Iterator[tuple[int, str]]:
    table = profile_table()
    for tag, (vr, *_) in DicomDictionary.items():
        group = tag >> 16
        if tag in table or tag in STRUCTURE or group < 8 or group == 0xFFFE or tag & 0xFFFF == 0:
            continue
        if vr == "CS" and group in (0x0028, 0x5400):  # defined terms of pixels and waveforms
            continue
        if vr in _MARKED | _NAMED | {"DA", "DT", "TM"} and tag not in (0x0040A010, 0x0040A040, 0x0040A050):
            yield tag, vr


def _add_private(ds: Dataset) -> None:
    block = ds.private_block(0x0009, f"ZQCREATOR {NAME}", create=True)
    block.add_new(0x01, "LO", "ZQPRIVATEQZ")
    block.add_new(0x02, "UN", b"ZQPRIVATEQZ ")
    item = Dataset()
    item.PatientName = "ZQPRIVATEQZ"
    block.add_new(0x03, "SQ", [item])
    safe = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
    safe.add_new(0x23, "DS", "1.25")  # Table Speed
    safe.add_new(0x9E, "LO", NAME)  # Internal Pulse Sequence Name
    safe.add_new(0x01, "LO", "ZQPRIVATEQZ")


def identified_image(path: Path, syntax: str = uid.ExplicitVRLittleEndian) -> Path:
    """CT image that gives the patient away everywhere: nested, private, in preamble and file meta information."""
    ds = phantoms.image(modality="CT", SpecificCharacterSet="ISO_IR 192")
    everything = with_everything()
    with pydicom.config.disable_value_validation():
        for element in everything:
            if int(element.tag) not in STRUCTURE:
                ds[element.tag] = element
        ds.PatientName, ds.PatientID = f"{NAME}^ZQFIRSTQZ", "ZQIDQZ"
        ds.ReferencedSeriesSequence = [with_everything(), with_everything()]
        ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence = [with_everything()]
        ds.DataSetTrailingPadding = b"ZQPADDINGQZ "
        overlay = DataElement(0x60003000, "OW", b"ZQOVERLAYQZ ")
        ds.add(overlay)
        ds.add_new(0x50000022, "LO", "ZQCURVEQZ")
        phantoms.save(ds, path, syntax)
        again = pydicom.dcmread(path)
        again.preamble = b"ZQPREAMBLEQZ".ljust(128, b"Q")
        again.file_meta.SourceApplicationEntityTitle = "ZQSOURCEQZ"
        again.file_meta.ImplementationVersionName = "ZQVERSIONQZ"
        again.file_meta.PrivateInformationCreatorUID = uid.UID(OLD_UID)
        again.file_meta.PrivateInformation = b"ZQMETAQZ"
        again.save_as(path)
    return path
