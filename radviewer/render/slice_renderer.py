"""SliceImage → QImage of a viewport."""

from __future__ import annotations

from PySide6.QtGui import QImage

from radviewer.domain.volume import SliceImage
from radviewer.render.presentation import Presentation
from radviewer.render.view import ViewTransform


class SliceRenderer:
    """Renders slices, keeping what the next paint is likely to need (bounded; one per viewport)."""

    def render(self, image: SliceImage, presentation: Presentation, transform: ViewTransform) -> QImage:
        """Picture of the whole viewport, ``transform.size`` device pixels; black beside the image."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget everything that was kept."""
