"""One viewport, painted: the same code for the window, exports and reading without a window."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from radviewer.domain.measurement import Mark, Point
from radviewer.domain.volume import SliceImage
from radviewer.render.annotations import CornerTexts
from radviewer.render.cross_lines import CrossLine, paint_cross
from radviewer.render.layout import TEXT, Annotations, lay_out
from radviewer.render.lettering import HALO, Lettering, font, plain
from radviewer.render.marks import MarkPainter
from radviewer.render.opinion_layers import OpinionLayers
from radviewer.render.opinion_painter import OpinionPainter
from radviewer.render.placing import Box, clipped
from radviewer.render.presentation import Presentation
from radviewer.render.scale import edge_letters
from radviewer.render.slice_renderer import SliceRenderer
from radviewer.render.view import ViewTransform

REFERENCE = QColor(120, 200, 140)
CROSSHAIR = QColor(255, 120, 120)

_MESSAGE_SIZE = 14.0  # logical pixels


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything one viewport shows.

    Attributes
    ----------
    transform : ViewTransform
        Of the image in the viewport; when there is no image, of the one that should be there (or of
        any shape: only its size and ratio count).
    image : SliceImage or None
        None: `message` is shown in its place (why it cannot be read, "loading …").
    presentation : Presentation
    opinion : OpinionLayers or None
        What the second opinion draws: over the image, under marks.
    marks : tuple of Mark
        Those of this image; painted in order.
    selected, hovered : str or None
        `Mark.mark_id`.
    reference_lines : tuple of (Point, Point)
        Where other viewports' images cut this one.
    cross_lines : tuple of CrossLine
        Where the other planes of a reformatted volume cut this one.
    crosshair : Point or None
        Where a linked viewport points.
    corners : CornerTexts
    show_orientation, show_scale : bool
        Orientation letters; scale bar with the spacing label.
    message : str
        A sentence, plain text; over the image when there is one.
    measured : SliceImage or None
        What marks are measured on where `image` is made of several; None: `image` itself.

    """

    transform: ViewTransform
    image: SliceImage | None = None
    presentation: Presentation = field(default_factory=Presentation)
    opinion: OpinionLayers | None = None
    marks: tuple[Mark, ...] = ()
    selected: str | None = None
    hovered: str | None = None
    reference_lines: tuple[tuple[Point, Point], ...] = ()
    cross_lines: tuple[CrossLine, ...] = ()
    crosshair: Point | None = None
    corners: CornerTexts = field(default_factory=CornerTexts)
    show_orientation: bool = True
    show_scale: bool = True
    message: str = ""
    measured: SliceImage | None = None


