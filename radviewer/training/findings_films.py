"""Films of the findings recipes: what they are taught, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.lungs import prepared
from radviewer.training.augment import Geometry, random_affine, random_film
from radviewer.training.data import Row, patient_folds, read_index
from radviewer.training.loop import Batch
from radviewer.training.lungs import CACHED, SHOWN, Crops, cut_films

FOLDS = 5
NO_FOLD = -1
"""Of films that no member is trained on."""
UNSURE = 0.5
"""Target of a finding that nobody looked for on an abnormal film."""
_RANGES = Geometry(degrees=8.0, zoom=(0.88, 1.14), aspect=1.15, shift=0.04, shear=0.04)

TARGETS: dict[str, dict[str, dict[str, float]]] = {
    "shenzhen": {
        "normal": {"tuberculosis": 0, "pneumonia": 0},
        "tuberculosis": {"tuberculosis": 1, "pneumonia": UNSURE},
    },
    "adult-pneumonia": {
        "normal": {"tuberculosis": 0, "pneumonia": 0},
        "pneumonia": {"tuberculosis": UNSURE, "pneumonia": 1},
    },
    "paediatric-pneumonia": {
        "normal": {"tuberculosis": 0, "pneumonia": 0},
        "pneumonia": {"tuberculosis": UNSURE, "pneumonia": 1},
    },
}
"""Data set → its label → what each finding's head is taught."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model is trained and validated on.

    Attributes
    ----------
    heads : tuple of str
        The findings.
    shares : tuple of (str, int)
        Folder of a data set, and its films in every batch: half of each label.
    seed : int
        Of the folds and of the weights.
    size : int
        Of the network's input.
    follows : str
        The recipe whose member of the same fold it starts from, if any.

    """

    name: str
    heads: tuple[str, ...]
    shares: tuple[tuple[str, int], ...]
    seed: int
    epochs: int
    steps: int
    size: int = 224
    follows: str = ""


FINDINGS = Recipe(
    "findings",
    ("tuberculosis", "pneumonia"),
    (("shenzhen", 8), ("adult-pneumonia", 4), ("paediatric-pneumonia", 4)),
    seed=11,
    epochs=13,
    steps=50,
)
FINER = replace(
    FINDINGS,
    name="finer",
    shares=(("shenzhen", 10), ("adult-pneumonia", 4), ("paediatric-pneumonia", 2)),
    epochs=12,
    size=256,
    follows=FINDINGS.name,
)
TUBERCULOSIS = Recipe("tuberculosis", ("tuberculosis",), (("shenzhen", 16),), seed=11, epochs=7, steps=33)
PNEUMONIA = Recipe(
    "pneumonia", ("pneumonia",), (("paediatric-pneumonia", 12), ("adult-pneumonia", 4)), seed=11, epochs=7, steps=40
)
RECIPES = {recipe.name: recipe for recipe in (FINDINGS, FINER, TUBERCULOSIS, PNEUMONIA)}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cut-out lungs with what each head is taught, and folds.

    Attributes
    ----------
    targets : ndarray, float32, (n, heads)
        0, 1 or `UNSURE`.
    folds : list of int
        `NO_FOLD` for the published test split.
    refused : list of (Row, ndarray, int)
        Films whose lungs were not found, with targets and fold.

    """

    rows: list[Row]
    targets: NDArray[np.float32]
    folds: list[int]
    crops: Crops
    refused: list[tuple[Row, NDArray[np.float32], int]] = field(default_factory=list)


def fold_list(rows: Sequence[Row], seed: int) -> list[int]:
    """Folds by patient, each source and label spread evenly; none for the published test split."""
    trained = [row for row in rows if row.cells.get("published_split") != "test"]
    folds = patient_folds(trained, [f"{r.source} {r.cells['label']}" for r in trained], FOLDS, seed)
    of_row = {row.name: fold for row, fold in zip(trained, folds, strict=True)}
    return [of_row.get(row.name, NO_FOLD) for row in rows]


