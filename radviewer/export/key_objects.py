"""Key images as a Key Object Selection, windows and marks as a presentation state, through highdicom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from radviewer import __version__
from radviewer.domain.measurement import Mark, MarkKind, Point
from radviewer.domain.study import Stack
from radviewer.domain.window import Window
from radviewer.export.dicom_names import KEY_IMAGES, MANUFACTURER, PRESENTATIONS, person_name, uid
from radviewer.export.seg_source import Sources, add

if TYPE_CHECKING:
    from highdicom import ModalityLUTTransformation
    from highdicom.ko import KeyObjectSelectionDocument
    from highdicom.pr import GraphicAnnotation, GraphicObject, GrayscaleSoftcopyPresentationState, TextObject

_LONGEST_TEXT = 1024
_MOST_POINTS = 5_000  # of one polyline: the standard's 16 bit length of a value holds 8,191


@dataclass(frozen=True, slots=True)
class MarkOn:
    """A mark with the slice it lies on and the lines that are written beside it."""

    mark: Mark
    index: int
    lines: tuple[str, ...] = ()


def key_images(
    stack: Stack, indices: Sequence[int], reader: str = "", sources: Sources | None = None
) -> KeyObjectSelectionDocument:
    """Key Object Selection (PS3.3 A.35.4, title 113000 "Of Interest") of slices of a stack.

    Parameters
    ----------
    stack : Stack
        With SOP Instance UIDs.
    indices : sequence of int
        Slices, at least one.
    reader : str
        Who chose them.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage
        If a header of the stack cannot be read any more.

    """
    from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
    from highdicom.sr import ObserverContext, PersonObserverIdentifyingAttributes
    from pydicom.sr.codedict import codes

    sources = sources or Sources(stack)
    chosen = list({str(sources.images[i].SOPInstanceUID): sources.images[i] for i in indices}.values())
    name = person_name(reader)
    person = ObserverContext(codes.DCM.Person, PersonObserverIdentifyingAttributes(name)) if name else None
    content = KeyObjectSelection(codes.DCM.OfInterest, chosen, observer_person_context=person)
    made = KeyObjectSelectionDocument(
        chosen,
        content,
        uid("series", str(KEY_IMAGES), sources.series_uid),
        KEY_IMAGES,
        uid("key images", *(str(image.SOPInstanceUID) for image in chosen)),
        1,
        MANUFACTURER,
        series_description="Key images",
        specific_character_set="ISO_IR 192",
    )
    sources.restore(made)
    return made


def presentation_state(
    stack: Stack, marks: Sequence[MarkOn], window: Window | None, reader: str = "", sources: Sources | None = None
) -> GrayscaleSoftcopyPresentationState:
    r"""Grayscale Softcopy Presentation State (PS3.3 A.33.1): a window and marks.

    Parameters
    ----------
    stack : Stack
        Grey images.
    marks : sequence of MarkOn
        Drawn in image pixels (PS3.3 C.10.5.1.2: the corner of the first pixel is 0\0, its centre 0.5\0.5).
    window : Window or None
        Of the whole stack, in modality values; None leaves that to the images.
    reader : str
        Who drew them.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage
    ValueError
        If there is neither a mark nor a window, or the images are in colour.

    """
    from highdicom.pr import GraphicLayer, GrayscaleSoftcopyPresentationState, SoftcopyVOILUTTransformation

    if not marks and window is None:
        raise ValueError("a presentation state without anything to present")
    if stack.format.samples_per_pixel != 1:
        raise ValueError("a grayscale presentation state is for grey images")
    sources = sources or Sources(stack)
    used = sorted({item.index for item in marks}) if window is None else range(len(sources.images))
    images = [sources.images[i] for i in used]
    layer = GraphicLayer("READER", 1, description="Marks of the reader")
    names = [str(image.SOPInstanceUID) for image in images]
    drawn = [f"{m.mark.mark_id} {m.mark.points} {m.lines}" for m in marks]
    made = GrayscaleSoftcopyPresentationState(
        images,
        uid("series", str(PRESENTATIONS), sources.series_uid),
        PRESENTATIONS,
        uid("presentation", *names, *drawn, str(window)),
        1,
        MANUFACTURER,
        MANUFACTURER,
        __version__,
        __version__,
        "RADVIEWER",
        content_description="Marks and window of the reader",
        graphic_layers=[layer] if marks else None,
        graphic_annotations=[_annotation(sources, stack, item, layer) for item in marks] or None,
        content_creator_name=person_name(reader) or None,
        modality_lut_transformation=_rescale(stack),
        voi_lut_transformations=None
        if window is None
        else [SoftcopyVOILUTTransformation(window_center=window.center, window_width=window.width)],
        series_description="Presentation of the reader",
        specific_character_set="ISO_IR 192",
    )
    add(made, "Laterality", "")  # PS3.3 C.7.3.1, type 2C: unknown
    sources.restore(made)
    return made


def has_one_rescale(stack: Stack) -> bool:
    """Whether all images have the same modality values: one presentation state can window them (not PET)."""
    return len({(frame.slope, frame.intercept, frame.unit) for frame in stack.frames}) == 1


def _rescale(stack: Stack) -> ModalityLUTTransformation | None:
    """Rescale to modality values; a presentation state without one shows stored values (PS3.4 N.2.1.1)."""
    from highdicom import ModalityLUTTransformation

    frame = stack.frames[0]
    if not has_one_rescale(stack) or (frame.slope, frame.intercept) == (1.0, 0.0):
        return None
    kind = "HU" if frame.unit == "HU" else "US"
    return ModalityLUTTransformation(rescale_intercept=frame.intercept, rescale_slope=frame.slope, rescale_type=kind)


def _annotation(sources: Sources, stack: Stack, item: MarkOn, layer: Any) -> GraphicAnnotation:
    from highdicom.pr import GraphicAnnotation

    frame = stack.frames[item.index]
    return GraphicAnnotation(
        [sources.images[item.index]],
        layer,
        referenced_frame_number=frame.index + 1 if frame.file.number_of_frames > 1 else None,
        graphic_objects=list(_objects(item.mark, stack)) or None,
        text_objects=list(_texts(item, stack)) or None,
    )


def _objects(mark: Mark, stack: Stack) -> Iterator[GraphicObject]:
    from highdicom.pr import GraphicObject

    for kind, points in _shapes(mark):
        placed = np.array([_placed(point, stack) for point in points])
        named = f"radviewer:{mark.kind.value}:{mark.mark_id}"  # so that reading it again gives the same mark
        yield GraphicObject(kind, placed, "PIXEL", tracking_id=named, tracking_uid=uid("mark", mark.mark_id))


def _placed(point: Point, stack: Stack) -> Point:
    """Column and row as the standard counts them; what was drawn beside the image lies on its border."""
    row, column = point
    shape = stack.format
    return min(max(0.0, column + 0.5), float(shape.columns)), min(max(0.0, row + 0.5), float(shape.rows))


def _shapes(mark: Mark) -> Iterator[tuple[str, Sequence[Point]]]:
    """Graphic type and points ``(row, column)`` of what is drawn."""
    points = mark.points
    match mark.kind:
        case MarkKind.KEY_IMAGE:
            return
        case MarkKind.COBB:
            yield "POLYLINE", points[:2]
            yield "POLYLINE", points[2:]
        case MarkKind.RECTANGLE:
            (top, left), (bottom, right) = points
            yield "POLYLINE", [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
        case MarkKind.ELLIPSE:
            yield "ELLIPSE", _axes(points)
        case MarkKind.FREEHAND:
            few = points[:: -(-len(points) // _MOST_POINTS)]
            yield "POLYLINE", [*few, points[0]]
        case _:
            yield "POLYLINE", points


def _axes(points: Sequence[Point]) -> list[Point]:
    """Ends of the major axis, then of the minor (PS3.3 C.10.5.1.2)."""
    (top, left), (bottom, right) = points
    row, column = (top + bottom) / 2, (left + right) / 2
    across: list[Point] = [(row, left), (row, right)]
    down: list[Point] = [(top, column), (bottom, column)]
    return [*across, *down] if abs(right - left) >= abs(bottom - top) else [*down, *across]


def _texts(item: MarkOn, stack: Stack) -> Iterator[TextObject]:
    from highdicom.pr import TextObject

    text = "\r\n".join(item.lines)[:_LONGEST_TEXT]
    if text and item.mark.points:
        yield TextObject(text, "PIXEL", anchor_point=_placed(item.mark.points[-1], stack), anchor_point_visible=False)
