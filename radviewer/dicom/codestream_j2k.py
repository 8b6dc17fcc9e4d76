"""Headers of JPEG 2000 and HTJ2K codestreams (ISO 15444-1 A.5, 15444-15)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from radviewer.dicom.codestream import Codec, ColourTransform, StreamHeader
from radviewer.dicom.pixel_errors import BadPixels

_SOC, _SIZ, _COD, _COC, _POC = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF5F
_SOT, _SOD, _EOC = 0xFF90, 0xFF93, 0xFFD9
_MOST_SEGMENTS = 20_000
_MOST_TILES = 4096
_MOST_LAYERS = 64
_SMALLEST_BLOCK = 64
"""Pixels of the smallest code block or precinct that is decoded without suspicion (8 × 8)."""


def unwrap(data: bytes) -> bytes:
    """Return the codestream inside a JP2 file wrapper, or `data` itself.

    DICOM wants the bare codestream (PS3.5 A.4.4); some writers store the whole file.

    Raises
    ------
    BadPixels
        When there is a wrapper without a codestream.

    """
    if data[4:8] != b"jP  ":
        return data
    place = 0
    while place + 16 <= len(data):
        length, kind, long_length = struct.unpack_from(">I4sQ", data, place)
        header = 16 if length == 1 else 8
        if kind == b"jp2c":
            return data[place + header :]
        length = long_length if length == 1 else length
        if length < header:
            break
        place += length
    raise BadPixels("its JP2 wrapper holds no codestream")


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield ``(marker, body)`` of the main header and of every tile-part header."""
    place, tile_part_end = 2, 0
    for _ in range(_MOST_SEGMENTS):
        if place + 4 > len(data):
            return
        marker, length = struct.unpack_from(">HH", data, place)
        if marker == _SOD:
            if tile_part_end <= place:
                return
            place = tile_part_end
            continue
        if marker < 0xFF00 or marker == _EOC or length < 2:
            return
        body = data[place + 4 : place + 2 + length]
        yield marker, body
        if marker == _SOT and len(body) >= 6:
            (tile_part_length,) = struct.unpack_from(">I", body, 2)
            tile_part_end = place + tile_part_length if tile_part_length else 0
        place += 2 + length


def parse_j2k(data: bytes) -> StreamHeader:
    """Read SIZ and COD of a bare JPEG 2000 codestream.

    Raises
    ------
    BadPixels
        When they are missing or contradict themselves.

    """
    if len(data) < 4 or struct.unpack_from(">HH", data) != (_SOC, _SIZ):
        raise BadPixels("its codestream does not start as JPEG 2000")
    sizes: list[bytes] = []
    styles: list[bytes] = []
    others: list[bytes] = []
    odd = None
    in_tile = False
    for marker, body in _segments(data):
        if marker == _SIZ:
            sizes.append(body)
        elif marker == _COD:
            styles.append(body)
        elif marker == _COC:
            others.append(body)
        elif marker == _POC:
            odd = "changing progression orders"
        in_tile = in_tile or marker == _SOT
    if len(sizes) != 1 or not styles or not in_tile:
        raise BadPixels("its JPEG 2000 header is incomplete")
    return _describe(sizes[0], styles, others, odd)


def _describe(size: bytes, styles: list[bytes], others: list[bytes], odd: str | None) -> StreamHeader:
    if len(size) < 36:
        raise BadPixels("its JPEG 2000 size segment is cut short")
    _, right, bottom, left, top, tile_w, tile_h, tile_x, tile_y, components = struct.unpack_from(">H8IH", size)
    parts = size[36 : 36 + 3 * components]
    if components < 1 or len(parts) < 3 * components:
        raise BadPixels("its JPEG 2000 size segment is cut short")
    if right <= left or bottom <= top or tile_w < 1 or tile_h < 1 or tile_x > left or tile_y > top:
        raise BadPixels("its JPEG 2000 size segment contradicts itself")
    tiles = -(-(right - tile_x) // tile_w) * -(-(bottom - tile_y) // tile_h)
    if len(set(parts[0::3])) > 1 or set(parts[1::3]) | set(parts[2::3]) != {1}:
        odd = odd or "components of different depth or size"
    if left or top or tile_x or tile_y:
        odd = odd or "an offset image or tile grid"
    if tiles > _MOST_TILES:
        odd = odd or "a very large number of tiles"
    area = (min(tile_w, right - left), min(tile_h, bottom - top))
    wide = components > 256
    for style in styles:
        odd = odd or _layers_oddity(style) or _blocks_oddity(style[5:], bool(style and style[0] & 1), area)
    for other in others:
        body = other[2 if wide else 1 :]
        odd = odd or _blocks_oddity(body[1:], bool(body and body[0] & 1), area)
    depth = parts[0]
    undone = len(styles[0]) > 4 and styles[0][4] != 0
    return StreamHeader(
        codec=Codec.JPEG_2000,
        rows=bottom - top,
        columns=right - left,
        components=components,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        transform=ColourTransform.UNDONE_BY_CODEC if undone else ColourTransform.UNKNOWN,
        oddity=odd,
    )


def _layers_oddity(style: bytes) -> str | None:
    if len(style) < 10:
        return "a coding style segment that is cut short"
    (layers,) = struct.unpack_from(">2xH", style)
    return None if 1 <= layers <= _MOST_LAYERS else "a very large number of layers"


def _blocks_oddity(style: bytes, has_precincts: bool, area: tuple[int, int]) -> str | None:
    """Find blocks and precincts so small that their book-keeping outgrows the image.

    `style` starts at the number of decomposition levels (table A.20), `area` is a
    tile's width and height.
    """
    if len(style) < 5:
        return "a coding style segment that is cut short"
    levels, block_w, block_h = style[0], style[1] + 2, style[2] + 2
    if levels > 32 or block_w > 10 or block_h > 10 or block_w + block_h > 12:
        return "impossible code blocks"
    if 1 << (block_w + block_h) < _SMALLEST_BLOCK:
        return "very small code blocks"
    precincts = style[5 : 6 + levels] if has_precincts else b""
    if has_precincts and len(precincts) < levels + 1:
        return "a coding style segment that is cut short"
    for level, exponents in enumerate(reversed(precincts)):  # the finest first
        pixels = (area[0] >> level) * (area[1] >> level)
        if pixels > 4096 and 1 << ((exponents & 15) + (exponents >> 4)) < _SMALLEST_BLOCK:
            return "very small precincts"
    return None
