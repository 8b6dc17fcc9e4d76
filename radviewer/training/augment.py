"""Random films: geometry, tone, collimation, text, noise.

Every transformation is one that another hospital could have done to the film, and stronger.
All take the random generator as an argument, so an epoch can be repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Ranges of the random affine map."""

    degrees: float = 12.0
    zoom: tuple[float, float] = (0.72, 1.3)
    aspect: float = 1.25  # up to this ratio either way
    shift: float = 0.1  # of the side
    shear: float = 0.06


def random_affine(rng: Generator, size: int, ranges: Geometry, *, flip: bool = False) -> NDArray[np.float64]:
    """2 × 3 matrix, (x, y) of a `size`² input → output, about the centre."""
    angle = math.radians(rng.uniform(-ranges.degrees, ranges.degrees))
    zoom = math.exp(rng.uniform(math.log(ranges.zoom[0]), math.log(ranges.zoom[1])))
    aspect = math.exp(rng.uniform(-1, 1) * math.log(ranges.aspect) / 2)
    shear = rng.uniform(-ranges.shear, ranges.shear)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([zoom * aspect, zoom / aspect])
    if flip:
        linear = linear @ np.diag([-1.0, 1.0])
    centre = np.full(2, (size - 1) / 2)
    shift = rng.uniform(-ranges.shift, ranges.shift, 2) * size
    return np.hstack([linear, (centre + shift - linear @ centre)[:, None]])


def warp(
    image: NDArray[Any], matrix: NDArray[np.float64], *, fill: float | None, nearest: bool = False
) -> NDArray[Any]:
    """Apply `matrix`; outside the input lies `fill`, or the repeated border for None."""
    size = (image.shape[1], image.shape[0])
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    if fill is None:
        return cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(fill,))


def random_tone(rng: Generator, image: Grey) -> Grey:
    """Random monotone tone curve on 0–1: gamma, contrast about a point, a smooth bend, clipping."""
    knots = np.linspace(0, 1, 7)
    steps = np.exp(rng.normal(0, 0.45, 6))
    curve = np.concatenate(([0], np.cumsum(steps) / steps.sum())) ** math.exp(rng.normal(0, 0.35))
    low, high = rng.uniform(-0.15, 0.08), rng.uniform(0.92, 1.2)
    table = np.interp(np.linspace(low, high, 1024), knots, curve)
    index = np.clip(image * 1023, 0, 1023).astype(np.int32)
    toned: Grey = table.astype(np.float32)[index]
    return toned


def random_light(rng: Generator, image: Grey) -> Grey:
    """Slowly varying exposure: heel effect, scatter."""
    coarse = rng.normal(0, 0.12, (3, 3)).astype(np.float32)
    field = cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    return image + field


def _blurred(image: Grey, sigma: float) -> Grey:
    if sigma <= 4:
        return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32, copy=False)
    rows, columns = image.shape
    small = cv2.resize(image, (columns // 4, rows // 4), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def random_detail(rng: Generator, image: Grey) -> Grey:
    """Sharpen, blur or leave; then noise."""
    choice = rng.random()
    if choice < 0.35:
        image = _blurred(image, rng.uniform(0.4, 1.6))
    elif choice < 0.8:  # from edge enhancement to the local contrast of a digital film
        image = image + rng.uniform(0.2, 1.5) * (image - _blurred(image, math.exp(rng.uniform(0.0, 3.2))))
    if rng.random() < 0.4:
        image = image + rng.normal(0, rng.uniform(0.005, 0.04), image.shape).astype(np.float32)
    return image


def random_clutter(rng: Generator, image: Grey) -> Grey:
    """Collimation borders, label boxes and letters as they are burnt into films."""
    image = image.copy()
    side = image.shape[0]
    if rng.random() < 0.3:  # collimator blades, slightly turned
        inset = rng.uniform(0, 0.08, 4) * side
        top, left, bottom, right = inset[0], inset[1], side - inset[2], side - inset[3]
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) + rng.normal(
            0, side / 80, (4, 2)
        )
        inside = np.zeros(image.shape, np.uint8)
        cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
        image[inside == 0] = rng.choice([0.0, 0.0, 1.0, rng.random()])
    for _ in range(max(0, int(rng.integers(-1, 3)))):
        corner = rng.integers(0, 2, 2) * (side * 0.8) + rng.uniform(0, side * 0.15, 2)
        x, y = int(corner[0]), int(corner[1])
        if rng.random() < 0.5:
            height, width = rng.integers(side // 40, side // 9, 2)
            image[y : y + height, x : x + width] = rng.choice([0.0, 1.0])
        else:
            letter = str(rng.choice(["L", "R", "AP", "PA", "12", "P"]))
            ink = np.zeros(image.shape, np.uint8)
            cv2.putText(
                ink, letter, (x, y + side // 20), cv2.FONT_HERSHEY_SIMPLEX, side / 500, 255, max(1, side // 200)
            )
            image[ink > 0] = 1.0
    return image


def random_film(rng: Generator, image: Grey) -> Grey:
    """All of the above on a 0–1 film, in the order a film goes through them; 0–1 again."""
    if rng.random() < 0.5:
        image = random_light(rng, image)
    if rng.random() < 0.85:
        image = random_tone(rng, np.clip(image, 0, 1))
    if rng.random() < 0.8:
        image = random_detail(rng, image)
    clipped: Grey = np.clip(image, 0, 1)
    return clipped
