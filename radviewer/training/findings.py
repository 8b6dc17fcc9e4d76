"""The recipes of findings: tuberculosis and pneumonia, on lungs cut out of the film.

Arms of the comparison differ in where the weights start: ``scratch``, ``imagenet``, or ``twice``
(ImageNet, then pneumonia, then tuberculosis).  Each fold's member never sees the fold's patients.
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
from radviewer.training.augment import Geometry, random_affine, random_film, warp
from radviewer.training.data import Row, patient_folds, read_index, write_table
from radviewer.training.loop import Batch, Run, Schedule
from radviewer.training.lungs import CACHED, Crops, cut_films
from radviewer.training.pretrained import load_imagenet_head

SIZE = 256
"""Of the network's input."""
FOLDS = 5
_RANGES = Geometry(degrees=8.0, zoom=(0.88, 1.14), aspect=1.15, shift=0.04, shear=0.04)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model of one finding is trained and validated on.

    Attributes
    ----------
    sources : tuple of str
        Folders of the data sets.
    positive : str
        Value of the column label; every other value is negative.
    seed : int
        Of the folds and of the weights.

    """

    name: str
    sources: tuple[str, ...]
    positive: str
    seed: int
    epochs: int
    steps: int
    batch: int = 16


TUBERCULOSIS = Recipe("tuberculosis", ("shenzhen",), "tuberculosis", seed=11, epochs=14, steps=33)
PNEUMONIA = Recipe("pneumonia", ("paediatric-pneumonia", "adult-pneumonia"), "pneumonia", seed=12, epochs=10, steps=160)
RECIPES = {recipe.name: recipe for recipe in (TUBERCULOSIS, PNEUMONIA)}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cut-out lungs with labels and folds."""

    rows: list[Row]
    labels: NDArray[np.float32]
    folds: list[int]
    crops: Crops
    refused: list[tuple[Row, int, int]] = field(default_factory=list)  # row, label, fold


def load(recipe: Recipe, data: Path, cache: Path, anatomy: Path) -> Labelled:
    """Read the recipe's films whose lungs were found."""
    rows: list[Row] = []
    parts: list[Crops] = []
    kept: list[int] = []
    for source in recipe.sources:
        source_rows = read_index(data / source)
        crops = cut_films(source_rows, source, cache, anatomy)
        kept += [len(rows) + i for i in crops.kept]
        rows += source_rows
        parts.append(crops)
    labels = np.array([r.cells["label"] == recipe.positive for r in rows], np.float32)
    strata = [f"{r.source} {label:.0f}" for r, label in zip(rows, labels, strict=True)]
    folds = patient_folds(rows, strata, FOLDS, recipe.seed)
    refused = [(rows[i], int(labels[i]), folds[i]) for i in sorted(set(range(len(rows))) - set(kept))]
    return Labelled([rows[i] for i in kept], labels[kept], [folds[i] for i in kept], Crops.joined(parts), refused)


def _centre(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    inset = (CACHED - SIZE) // 2
    return image[inset : inset + SIZE, inset : inset + SIZE]


def _example(films: Labelled, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    matrix = random_affine(rng, CACHED, _RANGES, flip=bool(rng.random() < 0.5))
    image = _centre(warp(films.crops.grey[index], matrix, fill=None).astype(np.uint8, copy=False))
    lungs = _centre(warp(films.crops.lungs[index], matrix, fill=0.0, nearest=True).astype(np.uint8, copy=False))
    reach = int(rng.integers(-4, 5))  # as another segmentation would have drawn it
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(reach) + 1,) * 2)
        lungs = (cv2.dilate(lungs, kernel) if reach > 0 else cv2.erode(lungs, kernel)).astype(np.uint8, copy=False)
    film = random_film(rng, (image / 255).astype(np.float32))
    shown = prepared(film, lungs > 0)
    if rng.random() < 0.25:
        hide(rng, shown)
    return shown, lungs.astype(np.float32)


