"""Overlay planes, group 60xx: separate bits or unused bits of the pixel words (PS3.3 C.9.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.elements import MAX_SEQUENCE
from radviewer.dicom.headers import DataSet
from radviewer.domain.volume import OverlayPlane

_ROWS, _COLUMNS, _FRAMES, _LABEL_DESCRIPTION = 0x10, 0x11, 0x15, 0x22
_TYPE, _ORIGIN, _FIRST_FRAME, _BITS, _POSITION, _DATA, _LABEL = 0x40, 0x50, 0x51, 0x100, 0x102, 0x3000, 0x1500
_ELEMENTS = (_ROWS, _COLUMNS, _FRAMES, _LABEL_DESCRIPTION, _TYPE, _ORIGIN, _FIRST_FRAME, _BITS, _POSITION)
_GROUPS = tuple(0x60000000 + (n << 17) for n in range(16))
OVERLAY_TAGS = frozenset(group | element for group in _GROUPS for element in (*_ELEMENTS, _DATA, _LABEL))


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One overlay as the header describes it.

    Attributes
    ----------
    rows, columns : int
        Its own size, which need not be the image's.
    origin : tuple of int
        0-based (row, column) of its first pixel on the image; may be negative.
    first_frame, frames : int
        The image frames it lies on, 0-based.
    data : bytes or None
        Packed bits, lowest first; None when they are in the pixel words.
    bit : int
        Bit of the pixel word, if `data` is None.

    """

    kind: str
    label: str
    rows: int
    columns: int
    origin: tuple[int, int]
    first_frame: int
    frames: int
    data: bytes | None
    bit: int

    def on_frame(self, index: int) -> bool:
        """Whether the overlay lies on the image frame `index`."""
        return self.first_frame <= index < self.first_frame + self.frames


def read_overlays(dataset: DataSet, number_of_frames: int) -> tuple[Overlay, ...]:
    """All usable overlays of a header; damaged ones are left out."""
    found = (_read(dataset, group, number_of_frames) for group in _GROUPS if dataset.has(group | _ROWS))
    return tuple(overlay for overlay in found if overlay is not None)


def _read(dataset: DataSet, group: int, number_of_frames: int) -> Overlay | None:
    rows = _short(dataset, group | _ROWS)
    columns = _short(dataset, group | _COLUMNS)
    if not rows or not columns or rows < 0 or columns < 0:
        return None
    bits = _short(dataset, group | _BITS) or 1
    data = _data(dataset, group | _DATA)
    if data is None and bits == 1:
        return None
    if data is not None and dataset.encoding.big_endian and dataset.found.values[group | _DATA][0] == b"OW":
        words = np.frombuffer(data, ">u2", len(data) // 2)
        data = words.astype("<u2").tobytes()
    frames = dataset.integer(group | _FRAMES)
    first = _short(dataset, group | _FIRST_FRAME)
    first = 1 if first is None else first
    return Overlay(
        kind=dataset.text(group | _TYPE).upper() or "G",
        label=dataset.text(group | _LABEL) or dataset.text(group | _LABEL_DESCRIPTION),
        rows=rows,
        columns=columns,
        origin=(_origin(dataset, group, 0), _origin(dataset, group, 1)),
        first_frame=first - 1 if frames else 0,
        frames=frames or number_of_frames,
        data=data,
        bit=_short(dataset, group | _POSITION) or 0,
    )


def _origin(dataset: DataSet, group: int, place: int) -> int:
    """0-based row (`place` 0) or column (1) of the overlay's first pixel; 0 in the file is above the image."""
    origin = _short(dataset, group | _ORIGIN, signed=True, place=place)
    return 0 if origin is None else origin - 1


def _data(dataset: DataSet, tag: int) -> bytes | None:
    """Bits of a separate overlay; a large one is not among the header's values in full."""
    data = dataset.raw(tag)
    span = dataset.found.spans.get(tag)
    if data is not None and span is not None and span.end - span.start > len(data):
        return dataset.walker.source.read(span.start, min(span.end - span.start, MAX_SEQUENCE))
    return data


def _short(dataset: DataSet, tag: int, *, signed: bool = False, place: int = 0) -> int | None:
    """A 16-bit value, whatever VR it was written with."""
    raw = dataset.raw(tag)
    if raw is None or len(raw) < 2 * place + 2:
        return None
    order = ">" if dataset.encoding.big_endian else "<"
    return int(struct.unpack_from(f"{order}{'h' if signed else 'H'}", raw, 2 * place)[0])


def overlay_planes(
    overlays: tuple[Overlay, ...], index: int, shape: tuple[int, int], words: NDArray[Any] | None
) -> tuple[OverlayPlane, ...]:
    """Place the overlays of image frame `index` on its grid of `shape` (rows, columns).

    `words` are the pixel words with all their bits, or None where a codec gave no such words.
    """
    planes = []
    for overlay in overlays:
        if overlay.on_frame(index):
            bits = _bits_of(overlay, index, words)
            if bits is not None:
                planes.append(OverlayPlane(_placed(bits, overlay.origin, shape), overlay.kind, overlay.label))
    return tuple(planes)


def _bits_of(overlay: Overlay, index: int, words: NDArray[Any] | None) -> NDArray[np.bool_] | None:
    if overlay.data is None:
        if words is None or overlay.bit >= words.dtype.itemsize * 8:
            return None
        unsigned = words.view(f"u{words.dtype.itemsize}")
        embedded: NDArray[np.bool_] = (unsigned >> unsigned.dtype.type(overlay.bit)) & unsigned.dtype.type(1) != 0
        return embedded
    count = overlay.rows * overlay.columns
    # one plane for a whole cine is often written without NumberOfFramesInOverlay
    several = len(overlay.data) * 8 >= count * overlay.frames
    first = count * (index - overlay.first_frame) if several else 0
    packed = np.frombuffer(overlay.data, np.uint8)[first // 8 : (first + count + 7) // 8]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + count]
    if len(bits) < count:
        return None
    separate: NDArray[np.bool_] = bits.reshape(overlay.rows, overlay.columns) != 0
    return separate


def _placed(bits: NDArray[np.bool_], origin: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Cut and shift an overlay to the image's grid."""
    mask = np.zeros(shape, np.bool_)
    (top, left), (rows, columns) = origin, bits.shape
    bottom, right = min(top + rows, shape[0]), min(left + columns, shape[1])
    if bottom > max(top, 0) and right > max(left, 0):
        part = bits[max(-top, 0) : bottom - top, max(-left, 0) : right - left]
        mask[max(top, 0) : bottom, max(left, 0) : right] = part
    mask.setflags(write=False)
    return mask
