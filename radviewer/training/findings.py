"""The recipes of findings: tuberculosis and pneumonia, on lungs cut out of the film.

The bundled model is trained by the recipe ``findings`` and refined by ``finer``, at a higher resolution and with
more films of tuberculosis: one encoder, a head for each finding, films of three hospitals.  What nobody labelled
(does this pneumonia look like tuberculosis?) is taught as "unsure": were the films of a hospital only ever negative
for a finding, the network could tell hospitals apart instead of lungs.
The recipes ``tuberculosis`` and ``pneumonia`` have one head and their own films only; they are the arms of the
comparison of where weights start: ``scratch``, ``imagenet``, or ``twice`` (ImageNet, then pneumonia, then
tuberculosis).  Each fold's member never sees the fold's patients; no member sees the published test split.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from radviewer.ai.lungs import prepared
from radviewer.ai.networks import FindingNet, channels_last
from radviewer.errors import NothingToRead
from radviewer.evaluation.metrics import auc
from radviewer.evaluation.tables import write_table
from radviewer.training.findings_films import NO_FOLD, UNSURE, Labelled, Recipe, batches, shown
from radviewer.training.loop import Batch, Run, Schedule, finished_run
from radviewer.training.lungs import Crops
from radviewer.training.pretrained import load_imagenet_head

_UNSURE_WEIGHT = 0.5
_FROZEN = 2  # stages of the encoder that stay as ImageNet made them

_log = logging.getLogger(__name__)


def loss_of(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy with slightly softened labels: some are wrong."""
    logits = network(batch["image"].contiguous(memory_format=torch.channels_last), batch["lungs"])
    target = batch["target"]
    weight = torch.where(target == UNSURE, _UNSURE_WEIGHT, 1.0)
    return functional.binary_cross_entropy_with_logits(logits, 0.05 + 0.9 * target, weight)


@torch.no_grad()
def logits_of(network: nn.Module, crops: Crops, chosen: Sequence[int], size: int) -> NDArray[np.float32]:
    """Logits ``(n, heads)`` of each chosen film at `size`², mean over the film and its mirror image."""
    network.eval()
    found = []
    for i in chosen:
        grey, lungs = shown(crops.grey[i], crops.lungs[i], size)
        image, mask = torch.from_numpy(prepared(grey, lungs)), torch.from_numpy(lungs.astype(np.float32))
        both = torch.stack([image, image.flip(1)])[:, None]
        found.append(network(both, torch.stack([mask, mask.flip(1)])[:, None]).mean(dim=0).numpy())
    return np.array(found, np.float32)


def started(arm: str, heads: int, seed: int, start: dict[str, Any] | None) -> FindingNet:
    """Network of one arm, ``scratch``, ``imagenet`` or ``twice``, or of the checkpoint `start` where there is one.

    Raises
    ------
    NothingToRead
        If twice transfer lacks its checkpoint.

    """
    torch.manual_seed(seed)
    network = FindingNet(heads)
    if start is not None:
        network.load_state_dict(start["average"])
    elif arm == "twice":
        raise NothingToRead("Twice transfer needs the weights of the first transfer; name them with --start.")
    elif arm == "imagenet":
        load_imagenet_head(network)
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


def runs_of(work: Path, recipe: str, arm: str = "imagenet") -> Path:
    """Folder that holds one folder per fold of a recipe."""
    return work / f"{recipe}-{arm}"


def finished(runs: Path, fold: int) -> dict[str, Any]:
    """Last checkpoint of a fold.

    Raises
    ------
    NothingToRead
        If the fold is not trained to its end.

    """
    return finished_run(runs / f"fold{fold}")


def train_fold(
    films: Labelled, recipe: Recipe, arm: str, fold: int, folder: Path, before: Path | None = None
) -> nn.Module:
    """Train the member that does not see `fold`; write its logits of the fold's films and of the test split."""
    chosen = [i for i, f in enumerate(films.folds) if f not in (fold, NO_FOLD)]
    held_out = [i for i, f in enumerate(films.folds) if f in (fold, NO_FOLD)]
    seed = recipe.seed * 100 + fold
    schedule = Schedule(recipe.epochs, recipe.steps, rate=5e-4, slow=1.0, decay=0.05, average=0.99)
    start = None if before is None else torch.load(before, weights_only=True)
    if start is None and recipe.follows:
        start = finished(runs_of(folder, recipe.follows, arm), fold)
    network = started(arm, len(recipe.heads), seed, start)
    run = Run(runs_of(folder, recipe.name, arm) / f"fold{fold}", network, schedule, seed)
    fold_only = [i for i in held_out if films.folds[i] == fold]
    watched = fold_only[:: max(1, len(fold_only) // 300)]

    def validate(net: nn.Module) -> dict[str, float]:
        return _aucs(films, recipe, watched, logits_of(net, films.crops, watched, recipe.size))

    average = run.train(lambda epoch: batches(films, chosen, recipe, seed, epoch), loss_of, validate)
    logits = logits_of(average, films.crops, held_out, recipe.size)
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
