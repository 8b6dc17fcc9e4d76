"""Frames of nuclear medicine images: frame vectors (PS3.3 C.8.4.8) and reconstructed slices (C.8.4.15)."""

from __future__ import annotations

import struct

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import Value
from radviewer.dicom.headers import DataSet, Header

_PLACE = frozenset({a.IMAGE_POSITION_PATIENT, a.IMAGE_ORIENTATION_PATIENT})
STATIC = frozenset({0x00540010, 0x00540020})  # EnergyWindowVector, DetectorVector: views, not time


def increments(header: DataSet) -> frozenset[int]:
    """Tags FrameIncrementPointer names: along what the frames follow one another."""
    raw = header.raw(a.FRAME_INCREMENT_POINTER) or b""
    order = ">" if header.encoding.big_endian else "<"
    pairs = struct.iter_unpack(f"{order}HH", raw[: len(raw) // 4 * 4])
    return frozenset(group << 16 | element for group, element in pairs)


def slice_attributes(header: Header, count: int) -> list[dict[int, Value]] | None:
    """Position, orientation and time slot of each reconstructed slice; None for other images.

    The detector gives the first slice's place; the others follow along the normal
    in steps of SpacingBetweenSlices.
    """
    numbers = header.numbers(a.SLICE_VECTOR)
    if a.SLICE_VECTOR not in increments(header) or len(numbers) < count:
        return None
    detector = header.first_item(a.DETECTOR_INFORMATION_SEQUENCE, _PLACE)
    step = header.number(a.SPACING_BETWEEN_SLICES)
    if detector is None or step is None:
        return None
    position = detector.vector(a.IMAGE_POSITION_PATIENT, 3)
    orientation = detector.vector(a.IMAGE_ORIENTATION_PATIENT, 6)
    if position is None or orientation is None:
        return None
    a1, a2, a3, b1, b2, b3 = orientation
    normal = (a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1)
    slots = header.numbers(a.TIME_SLOT_VECTOR)
    order = ">" if header.encoding.big_endian else "<"
    frames: list[dict[int, Value]] = []
    for index in range(count):
        steps = (numbers[index] or 1) - 1
        place = [p + n * step * steps for p, n in zip(position, normal, strict=True)]
        frame = {
            a.IMAGE_POSITION_PATIENT: (b"FD", struct.pack(f"{order}3d", *place)),
            a.IMAGE_ORIENTATION_PATIENT: detector.found.values[a.IMAGE_ORIENTATION_PATIENT],
        }
        slot = slots[index] if index < len(slots) else None
        if slot is not None:
            frame[a.TEMPORAL_POSITION_INDEX] = (b"FD", struct.pack(f"{order}d", slot))
        frames.append(frame)
    return frames