def load(recipe: Recipe, data: Path, cache: Path, anatomy: Path) -> Labelled:
    """Read the recipe's films whose lungs were found."""
    rows: list[Row] = []
    parts: list[Crops] = []
    kept: list[int] = []
    for source, _ in recipe.shares:
        source_rows = read_index(data / source)
        crops = cut_films(source_rows, source, cache, anatomy)
        kept += [len(rows) + i for i in crops.kept]
        rows += source_rows
        parts.append(crops)
    targets = np.array([[TARGETS[r.source][r.cells["label"]][head] for head in recipe.heads] for r in rows], np.float32)
    folds = fold_list(rows, recipe.seed)
    refused = [(rows[i], targets[i], folds[i]) for i in sorted(set(range(len(rows))) - set(kept))]
    return Labelled([rows[i] for i in kept], targets[kept], [folds[i] for i in kept], Crops.joined(parts), refused)


def _to_input(size: int) -> NDArray[np.float64]:
    """Cached pixel (x, y) → network pixel, 3 × 3: the shown middle, reduced."""
    scale = size / SHOWN
    shift = (0.5 - (CACHED - SHOWN) / 2) * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def shown(
    grey: NDArray[np.uint8], lungs: NDArray[np.uint8], size: int, matrix: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Network's view of a cached cut-out, moved by `matrix` (2 × 3) first: grey 0–255 and lungs, ``size²``."""
    moved = np.eye(3) if matrix is None else np.vstack([matrix, (0, 0, 1)])
    whole, sides = (_to_input(size) @ moved)[:2], (size, size)
    image = cv2.warpAffine(grey, whole, sides, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(lungs * np.uint8(255), whole, sides, flags=cv2.INTER_LINEAR)
    return image.astype(np.float32), mask > 127


def _example(
    films: Labelled, index: int, rng: np.random.Generator, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    matrix = random_affine(rng, CACHED, _RANGES, flip=bool(rng.random() < 0.5))
    image, found = shown(films.crops.grey[index], films.crops.lungs[index], size, matrix)
    lungs = found.astype(np.uint8)
    reach = int(rng.integers(-4, 5))  # as another segmentation would have drawn it
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(reach) + 1,) * 2)
        lungs = (cv2.dilate(lungs, kernel) if reach > 0 else cv2.erode(lungs, kernel)).astype(np.uint8, copy=False)
    film = prepared(random_film(rng, image / np.float32(255)), lungs > 0)
    if rng.random() < 0.25:
        hide(rng, film)
    return film, lungs.astype(np.float32)


def hide(rng: np.random.Generator, image: NDArray[np.float32]) -> None:
    """Cover a random rectangle, in place: no single spot may decide."""
    side = image.shape[0]
    height, width = rng.integers(side // 8, side // 3, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    image[top : top + height, left : left + width] = rng.random()


def batches(films: Labelled, chosen: Sequence[int], recipe: Recipe, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch: of each source its share, both labels equally often; image, lungs, target ``(n, heads)``."""
    rng = np.random.default_rng((seed, epoch))
    groups: dict[tuple[str, str], list[int]] = {}
    for i in chosen:
        groups.setdefault((films.rows[i].source, films.rows[i].cells["label"]), []).append(i)
    order = [key for source, share in recipe.shares for key in _labels_of(source, share, groups)]
    for _ in range(recipe.steps):
        picked = [int(rng.choice(groups[key])) for key in order]
        made = [_example(films, i, rng, recipe.size) for i in picked]
        yield {
            "image": torch.from_numpy(np.stack([m[0] for m in made])[:, None]),
            "lungs": torch.from_numpy(np.stack([m[1] for m in made])[:, None]),
            "target": torch.from_numpy(films.targets[picked]),
        }


def _labels_of(source: str, share: int, groups: dict[tuple[str, str], list[int]]) -> list[tuple[str, str]]:
    labels = sorted(key for key in groups if key[0] == source)
    return [labels[k % len(labels)] for k in range(share)] if labels else []
