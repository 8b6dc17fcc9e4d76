"""One viewport, painted: the same code for the window, exports and reading without a window."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtGui import QImage, QPainter

from radviewer.domain.measurement import Mark, Point
from radviewer.domain.volume import SliceImage
from radviewer.render.annotations import CornerTexts
from radviewer.render.presentation import Presentation
from radviewer.render.view import ViewTransform


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything one viewport shows.

    Attributes
    ----------
    transform : ViewTransform
        Of the viewport in device pixels; when there is no image, of an empty one.
    image : SliceImage or None
        None: `message` is shown in its place (why it cannot be read, "loading …").
    presentation : Presentation
    marks : tuple of Mark
        Those of this image; painted in order.
    selected, hovered : str or None
        `Mark.mark_id`.
    reference_lines : tuple of (Point, Point)
        Where other viewports' images cut this one.
    corners : CornerTexts
    show_orientation, show_scale : bool
        Orientation letters; scale bar with the spacing label.
    message : str
        A sentence, plain text.

    """

    transform: ViewTransform
    image: SliceImage | None = None
    presentation: Presentation = field(default_factory=Presentation)
    marks: tuple[Mark, ...] = ()
    selected: str | None = None
    hovered: str | None = None
    reference_lines: tuple[tuple[Point, Point], ...] = ()
    corners: CornerTexts = field(default_factory=CornerTexts)
    show_orientation: bool = True
    show_scale: bool = True
    message: str = ""


class ViewPainter:
    """Paints views; keeps what speeds up the next one (bounded; one per viewport)."""

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint over the whole viewport: image, 60xx overlays, reference lines, marks, annotations.

        `painter` has its origin at the viewport's top left and Qt's usual logical
        coordinates (of a widget, or an image with its devicePixelRatio set).
        """
        raise NotImplementedError

    def picture(self, view: View) -> QImage:
        """Paint off-screen: RGB32, ``view.transform.size`` pixels."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget everything that was kept."""