class ViewPainter:
    """Paints views; keeps what speeds up the next one (bounded; one per viewport)."""

    def __init__(self) -> None:
        self.renderer = SliceRenderer()
        self._lettering = Lettering()
        self._marks = MarkPainter(self._lettering)
        self._opinion = OpinionPainter(self._lettering)

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint over the whole viewport: image, 60xx overlays, opinion, reference lines, marks, annotations.

        Parameters
        ----------
        painter : QPainter
            Origin at the viewport's top left, Qt's usual logical coordinates (of a widget, or of an
            image with its devicePixelRatio set).
        view : View
            What to show; its transform's size is the viewport's.

        """
        transform, device = view.transform, painter.device().devicePixelRatioF()
        painter.save()
        painter.scale(1 / device, 1 / device)
        painter.setClipRect(QRectF(0, 0, *transform.size))
        annotations = self._annotations(view)
        if view.image is None:
            painter.fillRect(QRectF(0, 0, *transform.size), Qt.GlobalColor.black)
        else:
            self._paint_image(painter, view.image, view)
            boxes = annotations.boxes
            if view.opinion is not None:
                boxes = self._opinion.paint(painter, view.opinion, transform, boxes)
            _paint_lines(painter, view)
            self._marks.paint(
                painter,
                view.marks,
                view.measured or view.image,
                transform,
                selected=view.selected,
                hovered=view.hovered,
                taken=boxes,
            )
        self._paint_annotations(painter, annotations, transform.ratio)
        if view.message:
            _paint_message(painter, view.message, transform)
        painter.restore()

    def picture(self, view: View) -> QImage:
        """Paint off-screen: RGB32, ``view.transform.size`` pixels."""
        picture = QImage(*view.transform.size, QImage.Format.Format_RGB32)
        if picture.isNull():
            raise MemoryError("no memory for a picture")
        painter = QPainter(picture)
        self.paint(painter, view)
        painter.end()
        return picture

    def clear(self) -> None:
        """Forget everything that was kept."""
        self.renderer.clear()
        self._marks.clear()
        self._opinion.clear()

    def _annotations(self, view: View) -> Annotations:
        image = view.image if view.show_orientation else None
        letters = None if image is None else edge_letters(image.plane, view.transform, image.orientation)
        scale = view.show_scale and view.image is not None
        return lay_out(self._lettering, view.transform, view.corners, letters, scale=scale)

    def _paint_image(self, painter: QPainter, image: SliceImage, view: View) -> None:
        painter.drawImage(0, 0, self.renderer.render(image, view.presentation, view.transform))
        if not view.presentation.show_overlays:
            return
        for plane in image.overlays:
            placed = self.renderer.overlay(plane, view.transform)
            if placed is not None:
                painter.drawImage(placed.left, placed.top, placed.picture)

    def _paint_annotations(self, painter: QPainter, annotations: Annotations, ratio: float) -> None:
        for line in annotations.lines:
            self._lettering.draw(painter, line.box.left, line.box.top, line.text, line.size, line.colour)
        if annotations.bar is not None:
            _paint_bar(painter, annotations.bar, ratio)


def _paint_bar(painter: QPainter, bar: Box, ratio: float) -> None:
    left, right, bottom = bar.left, bar.right, bar.bottom
    middle, half = (left + right) / 2, bar.top + bar.height / 2
    ticks = [QLineF(left, bottom, right, bottom), QLineF(middle, half, middle, bottom)]
    ticks += [QLineF(x, bar.top, x, bottom) for x in (left, right)]
    for colour, width in ((HALO, 3.4), (TEXT, 1.4)):
        painter.setPen(QPen(colour, width * ratio))
        painter.drawLines(ticks)


def _paint_lines(painter: QPainter, view: View) -> None:
    """Reference lines and the linked cross-hair."""
    transform = view.transform
    painter.setPen(QPen(REFERENCE, transform.ratio, Qt.PenStyle.DashLine))
    for start, end in view.reference_lines:
        visible = clipped(transform.to_view(*start), transform.to_view(*end), transform.size)
        if visible is not None:
            painter.drawLine(QLineF(*visible[0], *visible[1]))
    paint_cross(painter, view.cross_lines, transform)
    if view.crosshair is None:
        return
    x, y = transform.to_view(*view.crosshair)
    near, far = 4 * transform.ratio, 14 * transform.ratio
    arms = [QLineF(x + dx * near, y + dy * near, x + dx * far, y + dy * far) for dx, dy in _ARMS]
    for colour, width in ((HALO, 3.4), (CROSSHAIR, 1.4)):
        painter.setPen(QPen(colour, width * transform.ratio))
        painter.drawLines(arms)


_ARMS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def _paint_message(painter: QPainter, message: str, transform: ViewTransform) -> None:
    """Write a sentence in the middle, as plain text, broken into lines, on a dark ground."""
    width, height = transform.size
    room = QRectF(width * 0.1, height * 0.1, width * 0.8, height * 0.8)
    flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
    painter.setFont(font(_MESSAGE_SIZE * transform.ratio))
    text = plain(message)
    box = painter.boundingRect(room, flags, text)
    edge = ceil(8 * transform.ratio)
    painter.fillRect(
        box.adjusted(-edge, -edge, edge, edge).intersected(QRectF(0, 0, width, height)), QColor(0, 0, 0, 190)
    )
    painter.setPen(TEXT)
    painter.drawText(room, flags, text)
