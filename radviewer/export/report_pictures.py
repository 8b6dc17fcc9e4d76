"""Pictures of a report: a view alone, and with what lies over it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtGui import QImage

from radviewer.export.pictures import ensure_application
from radviewer.render.opinion_layers import OpinionLayers
from radviewer.render.picture import View, ViewPainter


def pictures_of(view: View, layers: OpinionLayers | None) -> tuple[QImage, ...]:
    """The image alone, then with marks and layers; without layers one picture, with marks.

    Raises
    ------
    MemoryError

    """
    ensure_application()
    painter = ViewPainter()
    if layers is None:
        return (painter.picture(view),)
    return (painter.picture(replace(view, marks=())), painter.picture(replace(view, opinion=layers)))
