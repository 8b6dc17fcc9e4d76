"""Films of the anatomy recipe and what is known about their outlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.intensity import equalised
from radviewer.training.augment import Geometry, random_affine, random_clutter, random_film, warp
from radviewer.training.data import Bytes, Row, cached, patient_folds, read_grey, read_index, squared
from radviewer.training.loop import Batch

SIDE = 512
"""Of the cached films and of the grid Dice is measured on."""
RIGHT, LEFT, HEART = 1, 2, 4
UNION = 8  # lung of an unknown side
SEED = 3
FOLDS = 3
NO_FOLD = -1
"""Of films without outlines: they are never judged."""
_CHILDREN_STEP = 8  # every eighth child's film is enough


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a training: first robust, then exact, then finer.

    Attributes
    ----------
    name : str
        Ends the name of its folders.
    size : int
        Of the network's input.
    ranges : Geometry
        How far films are moved.
    plain : float
        Share of films that keep their own grey values: outlines are learnt to the pixel on them.
    mix : tuple of (str, int)
        Films of each source in a batch.
    rate : float
        Peak learning rate.
    epochs, steps : int
        Its length.
    frozen : int
        Stages of the encoder that stay as ImageNet made them; None: everything is trained.

    """

    name: str
    size: int
    ranges: Geometry
    plain: float
    mix: tuple[tuple[str, int], ...]
    rate: float
    epochs: int
    steps: int = 30
    frozen: int | None = 2


FIRST = Phase(
    "",
    256,
    Geometry(),
    plain=0.35,
    mix=(("jsrt", 5), ("shenzhen", 5), ("adult-pneumonia", 2), ("paediatric-pneumonia", 2)),
    rate=1e-3,
    epochs=16,
)
SECOND = Phase(
    "-exact",
    320,
    Geometry(degrees=7.0, zoom=(0.85, 1.15), aspect=1.15, shift=0.05, shear=0.03),
    plain=0.5,
    mix=(("jsrt", 5), ("shenzhen", 3), ("adult-pneumonia", 1), ("paediatric-pneumonia", 1)),
    rate=7e-4,
    epochs=5,
)
THIRD = Phase(
    "-finer",
    320,
    SECOND.ranges,
    plain=0.6,
    mix=(("jsrt", 5), ("shenzhen", 2), ("adult-pneumonia", 2), ("paediatric-pneumonia", 1)),
    rate=7e-4,
    epochs=12,
    frozen=None,
)
PHASES = (FIRST, SECOND, THIRD)


@dataclass(frozen=True, slots=True)
class Films:
    """Films and outlines.

    Attributes
    ----------
    folds : list of int
        `NO_FOLD` for films nobody outlined.
    images, outlines : ndarray, uint8, (n, SIDE, SIDE)
        `outlines` is a bit field of RIGHT, LEFT, HEART and UNION, 0 where nothing is known.

    """

    rows: list[Row]
    folds: list[int]
    images: Bytes
    outlines: Bytes


def sides(mask: NDArray[np.bool_]) -> Bytes:
    """Split a lung mask into RIGHT and LEFT, or mark it UNION where the two are not separate."""
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    found = mask.astype(np.uint8) * UNION
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.02 * mask.size]
    if len(large) != 2:
        return found
    first, second = sorted(large, key=lambda i: float(centres[i][0]))
    gap = float(centres[second][0] - centres[first][0])
    if gap < 0.2 * mask.shape[1]:
        return found
    middle = float(centres[first][0] + centres[second][0]) / 2
    for i in range(1, count):
        found[labels == i] = RIGHT if centres[i][0] < middle else LEFT
    return found


def _outline(row: Row) -> Bytes:
    folder = row.image.parent.parent
    if structures := row.cells.get("structures"):
        bits = cv2.imread(str(folder / structures), cv2.IMREAD_UNCHANGED)
        kept: Bytes = np.asarray(bits, np.uint8) & np.uint8(RIGHT | LEFT | HEART)
        return kept
    if mask := row.cells.get("lung_mask"):
        return sides(read_grey(folder / mask) > 127)
    return np.zeros((SIDE, SIDE), np.uint8)


