"""What a file is: an image, another DICOM object, or something else, and the true reason."""

from __future__ import annotations

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import ByteSource
from radviewer.dicom.headers import CHARSET, BrokenHeader, DataSet, Header, NotDicom, read_header
from radviewer.dicom.images import describe
from radviewer.dicom.pixels_fit import VIDEO, Refused
from radviewer.dicom.records import ImageRecord
from radviewer.dicom.wanted import WANTED
from radviewer.domain.study import FileLocation, NotAnImage, Skipped

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_MAX_VALUE = 1 << 14  # bytes: nothing a scan needs is longer
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NOT_IMAGES = tuple(
    _STORAGE + root
    for root in (
        "9.",  # waveforms
        "11.",  # presentation states
        "66",  # raw data, registration, fiducials, segmentations, surfaces, tractography
        "67",  # real world value mapping
        "68.",  # surface scans
        "78.",  # ophthalmic measurements
        "79.",
        "80.",
        "88.",  # structured reports, key object selection
        "90.",
        "104.",  # encapsulated documents
        "481.",  # radiotherapy: dose, structures, plans; RT Image (481.1) is an image
    )
)
_RT_IMAGE = _STORAGE + "481.1"

MAGICS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"{", "text"),
    (b"<", "text (XML or HTML)"),
)


def recognise(
    source: ByteSource, location: FileLocation, version: tuple[int, int] | None = None
) -> ImageRecord | NotAnImage | Skipped:
    """Read one file's header and say what it is; never raises for bad content."""
    try:
        header = read_header(source, WANTED, _MAX_VALUE)
    except NotDicom:
        return Skipped(location, _not_dicom(source))
    except BrokenHeader as error:
        return Skipped(location, f"The header cannot be read: {error}.")
    sop_class = header.uid(a.SOP_CLASS_UID) or header.meta_uid(a.MEDIA_STORAGE_SOP_CLASS_UID)
    if not _means_something(header, sop_class):
        if header.preamble:
            damage = header.found.problem or "nothing that radviewer knows follows its preamble"
            return Skipped(location, f"It is a DICOM file whose header is damaged: {damage}.")
        return Skipped(location, _not_dicom(source))
    if _is_not_image(sop_class):
        return _not_an_image(header, location, sop_class)
    if header.found.pixels is None:
        return _without_pixels(header, location, sop_class)
    if header.transfer_syntax in VIDEO:
        kind = VIDEO[header.transfer_syntax]
        return Skipped(location, f"It is a {kind} video, which radviewer does not play.")
    try:
        return describe(header, location, version)
    except Refused as error:
        return Skipped(location, f"The image cannot be shown: {error}.")


def _means_something(header: Header, sop_class: str) -> bool:
    """Whether this is a DICOM data set: a preamble with meta information, or elements that say so."""
    found = header.found
    return bool(header.meta or sop_class or found.pixels or set(found.values) - {CHARSET})


def _is_not_image(sop_class: str) -> bool:
    return sop_class == MEDIA_STORAGE_DIRECTORY or (sop_class != _RT_IMAGE and sop_class.startswith(_NOT_IMAGES))


def _not_an_image(header: DataSet, location: FileLocation, sop_class: str) -> NotAnImage:
    return NotAnImage(
        location=location,
        sop_class_uid=sop_class,
        sop_class=sop_class_name(sop_class),
        study_uid=header.uid(a.STUDY_INSTANCE_UID) or None,
        series_uid=header.uid(a.SERIES_INSTANCE_UID) or None,
        modality=header.text(a.MODALITY) or None,
        description=header.text(a.SERIES_DESCRIPTION) or None,
        sop_instance_uid=header.uid(a.SOP_INSTANCE_UID),
    )


def _without_pixels(header: Header, location: FileLocation, sop_class: str) -> NotAnImage | Skipped:
    if header.found.problem:
        return Skipped(location, f"The header is damaged: {header.found.problem}.")
    if not sop_class:
        return Skipped(location, "It is DICOM but names no SOP Class and holds no pixel data.")
    name = sop_class_name(sop_class)
    if "Image Storage" in name:
        return Skipped(location, f"It names the class {name} but holds no pixel data.")
    return _not_an_image(header, location, sop_class)


def _not_dicom(source: ByteSource) -> str:
    """Name what the file is instead, as far as its first bytes tell."""
    start = source.read(0, 512)
    if not start:
        return "The file is empty (0 bytes)."
    for magic, kind in MAGICS:
        if start.startswith(magic):
            return f"It is not a DICOM file but {kind}."
    if b"\0" not in start and _is_text(start):
        return "It is not a DICOM file but text."
    return "It is not a DICOM file: it has no preamble and does not begin with data elements."


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4
    return True


def sop_class_name(uid: str) -> str:
    """A SOP Class in words, or the UID itself when it is not in the dictionary."""
    from pydicom import config  # slow to import, and needed only for what is not an image
    from pydicom.uid import UID

    return str(UID(uid, validation_mode=config.IGNORE).name) or uid
