"""The recipes of findings: tuberculosis and pneumonia, on lungs cut out of the film.

The bundled model is trained by the recipe ``findings``: one encoder, a head for each finding, films of three
hospitals.  What nobody labelled (does this pneumonia look like tuberculosis?) is taught as "unsure": were the films
of a hospital only ever negative for a finding, the network could tell hospitals apart instead of lungs.
The recipes ``tuberculosis`` and ``pneumonia`` have one head and their own films only; they are the arms of the
comparison of where weights start: ``scratch``, ``imagenet``, or ``twice`` (ImageNet, then pneumonia, then
tuberculosis).  Each fold's member never sees the fold's patients; no member sees the published test split.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from radviewer.ai.lungs import prepared
from radviewer.ai.networks import FindingNet, channels_last
from radviewer.evaluation.metrics import auc
from radviewer.training.augment import Geometry, random_affine, random_film
from radviewer.training.data import Row, patient_folds, read_index, write_table
from radviewer.training.loop import Batch, Run, Schedule
from radviewer.training.lungs import CACHED, SHOWN, Crops, cut_films
from radviewer.training.pretrained import load_imagenet_head

SIZE = 224
"""Of the network's input."""
FOLDS = 5
NO_FOLD = -1
"""Of films that no member is trained on."""
UNSURE = 0.5
"""Target of a finding that nobody looked for on an abnormal film."""
_UNSURE_WEIGHT = 0.5
_FROZEN = 2  # stages of the encoder that stay as ImageNet made them
_RANGES = Geometry(degrees=8.0, zoom=(0.88, 1.14), aspect=1.15, shift=0.04, shear=0.04)