def hide(rng: np.random.Generator, image: NDArray[np.float32]) -> None:
    """Cover a random rectangle, in place: no single spot may decide."""
    side = image.shape[0]
    height, width = rng.integers(side // 8, side // 3, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    image[top : top + height, left : left + width] = rng.random()


def batches(films: Labelled, chosen: Sequence[int], recipe: Recipe, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch: sources and, within each, positives and negatives drawn equally often."""
    rng = np.random.default_rng((seed, epoch))
    groups: dict[tuple[str, bool], list[int]] = {}
    for i in chosen:
        groups.setdefault((films.rows[i].source, bool(films.labels[i])), []).append(i)
    order = sorted(groups)
    for _ in range(recipe.steps):
        picked = [int(rng.choice(groups[order[k % len(order)]])) for k in range(recipe.batch)]
        made = [_example(films, i, rng) for i in picked]
        yield {
            "image": torch.from_numpy(np.stack([m[0] for m in made])[:, None]),
            "lungs": torch.from_numpy(np.stack([m[1] for m in made])[:, None]),
            "label": torch.from_numpy(films.labels[picked]),
        }


def loss_of(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy with slightly softened labels: some are wrong."""
    logits = network(batch["image"].contiguous(memory_format=torch.channels_last), batch["lungs"])[:, 0]
    softened = 0.05 + 0.9 * batch["label"]
    return functional.binary_cross_entropy_with_logits(logits, softened)


@torch.no_grad()
def logits_of(network: nn.Module, crops: Crops, chosen: Sequence[int]) -> NDArray[np.float32]:
    """Logit of each chosen film, mean over the film and its mirror image."""
    network.eval()
    found = []
    for i in chosen:
        lungs = _centre(crops.lungs[i]) > 0
        image = torch.from_numpy(prepared(_centre(crops.grey[i]).astype(np.float32), lungs))
        mask = torch.from_numpy(lungs.astype(np.float32))
        both = torch.stack([image, image.flip(1)])[:, None]
        found.append(float(network(both, torch.stack([mask, mask.flip(1)])[:, None])[:, 0].mean()))
    return np.array(found, np.float32)


def started(arm: str, seed: int, before: Path | None) -> FindingNet:
    """Network of one arm: ``scratch``, ``imagenet`` or ``twice`` (needs the checkpoint `before`)."""
    torch.manual_seed(seed)
    network = FindingNet(1)
    if arm == "imagenet":
        load_imagenet_head(network)
    elif arm == "twice":
        if before is None:
            raise ValueError("twice transfer needs the weights of the first transfer (--start)")
        network.load_state_dict(torch.load(before, weights_only=True)["average"])
    channels_last(network)
    return network


def train_fold(
    films: Labelled, recipe: Recipe, arm: str, fold: int, folder: Path, before: Path | None = None
) -> nn.Module:
    """Train the member that does not see `fold`; write its logits of the fold's films."""
    chosen = [i for i, f in enumerate(films.folds) if f != fold]
    held_out = [i for i, f in enumerate(films.folds) if f == fold]
    seed = recipe.seed * 100 + fold
    schedule = Schedule(recipe.epochs, recipe.steps, rate=5e-4, slow=1.0, decay=0.05, average=0.99)
    run = Run(folder / f"{recipe.name}-{arm}" / f"fold{fold}", started(arm, seed, before), schedule, seed)
    watched = held_out[:: max(1, len(held_out) // 160)]

    def validate(network: nn.Module) -> dict[str, float]:
        return {"auc": auc(films.labels[watched] > 0, logits_of(network, films.crops, watched))}

    average = run.train(lambda epoch: batches(films, chosen, recipe, seed, epoch), loss_of, validate)
    logits = logits_of(average, films.crops, held_out)
    _log.info(
        "%s %s fold %d: AUC %.4f, n %d", recipe.name, arm, fold, auc(films.labels[held_out] > 0, logits), len(held_out)
    )
    lines: list[tuple[object, ...]] = [
        (films.rows[i].name, films.rows[i].patient, fold, int(films.labels[i]), f"{logit:.5f}")
        for i, logit in zip(held_out, logits, strict=True)
    ]
    lines += [(row.name, row.patient, fold, label, "") for row, label, place in films.refused if place == fold]
    write_table(run.folder / "held-out.csv", ("film", "patient", "fold", "label", "logit"), lines)
    return average
