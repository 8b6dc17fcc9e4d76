"""One file of a study: read without trusting it, written without anything that is not the copy's own."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from radviewer import __version__
from radviewer.dicom.sources import ZIP_ERRORS, open_file
from radviewer.domain.study import FileLocation
from radviewer.errors import UnreadableImage
from radviewer.export.deidentify_dataset import BrokenFile, text_of

BROKEN = (
    *ZIP_ERRORS, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RecursionError,
    struct.error, UnreadableImage,
)  # fmt: skip
"""What pydicom raises on hostile bytes."""
IMPLEMENTATION = UID("2.25.272094170190164193353913349036247640218")
_LARGEST_INFLATED = 1 << 30
_HEAD = 4096
_REFUSED = {
    "1.2.840.10008.1.3.10": "It is an index of files (DICOMDIR), which names the patients.",
    "1.2.840.10008.5.1.4.1.1.104.": "It is a document, such as a PDF, that may name the patient anywhere in its text.",
    "1.2.840.10008.5.1.4.1.1.9.4.": "It is a sound recording, which may be of a voice.",
}


def read(location: FileLocation) -> tuple[FileDataset, UID]:
    """Read a file whole; ``(data set, transfer syntax)``.  Values stay as they are in the file.

    Raises
    ------
    BrokenFile
        If it cannot be read, or is of a kind that is never copied.

    """
    try:
        with open_file(location) as stream:
            whole = io.BytesIO(stream.read()) if location.member is not None else stream
            _check_deflated(whole)
            dataset = pydicom.dcmread(whole, force=True)
            return dataset, _syntax(dataset)
    except BROKEN as error:
        raise BrokenFile("It cannot be read as DICOM, or is damaged.") from error


def _check_deflated(stream: BinaryIO) -> None:
    """Refuse a deflated data set that would fill the memory: pydicom inflates it whatever its size."""
    head = stream.read(_HEAD)
    if DeflatedExplicitVRLittleEndian.encode() in head and head[128:132] == b"DICM":
        stream.seek(144 + int.from_bytes(head[140:144], "little"))
        inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while not inflater.eof and (packed := inflater.unconsumed_tail or stream.read(1 << 16)):
            size += len(inflater.decompress(packed, 1 << 20))
            if size > _LARGEST_INFLATED:
                raise ValueError("it would inflate to more than a gigabyte")
    stream.seek(0)


def _syntax(dataset: FileDataset) -> UID:
    """Transfer syntax that fits how the data set was read."""
    stated = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if stated is not None and UID(stated).is_transfer_syntax:
        return UID(stated)
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def check_kind(dataset: Dataset) -> None:
    """Refuse what cannot be copied without its identity.

    Raises
    ------
    BrokenFile

    """
    kind = text_of(dataset, "SOPClassUID")
    for prefix, reason in _REFUSED.items():
        if kind.startswith(prefix):
            raise BrokenFile(reason)
    if not kind or not all(text_of(dataset, name) for name in ("SOPInstanceUID", "StudyInstanceUID")):
        raise BrokenFile("It does not say what it is (SOP Class, SOP Instance and Study Instance UID).")


def write(dataset: FileDataset, syntax: UID, target: Path) -> None:
    """Write a new file: a preamble of zeros, file meta information of its own (PS3.10 7.1), the data set.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    BrokenFile
        If the data set cannot be encoded.

    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = f"RADVIEWER {__version__}"[:16]
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128
    encoded = io.BytesIO()
    try:
        pydicom.dcmwrite(encoded, dataset, enforce_file_format=True)
    except BROKEN as error:
        raise BrokenFile("It is damaged: it cannot be written again.") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        stream.write(encoded.getbuffer())
