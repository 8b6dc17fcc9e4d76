"""One bounded pass over a data set or a sequence item.

Only the top level is looked at, without recursion: a sequence nested 10,000 deep
costs a counter, not a stack.  Every length is checked against what the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from radviewer.dicom.elements import (
    BIG,
    ITEM,
    ITEM_END,
    LITTLE,
    MAX_SEQUENCE,
    MAX_STEPS,
    MAX_VALUE,
    PIXEL_TAGS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    ByteSource,
    ElementHeader,
    Elements,
    Encoding,
    Span,
    Window,
    describe_tag,
    read_element_header,
)

_SHORT = 1 << 16  # no explicit element of the ordinary kind is longer


class _Cut(Exception):
    """The data end, or the limits are reached, inside a sequence."""


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
        window = Window(self.source, end, 0, beginning)
        try:
            self._collect(found, window, start, encoding, wanted)
        except _Cut as cut:
            found.problem = str(cut)
        return found

    def _collect(
        self, found: Elements, window: Window, pos: int, encoding: Encoding, wanted: frozenset[int] | None
    ) -> None:
        end, steps = window.end, self.steps
        values, spans = found.values, found.spans
        implicit = encoding.implicit
        codec = BIG if encoding.big_endian else LITTLE
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
            head = read_element_header(window, pos, encoding)
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
        self, found: Elements, window: Window, head: ElementHeader, encoding: Encoding, wanted: frozenset[int] | None
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

    def _skip_undefined(self, window: Window, pos: int, encoding: Encoding, vr: bytes) -> tuple[int, int]:
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
            head = read_element_header(window, pos, levels[-1])
            if head is None:
                raise _Cut("it ends in the middle of a sequence")
            start, pos = pos, head.value
            if head.tag in (SEQUENCE_END, ITEM_END):
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
        window = Window(self.source, span.end)
        pos = span.start
        while pos + 8 <= span.end:
            head = read_element_header(window, pos, encoding)
            if head is None or head.tag != ITEM:
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


def _locate_pixels(found: Elements, head: ElementHeader, end: int) -> None:
    undefined = head.length == UNDEFINED
    found.claimed = 0 if undefined else head.length
    stop = end if undefined else min(end, head.value + head.length)
    found.pixels = (head.tag, Span(head.vr, head.value, stop, undefined))


def _too_long(tag: int, length: int, left: int) -> str:
    return f"the element {describe_tag(tag)} claims {length:,} bytes but the file has only {max(0, left):,} left"
