"""Phantoms and golden pictures of the render tests."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from radviewer.render.view import Camera

GOLDENS = Path(__file__).parent.parent / "goldens"

ORIENTATIONS = list(product(range(4), (False, True)))
"""Quarter turns and mirroring: all eight."""


def camera(orientation: tuple[int, bool], **fields: Any) -> Camera:
    return Camera(quarter_turns=orientation[0], flipped=orientation[1], **fields)


def letter_f(rows: int = 40, columns: int = 30, dtype: Any = np.int16) -> NDArray[Any]:
    """Letter F of 1000 with a step of 700 in its foot, on a ramp from left to right: no symmetry at all."""
    image = np.tile(np.linspace(0, 200, columns), (rows, 1))
    image[5:35, 6:11] = 1000
    image[5:10, 6:25] = 1000
    image[18:22, 6:19] = 1000
    image[30:35, 6:11] = 700
    return image.astype(dtype)


def bytes_of(picture: QImage) -> NDArray[np.uint8]:
    """(height, width) of grey pictures, else (height, width, 3) RGB; a copy."""
    grey = picture.format() == QImage.Format.Format_Grayscale8
    plain = picture if grey else picture.convertToFormat(QImage.Format.Format_RGB888)
    width, height, line = plain.width(), plain.height(), plain.bytesPerLine()
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(height, line)
    return rows[:, :width].copy() if grey else rows[:, : width * 3].reshape(height, width, 3).copy()


def compare(picture: QImage, name: str, tolerance: int = 1) -> None:
    """Compare with a golden picture, pixel by pixel.

    ``RADVIEWER_UPDATE_GOLDENS=1`` writes it instead; look at what was written before you keep it.
    """
    path = GOLDENS / f"{name}.png"
    if os.environ.get("RADVIEWER_UPDATE_GOLDENS"):
        assert picture.save(str(path))
        return
    golden = QImage(str(path))
    assert not golden.isNull(), f"no golden picture {path.name}"
    if picture.format() == QImage.Format.Format_Grayscale8:
        golden = golden.convertToFormat(QImage.Format.Format_Grayscale8)
    expected, found = bytes_of(golden), bytes_of(picture)
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= tolerance, f"{path.name}: up to {difference.max()} at {np.argmax(difference)}"
