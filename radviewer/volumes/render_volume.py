"""Volumes made ready to be rendered in 3D: a fine copy for the eye at rest, a coarse one for turning."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.domain.study import Stack, StackKind
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import NothingToRead, TooLarge
from radviewer.progress import Progress
from radviewer.volumes import memory
from radviewer.volumes.blocks import Factors, block_mean, blocks_affine, coarsest_fitting
from radviewer.volumes.extremes import Extremes, extremes_of

FINE_VOXELS = 32_000_000
"""Shown at rest: more make the first picture wait for seconds, and are hardly told apart on a screen."""
COARSE_VOXELS = 2_000_000
"""Shown while turning."""

_FEWEST_SLICES = 3
_MOST_SAMPLES = 2_000_000  # of the volume, for its percentiles
_WORK_BYTES = 5  # per voxel: directions and sizes of the gradient that a renderer keeps
_NATIVE = (np.uint8, np.int16, np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One copy of the volume.

    Attributes
    ----------
    values : ndarray, shape (slices, rows, columns)
        Stored values: uint8, int16, uint16 or float32.
    affine_lps : ndarray, shape (4, 4)
        ``(slice, row, column, 1)`` of this copy → LPS mm, shear and mirroring included.
    extremes : Extremes
        Of its blocks.

    """

    values: NDArray[Any]
    affine_lps: NDArray[np.float64]
    extremes: Extremes

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Length of the step per slice, row and column in mm."""
        s, r, c = (float(n) for n in np.linalg.norm(self.affine_lps[:3, :3], axis=0))
        return (s, r, c)


@dataclass(frozen=True, slots=True, eq=False)
class RenderVolume:
    """A volume to render.

    Attributes
    ----------
    fine, coarse : Level
    slope, intercept : float
        Modality value = stored × slope + intercept, in both copies.
    unit : str
        Of the modality values.
    geometry : Geometry
        Of the whole volume.
    notes : tuple of str
        Sentences for the reader: what is not as in the images.
    quantiles : ndarray of float64, shape (1001,)
        Modality values at 0, 0.1, … 100 percent, without padding.

    """

    fine: Level
    coarse: Level
    slope: float
    intercept: float
    unit: str
    geometry: Geometry
    notes: tuple[str, ...] = ()
    quantiles: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1001))

    def percentile(self, percent: float) -> float:
        """Modality value below which `percent` of the voxels lie."""
        return float(np.interp(percent, np.linspace(0, 100, len(self.quantiles)), self.quantiles))

    def stored(self, value: float) -> float:
        """Stored value of a modality value."""
        return (value - self.intercept) / self.slope

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest LPS mm of the box around all voxels."""
        return patient_box(self.geometry)


