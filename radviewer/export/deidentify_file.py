"""One file of a study: read without trusting it, written without anything that is not the copy's own."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
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
from radviewer.export.deidentify_elements import BrokenFile, text_of

BROKEN = (
    *ZIP_ERRORS, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RecursionError,
    struct.error, UnreadableImage, BytesLengthException, InvalidDicomError,
)  # fmt: skip
"""What pydicom raises on hostile bytes."""
IMPLEMENTATION = "2.25.272094170190164193353913349036247640218"
_LARGEST_INFLATED = 1 << 30
_HEAD = 4096
_PIXELS, _UNDEFINED = 0x7FE00010, 0xFFFFFFFF
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
    """Transfer syntax that fits how the data set was read; what the file says of itself may be wrong."""
    implicit, little = dataset.original_encoding
    stated = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if stated is not None and stated.is_transfer_syntax and not stated.is_private:
        if (stated.is_implicit_VR, stated.is_little_endian) == (implicit, little):
            return UID(stated)
        if stated.is_compressed:
            raise ValueError("its transfer syntax does not fit its data")
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
    if not kind or not text_of(dataset, "SOPInstanceUID"):
        raise BrokenFile("It does not say what it is (SOP Class and SOP Instance UID).")


def write(dataset: FileDataset, syntax: UID, target: Path) -> None:
    """Write a new file: a preamble of zeros, file meta information of its own (PS3.10 7.1), the data set.

    pydicom's own writer of files would copy the pixels four times on the way.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    BrokenFile
        If the data set cannot be encoded.

    """
    try:
        parts = [bytes(128), b"DICM", _meta(dataset, syntax), *_body(dataset, syntax)]
    except BROKEN as error:
        raise BrokenFile("It is damaged: it cannot be written again.") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb", buffering=0) as stream:
        for part in parts:
            _write_all(stream, part)


def _write_all(stream: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def _meta(dataset: FileDataset, syntax: UID) -> bytes:
    """File meta information (PS3.10 Table 7.1-1), explicit little endian whatever the data set is."""
    elements = (
        (0x0002, b"UI", text_of(dataset, "SOPClassUID")),
        (0x0003, b"UI", text_of(dataset, "SOPInstanceUID")),
        (0x0010, b"UI", syntax),
        (0x0012, b"UI", IMPLEMENTATION),
        (0x0013, b"SH", f"RADVIEWER {__version__}"[:16]),
    )
    encoded = struct.pack("<HH2sxxI2s", 2, 1, b"OB", 2, b"\0\1")
    for element, vr, text in elements:
        value = text.encode("ascii") + (b" " if vr == b"SH" else b"\0") * (len(text) % 2)
        encoded += struct.pack("<HH2sH", 2, element, vr, len(value)) + value
    return struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(encoded)) + encoded


def _body(dataset: FileDataset, syntax: UID) -> Iterator[bytes]:
    """Encoded data set; pixels at its end stay the bytes that were read."""
    pixels = _last_pixels(dataset, syntax)
    if pixels is not None:
        del dataset[_PIXELS]
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    write_dataset(encoded, dataset)
    if syntax.is_deflated:  # PS3.5 A.5
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        deflated = deflater.compress(encoded.getvalue()) + deflater.flush()
        yield deflated + bytes(len(deflated) % 2)
    else:
        yield encoded.getvalue()
    if pixels is not None:
        value, order = pixels.value or b"", "<" if syntax.is_little_endian else ">"
        vr = b"" if syntax.is_implicit_VR else (pixels.VR or "OW").encode() + bytes(2)
        yield struct.pack(f"{order}HH", 0x7FE0, 0x0010) + vr + struct.pack(f"{order}I", len(value) + len(value) % 2)
        yield value
        yield bytes(len(value) % 2)


def _last_pixels(dataset: FileDataset, syntax: UID) -> RawDataElement | None:
    """Pixels that are one value and the last one, which is how every file has them that is not compressed."""
    if max(dataset.keys(), default=0) != _PIXELS or syntax.is_compressed or syntax.is_deflated:
        return None
    pixels = dataset.get_item(_PIXELS)
    plain = isinstance(pixels, RawDataElement) and (syntax.is_implicit_VR or pixels.VR in ("OB", "OW"))
    return pixels if plain and isinstance(pixels, RawDataElement) and pixels.length != _UNDEFINED else None
