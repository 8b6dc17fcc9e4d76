"""One file's header: preamble, file meta information, encoding, wanted elements.

Tolerates what is common in the wild: no preamble, no file meta information, a
transfer syntax that does not tell the truth (PS3.10 section 7, PS3.5 section 10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from radviewer.dicom import values
from radviewer.dicom.deflated import InflatedBytes
from radviewer.dicom.elements import (
    LONG_VRS,
    MAX_STEPS,
    MAX_VALUE,
    SHORT_VRS,
    ByteSource,
    Elements,
    Encoding,
    Value,
)
from radviewer.dicom.walker import Walker

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
UNCOMPRESSED = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})

CHARSET = 0x00080005
_FIRST_READ = 1 << 14  # most headers are shorter
_LONGEST_META = 1 << 24
_META = Encoding(implicit=False, big_endian=False)
_META_WANTED = frozenset({0x00020002, 0x00020003, 0x00020010})
_GROUPS_AT_START = frozenset({0x0002, 0x0004, 0x0008, 0x0009, 0x0010, 0x0018, 0x0020, 0x0028})


class NotDicom(Exception):
    """The file is not a DICOM file."""


class BrokenHeader(Exception):
    """The file is DICOM but its header cannot be read; the message says why."""


@dataclass(slots=True)
class DataSet:
    """Wanted elements of a data set or of a sequence item, read on demand.

    None of the accessors raises: what is absent or nonsense is None or empty.
    """

    walker: Walker
    encoding: Encoding
    found: Elements
    charset: bytes = b""

    def raw(self, tag: int) -> bytes | None:
        """Bytes of a value as they are in the file."""
        value = self.found.values.get(tag)
        return None if value is None else value[1]

    def has(self, tag: int) -> bool:
        """Whether the element is there, with or without a value."""
        return tag in self.found.values or tag in self.found.spans

    def numbers(self, tag: int) -> tuple[float | None, ...]:
        """All values as finite numbers, None for those that are not."""
        value = self.found.values.get(tag)
        if value is None:
            return ()
        return values.numbers(tag, value[0], value[1], big_endian=self.encoding.big_endian)

    def number(self, tag: int) -> float | None:
        """First value as a finite number."""
        found = self.numbers(tag)
        return found[0] if found else None

    def integer(self, tag: int) -> int | None:
        """First value as an integer; None if it is not one."""
        return values.whole(self.number(tag))

    def vector(self, tag: int, length: int) -> tuple[float, ...] | None:
        """Exactly `length` finite numbers, or None."""
        found = self.numbers(tag)
        if len(found) < length:
            return None
        vector = tuple(v for v in found[:length] if v is not None)
        return vector if len(vector) == length else None

    def text(self, tag: int) -> str:
        """The whole value as text, "" when absent."""
        raw = self.raw(tag)
        return values.text(raw, self.charset) if raw else ""

    def texts(self, tag: int) -> tuple[str, ...]:
        """Each value as text."""
        raw = self.raw(tag)
        return values.texts(raw, self.charset) if raw else ()

    def uid(self, tag: int) -> str:
        """A UID, "" when absent."""
        raw = self.raw(tag)
        return values.uid(raw) if raw else ""

    def items(self, tag: int, wanted: frozenset[int] | None = None) -> Iterator[DataSet]:
        """Items of a sequence, in order; ends where the sequence is broken."""
        span = self.found.spans.get(tag)
        if span is None:
            return
        for start, end, encoding in self.walker.items(span, self.encoding):
            found = self.walker.elements(start, end, encoding, wanted)
            yield DataSet(self.walker, encoding, found, self.charset)

    def first_item(self, tag: int, wanted: frozenset[int] | None = None) -> DataSet | None:
        """First item of a sequence."""
        return next(self.items(tag, wanted), None)


@dataclass(slots=True)
class Header(DataSet):
    """Header of one file.

    Attributes
    ----------
    transfer_syntax : str
        UID that fits the data: guessed when the file does not name it.
    size : int
        Bytes of the file, or of the inflated data set.
    deflated : bool
        The offsets refer to the inflated data set, not to the file.
    preamble : bool
        Whether the file says that it is DICOM.
    meta : dict
        Elements of group 0002.

    """

    transfer_syntax: str = ""
    size: int = 0
    deflated: bool = False
    preamble: bool = False
    meta: dict[int, Value] = field(default_factory=dict)

    def meta_uid(self, tag: int) -> str:
        """A UID of group 0002, "" when absent."""
        return values.uid(self.meta[tag][1]) if tag in self.meta else ""


def read_header(
    source: ByteSource, wanted: frozenset[int] | None, max_value: int = MAX_VALUE, max_steps: int = MAX_STEPS
) -> Header:
    """Read the header of one file up to its pixel data.

    Parameters
    ----------
    source : ByteSource
        The file.
    wanted : frozenset of int or None
        Tags to collect; None collects all of them.
    max_value : int
        Bytes to keep of one value.
    max_steps : int
        Elements to look at before giving up.

    Raises
    ------
    NotDicom, BrokenHeader

    """
    start = source.read(0, _FIRST_READ)
    if not start:
        raise NotDicom
    where = _dataset_start(start)
    meta, begin = _read_meta(source, start, where)
    syntax = values.uid(meta[0x00020010][1]) if 0x00020010 in meta else ""
    deflated = syntax == DEFLATED
    if deflated:
        source, begin = InflatedBytes(source, begin), 0
        start = source.read(0, 64)
    encoding = _encoding_at(source.read(begin, 8) if begin + 8 > len(start) else start[begin : begin + 8], syntax)
    walker = Walker(source, max_steps, max_value)
    found = walker.elements(begin, source.size, encoding, wanted, start)
    charset = found.values.get(CHARSET, (b"", b""))[1]
    return Header(
        walker,
        encoding,
        found,
        charset,
        transfer_syntax=_true_syntax(syntax, encoding),
        size=source.size,
        deflated=deflated,
        preamble=where > 0,
        meta=meta,
    )


def _dataset_start(start: bytes) -> int:
    """Offset of the first element: behind the preamble, or 0 for a file that has none."""
    if start[128:132] == b"DICM":
        return 132
    if start[:4] == b"DICM":
        return 4
    if _plausible(start):
        return 0
    raise NotDicom


def _plausible(start: bytes) -> bool:
    """Whether the bytes could be a data set without a preamble (PS3.5 7.1)."""
    if len(start) < 8:
        return False
    for order in ("little", "big"):
        group = int.from_bytes(start[:2], order)
        element = int.from_bytes(start[2:4], order)
        if group not in _GROUPS_AT_START or element > 0x2000:
            continue
        vr = start[4:6]
        if vr in SHORT_VRS or vr in LONG_VRS:
            return True
        if order == "little" and int.from_bytes(start[4:8], "little") < 1 << 16:
            return True
    return False


def _read_meta(source: ByteSource, start: bytes, where: int) -> tuple[dict[int, Value], int]:
    """Elements of group 0002 and the offset behind them; the group length is not trusted."""
    meta: dict[int, Value] = {}
    pos = where
    while True:
        start = _at_least(source, start, pos + 12)
        if start[pos : pos + 2] != b"\x02\x00" or len(start) < pos + 8:
            return meta, pos
        vr = start[pos + 4 : pos + 6]
        if vr in LONG_VRS:
            value, length = pos + 12, int.from_bytes(start[pos + 8 : pos + 12], "little")
        elif vr in SHORT_VRS:
            value, length = pos + 8, int.from_bytes(start[pos + 6 : pos + 8], "little")
        else:  # written implicitly, against PS3.10 7.1
            value, length = pos + 8, int.from_bytes(start[pos + 4 : pos + 8], "little")
        start = _at_least(source, start, value + length)
        if value + length > len(start):
            raise BrokenHeader("its file meta information is cut off")
        tag = 0x00020000 | int.from_bytes(start[pos + 2 : pos + 4], "little")
        meta[tag] = (vr, start[value : value + length])
        pos = value + length


def _at_least(source: ByteSource, start: bytes, length: int) -> bytes:
    """The first `length` bytes or more, as far as there are any and they are not absurdly many."""
    if length <= len(start):
        return start
    wanted = min(source.size, max(length, 2 * len(start)), _LONGEST_META)  # doubled: not again for every element
    return source.read(0, wanted) if wanted > len(start) else start


def _encoding_at(head: bytes, syntax: str) -> Encoding:
    """Encoding of the element at `head`; what the bytes show wins over what the file claims."""
    looks_explicit = head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS
    if len(head) < 8:
        return Encoding(implicit=syntax == IMPLICIT_LITTLE, big_endian=syntax == EXPLICIT_BIG)
    low, high = head[0], head[1]
    big = low == 0 and high != 0  # all groups at the start of a data set are below 0x0100
    return Encoding(implicit=not looks_explicit, big_endian=big)


def _true_syntax(syntax: str, encoding: Encoding) -> str:
    """Transfer syntax UID that agrees with the encoding found."""
    if syntax and syntax not in UNCOMPRESSED:
        return syntax
    if syntax == DEFLATED:
        return syntax
    if encoding.big_endian:
        return EXPLICIT_BIG
    return IMPLICIT_LITTLE if encoding.implicit else EXPLICIT_LITTLE