def patient_box(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest LPS mm of the box around all voxels of a grid, edges of the outer ones included."""
    ends = [(-0.5, n - 0.5) for n in geometry.shape]
    corners = np.array([geometry.to_patient((s, r, c)) for s in ends[0] for r in ends[1] for c in ends[2]])
    return corners.min(axis=0), corners.max(axis=0)


def refusal_of_stack(stack: Stack) -> str | None:
    """Why a stack cannot be shown in 3D, as its headers say; None when it may be."""
    if stack.kind is not StackKind.VOLUME:
        return "These images are no volume, so there is no 3D view. It needs slices of CT, MR or PET."
    if stack.format.samples_per_pixel > 1 or stack.format.photometric_interpretation == "PALETTE COLOR":
        return "This series is in colour. The 3D view shows grey values only."
    if len(stack.frames) < _FEWEST_SLICES:
        count = "one slice" if len(stack.frames) == 1 else f"{len(stack.frames)} slices"
        return f"This series has {count}. The 3D view needs at least {_FEWEST_SLICES}."
    if stack.geometry is None:
        return (
            "The slices of this series do not lie on a regular grid (uneven spacing, repeated positions or none at "
            "all), so there is no 3D view. Read them slice by slice."
        )
    return None


def refusal(volume: Volume) -> str | None:
    """Why a loaded volume cannot be shown in 3D; None when it may be."""
    if volume.stored.ndim != 3:
        return "This series is in colour or has a fourth dimension. The 3D view shows volumes of grey values only."
    if volume.stored.shape[0] < _FEWEST_SLICES or min(volume.stored.shape) < 2:
        shape = " × ".join(map(str, volume.stored.shape))
        return f"This volume has {shape} voxels. The 3D view needs at least {_FEWEST_SLICES} slices."
    if volume.geometry is None or volume.geometry.shape != volume.stored.shape:
        return "The slices of this series do not lie on a regular grid, so there is no 3D view."
    if not any(volume.slices):
        return "No slice of this series could be read, so there is no 3D view."
    return None


def prepare(
    volume: Volume,
    progress: Progress,
    *,
    fine_voxels: int = FINE_VOXELS,
    coarse_voxels: int = COARSE_VOXELS,
    memory_limit: int | None = None,
) -> RenderVolume:
    """Make a volume ready to be rendered.

    Parameters
    ----------
    volume : Volume
        Read only; shared where its values can be rendered as they are.
    progress : Progress
        Asked now and then.
    fine_voxels, coarse_voxels : int
        At most, in each of the copies.
    memory_limit : int, optional
        Bytes the copies and what is kept with them may take; half of what is available when not given.

    Raises
    ------
    NothingToRead
        If there is nothing to render; the message says why.
    TooLarge
        If it needs more than `memory_limit` bytes.
    Cancelled

    """
    sentence = refusal(volume)
    if sentence is not None or volume.geometry is None:
        raise NothingToRead(sentence or "")
    slope, intercept, shared = _shared_rescale(volume)
    spacing, shape = volume.geometry.spacing, volume.geometry.shape
    fine = coarsest_fitting(shape, spacing, fine_voxels)
    coarse = coarsest_fitting(shape, spacing, min(coarse_voxels, fine_voxels))
    limit = memory.available() // 2 if memory_limit is None else memory_limit
    _check_memory(volume, fine, shared=shared, limit=limit)
    values, quantiles, notes = _values(volume, progress, shared=shared)
    geometry = volume.geometry
    finest = _level(values, geometry, fine, progress)
    scale = (slope, intercept) if shared else (1.0, 0.0)
    level = finest if coarse == fine else _level(values, geometry, coarse, progress)
    if max(fine) > 1:
        steps = " × ".join(f"{size:.2g}" for size in finest.spacing)
        notes.append(f"Shown in voxels of {steps} mm (slice, row, column), coarser than the images.")
    unit = next(image.unit for image in volume.slices if image is not None)
    quantiles = np.sort(quantiles * scale[0] + scale[1])
    return RenderVolume(finest, level, *scale, unit, geometry, tuple(notes), quantiles)


def _shared_rescale(volume: Volume) -> tuple[float, float, bool]:
    """Slope and intercept of all slices, and whether there is one pair that serves them all."""
    images = [image for image in volume.slices if image is not None]
    pairs = {(image.slope, image.intercept) for image in images}
    slope, intercept = next(iter(pairs))
    plain = all(image.modality_lut is None for image in images)
    usable = math.isfinite(slope) and math.isfinite(intercept) and slope != 0
    return slope, intercept, plain and usable and len(pairs) == 1


def _check_memory(volume: Volume, factors: Factors, *, shared: bool, limit: int) -> None:
    native = shared and volume.stored.dtype in _NATIVE
    whole = 0 if native else 4 * volume.stored.size
    shown = volume.stored.size // math.prod(factors)
    needed = whole + shown * (4 + 4 + _WORK_BYTES)
    if needed > limit:
        shape = " × ".join(map(str, volume.stored.shape))
        raise TooLarge(
            f"The 3D view of {shape} voxels needs {needed / (1 << 30):.1f} GB of memory, more than the "
            f"{limit / (1 << 30):.1f} GB it may take. Read the series slice by slice."
        )


def _values(volume: Volume, progress: Progress, *, shared: bool) -> tuple[NDArray[Any], NDArray[np.float64], list[str]]:
    """Stored values where the slices share their scale, else modality values; their quantiles; notes."""
    native = shared and volume.stored.dtype in _NATIVE
    dirty = any(image is None or image.padding is not None for image in volume.slices)
    samples = _samples(volume, shared=shared)
    if not samples.size:
        raise NothingToRead("This volume holds nothing but padding, so there is no 3D view.")
    notes = []
    missing = sum(image is None for image in volume.slices)
    if missing:
        what = "One slice" if missing == 1 else f"{missing} slices"
        notes.append(f"{what} could not be read: the volume is empty there.")
    quantiles = np.quantile(samples, np.linspace(0, 1, 1001))
    if native and not dirty:
        return volume.stored, quantiles, notes
    values = np.empty(volume.stored.shape, volume.stored.dtype if native else np.float32)
    floor = quantiles[0]
    for target, stored, image in zip(values, volume.stored, volume.slices, strict=True):
        progress.check()
        _fill(target, stored, image, floor, shared=shared)
    return values, quantiles, notes


def _fill(target: NDArray[Any], stored: NDArray[Any], image: SliceImage | None, floor: float, *, shared: bool) -> None:
    """One slice, with the lowest value of all where nothing was measured."""
    if image is None:
        target[:] = floor
        return
    target[:] = stored if shared else image.modality_values()
    padding = image.padding_mask()
    if padding is not None:
        target[padding] = floor
    if target.dtype == np.float32:
        target[~np.isfinite(target)] = floor


def _samples(volume: Volume, *, shared: bool) -> NDArray[np.float64]:
    """Values of a part of the voxels, evenly spread, without padding; finite."""
    step = max(1, round((volume.stored.size / _MOST_SAMPLES) ** (1 / 3)))
    found = []
    for image in volume.slices[:: step if len(volume.slices) > 10 * step else 1]:
        if image is None:
            continue
        part = image.stored[::step, ::step]
        values = part.astype(np.float64) if shared else image.modality_values(part)
        padding = image.padding_mask()
        found.append(values.ravel() if padding is None else values[~padding[::step, ::step]])
    samples = np.concatenate(found) if found else np.empty(0)
    return samples[np.isfinite(samples)]


def _level(values: NDArray[Any], geometry: Geometry, factors: Factors, progress: Progress) -> Level:
    if max(factors) == 1:
        whole = np.ascontiguousarray(values)
        return Level(whole, geometry.affine_lps, extremes_of(whole, progress.check))
    means = block_mean(values, factors, progress.check)
    if values.dtype != np.float32:
        means = np.rint(means, out=means).astype(values.dtype)
    return Level(means, blocks_affine(geometry.affine_lps, factors), extremes_of(means, progress.check))
