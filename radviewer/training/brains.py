"""Brain MR slices with outlines of lower-grade glioma, cut out of their series as in use, and changed at random."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from radviewer.ai.films import Placement
from radviewer.ai.heads import head_of
from radviewer.training.augment import Geometry, random_affine, random_detail, random_tone
from radviewer.training.carve import carved
from radviewer.training.data import Bytes, Row, cached, patient_folds, read_grey, read_index
from radviewer.training.loop import Batch

SIDE = 224
"""Side of the cached cut-outs; finer than what the network sees."""
SIZE = 192
FOLDS = 3
SEED = 6
BATCH = 16
_LEAST = 1.0  # cells of a tumour that was put in
_TISSUE, _AIR = 0.35, 0.03  # grey values of a cut-out
_WITH_TUMOUR = 0.55  # share of the slices drawn

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training.

    Attributes
    ----------
    changed : float
        Share of the slices that are changed as another scanner might have.
    carved : float
        Share of the slices that another patient's tumour is put into.
    after : Phase or None
        The one whose network it goes on with; None begins with ImageNet's.

    """

    name: str
    epochs: int
    rate: float
    changed: float
    ranges: Geometry
    steps: int = 100
    carved: float = 0.0
    after: Phase | None = None


_STRONG = Geometry(degrees=20, zoom=(0.8, 1.25), aspect=1.18, shift=0.06, shear=0.06)
FIRST = Phase("", 10, 1e-3, 0.85, _STRONG)
_MODERATE = Geometry(degrees=14, zoom=(0.87, 1.15), aspect=1.1, shift=0.04, shear=0.04)
SECOND = Phase("-carved", 10, 6e-4, 0.6, _MODERATE, carved=0.5, after=FIRST)
"""Goes on under milder changes, which sharpen borders, with tumours in new places: else rare ones were lost."""
ALONE = Phase("-alone", 12, 1e-3, 0.7, _MODERATE, carved=0.5)
"""The first of a network that is not bundled: for less."""
ALONE_ON = Phase("-alone-on", 6, 6e-4, 0.6, _MODERATE, carved=0.5, after=ALONE)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One patient's series.

    Attributes
    ----------
    rows : list of Row
        Its slices in order.
    first : int
        Index of the first slice in the arrays of `Brains`.
    placement : Placement
        Of the cached cut-outs on the slices.

    """

    patient: str
    site: str
    fold: int
    rows: list[Row]
    first: int
    placement: Placement

    @property
    def indices(self) -> range:
        """Where its slices lie in the arrays."""
        return range(self.first, self.first + len(self.rows))


@dataclass(frozen=True, slots=True, eq=False)
class Brains:
    """All series.

    Attributes
    ----------
    images, outlines : ndarray, uint8, (slices of all series, SIDE, SIDE)
        Cut-outs (0–255 for 0–1), and the tumour's share of each cell.
    pixels : list of int
        Tumour pixels of each slice at full size.

    """

    series: list[Series]
    images: Bytes
    outlines: Bytes
    pixels: list[int]


def stack_of(rows: Sequence[Row]) -> Bytes:
    """Slices of a series, ``(slices, rows, columns)``."""
    return np.stack([read_grey(row.image) for row in rows])


def tumour_of(row: Row, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Outline that a reader drew on a slice, at full size."""
    name = row.cells["tumour_mask"]
    return read_grey(row.image.parents[2] / name) > 0 if name else np.zeros(shape, np.bool_)


def listed(data: Path) -> tuple[list[list[Row]], list[int]]:
    """Rows of each patient of ``data/brain-mr`` in the order of the slices, and the patient's fold."""
    grouped: dict[str, list[Row]] = {}
    for row in read_index(data / "brain-mr"):
        grouped.setdefault(row.patient, []).append(row)
    groups = [sorted(group, key=lambda row: int(row.cells["slice"])) for group in grouped.values()]
    firsts = [group[0] for group in groups]
    return groups, patient_folds(firsts, [row.cells["site"] for row in firsts], FOLDS, SEED)


def load(data: Path, cache: Path) -> Brains:
    """Read ``data/brain-mr`` and cut the heads out."""
    groups, folds = listed(data)
    heads = [head_of(stack_of(group), SIDE) for group in groups]
    count = sum(len(group) for group in groups)
    images = cached(cache / "brain-images.npy", count, SIDE, (_bytes(g) for head in heads for g in head.grey))
    drawn = (
        _share(tumour_of(row, head.shape), head.placement)
        for group, head in zip(groups, heads, strict=True)
        for row in group
    )
    outlines = cached(cache / "brain-outlines.npy", count, SIDE, drawn)
    series, first = [], 0
    for group, fold, head in zip(groups, folds, heads, strict=True):
        series.append(Series(group[0].patient, group[0].cells["site"], fold, group, first, head.placement))
        first += len(group)
    return Brains(series, images, outlines, [int(r.cells["tumour_pixels"] or 0) for group in groups for r in group])


def _bytes(grey: Grey) -> Bytes:
    return np.rint(grey * 255).astype(np.uint8)


