"""Key images of a report: which slice of which finding, painted as in the window, without a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.mark_planes import plane_notes
from radviewer.app.opinion_view import native_cells, style_of
from radviewer.app.reformats import Cutter
from radviewer.app.report_words import decision_lines, image_name, source_name
from radviewer.app.shown import Shown, reference_of
from radviewer.domain.measurement import Mark
from radviewer.domain.reformat import Reformat
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import UnreadableImage
from radviewer.export.report import KeyImage
from radviewer.export.report_pictures import pictures_of
from radviewer.render.annotations import window_text
from radviewer.render.contours import colour_of
from radviewer.render.heat import CAPTION
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, SpotMark
from radviewer.render.picture import View
from radviewer.render.presentation import Presentation
from radviewer.render.view import Camera, ViewTransform
from radviewer.render.windowing import automatic_window

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom

_SIDE = 1000
"""Pixels of the longer side: 300 per inch of half a page's width."""
_RATIO = 2.2  # letters of about 6 points on paper
_UNBROKEN = "\u00a0"
_HEAT_FROM = 0.15  # as in the window


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One slice; `image` is None where it has to be read, `volume` where planes are cut and it is not loaded."""

    stack: Stack
    index: int
    image: SliceImage | None
    volume: Volume | None = None


class Slices:
    """Slices that are decoded, and those that are read when asked for; used by one thread."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, int], SliceImage | None] = {}
        self._volumes: dict[str, Volume | None] = {}
        self._cutter = Cutter(lambda planes: self._volumes.get(planes.source.key))

    def image(self, source: Source) -> SliceImage | None:
        """The slice; None when it cannot be read."""
        if source.image is not None:
            return source.image
        if isinstance(source.stack, Reformat):
            return self._plane(source.stack, source)
        key = (source.stack.key, source.index)
        if key not in self._read:
            self._read[key] = _decoded(source)
        return self._read[key]

    def _plane(self, planes: Reformat, source: Source) -> SliceImage | None:
        key = planes.source.key
        if key not in self._volumes:
            self._volumes[key] = source.volume or _volume(planes.source)
        return self._cutter.slice(planes, source.index)


def _volume(stack: Stack) -> Volume | None:
    from radviewer.dicom.load import load

    try:
        return load(stack)
    except UnreadableImage:
        return None


def _decoded(source: Source) -> SliceImage | None:
    from radviewer.dicom.load import read_slice

    try:
        return read_slice(source.stack, source.index)
    except UnreadableImage:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What one key image shows.

    Attributes
    ----------
    told : str
        Where it is, and what the overlays are.
    layers : OpinionLayers or None
        Over the second picture; None: there is one picture.
    notes : tuple of str
        What else a picture must say wherever it goes: of which plane it is, and that it is no acquired image.

    """

    title: str
    told: str
    source: Source
    presentation: Presentation
    camera: Camera
    marks: tuple[Mark, ...] = ()
    layers: OpinionLayers | None = None
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def source_of(room: ReadingRoom, shown: Shown, index: int) -> Source:
    """A slice, decoded if the program holds it; planes are cut when they are painted."""
    if isinstance(shown.stack, Reformat):
        return Source(shown.stack, index, None, room.cache.volume(shown.stack))
    return Source(shown.stack, index, room.cache.slice(shown.stack, index))


def is_pictured(row: Row) -> bool:
    """Whether a finding has a key image: flagged, accepted, edited or the reader's own, and not rejected."""
    if row.kind is Kind.ANATOMY or row.state in (RowState.REJECTED, RowState.REFUSED):
        return False
    return row.flagged or row.decision is not None


def of_finding(room: ReadingRoom, shown: Shown, rows: tuple[Row, ...], row: Row) -> Wanted | None:
    """Key image of a finding; None where it lies nowhere."""
    index = row.key_slice if row.key_slice is not None else 0 if len(shown.stack.frames) == 1 else None
    if index is None:
        return None
    anatomy = tuple(r for r in rows if r.kind is Kind.ANATOMY and r.state is not RowState.REJECTED)
    layers = _layers(room, row, anatomy, index)
    where = image_name(shown, index)
    marks = ", the reader's marks" if room.marks.on(reference_of(shown, index)) else ""
    told = f"{where}. Left: the image alone. Right: {_told(layers, row)}{marks}."
    legend = tuple((colour_of(o.label).name(), o.label) for o in layers.outlines)
    return _wanted(room, shown, index, _title(row), told, layers, legend)


def of_mark(room: ReadingRoom, shown: Shown, index: int, text: str) -> Wanted:
    """An image or plane that the reader marked as a key image, with marks."""
    if isinstance(shown.stack, Reformat):
        return of_plane(room, shown, index, text)
    title = f"Key image: {text}" if text else "Key image"
    return _wanted(room, shown, index, title, f"{image_name(shown, index)}. Chosen by the reader.", None, ())


