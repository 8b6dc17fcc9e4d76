"""Presentation states (PS3.3 A.33.1) as far as radviewer can show them: a window, and graphics in image pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import BrokenHeader, DataSet, Header, NotDicom, read_header
from radviewer.dicom.sources import bytes_of, errors_of, reason_of
from radviewer.domain.measurement import Point
from radviewer.domain.study import FileLocation, Stack
from radviewer.domain.window import Window
from radviewer.errors import UnreadableImage

GRAYSCALE_PRESENTATION = "1.2.840.10008.5.1.4.1.1.11.1"

_SERIES, _IMAGES = 0x00081115, 0x00081140
_UID, _FRAME = 0x00081155, 0x00081160
_ANNOTATION, _TEXT, _GRAPHIC = 0x00700001, 0x00700008, 0x00700009
_UNITS, _POINTS, _KIND = 0x00700005, 0x00700022, 0x00700023
_WORDS, _ANCHOR, _ANCHOR_UNITS = 0x00700006, 0x00700014, 0x00700004
_WINDOWS, _CENTER, _WIDTH = 0x00283110, 0x00281050, 0x00281051
_TRACKING_ID = 0x00620020
_WANTED = frozenset(
    {
        _SERIES, _IMAGES, _UID, _FRAME, _ANNOTATION, _TEXT, _GRAPHIC, _UNITS, _POINTS, _KIND, _WORDS, _ANCHOR,
        _ANCHOR_UNITS, _WINDOWS, _CENTER, _WIDTH, _TRACKING_ID, a.SOP_INSTANCE_UID,
    }
)  # fmt: skip
_MOST_GRAPHICS = 2_000


@dataclass(frozen=True, slots=True)
class Graphic:
    """One graphic or text on one slice.

    Attributes
    ----------
    index : int
        Slice of the stack.
    kind : str
        POLYLINE, ELLIPSE, CIRCLE, POINT, INTERPOLATED; TEXT for text at an anchor.
    points : tuple of Point
        ``(row, column)``, pixel centres at integers.
    text : str
        Of the same annotation.
    tracking_id : str

    """

    index: int
    kind: str
    points: tuple[Point, ...]
    text: str
    tracking_id: str


@dataclass(frozen=True, slots=True)
class PresentationState:
    """What a presentation state says of one stack."""

    sop_instance_uid: str
    window: Window | None
    graphics: tuple[Graphic, ...]


def read_presentation(location: FileLocation, stack: Stack) -> PresentationState | None:
    """What a file says of a stack; None when it is about other images.

    Raises
    ------
    UnreadableImage
        If the file cannot be read.

    """
    try:
        with bytes_of(location) as source:
            return _state(read_header(source, _WANTED), stack)
    except (NotDicom, BrokenHeader) as error:
        raise UnreadableImage(f"{location.name} is a damaged presentation state and is not shown.") from error
    except errors_of(location) as error:
        raise UnreadableImage(f"{location.name} cannot be read: {reason_of(error)}.") from error


def _state(header: Header, stack: Stack) -> PresentationState | None:
    places = {(f.file.sop_instance_uid, f.index + 1): index for index, f in enumerate(stack.frames)}
    named = {uid for series in header.items(_SERIES, _WANTED) for uid in _uids(series)}
    if not named & {uid for uid, _ in places}:
        return None
    graphics = []
    for annotation in header.items(_ANNOTATION, _WANTED):
        graphics += list(_graphics(annotation, places, stack))
        if len(graphics) > _MOST_GRAPHICS:
            break
    return PresentationState(header.uid(a.SOP_INSTANCE_UID), _window(header), tuple(graphics[:_MOST_GRAPHICS]))


def _uids(item: DataSet) -> Iterator[str]:
    for image in item.items(_IMAGES, _WANTED):
        yield image.uid(_UID)


def _window(header: Header) -> Window | None:
    """The first window; those for single images are not told apart."""
    item = header.first_item(_WINDOWS, _WANTED)
    center, width = (None, None) if item is None else (item.number(_CENTER), item.number(_WIDTH))
    return Window(center, width) if center is not None and width is not None and width > 0 else None


def _graphics(annotation: DataSet, places: dict[tuple[str, int], int], stack: Stack) -> Iterator[Graphic]:
    indices = [i for image in annotation.items(_IMAGES, _WANTED) for i in _indices(image, places)]
    texts = list(annotation.items(_TEXT, _WANTED))
    words = "; ".join(text.text(_WORDS).replace("\r\n", ", ").strip() for text in texts)[:200]
    drawn = list(annotation.items(_GRAPHIC, _WANTED))
    for index in indices or (range(len(stack.frames)) if not annotation.has(_IMAGES) else ()):
        for item in drawn:
            points = _points(item, _POINTS, _UNITS, stack)
            if points:
                yield Graphic(index, item.text(_KIND).strip(), points, words, item.text(_TRACKING_ID).strip())
        if not drawn and words and (points := _points(texts[0], _ANCHOR, _ANCHOR_UNITS, stack)):
            yield Graphic(index, "TEXT", points, words, texts[0].text(_TRACKING_ID).strip())


def _indices(image: DataSet, places: dict[tuple[str, int], int]) -> Iterator[int]:
    frames = [int(n) for n in image.numbers(_FRAME) if n is not None] or [1]
    for frame in frames:
        index = places.get((image.uid(_UID), frame))
        if index is not None:
            yield index


def _points(item: DataSet, tag: int, units: int, stack: Stack) -> tuple[Point, ...]:
    """Points in image pixels; none where they are relative to the displayed area, which another viewer chose."""
    values = [v for v in item.numbers(tag) if v is not None and abs(v) < 1e6]
    if item.text(units).strip() != "PIXEL" or len(values) < 2 or len(values) % 2:
        return ()
    placed = np.asarray(values, float).reshape(-1, 2)[:, ::-1] - 0.5
    inside = (placed > -1) & (placed < (stack.format.rows, stack.format.columns))
    return tuple((float(row), float(column)) for row, column in placed) if inside.all() else ()
