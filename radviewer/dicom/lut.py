"""Lookup tables in the header: Modality LUT, VOI LUT, palettes (PS3.3 C.11.1, C.11.2, C.7.9)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.headers import DataSet
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.domain.volume import Pixels
from radviewer.domain.window import LookupTable

_DESCRIPTOR, _EXPLANATION, _DATA = 0x00283002, 0x00283003, 0x00283006
_MODALITY_TYPE = 0x00283004
LUT_TAGS = frozenset({_DESCRIPTOR, _EXPLANATION, _DATA, _MODALITY_TYPE})

_PALETTE_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_PALETTE_DATA = (0x00281201, 0x00281202, 0x00281203)
_PALETTE_SEGMENTS = (0x00281221, 0x00281222, 0x00281223)
PALETTE_TAGS = frozenset({*_PALETTE_DESCRIPTORS, *_PALETTE_DATA, *_PALETTE_SEGMENTS})

_MOST_ENTRIES = 1 << 16
_UNSPECIFIED = {"US", "SS", "", "UNSPECIFIED"}


def _descriptor(dataset: DataSet, tag: int, signed: bool) -> tuple[int, int, int] | None:
    """Number of entries, first value mapped, bits; None when absent or nonsense."""
    raw = dataset.raw(tag)
    if raw is None or len(raw) < 6:
        return None
    order = ">" if dataset.encoding.big_endian else "<"
    entries, first, bits = struct.unpack_from(f"{order}H{'h' if signed else 'H'}H", raw)
    return (entries or _MOST_ENTRIES, first, bits) if 1 <= bits <= 16 else None


def _entries(dataset: DataSet, tag: int, count: int, bits: int) -> NDArray[np.uint16] | None:
    """Table entries as 16-bit words, whether they were written as bytes or as words."""
    raw = dataset.raw(tag)
    if not raw:
        return None
    if bits <= 8 and len(raw) < 2 * count and len(raw) >= count:
        return np.frombuffer(raw, np.uint8, count).astype(np.uint16)
    words = np.frombuffer(raw, ">u2" if dataset.encoding.big_endian else "<u2", len(raw) // 2)
    return words[:count].astype(np.uint16) if len(words) >= count else None


def lookup_table(item: DataSet, *, signed_input: bool) -> LookupTable | None:
    """Read one item of a Modality or VOI LUT Sequence; None when it is damaged.

    `signed_input` says whether the first value mapped is signed: its VR is the only hint in
    an explicit file, PixelRepresentation (or the modality output) in an implicit one.
    """
    described = _descriptor(item, _DESCRIPTOR, _is_signed(item, signed_input))
    if described is None:
        return None
    count, first, bits = described
    table = _entries(item, _DATA, count, bits)
    if table is None:
        return None
    return LookupTable(first, table, max(bits, int(table.max()).bit_length()), item.text(_EXPLANATION))


def _is_signed(item: DataSet, signed_input: bool) -> bool:
    vr = item.found.values[_DESCRIPTOR][0] if _DESCRIPTOR in item.found.values else b""
    return vr == b"SS" or (vr != b"US" and signed_input)


def modality_unit(item: DataSet) -> str:
    """ModalityLUTType as a unit, "" when it is unspecified."""
    kind = item.text(_MODALITY_TYPE)
    return "" if kind.upper() in _UNSPECIFIED else kind


def read_palette(dataset: DataSet, *, signed: bool) -> tuple[int, NDArray[np.uint8]]:
    """Read the palette of a PALETTE COLOR image.

    Returns
    -------
    first : int
        Pixel value of entry 0.
    table : ndarray, shape (entries, 3), uint8

    Raises
    ------
    BadPixels
        When it is absent or damaged.

    """
    channels: list[NDArray[np.uint8]] = []
    first = 0
    tags = zip(_PALETTE_DESCRIPTORS, _PALETTE_DATA, _PALETTE_SEGMENTS, strict=True)
    for descriptor, data, segments in tags:
        described = _descriptor(dataset, descriptor, signed)
        if described is None:
            raise BadPixels("its colour palette has no usable descriptor")
        count, first, bits = described
        table = _entries(dataset, data, count, bits)
        if table is None and dataset.raw(segments):
            table = _expand_segments(dataset, segments, count, bits)
        if table is None:
            raise BadPixels("its colour palette is missing or shorter than it should be")
        channels.append(_eight_bits(table, bits))
    shortest = min(len(channel) for channel in channels)
    return first, np.stack([channel[:shortest] for channel in channels], axis=-1)


def _eight_bits(table: NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    """Most significant byte; some writers say 16 bits and store values up to 255."""
    if bits > 8 and table.size and int(table.max()) > 255:
        return (table >> 8).astype(np.uint8)
    return np.minimum(table, 255).astype(np.uint8)


def apply_palette(pixels: Pixels, first: int, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour palette indices; values beyond the table take its end entries (C.7.6.3.1.5)."""
    index = pixels if first == 0 else pixels.astype(np.int64) - first
    coloured: NDArray[np.uint8] = np.take(table, index, axis=0, mode="clip")
    return coloured


def _expand_segments(dataset: DataSet, tag: int, count: int, bits: int) -> NDArray[np.uint16] | None:
    """Expand a segmented palette (PS3.3 C.7.9.2) to exactly `count` entries."""
    raw = dataset.raw(tag) or b""
    order = ">" if dataset.encoding.big_endian else "<"
    words: NDArray[Any] = np.frombuffer(raw, np.uint8)
    if bits > 8:
        words = np.frombuffer(raw, f"{order}u2", len(raw) // 2)
    expanded = SegmentReader([int(word) for word in words[: 4 * _MOST_ENTRIES]], count, narrow=bits <= 8).expand()
    return np.array(expanded[:count], np.uint16) if len(expanded) >= count else None


class SegmentReader:
    """Interprets the segments of one palette channel; `narrow` ones are bytes, not words."""

    def __init__(self, values: list[int], count: int, *, narrow: bool) -> None:
        self._values = values
        self._count = count
        self._narrow = narrow
        self._out: list[int] = []
        self._steps = 4 * _MOST_ENTRIES  # empty segments would run on for ever

    def expand(self) -> list[int]:
        """Return the entries, fewer than `count` when the segments are damaged."""
        self._run(0, len(self._values), nested=False)
        return self._out

    def _run(self, place: int, segments: int, *, nested: bool) -> None:
        values, out = self._values, self._out
        while segments > 0 and self._steps > 0 and place + 2 <= len(values) and len(out) < self._count:
            segments -= 1
            self._steps -= 1
            opcode, length = values[place : place + 2]
            if opcode == 0:  # discrete
                out += values[place + 2 : place + 2 + length]
                place += 2 + length
            elif opcode == 1 and out and place + 2 < len(values):  # linear, to the given end value
                start, rise = out[-1], values[place + 2] - out[-1]
                out += [round(start + rise * step / length) for step in range(1, length + 1)]
                place += 3
            elif opcode == 2 and not nested:  # indirect: `length` earlier segments once more
                parts = values[place + 2 : place + (6 if self._narrow else 4)]
                offset = sum(part << ((8 if self._narrow else 16) * n) for n, part in enumerate(parts))
                self._run(offset if self._narrow else offset // 2, length, nested=True)
                place += 2 + len(parts)
            else:
                return
