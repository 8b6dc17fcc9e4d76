"""Paints the layers of the second opinion; keeps what the next paint is likely to need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from radviewer.render.contours import colour_of, on_view, outline_path, paint_outline
from radviewer.render.heat import CAPTION, colour_bar, heat_layer
from radviewer.render.lettering import HALO, Lettering
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, SpotMark
from radviewer.render.placing import Box, around, place
from radviewer.render.recent import Recent, Same
from radviewer.render.view import ViewTransform

_FILLED = 0.4  # of the reader's opacity: what lies below must stay readable
_SIZE, _TITLE = 11.0, 12.0  # logical pixels of letters
_BAR, _BAR_HEIGHT, _GAP, _MARGIN = 150.0, 9.0, 5.0, 8.0  # logical pixels
_PLATE = QColor(0, 0, 0, 165)
_TEXT, _QUIET = QColor(230, 233, 236), QColor(190, 197, 204)
_SPOT = 9.0  # logical pixels from a spot to its ring
_MOST_PICTURES = 128 << 20  # bytes


class OpinionPainter:
    """One per viewport; bounded."""

    def __init__(self, lettering: Lettering) -> None:
        self._lettering = lettering
        self._paths: Recent[QPainterPath] = Recent(64)
        self._heats: Recent[QImage] = Recent(_MOST_PICTURES, lambda picture: picture.sizeInBytes())

    def clear(self) -> None:
        """Forget everything that was kept."""
        self._paths.clear()
        self._heats.clear()

    def paint(self, painter: QPainter, layers: OpinionLayers, transform: ViewTransform, taken: Sequence[Box]) -> None:
        """Paint over an image; `painter` works in device pixels, `taken` is where annotations are."""
        if layers.heat is not None:
            self._paint_heat(painter, layers.heat, transform)
        for outline in sorted(layers.outlines, key=lambda outline: outline.selected):
            fill = _FILLED * layers.opacity if layers.fill else 0.0
            path, colour = self._path(outline), colour_of(outline.label)
            paint_outline(painter, path, colour, transform, outline.style, bold=outline.selected, fill=fill)
        for spot in layers.spots:
            _paint_spot(painter, spot, transform)
        boxes = list(taken)
        if layers.heat is not None:
            boxes.append(self._paint_scale(painter, layers.heat, transform, boxes))
        for outline in layers.outlines:
            if outline.selected:
                bounds = on_view(transform).map(self._path(outline)).boundingRect()
                boxes.append(self._paint_label(painter, outline.label, bounds, transform, boxes))
        for spot in layers.spots:
            if spot.selected:
                boxes.append(self._paint_label(painter, spot.label, _ring(spot, transform), transform, boxes))

    def _path(self, outline: Outline) -> QPainterPath:
        key = Same(outline.mask)
        kept = self._paths.get(key)
        return self._paths.put(key, outline_path(outline.mask)) if kept is None else kept

    def _paint_heat(self, painter: QPainter, layer: HeatLayer, transform: ViewTransform) -> None:
        key = (Same(layer.heat), transform, layer.threshold, layer.opacity)
        picture = self._heats.get(key)
        if picture is None:
            made = heat_layer(layer.heat, transform, threshold=layer.threshold, opacity=layer.opacity)
            picture = self._heats.put(key, made)
        rows, columns = layer.heat.shape
        image = QPainterPath()
        image.addRect(QRectF(-0.5, -0.5, columns, rows))
        painter.save()
        painter.setClipPath(on_view(transform).map(image), Qt.ClipOperation.IntersectClip)
        painter.drawImage(0, 0, picture)
        painter.restore()

    def _paint_scale(self, painter: QPainter, layer: HeatLayer, transform: ViewTransform, taken: Sequence[Box]) -> Box:
        """Fixed colour bar from 0 to 1 with its caption, at the left edge where there is room."""
        ratio, lettering = transform.ratio, self._lettering
        size, gap = _SIZE * ratio, _GAP * ratio
        line, title_line = lettering.line_height(size), lettering.line_height(_TITLE * ratio)
        cells = "" if not layer.native[0] else f"{layer.native[0]} × {layer.native[1]} cells"
        captions = [CAPTION, cells] if cells else [CAPTION]
        title = f"Heatmap: {layer.label}"
        widths = [lettering.width(text, size) for text in captions] + [lettering.width(title, _TITLE * ratio)]
        width = max(_BAR * ratio, *widths)
        height = title_line + _BAR_HEIGHT * ratio + gap + line * (1 + len(captions))
        box = _free_box(width + 2 * gap, height + 2 * gap, transform, taken)
        painter.fillRect(QRectF(box.left, box.top, box.width, box.height), _PLATE)
        left, top = box.left + gap, box.top + gap
        lettering.draw(painter, left, top, title, _TITLE * ratio, _TEXT)
        top += title_line
        bar = round(_BAR * ratio)
        painter.drawImage(QPointF(left, top), colour_bar(bar, round(_BAR_HEIGHT * ratio)))
        top += _BAR_HEIGHT * ratio + gap / 2
        for text, share in (("0", 0.0), ("0.5", 0.5), ("1", 1.0)):
            lettering.draw(painter, left + share * (bar - lettering.width(text, size)), top, text, size, _TEXT)
        for text in captions:
            top += line
            lettering.draw(painter, left, top, text, size, _QUIET)
        return box

    def _paint_label(
        self, painter: QPainter, label: str, bounds: QRectF, transform: ViewTransform, taken: Sequence[Box]
    ) -> Box:
        ratio = transform.ratio
        if bounds.isEmpty():
            return Box(0, 0, 0, 0)
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


def _free_box(width: float, height: float, transform: ViewTransform, taken: Sequence[Box]) -> Box:
    """Place at the left edge, as low as what is there allows; where all is taken, the place that covers least."""
    margin = _MARGIN * transform.ratio
    lowest = max(margin, transform.size[1] - margin - height)
    step = max(1.0, 4 * transform.ratio)
    count = int(max(0.0, lowest - margin) / step) + 1
    candidates = [Box(margin, lowest - i * step, width, height) for i in range(count)]
    return min(candidates, key=lambda box: (sum(box.overlap(other) for other in taken), -box.top))
