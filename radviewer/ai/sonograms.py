"""A B-mode ultrasound image as networks see it, and the way back to its own pixels.

The scan is cut out of its flat border, keeps its proportions in the patient (taller than wide is a sign), and is
scaled so that its longer side fills the canvas; the canvas is no larger than the scan needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.films import Placement, Refuse, Refused, raise_refused
from radviewer.ai.intensity import content_box
from radviewer.domain.volume import SliceImage

Grey = NDArray[np.float32]
Bytes = NDArray[np.uint8]

STRIDE = 32
SMALLEST = 64
"""Pixels of the shortest side that still shows a lesion."""
LARGEST = 40_000_000
"""Pixels of the largest image that is looked at."""
_COLOURED = 40  # between the channels of a coloured pixel
_MOST_COLOUR = 0.015  # share of pixels: letters and marks in colour are fewer
_MEAN, _SPREAD = 0.5, 0.25  # of normalised grey values
_REDUCED = 1.2  # pixels in a cell from which on they are averaged
_SQUARE = (1.0, 1.0)
_MOST_STRETCHED = 4.0  # height of a pixel over its width, or the other way round: more is nonsense
_BAND, _THROUGH, _DARK = 0.004, 0.97, 0.06  # width of a dark band, how much of it is dark, how dark


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The scan on its canvas.

    Attributes
    ----------
    grey : ndarray, float32, (rows, columns)
        0–1, multiples of 32; beside the scan as dark as its darkest.
    inside : ndarray of bool, (rows, columns)
        Where the scan lies.
    placement : Placement
        Of the canvas on the image.
    shape : tuple of int
        ``(Rows, Columns)`` of the image.

    """

    grey: Grey
    inside: NDArray[np.bool_]
    placement: Placement
    shape: tuple[int, int]


