"""Segments of a DICOM Segmentation (PS3.3 A.51) on the grid of the stack they lie on.

Files come from outside: lengths are checked before anything is allocated, and what does not fit is refused with
a sentence instead of being shifted, scaled or guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import ByteSource
from radviewer.dicom.headers import UNCOMPRESSED, BrokenHeader, DataSet, Header, NotDicom, read_header
from radviewer.dicom.sources import bytes_of, errors_of, reason_of
from radviewer.domain.geometry import ImagePlane
from radviewer.domain.opinion import Mask
from radviewer.domain.study import FileLocation, Frame, Stack
from radviewer.errors import UnreadableImage

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"

_SEGMENT, _NUMBER, _LABEL = 0x00620002, 0x00620004, 0x00620005
_ALGORITHM_TYPE, _ALGORITHM_NAME = 0x00620008, 0x00620009
_TRACKING_UID, _SEGMENTATION_TYPE, _MAXIMUM = 0x00620021, 0x00620001, 0x0062000E
_IDENTIFICATION, _REFERENCED_SEGMENT = 0x0062000A, 0x0062000B
_DERIVATION, _SOURCE = 0x00089124, 0x00082112
_REFERENCED_UID, _REFERENCED_FRAME = 0x00081155, 0x00081160
_PLANE_POSITION, _PLANE_ORIENTATION, _MEASURES = 0x00209113, 0x00209116, 0x00289110
_WANTED = frozenset(
    {
        _SEGMENT, _NUMBER, _LABEL, _ALGORITHM_TYPE, _ALGORITHM_NAME, _TRACKING_UID, _SEGMENTATION_TYPE, _MAXIMUM,
        _IDENTIFICATION, _REFERENCED_SEGMENT, _DERIVATION, _SOURCE, _REFERENCED_UID, _REFERENCED_FRAME,
        _PLANE_POSITION, _PLANE_ORIENTATION, _MEASURES, a.IMAGE_POSITION_PATIENT, a.IMAGE_ORIENTATION_PATIENT,
        a.PIXEL_SPACING, a.ROWS, a.COLUMNS, a.NUMBER_OF_FRAMES, a.BITS_ALLOCATED, a.SHARED_FUNCTIONAL_GROUPS,
        a.PER_FRAME_FUNCTIONAL_GROUPS, 0x7FE00010,
    }
)  # fmt: skip
_MOST_SEGMENTS = 64
_MOST_FRAMES = 100_000
_MOST_BYTES = 2 << 30  # of all masks of a file
_NEAR = 0.01  # mm, and of direction cosines


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment.

    Attributes
    ----------
    label : str
    mask : ndarray of bool, (slices, rows, columns)
        On the stack's own grid.
    algorithm : str
        Name of what drew it, or "".
    kind : str
        AUTOMATIC, SEMIAUTOMATIC or MANUAL.
    tracking_uid : str

    """

    label: str
    mask: Mask
    algorithm: str
    kind: str
    tracking_uid: str


def read_segments(location: FileLocation, stack: Stack) -> tuple[Segment, ...]:
    """Segments that lie on a stack; none when the file is about other images.

    Raises
    ------
    UnreadableImage
        If the file cannot be read or its geometry is not the stack's.

    """
    try:
        with bytes_of(location) as source:
            return _segments(location, source, stack)
    except (NotDicom, BrokenHeader) as error:
        raise UnreadableImage(f"{location.name} is a damaged segmentation and is not shown.") from error
    except errors_of(location) as error:
        raise UnreadableImage(f"{location.name} cannot be read: {reason_of(error)}.") from error


def _segments(location: FileLocation, source: ByteSource, stack: Stack) -> tuple[Segment, ...]:
    header = read_header(source, _WANTED)
    count = header.integer(a.NUMBER_OF_FRAMES) or 1
    if not 0 < count <= _MOST_FRAMES:
        raise UnreadableImage(f"{location.name} claims {count} frames and is not shown.")
    places = _Places(header, stack)
    frames = list(places.of_frames(count))
    if all(index is None for index, _ in frames):
        if places.elsewhere:
            raise UnreadableImage(f"{location.name} is a segmentation of another geometry than its series: not shown.")
        return ()
    rows, columns = header.integer(a.ROWS) or 0, header.integer(a.COLUMNS) or 0
    if (rows, columns) != (stack.format.rows, stack.format.columns):
        raise UnreadableImage(f"{location.name} has {rows} × {columns} pixels, its series has not: it is not shown.")
    described = _described(header)
    if len(described) * stack.shape[0] * rows * columns > _MOST_BYTES:
        raise UnreadableImage(f"{location.name} holds too many segments to be shown.")
    pixels = _Pixels(location, source, header, rows * columns, count)
    masks = {number: np.zeros((stack.shape[0], rows, columns), bool) for number in described}
    for frame, (index, number) in enumerate(frames):
        if index is not None and number in masks:
            masks[number][index] |= pixels.frame(frame).reshape(rows, columns)
    return tuple(
        Segment(label, masks[number], algorithm, kind, tracking)
        for number, (label, algorithm, kind, tracking) in described.items()
        if masks[number].any()
    )


