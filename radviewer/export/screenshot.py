"""A viewport as a picture: pixel for pixel what is seen, with a legend below that says what the overlays are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter

from radviewer import __version__
from radviewer.export.pictures import ensure_application
from radviewer.render.contours import colour_of
from radviewer.render.layout import TEXT
from radviewer.render.lettering import Lettering
from radviewer.render.picture import View, ViewPainter

DISCLAIMER = "Research use only. Not a medical device."

_GROUND = QColor(18, 20, 23)
_SIZE, _MARGIN, _SWATCH = 12.0, 10.0, 10.0  # logical pixels
_LARGEST = 64_000_000  # pixels


@dataclass(frozen=True, slots=True)
class LegendLine:
    """One overlay, or a sentence where `label` is ""."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Screenshot:
    """What one picture shows.

    Attributes
    ----------
    view : View
        As the window paints it; its corners name the patient only where that was asked for.
    legend : tuple of LegendLine
        Each overlay with its state, model, version and probability.

    """

    view: View
    legend: tuple[LegendLine, ...] = ()


def screenshot(shot: Screenshot, scale: float = 1.0) -> QImage:
    """Paint off-screen, RGB32: the view at `scale` × its size, then the legend.

    Raises
    ------
    MemoryError
        If there is none for a picture of this size.

    """
    ensure_application()
    view = scaled(shot.view, scale)
    foot = _foot(shot.legend, view.transform.ratio)[0]
    width, height = view.transform.size
    if width * (height + foot) > _LARGEST:
        raise MemoryError("a picture of this size is larger than any screen")
    return with_legend(ViewPainter().picture(view), shot.legend, view.transform.ratio)


def with_legend(picture: QImage, legend: tuple[LegendLine, ...], ratio: float) -> QImage:
    """A picture, and below it what its overlays are and that it is for research only.

    Parameters
    ----------
    picture : QImage
        Any size, in device pixels.
    legend : tuple of LegendLine
        Each overlay with its state.
    ratio : float
        Device pixels per logical pixel, for the letters.

    Raises
    ------
    MemoryError
        If there is none for a picture of this size.

    """
    foot, lettering, lines = _foot(legend, ratio)
    width, height = picture.width(), picture.height()
    canvas = QImage(width, height + foot, QImage.Format.Format_RGB32)
    if canvas.isNull():
        raise MemoryError("no memory for a picture")
    canvas.fill(_GROUND)
    painter = QPainter(canvas)
    painter.drawImage(0, 0, picture)
    _paint_legend(painter, lettering, lines, (width, height), ratio)
    painter.end()
    return canvas


def _foot(legend: tuple[LegendLine, ...], ratio: float) -> tuple[int, Lettering, list[LegendLine]]:
    """Height of the legend in device pixels, its letters and its lines."""
    lettering = Lettering()
    lines = [*legend, LegendLine("", DISCLAIMER)]
    line = lettering.line_height(_SIZE * ratio)
    return round(2 * _MARGIN * ratio + line * len(lines)), lettering, lines


def scaled(view: View, scale: float) -> View:
    """The same part of the image, `scale` times as large, letters and lines too."""
    if scale == 1.0:
        return view
    before = view.transform
    size = (max(1, round(before.size[0] * scale)), max(1, round(before.size[1] * scale)))
    transform = replace(before, camera=before.camera.scaled(scale), size=size, ratio=before.ratio * scale)
    return replace(view, transform=transform)


def _paint_legend(
    painter: QPainter, lettering: Lettering, lines: list[LegendLine], size: tuple[int, int], ratio: float
) -> None:
    width, top = size[0], size[1] + _MARGIN * ratio
    for item in lines:
        left = _MARGIN * ratio
        height = lettering.line_height(_SIZE * ratio)
        if item.label:
            side = _SWATCH * ratio
            painter.fillRect(
                round(left), round(top + (height - side) / 2), round(side), round(side), colour_of(item.label)
            )
            left += side + _MARGIN * ratio
        text = lettering.elided(item.text, _SIZE * ratio, width - left - _MARGIN * ratio)
        lettering.draw(painter, left, top, text, _SIZE * ratio, TEXT)
        top += height


def as_array(picture: QImage) -> NDArray[np.uint8]:
    """Pixels ``(rows, columns, 3)``, RGB."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return lines[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()  # outlives the picture


def as_file(picture: QImage, facts: Mapping[str, str], kind: str = "png") -> bytes:
    """The picture as a "png" or "tiff" file; `facts` become text chunks of a PNG, beside program and disclaimer.

    Raises
    ------
    MemoryError

    """
    for name, text in {"Software": f"radviewer {__version__}", "Disclaimer": DISCLAIMER, **facts}.items():
        picture.setText(name, text)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(kind.encode())).write(picture):
        raise MemoryError("no memory for a picture")
    return bytes(buffer.data().data())
