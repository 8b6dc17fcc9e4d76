"""Drawn MR series of a head, acquired in any plane and direction, and ultrasound boards."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry, ImagePlane, PixelSpacing, Vector
from radviewer.domain.volume import SliceImage, Volume

Axes = tuple[int, int, int]
Flips = tuple[bool, bool, bool]

AXIAL: Axes = (0, 1, 2)
CORONAL: Axes = (1, 0, 2)
SAGITTAL: Axes = (2, 0, 1)
STRAIGHT: Flips = (False, False, False)
PLANES: tuple[Axes, ...] = tuple((p[0], p[1], p[2]) for p in permutations(range(3)))
TURNS: tuple[Flips, ...] = tuple((a, b, c) for a, b, c in product((False, True), repeat=3))
SPACING = (3.0, 2.0, 1.0)
"""Millimetres upwards, to posterior, to the left."""
_TOWARDS = np.array([(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)])  # LPS of superior, posterior, left


def turned(array: NDArray[Any], axes: Axes, flips: Flips) -> NDArray[Any]:
    """An array over (superior, posterior, left) as a scanner stores it: `axes` along slices, rows, columns."""
    return np.ascontiguousarray(np.flip(array.transpose(axes), tuple(i for i, f in enumerate(flips) if f)))


def vector(values: NDArray[Any]) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))


def acquired(
    patient: NDArray[Any],
    axes: Axes = AXIAL,
    flips: Flips = STRAIGHT,
    spacing: tuple[float, float, float] = SPACING,
    turn: NDArray[np.float64] | None = None,
) -> Volume:
    """A series with geometry and planes of an array over (superior, posterior, left); `turn` moves the patient."""
    stored = turned(patient, axes, flips)
    signs = np.where(flips, -1.0, 1.0)
    directions = _TOWARDS[list(axes)] * signs[:, None]
    directions = directions if turn is None else directions @ turn.T
    steps = np.array(spacing)[list(axes)]
    affine = np.eye(4)
    affine[:3, :3] = (directions * steps[:, None]).T
    slices = tuple(
        SliceImage(
            image,
            plane=ImagePlane(
                vector(affine[:3, 0] * k),
                vector(directions[2]),
                vector(directions[1]),
                float(steps[1]),
                float(steps[2]),
            ),
            spacing=PixelSpacing(float(steps[1]), float(steps[2])),
        )
        for k, image in enumerate(stored)
    )
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    return Volume(stored, slices, Geometry(shape, affine), {})


def plain(stored: NDArray[Any], **more: Any) -> Volume:
    """Slices without any place in the patient."""
    return Volume(stored, tuple(SliceImage(image, **more) for image in stored), None, {})


def at_depths(patient: NDArray[Any], depths: list[float]) -> Volume:
    """Axial slices at given heights, which are not evenly spaced: there is no grid."""
    volume = acquired(patient)
    moved = tuple(
        replace(image, plane=replace(image.plane, position=(0.0, 0.0, depth)))
        for image, depth in zip(volume.slices, depths, strict=True)
        if image is not None and image.plane is not None
    )
    return Volume(volume.stored, moved, None, {})


def without(volume: Volume, *missing: int) -> Volume:
    """The same series with slices that could not be read."""
    slices = tuple(None if i in missing else image for i, image in enumerate(volume.slices))
    return replace(volume, slices=slices, problems={i: f"{i}.dcm is cut off." for i in missing})


def ellipsoid(
    shape: tuple[int, int, int], centre: tuple[float, float, float], half: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Filled; centre and half axes in voxels."""
    grids = np.indices(shape) + 0.5
    inside: NDArray[np.bool_] = sum(((g - c) / h) ** 2 for g, c, h in zip(grids, centre, half, strict=True)) <= 1
    return inside


HEAD = (10, 64, 56)


def head(shape: tuple[int, int, int] = HEAD, seed: int = 0) -> NDArray[np.float32]:
    """A head in (superior, posterior, left): noisy air, bright scalp, dark skull, grey brain, and `tumour`."""
    rng = np.random.default_rng(seed)
    middle = (shape[0] / 2, shape[1] / 2, shape[2] / 2)
    values = np.abs(rng.normal(0, 12, shape)).astype(np.float32)
    for share, value in ((0.84, 900.0), (0.78, 100.0), (0.72, 420.0)):
        part = ellipsoid(shape, middle, (0.75 * shape[0], share * middle[1], share * middle[2]))
        values[part] = value + rng.normal(0, 30, int(part.sum()))
    values[tumour(shape)] += 400
    return np.clip(values, 0, 4000)


def tumour(shape: tuple[int, int, int] = HEAD) -> NDArray[np.bool_]:
    """A bright ball in front, on the right, in the upper half."""
    return ellipsoid(shape, (0.65 * shape[0], 0.38 * shape[1], 0.36 * shape[2]), (2.2, 7.0, 6.0))


def speckled(shape: tuple[int, int], seed: int = 0, lesion: bool = True) -> NDArray[np.uint8]:
    """A B-mode image with a dark lesion, wider than tall."""
    rng = np.random.default_rng(seed)
    rows, columns = (np.arange(n)[:, None] / n if i == 0 else np.arange(n) / n for i, n in enumerate(shape))
    values = np.full(shape, 130.0)
    if lesion:
        values = np.where(((rows - 0.45) / 0.18) ** 2 + ((columns - 0.4) / 0.2) ** 2 <= 1, 25, values)
    speckle: NDArray[np.uint8] = np.clip(values * rng.rayleigh(0.8, shape), 0, 255).astype(np.uint8)
    return speckle
