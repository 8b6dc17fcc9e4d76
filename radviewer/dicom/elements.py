"""Walks over the data elements of a DICOM data set without trusting it.

Only the top level of a data set (or of one sequence item) is looked at, in one
pass and without recursion: a sequence nested 10,000 deep costs a counter, not a
stack.  Every length is checked against what the file holds (PS3.5 section 7).
"""

from __future__ import annotations

from collections.abc import Iterator
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
_SHORT = 1 << 16  # no explicit element of the ordinary kind is longer

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


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


_LITTLE = _Codec(Struct("<HH2sH"), Struct("<HHI"), Struct("<I"))
_BIG = _Codec(Struct(">HH2sH"), Struct(">HHI"), Struct(">I"))


def describe_tag(tag: int) -> str:
    """Return a tag the way DICOM prints it: ``(7FE0,0010)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


class _Cut(Exception):
    """The data end, or the limits are reached, inside a sequence."""


class _Header(NamedTuple):
    tag: int
    vr: bytes
    length: int
    value: int


class _Window:
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


def _element_header(window: _Window, pos: int, encoding: Encoding) -> _Header | None:
    """Read tag, VR and length at `pos`; None when the data end there."""
    at = window.at(pos, 12)
    buffer = window.buffer
    if len(buffer) - at < 8:
        return None
    codec = _BIG if encoding.big_endian else _LITTLE
    group, element, vr, length = codec.head.unpack_from(buffer, at)
    tag = group << 16 | element
    if encoding.implicit or group == 0xFFFE:
        return _Header(tag, b"", codec.long.unpack_from(buffer, at + 4)[0], pos + 8)
    if vr in SHORT_VRS:
        return _Header(tag, vr, length, pos + 8)
    if vr in LONG_VRS or (vr.isalpha() and vr.isupper()):
        # PS3.5 6.2: VRs of the future have a 32-bit length
        if len(buffer) - at < 12:
            return None
        return _Header(tag, vr, codec.long.unpack_from(buffer, at + 8)[0], pos + 12)
    # an element written implicitly among explicit ones
    return _Header(tag, b"", codec.long.unpack_from(buffer, at + 4)[0], pos + 8)


class Walker:
    """One bounded pass; counts its steps over all the sequences it skips or reads.

    Parameters
    ----------
    source : ByteSource
    max_steps : int
        Elements and items to look at before giving up.
    max_value : int
        Bytes to keep of one value that is not a sequence.

    """

    def __init__(self, source: ByteSource, max_steps: int = MAX_STEPS, max_value: int = MAX_VALUE) -> None:
        self.source = source
        self.steps = max_steps
        self.max_value = max_value

    def elements(
        self, start: int, end: int, encoding: Encoding, wanted: frozenset[int] | None, beginning: bytes = b""
    ) -> Elements:
        """Collect the `wanted` elements (None: all) between `start` and `end`.

        Stops at the pixel data, which are located but never read.  `beginning` is
        what has already been read of the file, from its first byte.
        """
        found = Elements()
        window = _Window(self.source, end, 0, beginning)
        try:
            self._collect(found, window, start, encoding, wanted)
        except _Cut as cut:
            found.problem = str(cut)
        return found

    def _collect(
        self, found: Elements, window: _Window, pos: int, encoding: Encoding, wanted: frozenset[int] | None
    ) -> None:
        end, steps = window.end, self.steps
        values, spans = found.values, found.spans
        implicit = encoding.implicit
        codec = _BIG if encoding.big_endian else _LITTLE
        explicit_head, implicit_head = codec.head.unpack_from, codec.tag.unpack_from
        while pos + 8 <= end and steps > 0:
            steps -= 1
            at = pos - window.base
            buffer = window.buffer
            # the ordinary element, spelled out: this loop is most of a scan's time
            if 0 <= at <= len(buffer) - 8:
                if implicit:
                    group, element, length = implicit_head(buffer, at)
                    vr, ordinary = b"", length < _SHORT
                else:
                    group, element, vr, length = explicit_head(buffer, at)
                    ordinary = vr in SHORT_VRS
                if ordinary and group < 0x7FE0:
                    tag = group << 16 | element
                    value = pos + 8
                    pos = value + length
                    if pos > end:
                        raise _Cut(_too_long(tag, length, end - value))
                    if wanted is None or tag in wanted:
                        at += 8
                        inside = at + length <= len(buffer)
                        values[tag] = (vr, buffer[at : at + length] if inside else window.bytes(value, length))
                        if implicit:  # may be a sequence
                            spans[tag] = Span(vr, value, pos, undefined=False)
                    continue
            head = _element_header(window, pos, encoding)
            if head is None:
                raise _Cut("it ends in the middle of a data element")
            if head.tag in PIXEL_TAGS:
                _locate_pixels(found, head, end)
                break
            self.steps = steps
            pos = self._long_element(found, window, head, encoding, wanted)
            steps = self.steps
        self.steps = steps
        if steps <= 0:
            raise _Cut("it has more data elements than radviewer reads from one file")

    def _long_element(
        self, found: Elements, window: _Window, head: _Header, encoding: Encoding, wanted: frozenset[int] | None
    ) -> int:
        """Collect one element that is not of the ordinary kind; return where the next one starts."""
        tag, vr, length, value = head
        if tag >> 16 == 0xFFFE:  # a delimiter that belongs to nothing
            return value
        if length == UNDEFINED:
            stop, following = self._skip_undefined(window, value, encoding, vr)
        else:
            stop = following = value + length
            if stop > window.end:
                raise _Cut(_too_long(tag, length, window.end - value))
        if wanted is None or tag in wanted:
            if length == UNDEFINED or vr == b"SQ":
                found.spans[tag] = Span(vr, value, stop, length == UNDEFINED)
            else:
                found.values[tag] = (vr, window.bytes(value, min(length, self.max_value)))
                if not vr or vr == b"UN" or length > self.max_value:  # may be a sequence, or is kept only in part
                    found.spans[tag] = Span(vr, value, stop, undefined=False)
        return following

    def _skip_undefined(self, window: _Window, pos: int, encoding: Encoding, vr: bytes) -> tuple[int, int]:
        """Find the end of a value of undefined length: ``(end of content, start of the next element)``.

        Sequences and items of undefined length may nest; `levels` remembers for
        each open one whether its elements are implicit (PS3.5 6.2.2: UN is).
        """
        inner = Encoding(implicit=True, big_endian=False) if vr == b"UN" else encoding
        levels = [inner]
        while levels:
            self.steps -= 1
            if self.steps < 0:
                raise _Cut("it has more data elements than radviewer reads from one file")
            head = _element_header(window, pos, levels[-1])
            if head is None:
                raise _Cut("it ends in the middle of a sequence")
            start, pos = pos, head.value
            if head.tag in (_SEQUENCE_END, _ITEM_END):
                levels.pop()
                if not levels:
                    return start, pos
            elif head.length == UNDEFINED:
                as_un = head.vr == b"UN"
                levels.append(Encoding(implicit=True, big_endian=False) if as_un else levels[-1])
            else:
                pos += head.length
            if pos > window.end:
                raise _Cut(_too_long(head.tag, head.length, window.end - head.value))
        raise AssertionError("the loop returns")

    def items(self, span: Span, encoding: Encoding) -> Iterator[tuple[int, int, Encoding]]:
        """Yield ``(start, end, encoding)`` of each item of a sequence.

        Stops silently where the sequence is broken.
        """
        if span.end - span.start > MAX_SEQUENCE:
            return
        if span.vr == b"UN":
            encoding = Encoding(implicit=True, big_endian=False)
        window = _Window(self.source, span.end)
        pos = span.start
        while pos + 8 <= span.end:
            head = _element_header(window, pos, encoding)
            if head is None or head.tag != _ITEM:
                return
            if head.length != UNDEFINED:
                stop = following = head.value + head.length
            else:
                try:
                    stop, following = self._skip_undefined(window, head.value, encoding, b"")
                except _Cut:
                    return
            if stop > span.end:
                return
            yield head.value, stop, encoding
            pos = following


def _locate_pixels(found: Elements, head: _Header, end: int) -> None:
    undefined = head.length == UNDEFINED
    found.claimed = 0 if undefined else head.length
    stop = end if undefined else min(end, head.value + head.length)
    found.pixels = (head.tag, Span(head.vr, head.value, stop, undefined))


def _too_long(tag: int, length: int, left: int) -> str:
    return f"the element {describe_tag(tag)} claims {length:,} bytes but the file has only {max(0, left):,} left"
