"""Changing a window by small steps: from the one in force, in ways a reader expects."""

from __future__ import annotations

from dataclasses import replace

from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render.presentation import Presentation
from radviewer.render.windowing import as_window, dragged, effective_voi


def stepped(image: SliceImage, presentation: Presentation, right: float, up: float) -> Window:
    """Window after a drag by logical pixels from the one in force: right is wider, up is brighter.

    On an image shown inverted (MONOCHROME1, or by the reader) a higher centre is brighter: there
    up raises it.
    """
    brighter = -up if image.inverted != presentation.inverted else up
    return _tidy(dragged(as_window(effective_voi(image, presentation)), right, brighter))


def _tidy(window: Window) -> Window:
    """Round a window to what a reader would name: whole units, or some digits of narrow ones."""
    if window.width >= 20:
        return replace(window, center=float(round(window.center)), width=float(round(window.width)))
    digits = 2 if window.width >= 1 else 4
    return replace(window, center=round(window.center, digits), width=round(window.width, digits) or window.width)
