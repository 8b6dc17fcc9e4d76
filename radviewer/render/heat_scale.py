"""The heatmap's scale over an image: a fixed colour bar from 0 to 1, and what the heatmap is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from radviewer.render.heat import CAPTION, colour_bar
from radviewer.render.lettering import Lettering
from radviewer.render.opinion_layers import HeatLayer
from radviewer.render.placing import Box
from radviewer.render.view import ViewTransform

_SIZE, _TITLE = 11.0, 12.0  # logical pixels of letters
_BAR, _BAR_HEIGHT, _TICK, _GAP, _MARGIN = 150.0, 9.0, 3.0, 5.0, 8.0  # logical pixels
_PLATE = QColor(0, 0, 0, 165)
_TEXT, _QUIET = QColor(230, 233, 236), QColor(190, 197, 204)
_TICKS = (("0", 0.0), ("0.5", 0.5), ("1", 1.0))


def paint_scale(
    painter: QPainter, lettering: Lettering, layer: HeatLayer, transform: ViewTransform, taken: Sequence[Box]
) -> Box:
    """Paint the scale where nothing is `taken`; returns its box. `painter` works in device pixels."""
    ratio = transform.ratio
    size, gap, bar, thick = _SIZE * ratio, _GAP * ratio, round(_BAR * ratio), round(_BAR_HEIGHT * ratio)
    title, captions = f"Heatmap: {layer.label}", _captions(layer)
    line, title_line = lettering.line_height(size), lettering.line_height(_TITLE * ratio)
    widest = max(lettering.width(text, size) for text in captions)
    width = max(float(bar), widest)
    height = title_line + thick + gap + line * (1 + len(captions))
    box = free_box((width + 2 * gap, height + 2 * gap), transform, taken)
    painter.fillRect(QRectF(box.left, box.top, box.width, box.height), _PLATE)
    left, top = round(box.left + gap), box.top + gap
    cut = lettering.elided(title, _TITLE * ratio, width)
    lettering.draw(painter, left, top, cut, _TITLE * ratio, _TEXT)
    top = round(top + title_line)
    painter.drawImage(QPointF(left, top), colour_bar(bar, thick))
    top += thick
    painter.setPen(QPen(_TEXT, ratio))
    inside = bar - ratio
    ends = [left + ratio / 2 + share * inside for _, share in _TICKS]
    painter.drawLines([QLineF(x, top, x, top + _TICK * ratio) for x in ends])
    top += round(gap / 2)
    for text, share in _TICKS:
        lettering.draw(painter, left + share * (bar - lettering.width(text, size)), top, text, size, _TEXT)
    for text in captions:
        top += line
        lettering.draw(painter, left, top, text, size, _QUIET)
    return box


def _captions(layer: HeatLayer) -> list[str]:
    rows, columns = layer.native
    return [CAPTION, f"{rows} × {columns} cells"] if rows and columns else [CAPTION]


def free_box(size: tuple[float, float], transform: ViewTransform, taken: Sequence[Box]) -> Box:
    """Lowest free place at the left edge, else at the right; where all is taken, the one that covers least."""
    candidates = list(_places(size, transform))

    def covered(box: Box) -> float:
        return sum(box.overlap(other) for other in taken)

    free = next((box for box in candidates if covered(box) == 0), None)
    return min(candidates, key=covered) if free is None else free


def _places(size: tuple[float, float], transform: ViewTransform) -> Iterator[Box]:
    margin, step = _MARGIN * transform.ratio, max(1.0, 4 * transform.ratio)
    lowest = max(margin, transform.size[1] - margin - size[1])
    for left in (margin, max(margin, transform.size[0] - margin - size[0])):
        for i in range(int((lowest - margin) / step) + 1):
            yield Box(left, lowest - i * step, *size)
