"""Headers of JPEG (ISO 10918-1) and JPEG-LS (ISO 14495-1) codestreams."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from radviewer.dicom.codestream import Codec, ColourTransform, StreamHeader
from radviewer.dicom.pixel_errors import BadPixels

_START_OF_SCAN = 0xDA
_SOF_JPEG_LS = 0xF7
_SOF_LOSSLESS = 0xC3
_SOF_NAMES = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC9: "extended arithmetic",
    0xCA: "progressive arithmetic",
    _SOF_JPEG_LS: "JPEG-LS",
}
_SOF_UNSUPPORTED = {0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}  # hierarchical, lossless arithmetic
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn, SOI: no length follows
_MOST_SEGMENTS = 1000
_MOST_SCANS = 100
"""A progressive film has 6 to 10 scans; each costs a pass over the whole image."""


@dataclass(slots=True)
class _Hints:
    """What the markers before the frame header said about colour."""

    jfif: bool = False
    adobe_transform: int | None = None
    jpeg_ls_preset: bool = False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield ``(marker, start, end)`` of the segments before the first scan's data."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        if place + 4 > len(data) or data[place] != 0xFF:
            return
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker in _STANDALONE:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if length < 2 or place + 2 + length > len(data):
            return
        yield marker, place + 4, place + 2 + length
        if marker == _START_OF_SCAN:
            return
        place += 2 + length


def _note_colour(hints: _Hints, marker: int, body: bytes) -> None:
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        hints.jfif = True
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        hints.adobe_transform = body[11]
    elif marker == 0xF8 and body[:1] != b"\x01":
        hints.jpeg_ls_preset = True  # LSE: mapping tables or oversize dimensions


def _transform(hints: _Hints, identifiers: bytes, factors: bytes) -> ColourTransform:
    """Say what the three components are.

    An Adobe marker is explicit.  JFIF is YCbCr by definition and so is subsampled chroma,
    whatever PhotometricInterpretation says.
    """
    if len(identifiers) != 3:
        return ColourTransform.UNKNOWN
    if hints.adobe_transform is not None:
        return ColourTransform.YCBCR if hints.adobe_transform == 1 else ColourTransform.NONE
    if hints.jfif or len(set(factors)) > 1:
        return ColourTransform.YCBCR
    return ColourTransform.NONE if identifiers == b"RGB" else ColourTransform.UNKNOWN


def parse_jpeg(data: bytes) -> StreamHeader:
    """Read the frame header of a JPEG or JPEG-LS codestream.

    Raises
    ------
    BadPixels
        When there is none, or its process is one no decoder here knows.

    """
    if data[:2] != b"\xff\xd8":
        raise BadPixels("its codestream does not start with a JPEG marker")
    hints, frame, scans = _Hints(), None, False
    for marker, start, end in _segments(data):
        body = data[start:end]
        _note_colour(hints, marker, body)
        if marker in _SOF_UNSUPPORTED:
            raise BadPixels(f"its JPEG process (SOF{marker - 0xC0}) is not supported")
        if marker in _SOF_NAMES:
            if frame is not None:
                raise BadPixels("its codestream has more than one frame header")
            frame = (marker, body)
        scans = scans or marker == _START_OF_SCAN
    if frame is None:
        raise BadPixels("its JPEG codestream has no frame header")
    if not scans:
        raise BadPixels("its JPEG codestream ends before the image data")
    return _describe(frame[0], frame[1], hints, data)


def _describe(marker: int, body: bytes, hints: _Hints, data: bytes) -> StreamHeader:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise BadPixels("its JPEG frame header is cut short")
    precision, rows, columns, components = struct.unpack_from(">BHHB", body)
    identifiers = bytes(body[6 : 6 + 3 * components : 3])
    factors = bytes(body[7 : 7 + 3 * components : 3])
    lossless = marker == _SOF_LOSSLESS
    jpeg_ls = marker == _SOF_JPEG_LS
    transform = ColourTransform.UNKNOWN if lossless or jpeg_ls else _transform(hints, identifiers, factors)
    return StreamHeader(
        codec=Codec.JPEG_LS if jpeg_ls else Codec.JPEG,
        rows=rows,
        columns=columns,
        components=components,
        precision=precision,
        transform=transform,
        lossless_jpeg=lossless,
        oddity=_oddity(hints, factors, jpeg_ls or lossless, data),
    )


def _oddity(hints: _Hints, factors: bytes, whole_samples: bool, data: bytes) -> str | None:
    if hints.jpeg_ls_preset:
        return "JPEG-LS mapping tables or oversize dimensions"
    if whole_samples and set(factors) != {0x11}:
        return "subsampled components in a lossless codestream"
    if any(not (1 <= f >> 4 <= 4 and 1 <= f & 15 <= 4) for f in factors):
        return "impossible sampling factors"
    if data.count(b"\xff\xda") > _MOST_SCANS:
        return "a very large number of scans"
    return None
