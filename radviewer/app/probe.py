"""The value of one pixel, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from radviewer.app.viewport import Viewport
from radviewer.domain.volume import SliceImage

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Probe:
    """What lies under the pointer.

    Attributes
    ----------
    value : str
        Modality value with its unit, or RGB.
    text : str
        The value, the stored one where it differs, image, row and column (counted from 0,
        as in the file), and LPS mm where the image has a plane.

    """

    value: str
    text: str


def probe(viewport: Viewport, row: int, column: int) -> Probe | None:
    """Read one pixel of what is shown; None when there is none."""
    image = viewport.image
    if image is None or not (0 <= row < image.stored.shape[0] and 0 <= column < image.stored.shape[1]):
        return None
    value, stored = _values(image, row, column)
    parts = [value] if stored is None else [value, f"stored {stored}"]
    parts.append(f"image {viewport.index + 1}, row {row}, column {column}")
    plane = image.plane or viewport.plane
    if plane is not None:
        x, y, z = plane.to_patient(row, column)
        parts.append(f"L {_fixed(x)}  P {_fixed(y)}  S {_fixed(z)} mm")
    return Probe(value, "  ·  ".join(parts))


def _values(image: SliceImage, row: int, column: int) -> tuple[str, str | None]:
    pixel = image.stored[row, column]
    if image.is_colour:
        red, green, blue = (int(v) for v in pixel)
        return (f"R {red}  G {green}  B {blue}", None)
    modality = float(image.modality_values(image.stored[row : row + 1, column : column + 1])[0, 0])
    text = f"{number(modality)} {image.unit}".rstrip()
    if image.padding is not None and image.padding[0] <= float(pixel) <= image.padding[1]:
        text += " (padding)"
    same = modality == float(pixel)
    return (text, None if same else number(float(pixel)))


def number(value: float) -> str:
    """Write a value without more digits than it carries."""
    if math.isfinite(value) and value == round(value) and abs(value) < 1e12:
        return f"{value + 0.0:.0f}".replace("-", _MINUS)  # + 0.0: there is no negative zero for a reader
    return f"{value:.5g}".replace("-", _MINUS)


def _fixed(value: float) -> str:
    return f"{value:.1f}".replace("-", _MINUS)