_log = logging.getLogger(__name__)

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

    """

    name: str
    heads: tuple[str, ...]
    shares: tuple[tuple[str, int], ...]
    seed: int
    epochs: int
    steps: int


FINDINGS = Recipe(
    "findings",
    ("tuberculosis", "pneumonia"),
    (("shenzhen", 8), ("adult-pneumonia", 4), ("paediatric-pneumonia", 4)),
    seed=11,
    epochs=13,
    steps=50,
)
TUBERCULOSIS = Recipe("tuberculosis", ("tuberculosis",), (("shenzhen", 16),), seed=11, epochs=7, steps=33)
PNEUMONIA = Recipe(
    "pneumonia", ("pneumonia",), (("paediatric-pneumonia", 12), ("adult-pneumonia", 4)), seed=11, epochs=7, steps=40
)
RECIPES = {recipe.name: recipe for recipe in (FINDINGS, TUBERCULOSIS, PNEUMONIA)}


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


_TO_INPUT = np.array(
    [  # cached pixel (x, y) → network pixel: the shown middle, reduced
        [SIZE / SHOWN, 0, (0.5 - (CACHED - SHOWN) / 2) * SIZE / SHOWN - 0.5],
        [0, SIZE / SHOWN, (0.5 - (CACHED - SHOWN) / 2) * SIZE / SHOWN - 0.5],
        [0, 0, 1],
    ]
)


def shown(
    grey: NDArray[np.uint8], lungs: NDArray[np.uint8], matrix: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Network's view of a cached cut-out, moved by `matrix` (2 × 3) first: grey 0–255 and lungs, ``SIZE²``."""
    moved = np.eye(3) if matrix is None else np.vstack([matrix, (0, 0, 1)])
    whole, size = (_TO_INPUT @ moved)[:2], (SIZE, SIZE)
    image = cv2.warpAffine(grey, whole, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(lungs * np.uint8(255), whole, size, flags=cv2.INTER_LINEAR)
    return image.astype(np.float32), mask > 127


def _example(films: Labelled, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    matrix = random_affine(rng, CACHED, _RANGES, flip=bool(rng.random() < 0.5))
    image, found = shown(films.crops.grey[index], films.crops.lungs[index], matrix)
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
        made = [_example(films, i, rng) for i in picked]
        yield {
            "image": torch.from_numpy(np.stack([m[0] for m in made])[:, None]),
            "lungs": torch.from_numpy(np.stack([m[1] for m in made])[:, None]),
            "target": torch.from_numpy(films.targets[picked]),
        }


def _labels_of(source: str, share: int, groups: dict[tuple[str, str], list[int]]) -> list[tuple[str, str]]:
    labels = sorted(key for key in groups if key[0] == source)
    return [labels[k % len(labels)] for k in range(share)] if labels else []


def loss_of(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy with slightly softened labels: some are wrong."""
    logits = network(batch["image"].contiguous(memory_format=torch.channels_last), batch["lungs"])
    target = batch["target"]
    weight = torch.where(target == UNSURE, _UNSURE_WEIGHT, 1.0)
    return functional.binary_cross_entropy_with_logits(logits, 0.05 + 0.9 * target, weight)


@torch.no_grad()
def logits_of(network: nn.Module, crops: Crops, chosen: Sequence[int]) -> NDArray[np.float32]:
    """Logits ``(n, heads)`` of each chosen film, mean over the film and its mirror image."""
    network.eval()
    found = []
    for i in chosen:
        grey, lungs = shown(crops.grey[i], crops.lungs[i])
        image, mask = torch.from_numpy(prepared(grey, lungs)), torch.from_numpy(lungs.astype(np.float32))
        both = torch.stack([image, image.flip(1)])[:, None]
        found.append(network(both, torch.stack([mask, mask.flip(1)])[:, None]).mean(dim=0).numpy())
    return np.array(found, np.float32)


def started(arm: str, heads: int, seed: int, before: Path | None) -> FindingNet:
    """Network of one arm: ``scratch``, ``imagenet`` or ``twice`` (needs the checkpoint `before`)."""
    torch.manual_seed(seed)
    network = FindingNet(heads)
    if arm == "imagenet":
        load_imagenet_head(network)
    elif arm == "twice":
        if before is None:
            raise ValueError("twice transfer needs the weights of the first transfer (--start)")
        network.load_state_dict(torch.load(before, weights_only=True)["average"])
    if arm != "scratch":
        network.encoder.freeze(_FROZEN)
    channels_last(network)
    return network


def _aucs(films: Labelled, recipe: Recipe, chosen: Sequence[int], logits: NDArray[np.float32]) -> dict[str, float]:
    """AUC of every head on every source that has both labels for it."""
    found = {}
    for source, _ in recipe.shares:
        here = np.array([films.rows[i].source == source for i in chosen])
        for k, head in enumerate(recipe.heads):
            target = films.targets[list(chosen), k][here]
            if {0.0, 1.0} <= set(target.tolist()):
                found[f"{source} {head}"] = auc(target == 1, logits[here, k])
    return found


def train_fold(
    films: Labelled, recipe: Recipe, arm: str, fold: int, folder: Path, before: Path | None = None
) -> nn.Module:
    """Train the member that does not see `fold`; write its logits of the fold's films and of the test split."""
    chosen = [i for i, f in enumerate(films.folds) if f not in (fold, NO_FOLD)]
    held_out = [i for i, f in enumerate(films.folds) if f in (fold, NO_FOLD)]
    seed = recipe.seed * 100 + fold
    schedule = Schedule(recipe.epochs, recipe.steps, rate=5e-4, slow=1.0, decay=0.05, average=0.99)
    network = started(arm, len(recipe.heads), seed, before)
    run = Run(folder / f"{recipe.name}-{arm}" / f"fold{fold}", network, schedule, seed)
    fold_only = [i for i in held_out if films.folds[i] == fold]
    watched = fold_only[:: max(1, len(fold_only) // 300)]

    def validate(net: nn.Module) -> dict[str, float]:
        return _aucs(films, recipe, watched, logits_of(net, films.crops, watched))

    average = run.train(lambda epoch: batches(films, chosen, recipe, seed, epoch), loss_of, validate)
    logits = logits_of(average, films.crops, held_out)
    _log.info("%s %s fold %d: %s", recipe.name, arm, fold, _aucs(films, recipe, held_out, logits))
    _write_held_out(run.folder / "held-out.csv", films, recipe, fold, dict(zip(held_out, logits, strict=True)))
    return average


def _write_held_out(
    path: Path, films: Labelled, recipe: Recipe, fold: int, logits: dict[int, NDArray[np.float32]]
) -> None:
    header = ("film", "patient", "fold", "label", *recipe.heads)
    lines: list[tuple[object, ...]] = [
        (
            films.rows[i].name,
            films.rows[i].patient,
            films.folds[i],
            films.rows[i].cells["label"],
            *(f"{v:.5f}" for v in z),
        )
        for i, z in logits.items()
    ]
    blank = [""] * len(recipe.heads)
    lines += [
        (row.name, row.patient, place, row.cells["label"], *blank)
        for row, _, place in films.refused
        if place in (fold, NO_FOLD)
    ]
    write_table(path, header, lines)
