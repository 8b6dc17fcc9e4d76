"""Which device pixels a widget covers, whatever the screen's scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QWidget

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Placement:
    """Whole device pixels of a part of a widget, from its left edge.

    At a scale of 1.25 or 1.5 a widget may begin between two device pixels; a picture painted
    there would be softened.  The placement leaves out the fraction.

    Attributes
    ----------
    ratio : float
        Device pixels per logical pixel.
    left, top : float
        Device pixels left out, 0 ≤ value < 1.
    size : tuple of int
        ``(width, height)`` in device pixels, at least 1.

    """

    ratio: float
    left: float
    top: float
    size: tuple[int, int]

    @classmethod
    def of(cls, widget: QWidget, width: int, height: int) -> Placement:
        """Placement of ``width × height`` logical pixels at a widget's top left."""
        ratio = widget.devicePixelRatioF()
        origin = widget.mapTo(widget.window(), QPoint(0, 0))
        left, right = _whole(origin.x() * ratio, (origin.x() + width) * ratio)
        top, bottom = _whole(origin.y() * ratio, (origin.y() + height) * ratio)
        size = (max(1, right - left), max(1, bottom - top))
        return cls(ratio, left - origin.x() * ratio, top - origin.y() * ratio, size)

    def to_device(self, position: QPointF) -> tuple[float, float]:
        """Device ``(x, y)`` at the centre of the device pixel a pointer stands on."""
        return (position.x() * self.ratio - self.left + 0.5, position.y() * self.ratio - self.top + 0.5)

    def to_logical(self, x: float, y: float) -> QPointF:
        """Position in the widget of a device point."""
        return QPointF((x + self.left) / self.ratio, (y + self.top) / self.ratio)


def _whole(start: float, end: float) -> tuple[int, int]:
    return math.ceil(start - _TINY), math.floor(end + _TINY)
