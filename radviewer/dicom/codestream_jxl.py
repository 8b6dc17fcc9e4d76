"""Size of a JPEG XL image (ISO 18181-1 annex A, 18181-2 for the file wrapper)."""

from __future__ import annotations

import struct

from radviewer.dicom.codestream import Codec, ColourTransform, StreamHeader
from radviewer.dicom.pixel_errors import BadPixels

BARE = b"\xff\x0a"
WRAPPED = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_BITS = (9, 13, 18, 30)


class _Bits:
    """Little-endian bit reader over the first bytes of a codestream."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise BadPixels("its JPEG XL header is cut short")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value


def _codestream(data: bytes) -> bytes:
    """First bytes of the codestream, from inside the wrapper if there is one."""
    if data.startswith(BARE):
        return data[:64]
    place = 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"jxlc":
            return data[place + 8 : place + 72]
        if kind == b"jxlp":
            return data[place + 12 : place + 76]
        if length < 8:
            break
        place += length
    raise BadPixels("its JPEG XL wrapper holds no codestream")


def _side(bits: _Bits, small: bool) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_BITS[bits.take(2)])


def parse_jxl(data: bytes) -> StreamHeader:
    """Read the size header; components and precision are left to the decoder (0 here).

    The stream always counts as odd: libjxl's modes are too many to judge from outside.

    Raises
    ------
    BadPixels
        When there is no codestream.

    """
    head = _codestream(data)
    if not head.startswith(BARE):
        raise BadPixels("its codestream does not start as JPEG XL")
    bits = _Bits(head[2:])
    small = bool(bits.take(1))
    rows = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        columns = rows * across // down
    else:
        columns = _side(bits, small)
    return StreamHeader(
        Codec.JPEG_XL,
        rows,
        columns,
        components=0,
        precision=0,
        transform=ColourTransform.UNDONE_BY_CODEC,
        oddity="JPEG XL",
    )