def canvas_of(shape: tuple[float, float], longest: int) -> tuple[int, int]:
    """Rows and columns of the smallest canvas for a scan of height and width `shape`; the longer one is `longest`."""
    scale = longest / max(shape)
    rows, columns = (min(longest, -(-round(n * scale) // STRIDE) * STRIDE) for n in shape)
    return max(rows, STRIDE), max(columns, STRIDE)


def grey_of(image: SliceImage, refuse: Refuse = raise_refused) -> Grey:
    """An image as it is shown, bright echoes bright; letters in colour become grey.

    Raises
    ------
    Refused
        By `refuse`, if much of it is coloured: flow or stiffness is shown.

    """
    if not image.is_colour:
        with np.errstate(over="ignore", invalid="ignore"):
            values = image.modality_values().astype(np.float32)
        return -values if image.inverted else values
    channels = image.stored.astype(np.int16)
    coloured = float((np.ptp(channels, axis=2) > _COLOURED).mean())
    if coloured > _MOST_COLOUR:
        refuse("Much of the image is in colour (Doppler, elastography); the model reads grey B-mode images.")
    grey: Grey = (image.stored.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    return grey


def pixel_of(image: SliceImage) -> tuple[float, float]:
    """Height and width of a pixel, the smaller being 1: from its spacing, else PixelAspectRatio; else a square."""
    sides = image.aspect if image.spacing is None else (image.spacing.row, image.spacing.column)
    smaller = min(sides)
    return _SQUARE if max(sides) > _MOST_STRETCHED * smaller else (sides[0] / smaller, sides[1] / smaller)


def scan_of(
    values: NDArray[Any], longest: int, refuse: Refuse = raise_refused, pixel: tuple[float, float] = _SQUARE
) -> Scan:
    """Put an image on its canvas.

    Parameters
    ----------
    values : ndarray, (rows, columns)
        Grey, as shown: bright echoes are bright.
    longest : int
        Longer side of the canvas, a multiple of 32.
    refuse : callable, optional
        Called if it is very small, or two images side by side.
    pixel : tuple of float
        Height and width of a pixel, the smaller being 1: cells of the canvas are squares in the patient.

    Raises
    ------
    Refused
        By `refuse`; and if the image is too large, blank or not finite.

    """
    rows, columns = values.shape
    if rows * columns > LARGEST:
        raise Refused(f"The image is larger than any ultrasound image ({rows} × {columns} pixels).")
    image = values.astype(np.float32)
    if not np.isfinite(image).all():
        raise Refused("The image's values are not finite numbers.")
    if not np.ptp(image) > 0:
        raise Refused("The image is blank.")
    top, left, bottom, right = content_box(image)
    if min(bottom - top, right - left) < SMALLEST:
        refuse(f"The image is too small to judge ({bottom - top} × {right - left} pixels).")
    if is_split(image[top:bottom, left:right]):
        refuse("The screen shows more than one image (split screen or M-mode); the model reads one B-mode image.")
    size = ((bottom - top) * pixel[0], (right - left) * pixel[1])
    canvas = canvas_of(size, longest)
    box = letterbox(size, canvas, pixel)
    placement = Placement(float(top), float(left), 1.0, 1.0).within(box)
    found = image[top:bottom, left:right]
    grey, inside = laid(found, inverse(box), canvas)
    return Scan(normalised(grey, inside), inside, placement, (rows, columns))


def is_split(image: Grey) -> bool:
    """Whether a dark band goes right through the middle of the screen, with something on both sides of it."""
    low, high = np.quantile(image, (0.01, 0.99))
    return any(_has_band(np.clip(turned - low, 0, None) / max(float(high - low), 1e-6)) for turned in (image, image.T))


def _has_band(grey: Grey) -> bool:
    """Whether columns in the middle third are dark all the way down."""
    columns = grey.shape[1]
    dark = np.quantile(grey, _THROUGH, axis=0) < _DARK
    first, last = columns // 3, columns - columns // 3
    width = max(2, round(_BAND * columns))
    runs = np.convolve(dark[first:last].astype(np.int32), np.ones(width, np.int32), mode="valid")
    if not (runs == width).any():
        return False
    middle = first + int(runs.argmax()) + width // 2
    sides = (grey[:, :middle], grey[:, middle:])
    return min(float(np.quantile(side, 0.75)) for side in sides) > 2 * _DARK


def letterbox(shape: tuple[float, float], canvas: tuple[int, int], pixel: tuple[float, float] = _SQUARE) -> Placement:
    """Where the cells of `canvas` lie on an image that fills it in the middle, undistorted.

    `shape` is its height and width where the sides of a pixel are `pixel`.
    """
    step = max(n / c for n, c in zip(shape, canvas, strict=True))
    top, left = ((n - c * step) / 2 for n, c in zip(shape, canvas, strict=True))
    return Placement(top / pixel[0], left / pixel[1], step / pixel[0], step / pixel[1])


def inverse(box: Placement) -> NDArray[np.float64]:
    """Matrix (x, y) of the image's pixels → the canvas' cells, 2 × 3, centres at integers."""
    return np.array(
        [
            [1 / box.step_column, 0, (0.5 - box.origin_column) / box.step_column - 0.5],
            [0, 1 / box.step_row, (0.5 - box.origin_row) / box.step_row - 0.5],
        ]
    )


def laid(image: Grey, matrix: NDArray[np.float64], canvas: tuple[int, int]) -> tuple[Grey, NDArray[np.bool_]]:
    """An image moved onto a canvas, averaged where that makes it smaller; and where it lies."""
    rows, columns = canvas
    across, along = (1 / float(np.linalg.norm(matrix[:, axis])) for axis in range(2))  # pixels in a cell
    if max(across, along) > _REDUCED:
        x, y = (0.4 * step if step > _REDUCED else 1e-3 for step in (across, along))
        image = cv2.GaussianBlur(image, (0, 0), sigmaX=x, sigmaY=y).astype(np.float32, copy=False)
    darkest = float(image.min())  # not 0: that is the brightest value of a picture stored in negative
    grey = cv2.warpAffine(image, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderValue=darkest)
    counted = np.ones(image.shape, np.uint8)
    inside = cv2.warpAffine(counted, matrix, (columns, rows), flags=cv2.INTER_NEAREST) > 0
    return grey.astype(np.float32, copy=False), inside


def normalised(grey: Grey, inside: NDArray[np.bool_]) -> Grey:
    """Grey values by their own mean and spread: gain and dynamic range count little.

    Parameters
    ----------
    grey : ndarray, float32
        Any scale.
    inside : ndarray of bool
        The scan; what lies beside it becomes as dark as its darkest.

    Returns
    -------
    ndarray, float32, 0-1
        Half at the mean; a standard deviation is a quarter.  Equalised histograms were tried and cost malignancy
        two points of AUC: they lift the noise of shadows to the brightness of tissue.

    """
    scan = grey[inside]
    if not scan.size:
        return np.zeros(grey.shape, np.float32)
    mean, spread = float(scan.mean()), float(scan.std())
    values = np.where(inside, grey, scan.min())
    found: Grey = np.clip(_MEAN + _SPREAD * (values - mean) / max(spread, 1e-6), 0, 1).astype(np.float32)
    return found