def _share(mask: NDArray[np.bool_], placement: Placement) -> Bytes:
    """Share of each cell of a cut-out that a mask covers, 0–255."""
    step = placement.step_row
    matrix = np.array(
        [[step, 0, placement.origin_column + step / 2 - 0.5], [0, step, placement.origin_row + step / 2 - 0.5]]
    )
    values = mask.astype(np.uint8) * np.uint8(255)
    moved = cv2.warpAffine(values, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return moved.astype(np.uint8, copy=False)


def _neighbours(rng: Generator, series: Series, index: int) -> list[int]:
    """A slice between its neighbours: at one step or two, in either order, or standing in for them."""
    last = series.indices[-1]
    step = 2 if rng.random() < 0.15 else 1
    before, after = max(series.first, index - step), min(last, index + step)
    if rng.random() < 0.15:
        before = index
    if rng.random() < 0.15:
        after = index
    return [before, index, after] if rng.random() < 0.5 else [after, index, before]


def random_scan(rng: Generator, slices: Grey) -> Grey:
    """Change slices ``(n, rows, columns)`` as another scanner might have: coil, contrast, sharpness, noise."""
    if rng.random() < 0.6:  # the coils' sensitivity
        coarse = rng.normal(0, rng.uniform(0.05, 0.25), (3, 3)).astype(np.float32)
        slices = slices * np.exp(cv2.resize(coarse, (slices.shape[2], slices.shape[1]), interpolation=cv2.INTER_CUBIC))
    if rng.random() < 0.7:
        toned = _TISSUE + (slices - _TISSUE) * math.exp(rng.normal(0, 0.3)) + rng.normal(0, 0.03)
        slices = np.where(slices > _AIR, toned, slices)
    if rng.random() < 0.5:
        slices = random_tone(rng, np.clip(slices, 0, 1))
    if rng.random() < 0.5:
        side = int(slices.shape[1] * rng.uniform(0.45, 0.9))
        coarse_slices = (cv2.resize(s, (side, side), interpolation=cv2.INTER_AREA) for s in slices)
        slices = np.stack([cv2.resize(s, (slices.shape[2], slices.shape[1])) for s in coarse_slices])
    if rng.random() < 0.6:
        seed = int(rng.integers(2**31))  # the same change on all three, but for the noise's seed
        slices = np.stack([random_detail(np.random.default_rng(seed), s) for s in slices])
    if rng.random() < 0.2:  # magnitude noise of a weak signal
        sigma = rng.uniform(0.01, 0.05)
        noise = rng.normal(0, sigma, (2, *slices.shape)).astype(np.float32)
        slices = np.hypot(slices + noise[0], noise[1])
    clipped: Grey = np.clip(slices, 0, 1).astype(np.float32)
    return clipped


def _drawn(
    brains: Brains, series: Series, index: int, rng: Generator, others: Sequence[Series], share: float
) -> tuple[Bytes, Bytes]:
    """A slice between its neighbours and its outline; at random with a tumour of one of the `others` in it."""
    slices, outline = brains.images[_neighbours(rng, series, index)], brains.outlines[index]
    if rng.random() >= share:
        return slices, outline
    other = others[int(rng.integers(len(others)))]
    has = [i for i in other.indices if brains.pixels[i] > 0]
    if other is series or not has:
        return slices, outline
    taken = int(rng.choice(has))
    return carved(rng, slices, outline, brains.images[_neighbours(rng, other, taken)], brains.outlines[taken])


def _example(
    brains: Brains, series: Series, index: int, rng: Generator, phase: Phase, others: Sequence[Series]
) -> tuple[Grey, Grey]:
    """Slices ``(3, SIZE, SIZE)`` and the tumour's share of the outline's cells ``(SIZE / 2, SIZE / 2)``."""
    flips = bool(rng.random() < 0.5)
    affine = np.vstack([random_affine(rng, SIDE, phase.ranges, flip=flips), (0, 0, 1)])
    matrices = []
    for size in (SIZE, SIZE // 2):
        scale = size / SIDE
        shrink = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
        matrices.append((shrink @ affine)[:2])
    own, drawn = _drawn(brains, series, index, rng, others, phase.carved)
    slices = np.stack([cv2.warpAffine(s, matrices[0], (SIZE, SIZE), flags=cv2.INTER_LINEAR) for s in own])
    outline = cv2.GaussianBlur(drawn, (0, 0), 0.6)
    outline = cv2.warpAffine(outline, matrices[1], (SIZE // 2, SIZE // 2), flags=cv2.INTER_LINEAR)
    grey = slices.astype(np.float32) / np.float32(255)
    if rng.random() < phase.changed:
        grey = random_scan(rng, grey)
    return grey, outline.astype(np.float32) / np.float32(255)


def batches(brains: Brains, chosen: Sequence[Series], phase: Phase, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch: patients in turn alike, about half of the slices with tumour.

    Keys: image ``(n, 3, SIZE, SIZE)``, outline ``(n, 1, SIZE / 2, SIZE / 2)`` 0–1, present ``(n,)``.
    """
    rng = np.random.default_rng((seed, epoch))
    pools = []
    for series in chosen:
        has = [i for i in series.indices if brains.pixels[i] > 0]
        pools.append((series, has, [i for i in series.indices if brains.pixels[i] == 0]))
    for _ in range(phase.steps):
        images, outlines, present = [], [], []
        for _ in range(BATCH):
            series, has, without = pools[int(rng.integers(len(pools)))]
            pool = has if has and (not without or rng.random() < _WITH_TUMOUR) else without
            index = int(rng.choice(pool))
            image, outline = _example(brains, series, index, rng, phase, chosen)
            images.append(image)
            outlines.append(outline)
            present.append(float(brains.pixels[index] > 0 or outline.sum() > _LEAST))
        yield {
            "image": torch.from_numpy(np.stack(images)),
            "outline": torch.from_numpy(np.stack(outlines)[:, None]),
            "present": torch.tensor(present),
        }
