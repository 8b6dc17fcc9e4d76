"""Data elements of one file as rows of text, for the tag browser.

Bounded in depth, number and length, and readable as far as the file is: what a
damaged file still holds is shown, and the last row says where it breaks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from radviewer.dicom import attributes as a
from radviewer.dicom import values
from radviewer.dicom.elements import Span, describe_tag
from radviewer.dicom.headers import BrokenHeader, DataSet, Header, NotDicom, read_header
from radviewer.dicom.sources import bytes_of, errors_of, reason_of
from radviewer.domain.study import FileLocation

MAX_DEPTH = 12
MAX_ROWS = 20_000
MAX_TEXT = 256
_MAX_STEPS = 1_000_000
_MAX_BYTES = 4096  # of one value; more than `MAX_TEXT` characters in any character set

_NUMBERS = frozenset({b"US", b"SS", b"UL", b"SL", b"FL", b"FD", b"UV", b"SV"})
_BYTES = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"})


@dataclass(frozen=True, slots=True)
class TagRow:
    """One line of the tag browser.

    Attributes
    ----------
    depth : int
        0 for the data set itself, 1 inside a sequence's item, …
    tag : str
        ``(0010,0020)``, or "" for an item of a sequence or a remark.
    keyword : str
        ``PatientID``; for private elements the name in brackets if it is known, or "".
    vr : str
    value : str
        At most `MAX_TEXT` characters, without control characters.

    """

    depth: int
    tag: str
    keyword: str
    vr: str
    value: str


def read_tags(location: FileLocation, frame: int | None = None) -> tuple[TagRow, ...]:
    """Rows of all elements before the pixel data, group 0002 included.

    Parameters
    ----------
    location : FileLocation
        The file; it need not be an image.
    frame : int, optional
        0-based; of PerFrameFunctionalGroupsSequence only this frame's item is shown.

    """
    try:
        with bytes_of(location) as source:
            header = read_header(source, None, _MAX_BYTES, _MAX_STEPS)
            rows = [*_meta_rows(header)]
            for row in _rows(header, 0, frame):
                if len(rows) >= MAX_ROWS:
                    rows.append(_remark(f"Only the first {MAX_ROWS:,} lines are shown."))
                    break
                rows.append(row)
            if header.found.problem:
                rows.append(_remark(f"The header is damaged from here on: {header.found.problem}."))
            return tuple(rows)
    except NotDicom:
        return (_remark("This is not a DICOM file."),)
    except BrokenHeader as error:
        return (_remark(f"The header cannot be read: {error}."),)
    except errors_of(location) as error:
        return (_remark(f"The file cannot be read: {reason_of(error)}."),)


def _remark(text: str) -> TagRow:
    return TagRow(0, "", "", "", text)


def _meta_rows(header: Header) -> Iterator[TagRow]:
    for tag, (vr, raw) in sorted(header.meta.items()):
        yield TagRow(
            0, describe_tag(tag), _keyword(tag, ""), vr.decode("latin_1"), _text(tag, vr, raw, len(raw), header)
        )


def _rows(data: DataSet, depth: int, frame: int | None) -> Iterator[TagRow]:
    """Rows of one data set or item, sequences below their own row."""
    found = data.found
    creators = {tag: data.text(tag) for tag in found.values if _is_creator(tag)}
    for tag in sorted(found.values.keys() | found.spans.keys()):
        written, raw = found.values.get(tag, (b"", b""))
        span = found.spans.get(tag)
        vr = _vr_of(tag, written, span)
        keyword = _keyword(tag, creators.get(tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8, ""))
        length = span.end - span.start if span else len(raw)
        if vr == b"SQ" and span is not None:
            yield TagRow(depth, describe_tag(tag), keyword, "SQ", "")
            yield from _items(data, tag, depth, frame)
        else:
            value = _text(tag, vr, raw, length, data)
            yield TagRow(depth, describe_tag(tag), keyword, vr.decode("latin_1"), value)
    if found.pixels is not None:
        tag, place = found.pixels
        size = "compressed" if place.undefined else f"{place.end - place.start:,} bytes"
        yield TagRow(depth, describe_tag(tag), _keyword(tag, ""), place.vr.decode("latin_1"), f"({size})")


def _items(data: DataSet, tag: int, depth: int, frame: int | None) -> Iterator[TagRow]:
    if depth >= MAX_DEPTH:
        yield TagRow(depth + 1, "", "", "", "(nested too deeply to be shown)")
        return
    only = frame if tag == a.PER_FRAME_FUNCTIONAL_GROUPS else None
    for number, item in enumerate(data.items(tag)):
        if only is None or number == only:
            yield TagRow(depth + 1, "", "", "", f"Item {number + 1}")
            yield from _rows(item, depth + 1, frame)
            if item.found.problem:
                yield TagRow(depth + 1, "", "", "", f"(damaged: {item.found.problem})")


def _is_creator(tag: int) -> bool:
    return bool(tag >> 16 & 1) and 0x10 <= tag & 0xFFFF <= 0xFF


def _vr_of(tag: int, written: bytes, span: Span | None) -> bytes:
    """VR as written, or from the dictionary."""
    if span is not None and (span.undefined or span.vr == b"SQ"):
        return b"SQ"
    if written not in (b"", b"UN"):
        return written
    from pydicom.datadict import dictionary_VR  # slow to import: only the tag browser needs it

    try:
        return dictionary_VR(tag).split()[0].encode()
    except KeyError:
        return written or b"UN"


def _keyword(tag: int, creator: str) -> str:
    from pydicom.datadict import keyword_for_tag, private_dictionary_description

    if tag >> 16 & 1:
        if _is_creator(tag):
            return "PrivateCreator"
        try:
            return f"[{private_dictionary_description(tag, creator)}]" if creator else ""
        except KeyError:
            return ""
    return keyword_for_tag(tag)


def _text(tag: int, vr: bytes, raw: bytes, length: int, data: DataSet) -> str:
    """A value as one line of at most `MAX_TEXT` characters."""
    if vr in _NUMBERS:
        shown = "\\".join("nan" if v is None else f"{v:.10g}" for v in _numbers(tag, vr, raw, data)[:64])
    elif vr == b"AT":
        order = ">" if data.encoding.big_endian else "<"
        pairs = struct.iter_unpack(f"{order}HH", raw[: len(raw) // 4 * 4])
        shown = "\\".join(describe_tag(group << 16 | element) for group, element in pairs)
    elif vr in _BYTES and not _is_readable(raw):
        shown = f"({length:,} bytes)"
    else:
        shown = values.text(raw, data.charset)
    clean = "".join(c if c.isprintable() else " " for c in shown)
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


def _numbers(tag: int, vr: bytes, raw: bytes, data: DataSet) -> tuple[float | None, ...]:
    return values.numbers(tag, vr, raw, big_endian=data.encoding.big_endian)


def _is_readable(raw: bytes) -> bool:
    """Whether bytes of unknown meaning are text, as private elements often are."""
    return bool(raw) and len(raw) <= MAX_TEXT and all(32 <= byte < 127 for byte in raw.rstrip(b"\0 "))
