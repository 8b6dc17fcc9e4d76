"""The recipe of breast ultrasound, for five given folds: two networks each.

One outlines the lesion and judges malignancy there; it is trained in two phases, the second from where the first
ended.  The other judges malignancy from the whole image.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai.films import Placement
from radviewer.ai.lesion_networks import LesionNet, WholeNet
from radviewer.ai.networks import channels_last
from radviewer.ai.sonograms import scan_of
from radviewer.domain.overlap import dice
from radviewer.evaluation.metrics import auc
from radviewer.training.breasts import FIRST, LONGEST, WHOLE, Breast, Phase, batches
from radviewer.training.loop import Batch, Run, Schedule, finished_run
from radviewer.training.outline_loss import outline_loss
from radviewer.training.pretrained import load_imagenet_head

_log = logging.getLogger(__name__)


def loss_of(network: nn.Module, batch: Batch) -> Tensor:
    """Outline and malignancy together."""
    judged = network(batch["image"].contiguous(memory_format=torch.channels_last))
    return 0.6 * outline_loss(judged.outline, batch["outline"]) + _malignancy_loss(judged.logit, batch)


def whole_loss_of(network: nn.Module, batch: Batch) -> Tensor:
    """Malignancy alone."""
    logit, _ = network(batch["image"].contiguous(memory_format=torch.channels_last))
    return _malignancy_loss(logit, batch)


def _malignancy_loss(logit: Tensor, batch: Batch) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logit, 0.03 + 0.94 * batch["malignant"])


def _mirrored(breast: Breast) -> tuple[Tensor, Placement]:
    """An image and its mirror image, ``(2, 1, rows, columns)``, and where it lies."""
    scan = scan_of(breast.image, LONGEST)
    image = torch.from_numpy(scan.grey)
    return torch.stack([image, image.flip(1)])[:, None], scan.placement


@torch.no_grad()
def judged_image(network: nn.Module, breast: Breast) -> tuple[NDArray[np.bool_], float]:
    """Outline on the image and the malignancy logit, mean of the image and its mirror image."""
    network.eval()
    both, placement = _mirrored(breast)
    judged = network(both)
    outline = (judged.outline[0, 0] + judged.outline[1, 0].flip(1)) / 2
    finer = Placement(0.0, 0.0, 2.0, 2.0)
    return placement.within(finer).mask(outline.numpy(), breast.image.shape), float(judged.logit.mean())


def score(network: nn.Module, breasts: Sequence[Breast]) -> dict[str, float]:
    """Mean Dice over the images and AUC of malignancy."""
    found = [judged_image(network, breast) for breast in breasts]
    dices = [dice(mask, breast.lesion > 127) for (mask, _), breast in zip(found, breasts, strict=True)]
    malignant = np.array([breast.malignant for breast in breasts])
    return {
        "dice": float(np.mean(dices)),
        "median dice": float(np.median(dices)),
        "missed": float(np.mean(np.array(dices) < 0.1)),
        "auc": auc(malignant, np.array([logit for _, logit in found], np.float32)),
    }


@torch.no_grad()
def whole_score(network: nn.Module, breasts: Sequence[Breast]) -> dict[str, float]:
    """AUC of malignancy."""
    network.eval()
    logits = [float(network(_mirrored(breast)[0])[0].mean()) for breast in breasts]
    return {"auc": auc(np.array([breast.malignant for breast in breasts]), np.array(logits, np.float32))}


def folder_of(runs: Path, fold: int, phase: Phase) -> Path:
    """Folder of one run."""
    return runs / f"fold{fold}{phase.name}"


def finished(runs: Path, fold: int, phase: Phase) -> dict[str, Any]:
    """Last checkpoint of a run.

    Raises
    ------
    NothingToRead
        If it is not trained to its end.

    """
    return finished_run(folder_of(runs, fold, phase))


def train_fold(breasts: Sequence[Breast], fold: int, runs: Path, phase: Phase) -> nn.Module:
    """Train the member that does not see `fold` in one phase; the second continues from the first."""
    chosen = [b for b in breasts if b.fold != fold]
    held_out = [b for b in breasts if b.fold == fold]
    seed = 900 + fold
    torch.manual_seed(seed)
    network = _network(fold, runs, phase)
    channels_last(network)
    loss, judge = (whole_loss_of, whole_score) if isinstance(network, WholeNet) else (loss_of, score)
    schedule = Schedule(phase.epochs, phase.steps, rate=phase.rate, slow=0.5, decay=0.05, average=0.99)
    run = Run(folder_of(runs, fold, phase), network, schedule, seed)
    average = run.train(lambda epoch: batches(chosen, phase, seed, epoch), loss, lambda net: judge(net, held_out[::3]))
    _log.info("fold %d%s: %s", fold, phase.name, judge(average, held_out))
    return average


def _network(fold: int, runs: Path, phase: Phase) -> LesionNet | WholeNet:
    """The network that a phase begins with: that of the whole image is one of its own."""
    if phase.name == WHOLE.name:
        whole = WholeNet()
        load_imagenet_head(whole)
        return whole
    network = LesionNet()
    if phase.name == FIRST.name:
        load_imagenet_head(network)
    else:
        network.load_state_dict(finished(runs, fold, FIRST)["average"])
    if phase.frozen >= 0:
        network.encoder.freeze(phase.frozen)
    return network
