"""Data elements as they lie in a file: tag, VR, length, value (PS3.5 section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple, Protocol

UNDEFINED = 0xFFFFFFFF
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""FloatPixelData, DoubleFloatPixelData, PixelData."""

LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UC", b"UR", b"UT", b"SV", b"UV"})
SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"}
    | {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)

MAX_STEPS = 4_000_000  # elements and items looked at in one file: about two seconds
MAX_VALUE = 1 << 20  # bytes kept of one value that is not a sequence
MAX_SEQUENCE = 256 << 20  # bytes of one sequence that is read
_CHUNK = 1 << 16

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class ByteSource(Protocol):
    """Random access to the bytes of one file."""

    @property
    def size(self) -> int:
        """Bytes in the file."""

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`, fewer at the end."""


class MemoryBytes:
    """Bytes already in memory: a sequence's content, an inflated data set."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        return self._data[offset : offset + length]


class Encoding(NamedTuple):
    """How elements are written."""

    implicit: bool
    big_endian: bool


class Span(NamedTuple):
    """Where the content of a sequence or of the pixel data lies."""

    vr: bytes
    start: int
    end: int
    undefined: bool


Value = tuple[bytes, bytes]
"""VR as written (``b""`` when implicit) and the value's bytes."""


@dataclass(slots=True)
class Elements:
    """What one pass over a data set found.

    Attributes
    ----------
    values : dict
        Tag → VR and bytes (at most `MAX_VALUE`) of the wanted elements.
    spans : dict
        Tag → place of wanted sequences.
    pixels : tuple or None
        Tag and place of the pixel data; `Span.end` never exceeds the file.
    claimed : int
        Length the pixel data element claims, before it was cut to the file's end.
    problem : str
        Why the pass ended early, or "".

    """

    values: dict[int, Value] = field(default_factory=dict)
    spans: dict[int, Span] = field(default_factory=dict)
    pixels: tuple[int, Span] | None = None
    claimed: int = 0
    problem: str = ""


class _Codec(NamedTuple):
    head: Struct
    tag: Struct
    long: Struct


LITTLE = _Codec(Struct("<HH2sH"), Struct("<HHI"), Struct("<I"))
BIG = _Codec(Struct(">HH2sH"), Struct(">HHI"), Struct(">I"))


def describe_tag(tag: int) -> str:
    """Return a tag the way DICOM prints it: ``(7FE0,0010)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


class ElementHeader(NamedTuple):
    """Tag, VR and length of one element, and the offset of its value."""

    tag: int
    vr: bytes
    length: int
    value: int


class Window:
    """A part of the file in memory that follows the reading position."""

    __slots__ = ("_source", "base", "buffer", "end")

    def __init__(self, source: ByteSource, end: int, base: int = 0, buffer: bytes = b"") -> None:
        self._source = source
        self.end = end
        self.base = base
        self.buffer = buffer

    def at(self, pos: int, need: int) -> int:
        """Index of file offset `pos` in `buffer`, with `need` bytes there if the file has them."""
        index = pos - self.base
        if index >= 0 and index + need <= len(self.buffer):
            return index
        self.buffer = self._source.read(pos, min(_CHUNK, max(0, self.end - pos)))
        self.base = pos
        return 0

    def bytes(self, start: int, length: int) -> bytes:
        """Bytes of the file, from memory where possible."""
        index = start - self.base
        if index >= 0 and index + length <= len(self.buffer):
            return self.buffer[index : index + length]
        return self._source.read(start, max(0, min(length, self.end - start)))


def read_element_header(window: Window, pos: int, encoding: Encoding) -> ElementHeader | None:
    """Read tag, VR and length at `pos`; None when the data end there."""
    at = window.at(pos, 12)
    buffer = window.buffer
    if len(buffer) - at < 8:
        return None
    codec = BIG if encoding.big_endian else LITTLE
    group, element, vr, length = codec.head.unpack_from(buffer, at)
    tag = group << 16 | element
    if encoding.implicit or group == 0xFFFE:
        return ElementHeader(tag, b"", codec.long.unpack_from(buffer, at + 4)[0], pos + 8)
    if vr in SHORT_VRS:
        return ElementHeader(tag, vr, length, pos + 8)
    if vr in LONG_VRS or (vr.isalpha() and vr.isupper()):
        # PS3.5 6.2: VRs of the future have a 32-bit length
        if len(buffer) - at < 12:
            return None
        return ElementHeader(tag, vr, codec.long.unpack_from(buffer, at + 8)[0], pos + 12)
    # an element written implicitly among explicit ones
    return ElementHeader(tag, b"", codec.long.unpack_from(buffer, at + 4)[0], pos + 8)
