"""A flagged finding as a picture: the film, outlines, heatmap with its scale, and what the model says; no patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageWriter, QPainter, QPen

from radviewer.domain.opinion import Finding, Structure
from radviewer.domain.volume import SliceImage
from radviewer.render.contours import colour_of, paint_contours
from radviewer.render.heat import CAPTION, colour_bar, heat_layer
from radviewer.render.layout import TEXT
from radviewer.render.lettering import Lettering
from radviewer.render.picture import View, ViewPainter
from radviewer.render.view import Camera, ViewTransform

LONGEST = 1200
"""Longest side of the film in the picture, in pixels; the legend beside it takes `LEGEND` more."""
SHORTEST = 800
"""A smaller film is magnified to this."""
LEGEND = 380

_GROUND = QColor(24, 24, 26)
_QUIET = QColor(160, 160, 165)
_MARGIN = 24
_TITLE, _BODY, _SMALL = 26.0, 17.0, 14.0  # pixels
_RATIO = 1.5  # of the film's own annotations

_applications: list[QGuiApplication] = []


def ensure_application() -> None:
    """Start Qt without a display where no one has: fonts need it."""
    if QGuiApplication.instance() is None:
        _applications.append(QGuiApplication(["radviewer", "-platform", "offscreen"]))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """What one picture shows.

    Attributes
    ----------
    image : SliceImage
    index : int
        Of the slice in masks and heatmap.
    finding : Finding
        Flagged.
    source : str
        Model and version.
    anatomy : tuple of Structure
        Outlined for orientation.

    """

    image: SliceImage
    index: int
    finding: Finding
    source: str
    anatomy: Sequence[Structure] = field(default=())


def picture(panel: Panel) -> QImage:
    """Paint the film at the left and the legend at the right."""
    ensure_application()
    rows, columns = panel.image.stored.shape[:2]
    width, height = _film_size(panel.image)
    transform = ViewTransform(
        Camera(), (rows, columns), (width, height), panel.image.spacing, _RATIO, panel.image.aspect
    )
    canvas = QImage(width + LEGEND, max(height, _Legend.HEIGHT), QImage.Format.Format_RGB32)
    if canvas.isNull():
        raise MemoryError("no memory for a picture")
    canvas.fill(_GROUND)
    painter = QPainter(canvas)
    painter.translate(0, (canvas.height() - height) // 2)
    ViewPainter().paint(painter, View(transform, panel.image))
    painter.setClipRect(QRectF(0, 0, width, height))
    _paint_opinion(painter, panel, transform)
    painter.resetTransform()
    painter.setClipping(False)
    _Legend(painter, width + _MARGIN).paint(panel)
    painter.end()
    return canvas


def png(panel: Panel) -> bytes:
    """The picture as a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(picture(panel)):
        raise MemoryError("no memory for a picture")
    return bytes(buffer.data().data())


def _film_size(image: SliceImage) -> tuple[int, int]:
    """Width and height of the film in the picture: its own shape, between `SHORTEST` and `LONGEST` on the long side."""
    rows, columns = image.stored.shape[:2]
    row, column = image.aspect if image.spacing is None else (image.spacing.row, image.spacing.column)
    height, width = rows * row / min(row, column), columns * column / min(row, column)
    scale = min(max(max(height, width), SHORTEST), LONGEST) / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _paint_opinion(painter: QPainter, panel: Panel, transform: ViewTransform) -> None:
    if panel.finding.heatmap is not None:
        painter.drawImage(0, 0, heat_layer(panel.finding.heatmap[panel.index], transform))
    for structure in panel.anatomy:
        paint_contours(painter, structure.mask[panel.index], colour_of(structure.label), transform)
    if panel.finding.mask is not None:
        paint_contours(painter, panel.finding.mask[panel.index], colour_of(panel.finding.label), transform)


class _Legend:
    """Column of text from top to bottom."""

    HEIGHT = 640

    def __init__(self, painter: QPainter, left: int) -> None:
        self._painter = painter
        self._left = left
        self._top = float(_MARGIN)
        self._width = LEGEND - 2 * _MARGIN
        self._lettering = Lettering()

    def paint(self, panel: Panel) -> None:
        finding = panel.finding
        self._wrapped(finding.label[:1].upper() + finding.label[1:], _TITLE, TEXT)
        self._gap(10)
        self._wrapped(f"Probability {finding.probability or 0:.2f}", _BODY, TEXT)
        self._wrapped(f"Flagged from {finding.threshold or 0:.2f}", _BODY, TEXT)
        self._gap(24)
        if finding.heatmap is not None:
            self._scale()
        if finding.mask is not None:
            self._line(finding.label, colour_of(finding.label))
        for structure in panel.anatomy:
            self._line(structure.label, colour_of(structure.label))
        self._gap(24)
        self._wrapped(panel.source, _SMALL, _QUIET)
        self._wrapped("Research use only. Not a medical device.", _SMALL, TEXT)

    def _gap(self, pixels: float) -> None:
        self._top += pixels

    def _wrapped(self, text: str, size: float, colour: QColor) -> None:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self._lettering.width(longer, size) > self._width:
                self._text(line, size, colour)
                line = word
            else:
                line = longer
        self._text(line, size, colour)

    def _text(self, text: str, size: float, colour: QColor) -> None:
        cut = self._lettering.elided(text, size, self._width)
        self._lettering.draw(self._painter, self._left, self._top, cut, size, colour)
        self._top += self._lettering.line_height(size)

    def _scale(self) -> None:
        """Colour bar from 0 to 1."""
        self._wrapped("Heatmap", _BODY, TEXT)
        self._gap(6)
        self._painter.drawImage(QPointF(self._left, self._top), colour_bar(self._width, 18))
        self._gap(22)
        for text, share in (("0", 0.0), ("0.5", 0.5), ("1", 1.0)):
            left = self._left + share * (self._width - self._lettering.width(text, _SMALL))
            self._lettering.draw(self._painter, left, self._top, text, _SMALL, TEXT)
        self._gap(self._lettering.line_height(_SMALL))
        self._wrapped(CAPTION, _SMALL, _QUIET)
        self._gap(24)

    def _line(self, label: str, colour: QColor) -> None:
        """Name an outline beside a piece of its line."""
        height = self._lettering.line_height(_BODY)
        middle = self._top + height / 2
        self._painter.setPen(QPen(colour, 3))
        self._painter.drawLine(QLineF(self._left, middle, self._left + 28, middle))
        cut = self._lettering.elided(label, _BODY, self._width - 40)
        self._lettering.draw(self._painter, self._left + 40, self._top, cut, _BODY, TEXT)
        self._gap(height)
