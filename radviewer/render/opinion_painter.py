"""Paints the layers of the second opinion; keeps what the next paint is likely to need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from radviewer.render.contours import Shape, colour_of, on_view, paint_outline, shape_of
from radviewer.render.heat import heat_layer
from radviewer.render.heat_scale import paint_scale
from radviewer.render.lettering import HALO, Lettering
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, SpotMark
from radviewer.render.placing import Box, around, place
from radviewer.render.recent import Recent, Same
from radviewer.render.view import ViewTransform

_FILLED = 0.4  # of the reader's opacity: what lies below must stay readable
_TITLE, _GAP = 12.0, 5.0  # logical pixels
_SPOT = 9.0  # logical pixels from a spot to its ring
_MOST_PICTURES = 128 << 20  # bytes
_MOST_CORNERS = 1 << 20  # some 40 bytes each
_EACH = 1000  # corners that an outline counts for at least, so that there are never too many


class OpinionPainter:
    """One per viewport; bounded."""

    def __init__(self, lettering: Lettering) -> None:
        self._lettering = lettering
        self._shapes: Recent[Shape] = Recent(_MOST_CORNERS, lambda shape: max(shape.corners, _EACH))
        self._heats: Recent[QImage] = Recent(_MOST_PICTURES, lambda picture: picture.sizeInBytes())

    def clear(self) -> None:
        """Forget everything that was kept."""
        self._shapes.clear()
        self._heats.clear()

    def paint(
        self, painter: QPainter, layers: OpinionLayers, transform: ViewTransform, taken: Sequence[Box]
    ) -> list[Box]:
        """Paint over an image; `painter` works in device pixels, `taken` is where annotations are.

        Returns
        -------
        list of Box
            What is taken now: labels of marks keep clear of the scale and of labels, too.

        """
        if layers.heat is not None:
            self._paint_heat(painter, layers.heat, transform)
        for outline in sorted(layers.outlines, key=lambda outline: outline.selected):
            fill = _FILLED * layers.opacity if layers.fill else 0.0
            shape, colour = self._shape(outline), colour_of(outline.label)
            paint_outline(painter, shape, colour, transform, outline.style, bold=outline.selected, fill=fill)
        for spot in layers.spots:
            _paint_spot(painter, spot, transform)
        boxes = list(taken)
        if layers.heat is not None:
            boxes.append(paint_scale(painter, self._lettering, layers.heat, transform, boxes))
        for label, bounds in self._selected(layers, transform):
            boxes.append(self._paint_label(painter, label, bounds, transform, boxes))
        return boxes

    def _selected(self, layers: OpinionLayers, transform: ViewTransform) -> list[tuple[str, QRectF]]:
        """What is selected and lies in the view, at least in part: its label and its bounds in device pixels."""
        view = QRectF(0, 0, *transform.size)
        chosen = (outline for outline in layers.outlines if outline.selected)
        found = [(o.label, on_view(transform).mapRect(self._shape(o).area.boundingRect())) for o in chosen]
        found += [(spot.label, _ring(spot, transform)) for spot in layers.spots if spot.selected]
        return [(label, bounds) for label, bounds in found if bounds.intersects(view)]

    def _shape(self, outline: Outline) -> Shape:
        key = Same(outline.mask)
        kept = self._shapes.get(key)
        return self._shapes.put(key, shape_of(outline.mask)) if kept is None else kept

    def _paint_heat(self, painter: QPainter, layer: HeatLayer, transform: ViewTransform) -> None:
        key = (Same(layer.heat), transform, layer.threshold, layer.opacity)
        picture = self._heats.get(key)
        if picture is None:
            made = heat_layer(layer.heat, transform, threshold=layer.threshold, opacity=layer.opacity)
            quick = made.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            picture = self._heats.put(key, quick)
        left, top, right, bottom = transform.image_rectangle()
        painter.save()
        painter.setClipRect(QRectF(left, top, right - left, bottom - top), Qt.ClipOperation.IntersectClip)
        painter.drawImage(0, 0, picture)
        painter.restore()

    def _paint_label(
        self, painter: QPainter, label: str, bounds: QRectF, transform: ViewTransform, taken: Sequence[Box]
    ) -> Box:
        ratio = transform.ratio
        size = _TITLE * ratio
        width, height = self._lettering.width(label, size), self._lettering.line_height(size)
        shape = around([(bounds.left(), bounds.top()), (bounds.right(), bounds.bottom())])
        gap = _GAP * ratio
        above = Box(shape.left + (shape.width - width) / 2, shape.top - gap - height, width, height)
        box = place([above], shape, taken, transform.size, gap)
        self._lettering.draw(painter, box.left, box.top, label, size, colour_of(label))
        return box


def _ring(spot: SpotMark, transform: ViewTransform) -> QRectF:
    """Square around a spot, the same size at every zoom, in device pixels."""
    x, y = transform.to_view(spot.row, spot.column)
    reach = _SPOT * transform.ratio
    return QRectF(x - reach, y - reach, 2 * reach, 2 * reach)


def _paint_spot(painter: QPainter, spot: SpotMark, transform: ViewTransform) -> None:
    ring = _ring(spot, transform)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    broad = (2.6 if spot.selected else 1.6) * transform.ratio
    for colour, width in ((HALO, broad + 2 * transform.ratio), (colour_of(spot.label), broad)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(ring)
    painter.restore()