def _described(header: Header) -> dict[int, tuple[str, str, str, str]]:
    """Label, algorithm, its type and tracking UID of each segment, by number."""
    found: dict[int, tuple[str, str, str, str]] = {}
    for item in header.items(_SEGMENT, _WANTED):
        number = item.integer(_NUMBER)
        if number is None or len(found) == _MOST_SEGMENTS:
            continue
        label = item.text(_LABEL).strip()[:64] or f"segment {number}"
        kind = item.text(_ALGORITHM_TYPE).strip()
        found[number] = (label, item.text(_ALGORITHM_NAME).strip()[:64], kind, item.uid(_TRACKING_UID))
    return found


class _Places:
    """On which slice of the stack each frame lies, and of which segment it is."""

    def __init__(self, header: Header, stack: Stack) -> None:
        self.elsewhere = False
        self._header = header
        self._shared = header.first_item(a.SHARED_FUNCTIONAL_GROUPS, _WANTED)
        self._by_uid: dict[tuple[str, int], int] = {}
        for index, frame in enumerate(stack.frames):
            self._by_uid[frame.file.sop_instance_uid, frame.index + 1] = index
        self._frames = stack.frames
        self._same_plane = self._lies_in(stack.frames[0])

    def of_frames(self, count: int) -> Iterator[tuple[int | None, int]]:
        """Index of the slice, or None; number of the segment."""
        items = self._header.items(a.PER_FRAME_FUNCTIONAL_GROUPS, _WANTED)
        for _, item in zip(range(count), items, strict=False):
            yield self._slice(item), self._segment(item)

    def _segment(self, item: DataSet) -> int:
        for groups in (item, self._shared):
            named = None if groups is None else groups.first_item(_IDENTIFICATION, _WANTED)
            number = None if named is None else named.integer(_REFERENCED_SEGMENT)
            if number is not None:
                return number
        return 1

    def _slice(self, item: DataSet) -> int | None:
        """By the image that is named, else by the place in the patient."""
        named = False
        for derivation in item.items(_DERIVATION, _WANTED):
            for image in derivation.items(_SOURCE, _WANTED):
                named = True
                index = self._by_uid.get((image.uid(_REFERENCED_UID), image.integer(_REFERENCED_FRAME) or 1))
                if index is not None:
                    return index
        return None if named else self._by_position(item)

    def _by_position(self, item: DataSet) -> int | None:
        place = item.first_item(_PLANE_POSITION, _WANTED)
        position = None if place is None else place.vector(a.IMAGE_POSITION_PATIENT, 3)
        if position is None:
            return None
        for index, frame in enumerate(self._frames):
            if frame.plane is not None and _close(frame.plane.position, position):
                if self._same_plane:
                    return index
                self.elsewhere = True
        return None

    def _lies_in(self, frame: Frame) -> bool:
        """Whether orientation and pixel spacing are the stack's; what the file does not say is."""
        plane, shared = frame.plane, self._shared
        if plane is None or shared is None:
            return True
        turned = shared.first_item(_PLANE_ORIENTATION, _WANTED)
        spaced = shared.first_item(_MEASURES, _WANTED)
        cosines = None if turned is None else turned.vector(a.IMAGE_ORIENTATION_PATIENT, 6)
        spacing = None if spaced is None else spaced.vector(a.PIXEL_SPACING, 2)
        return _fits(plane, cosines, spacing)


def _fits(plane: ImagePlane, cosines: tuple[float, ...] | None, spacing: tuple[float, ...] | None) -> bool:
    turned = cosines is not None and not _close((*plane.row_direction, *plane.column_direction), cosines)
    return not turned and (spacing is None or _close((plane.row_spacing, plane.column_spacing), spacing))


def _close(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(x - y) <= _NEAR for x, y in zip(one, other, strict=True))


class _Pixels:
    """Frames as masks: one bit, or a byte that is at least half of the maximum (PS3.3 C.8.20.2.3)."""

    def __init__(self, location: FileLocation, source: ByteSource, header: Header, size: int, count: int) -> None:
        self._source, self._size = source, size
        self._bits = header.integer(a.BITS_ALLOCATED) or 1
        where = header.found.pixels
        plain = header.transfer_syntax in UNCOMPRESSED and not header.deflated
        if where is None or not plain or self._bits not in (1, 8):
            raise UnreadableImage(f"{location.name} is a segmentation encoded in a way that is not read: not shown.")
        self._start = where[1].start
        self._half = max(1, ((header.integer(_MAXIMUM) or 1) + 1) // 2)
        if where[1].end - where[1].start < -(-count * size * self._bits // 8):
            raise UnreadableImage(f"{location.name} is a segmentation that was cut off: it is not shown.")

    def frame(self, number: int) -> NDArray[np.bool_]:
        """One frame, flat."""
        if self._bits == 8:
            raw = np.frombuffer(self._source.read(self._start + number * self._size, self._size), np.uint8)
            return raw >= self._half
        first = number * self._size  # bits of frames follow one another without a gap (PS3.5 8.1.1)
        begin, end = first // 8, -(-(first + self._size) // 8)
        raw = np.frombuffer(self._source.read(self._start + begin, end - begin), np.uint8)
        bits = np.unpackbits(raw, bitorder="little")[first - 8 * begin :][: self._size]
        return bits.astype(bool)