def of_plane(room: ReadingRoom, shown: Shown, index: int, text: str | None) -> Wanted:
    """A plane with its marks; `text` is that of its key image mark, None where it is no key image."""
    if not isinstance(shown.stack, Reformat):
        raise ValueError("a stack that is no planes")
    title = "Marked plane" if text is None else f"Key image: {text}" if text else "Key image"
    notes = plane_notes(shown.stack, index, source_name(shown))
    chosen = "" if text is None else " Chosen by the reader."
    told = f"{'. '.join(notes)}.{chosen} Research use only."
    return replace(_wanted(room, shown, index, title, told, None, ()), notes=notes)


def _wanted(
    room: ReadingRoom,
    shown: Shown,
    index: int,
    title: str,
    told: str,
    layers: OpinionLayers | None,
    legend: tuple[tuple[str, str], ...],
) -> Wanted:
    left, whole = room.desk.active.left(shown.stack), room.desk.active.left(shown.stack.source)
    if left is None and whole is not None:  # planes never shown since the start
        left = replace(whole, camera=Camera())
    presentation = Presentation() if left is None else left.presentation
    camera = Camera() if left is None else left.camera.fit()
    marks = room.marks.on(reference_of(shown, index))
    return Wanted(title, told, source_of(room, shown, index), presentation, camera, marks, layers, legend)


def _title(row: Row) -> str:
    name = row.label[:1].upper() + row.label[1:]
    said = "" if row.probability is None else f"probability {row.probability:.2f}"
    decided = decision_lines(row.decision)
    state = decided[0].lower() if decided else "not decided"
    return f"{name} – {', '.join(part for part in (said, state) if part)}"


def _layers(room: ReadingRoom, row: Row, anatomy: tuple[Row, ...], index: int) -> OpinionLayers:
    outlines = tuple(_outlines((*anatomy, row), index))
    heat = None if row.finding is None or row.mask is not None else row.finding.heatmap
    layer = None
    if heat is not None and 0 <= index < len(heat):
        cells = native_cells(room.opinion, row.key.model)
        layer = HeatLayer(row.slice_heat(index), row.label, _HEAT_FROM, 1.0, cells)
    spot = None if row.decision is None or row.mask is not None else row.decision.spot
    spots = (SpotMark(spot[1], spot[2], row.label),) if spot is not None and spot[0] == index else ()
    return OpinionLayers(outlines, spots, layer)


def _outlines(rows: Iterable[Row], index: int) -> Iterator[Outline]:
    for row in rows:
        if row.mask is not None and index in row.slices:
            yield Outline(row.slice_mask(index), row.label, style_of(row))


def _told(layers: OpinionLayers, row: Row) -> str:
    parts = []
    if layers.heat is not None:
        parts.append(f"heatmap of {row.label} ({CAPTION})")
    if row.mask is not None:
        parts.append(f"outline of {row.label}")
    if layers.spots:
        parts.append("the place that the reader marked")
    if any(outline.label != row.label for outline in layers.outlines):
        parts.append("outlines of the anatomy")
    return ", ".join(parts) or "no overlay, as it has no outline"


def painted(wanted: Wanted, slices: Slices) -> KeyImage:
    """Paint it, in whatever thread.

    Raises
    ------
    MemoryError

    """
    image = slices.image(wanted.source)
    if image is None:
        return KeyImage(wanted.title, f"{wanted.told} The image could not be read.", ())
    view = view_of(wanted, image)
    pictures = pictures_of(view, wanted.layers)
    window = window_text(image, view.presentation)
    caption = f"{wanted.told} {_UNBROKEN.join(window.split())}." if window else wanted.told
    return KeyImage(wanted.title, caption, pictures, wanted.legend)


def view_of(wanted: Wanted, image: SliceImage) -> View:
    """What is painted, without overlays and without a patient's name."""
    frame = wanted.source.stack.frames[wanted.source.index]
    shape = image.stored.shape[:2]
    fitted = ViewTransform(wanted.camera, shape, (_SIDE, _SIDE), frame.spacing, _RATIO, frame.aspect)
    size = _size(fitted, shape)
    presentation = wanted.presentation
    if not image.vois and not image.is_colour and presentation.fallback is None:
        presentation = replace(presentation, fallback=automatic_window(image))
    return View(replace(fitted, size=size), image, presentation, marks=wanted.marks)


def _size(fitted: ViewTransform, shape: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the image itself, as it is fitted."""
    rows, columns = shape
    corners = [fitted.to_view(r, c) for r in (-0.5, rows - 0.5) for c in (-0.5, columns - 0.5)]
    xs, ys = zip(*corners, strict=True)
    return max(1, round(max(xs) - min(xs))), max(1, round(max(ys) - min(ys)))
