"""Elements as they stand in a file: bytes in, bytes out, whatever nonsense they are (PS3.5 7.1)."""

from __future__ import annotations

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

_PERSONS = (
    0x00080090, 0x00081048, 0x00081050, 0x00081060, 0x00081070, 0x00100010, 0x00101001, 0x00101005, 0x00101060,
    0x00321032, 0x0040A123,
)  # fmt: skip
_IDENTIFIERS = (
    0x00080050, 0x00080080, 0x00080081, 0x00081010, 0x00081040, 0x00100020, 0x00100030, 0x00101000, 0x00101040,
    0x00101090, 0x00102154, 0x00104000,
)  # fmt: skip
"""Names and numbers of patients, physicians, institutions and stations: looked for in everything that is kept.  Of
names every part counts; an institution is known by its whole name only."""


class BrokenFile(Exception):
    """The file cannot be copied; the message is a sentence without anything from the file."""


def identities(dataset: Dataset) -> tuple[list[bytes], list[bytes]]:
    """Names of persons, and other identifiers, in the first level of a data set, as they are encoded in the file."""
    persons, others = (
        [part for tag in tags if tag in dataset for part in raw(dataset.get_item(tag)).split(b"\\")]
        for tags in (_PERSONS, _IDENTIFIERS)
    )
    return persons, others


def raw(element: DataElement | RawDataElement) -> bytes:
    """Value as it is in the file, or as near to it as pydicom left it."""
    if isinstance(element, RawDataElement) or isinstance(element.value, bytes):
        return element.value or b""
    parts = element.value if element.VM > 1 else [element.value or ""]
    return "\\".join(map(str, parts)).encode("utf-8", "surrogateescape")


def text_of(dataset: Dataset, keyword: str) -> str:
    """Value as text, "" when absent; unlike pydicom's own it never warns, whatever is in the file."""
    return text(dataset.get_item(keyword)).strip(" \0") if keyword in dataset else ""


def text(element: DataElement | RawDataElement) -> str:
    """Value as text, with backslashes between several."""
    return raw(element).decode("ascii", "surrogateescape")


def items(dataset: Dataset, element: DataElement | RawDataElement) -> Sequence:
    """Items of a sequence of `dataset`; what is changed in them is changed in the file.

    Raises
    ------
    BrokenFile

    """
    value = dataset[element.tag].value
    if not isinstance(value, Sequence):
        raise BrokenFile("A sequence in it cannot be read.")
    return value


def check_length(element: DataElement | RawDataElement) -> None:
    """Refuse a value that is shorter than it says: the file ends in it.

    Raises
    ------
    BrokenFile

    """
    if isinstance(element, RawDataElement) and element.length not in (0xFFFFFFFF, len(element.value or b"")):
        raise BrokenFile("It is cut off.")


def put(dataset: Dataset, tag: int, vr: str, value: bytes) -> None:
    """Set an element to bytes as they stand in a file: quicker than values that have to be encoded."""
    implicit, little = dataset.original_encoding
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    new = RawDataElement(Tag(tag), vr, len(value), value, 0, bool(implicit), little is not False, True, False)
    dataset[new.tag] = new