def load_films(data: Path, cache: Path) -> Films:
    """Read JSRT and Shenzhen films with outlines, then films of all other sources without."""
    outlined = read_index(data / "jsrt") + [r for r in read_index(data / "shenzhen") if r.cells["lung_mask"]]
    folds = patient_folds(outlined, [f"{r.source} {r.cells['label']}" for r in outlined], FOLDS, SEED)
    others = read_index(data / "adult-pneumonia") + read_index(data / "paediatric-pneumonia")[::_CHILDREN_STEP]
    rows = outlined + others
    images = cached(cache / "anatomy-images.npy", len(rows), SIDE, (squared(read_grey(r.image), SIDE) for r in rows))
    outlines = cached(cache / "anatomy-outlines.npy", len(rows), SIDE, (_outline(r) for r in rows))
    return Films(rows, folds + [NO_FOLD] * len(others), images, outlines)


def barred_from_heart(outline: Bytes) -> Bytes:
    """Where a heart cannot be when only the lungs are known: well inside a lung, and away from both."""
    lungs = (outline != 0).astype(np.uint8)
    points = cv2.findNonZero(lungs)
    if points is None:
        return np.zeros_like(outline)
    hull = np.zeros_like(outline)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    reach = outline.shape[0] // 40
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    barred = (cv2.erode(lungs, kernel) > 0) | (cv2.dilate(hull, kernel) == 0)
    barred_bytes: Bytes = barred.astype(np.uint8)
    return barred_bytes


def reduced_outline(outline: Bytes, matrix: NDArray[np.float64], size: int) -> Bytes:
    """Move an outline by `matrix` and sample it at the centres of the network's cells, in one step.

    Sampling the moved outline again would take it half a pixel up and to the left of the film.
    """
    scale = size / SIDE
    shrink = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
    whole = (shrink @ np.vstack([matrix, (0, 0, 1)]))[:2]
    bits = np.array([RIGHT, LEFT, HEART, UNION], np.uint8)
    shares = ((outline[..., None] & bits) != 0).astype(np.uint8) * np.uint8(255)
    moved = cv2.warpAffine(shares, whole, (size, size), flags=cv2.INTER_LINEAR)
    reduced: Bytes = ((moved > 127) * bits).sum(axis=2).astype(np.uint8)
    return reduced


@dataclass(frozen=True, slots=True)
class _Example:
    image: NDArray[np.float32]
    clean: NDArray[np.float32]
    outline: Bytes
    negative: bool


def _example(films: Films, index: int, rng: np.random.Generator, phase: Phase) -> _Example:
    """A film, moved; once as it is (for the teacher) and once as another hospital might have made it."""
    matrix = random_affine(rng, SIDE, phase.ranges)
    fill = None if rng.random() < 0.3 else float(rng.choice([0, 0, 0, 255]))
    image = warp(films.images[index], matrix, fill=fill)
    small = cv2.resize(image, (phase.size, phase.size), interpolation=cv2.INTER_AREA).astype(np.float32)
    small_outline: Bytes = reduced_outline(films.outlines[index], matrix, phase.size)
    film = (small / 255).astype(np.float32)
    if rng.random() > phase.plain:
        film = random_clutter(rng, random_film(rng, film))
    negative = bool(rng.random() < 0.4)
    return _Example(equalised(1 - film if negative else film), equalised(small), small_outline, negative)


def batches(films: Films, chosen: Sequence[int], phase: Phase, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch of batches, drawn from the sources in a fixed mix.

    Keys: image and clean ``(n, 1, size, size)``, outline and barred ``(n, size, size)``, and per film
    negative, lungs and heart (1 where people outlined them).
    """
    rng = np.random.default_rng((seed, epoch))
    groups = {source: [i for i in chosen if films.rows[i].source == source] for source, _ in phase.mix}
    mix = [source for source, count in phase.mix for _ in range(count) if groups[source]]
    for _ in range(phase.steps):
        picked = [int(rng.choice(groups[source])) for source in mix]
        made = [_example(films, i, rng, phase) for i in picked]
        lungs = [films.folds[i] != NO_FOLD for i in picked]
        heart = [films.rows[i].source == "jsrt" for i in picked]
        barred = [
            barred_from_heart(m.outline) if known and not drawn else np.zeros_like(m.outline)
            for m, known, drawn in zip(made, lungs, heart, strict=True)
        ]
        yield {
            "image": torch.from_numpy(np.stack([m.image for m in made])[:, None]),
            "clean": torch.from_numpy(np.stack([m.clean for m in made])[:, None]),
            "outline": torch.from_numpy(np.stack([m.outline for m in made])),
            "barred": torch.from_numpy(np.stack(barred)),
            "negative": torch.tensor([float(m.negative) for m in made]),
            "lungs": torch.tensor([float(v) for v in lungs]),
            "heart": torch.tensor([float(v) for v in heart]),
        }
