"""Modality values to grey levels (PS3.3 C.7.6.3, C.11.1, C.11.2): pure functions."""

from __future__ import annotations

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Voi, Window
from radviewer.render.presentation import Presentation

COLOUR_WINDOW = Window(128, 256)
"""Leaves RGB values of 0–255 as they are."""


def automatic_window(image: SliceImage) -> Window:
    """Window from robust percentiles of the modality values, padding left out."""
    raise NotImplementedError


def effective_voi(image: SliceImage, presentation: Presentation) -> Voi:
    """The window or VOI LUT an image is shown with, in numbers."""
    if presentation.voi is not None:
        return presentation.voi
    if image.vois:
        return image.vois[0]
    return presentation.fallback or automatic_window(image)
