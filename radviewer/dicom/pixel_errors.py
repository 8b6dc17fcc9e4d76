"""What the pixel modules tell each other when an image cannot be decoded."""

from __future__ import annotations


class BadPixels(Exception):
    """One image cannot be decoded.

    The message is a clause about the file ("its RLE segment 2 is damaged"); where the file is
    known it becomes the sentence of an `UnreadableImage`.
    """
