"""The histogram's drawing (pyqtgraph): imported when the panel is first seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from radviewer.domain.window import Voi
from radviewer.render.histogram import Histogram
from radviewer.render.windowing import grey_levels, voi_range
from radviewer.ui.theme import colour

_CURVE_POINTS = 256
_HEADROOM = 1.06


class HistogramPlot(QWidget):
    """Bars, the curve of the VOI, and the window as a region to drag."""

    dragged = Signal(float, float)  # black, white

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram: Histogram | None = None
        self._log = False
        self._height = 1.0
        self.plot = pg.GraphicsLayoutWidget()
        self.plot.setBackground(colour("field"))
        self.plot.ci.layout.setContentsMargins(4, 4, 4, 0)
        self.box = self.plot.ci.addViewBox(0, 0, enableMenu=False)
        self.box.setMouseEnabled(x=True, y=False)
        for part in (self.plot, self.plot.viewport()):
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # level and width below do the same by keyboard
        axis = pg.AxisItem("bottom", linkView=self.box)
        self.plot.ci.addItem(axis, 1, 0)
        axis.setPen(colour("line"))
        axis.setTextPen(colour("muted"))
        self.bars = pg.PlotCurveItem(fillLevel=0, pen=_pen("muted"), brush=_faded("muted", 90))
        self.curve = pg.PlotCurveItem(pen=_pen("accent", 1.5))
        self.region = pg.LinearRegionItem(
            brush=_faded("accent", 26), hoverBrush=_faded("accent", 46), pen=_pen("accent")
        )
        for item in (self.bars, self.region, self.curve):
            self.box.addItem(item)
        self.region.sigRegionChanged.connect(self._on_dragged)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)

    def show_histogram(self, histogram: Histogram | None, *, log: bool) -> None:
        """Draw the bars; the visible range follows unless the reader has zoomed in it."""
        self._log = log
        self._histogram = histogram
        for item in (self.bars, self.curve, self.region):
            item.setVisible(histogram is not None)
        if histogram is None:
            return
        heights = _heights(histogram, log=log)
        self._height = float(heights.max()) or 1.0
        self.bars.setData(histogram.edges, heights, stepMode="center")
        self.box.setYRange(0, self._height * _HEADROOM, padding=0)
        self.box.setLimits(yMin=0, yMax=self._height * _HEADROOM)

    def show_window(self, voi: Voi, *, inverted: bool) -> None:
        """Move the region and draw the curve of a VOI."""
        low, high = voi_range(voi)
        if self.region.getRegion() != (low, high):
            with QSignalBlocker(self.region):
                self.region.setRegion((low, high))
        first, last = self._span(low, high)
        values = np.linspace(first, last, _CURVE_POINTS)
        grey = grey_levels(values, voi) / 255
        self.curve.setData(values, (1 - grey if inverted else grey) * self._height)

    def show_all(self, low: float, high: float) -> None:
        """Show every value and the whole window."""
        first, last = self._span(low, high)
        self.box.setXRange(first, last, padding=0.02)

    def _span(self, low: float, high: float) -> tuple[float, float]:
        if self._histogram is None:
            return low, high
        edges = self._histogram.edges
        return min(low, float(edges[0])), max(high, float(edges[-1]))

    def _on_dragged(self) -> None:
        low, high = self.region.getRegion()
        self.dragged.emit(float(low), float(high))


def _heights(histogram: Histogram, *, log: bool) -> NDArray[np.float64]:
    """Heights of the bars; one value that fills the background must not flatten the rest."""
    counts = histogram.counts.astype(np.float64)
    if log:
        return np.log10(counts + 1)
    tallest = np.sort(counts)[-3:]
    return np.minimum(counts, max(float(tallest[0]) * 1.5, 1.0))


def _pen(name: str, width: float = 1.0) -> Any:
    return pg.mkPen(colour(name), width=width)


def _faded(name: str, alpha: int) -> QColor:
    faded = colour(name)
    faded.setAlpha(alpha)
    return faded
