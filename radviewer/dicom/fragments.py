"""Where each frame of encapsulated pixel data lies (PS3.5 A.4).

The items themselves are the truth: they are walked, and an offset table is believed only
where it points at one of them.  Tables in the wild are missing, zero, relative to the wrong
byte or of 32 bits in files beyond 4 GiB.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from radviewer.dicom.elements import ByteSource
from radviewer.dicom.pixel_errors import BadPixels

_ITEM = 0xE000FFFE  # read as one little-endian number: group FFFE, element E000
_DELIMITER = 0xE0DDFFFE
_MOST_FRAGMENTS = 2_000_000
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\x0a", b"\x00\x00\x00\x0c")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One item of the pixel data.

    Attributes
    ----------
    item : int
        File offset of the item's tag.
    start, length : int
        File offset and length of its value, never beyond the file's end.

    """

    item: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """All fragments in order, and the basic offset table if there is one.

    Attributes
    ----------
    offsets : tuple of int
        Basic offset table, relative to the first fragment's item tag; may be nonsense.
    cut : bool
        The file ends inside a fragment.

    """

    fragments: tuple[Fragment, ...]
    offsets: tuple[int, ...]
    cut: bool


def walk_fragments(source: ByteSource, start: int, end: int) -> Encapsulated:
    """List the items between the file offsets `start` and `end`.

    Raises
    ------
    BadPixels
        When there is no item at all, or a senseless number of them.

    """
    fragments: list[Fragment] = []
    table: Fragment | None = None
    place, cut = start, False
    while place + 8 <= end:
        tag, length = struct.unpack("<II", source.read(place, 8))
        if tag != _ITEM:
            break
        value = place + 8
        cut = length > end - value
        fragment = Fragment(place, value, min(length, end - value))
        if table is None:
            table = fragment
        else:
            fragments.append(fragment)
        if len(fragments) > _MOST_FRAGMENTS:
            raise BadPixels("its compressed pixel data are split into too many fragments")
        place = value + fragment.length
    if table is None or not fragments:
        raise BadPixels("its compressed pixel data hold no fragment")
    entries = min(table.length, 4 * _MOST_FRAGMENTS) // 4
    offsets = struct.unpack(f"<{entries}I", source.read(table.start, 4 * entries)) if entries else ()
    return Encapsulated(tuple(fragments), offsets, cut)


def frames_of(
    source: ByteSource, found: Encapsulated, frames: int, extended: Sequence[int] = ()
) -> tuple[tuple[Fragment, ...], ...]:
    """Assign the fragments to frames.

    `extended` is the extended offset table (7FE0,0001), relative to the first fragment's
    item tag like the basic one.

    Returns
    -------
    tuple of tuple of Fragment
        At most `frames` of them; fewer when the data end early.

    """
    fragments = found.fragments
    if frames == 1:
        return (fragments,)
    if len(fragments) == frames:
        return tuple((fragment,) for fragment in fragments)
    for offsets in (found.offsets, extended):
        starts = _starts_from(offsets, fragments, frames)
        if starts is not None:
            return _split(fragments, starts)
    if len(fragments) < frames:
        return tuple((fragment,) for fragment in fragments)
    starts = [n for n, fragment in enumerate(fragments) if source.read(fragment.start, 4).startswith(_STARTS)]
    if len(starts) == frames and starts[0] == 0:
        return _split(fragments, starts)
    if len(fragments) % frames == 0:
        return _split(fragments, list(range(0, len(fragments), len(fragments) // frames)))
    return tuple((fragment,) for fragment in fragments[:frames])


def _starts_from(offsets: Sequence[int], fragments: tuple[Fragment, ...], frames: int) -> list[int] | None:
    """Indices of the fragments an offset table points at; None when it cannot be right."""
    if len(offsets) != frames or offsets[0] != 0:
        return None
    first = fragments[0].item
    index_at = {fragment.item - first: n for n, fragment in enumerate(fragments)}
    starts = [index_at.get(offset, -1) for offset in offsets]
    rising = all(a < b for a, b in pairwise(starts))
    return starts if rising and starts[0] == 0 else None


def _split(fragments: tuple[Fragment, ...], starts: list[int]) -> tuple[tuple[Fragment, ...], ...]:
    ends = [*starts[1:], len(fragments)]
    return tuple(fragments[a:b] for a, b in zip(starts, ends, strict=True))


def read_frame(source: ByteSource, parts: tuple[Fragment, ...]) -> bytes:
    """Bytes of one frame, its fragments joined."""
    if len(parts) == 1:
        return source.read(parts[0].start, parts[0].length)
    return b"".join(source.read(part.start, part.length) for part in parts)
