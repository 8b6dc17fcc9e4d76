"""A small picture of one image, in its own window."""

from __future__ import annotations

from PySide6.QtGui import QImage

from radviewer.domain.volume import SliceImage
from radviewer.render.presentation import Presentation
from radviewer.render.slice_renderer import SliceRenderer
from radviewer.render.view import Camera, ViewTransform

Thumbnail = QImage
"""What holds a small picture; callers without a window carry it about unopened."""


def thumbnail(image: SliceImage, size: int) -> Thumbnail:
    """Picture of the whole image, black beside it.

    Parameters
    ----------
    image : SliceImage
        Grey or RGB, any shape.
    size : int
        Width and height in device pixels.

    Returns
    -------
    Thumbnail
        Square, ``size`` × ``size``.

    """
    rows, columns = image.stored.shape[:2]
    transform = ViewTransform(Camera(), (rows, columns), (size, size), image.spacing, aspect=image.aspect)
    return SliceRenderer().render(image, Presentation(), transform)
