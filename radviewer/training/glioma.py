"""The recipe of glioma on FLAIR: outline and presence on every slice, three folds by patient.

Two more runs, ``DU`` and ``HT``, leave out all patients of one hospital, in one shorter phase; they are never bundled
and only measure what the model does where it has seen nobody.
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
from radviewer.ai.lesion_networks import PRESENCE_CELLS, SliceNet
from radviewer.ai.networks import channels_last
from radviewer.ai.outline_level import likeliest_level
from radviewer.domain.overlap import dice
from radviewer.evaluation.metrics import auc
from radviewer.training.brains import SIDE, SIZE, Brains, Phase, Series, batches, stack_of, tumour_of
from radviewer.training.loop import Batch, Run, Schedule, finished_run
from radviewer.training.outline_loss import outline_loss
from radviewer.training.pretrained import load_imagenet

_FROZEN = 2  # stages of the encoder that stay as ImageNet made them
_PRESENCE = 0.25  # of the loss; more of it holds the outlines back
_POINTING = 0.1
_COVERED = 0.2  # of a cell at least, for a lesion to be pointed at
_AT_ONCE = 16

_log = logging.getLogger(__name__)


def loss_of(network: nn.Module, batch: Batch) -> Tensor:
    """Outline and presence together."""
    judged = network(batch["image"].contiguous(memory_format=torch.channels_last))
    present = functional.binary_cross_entropy_with_logits(judged.logit, 0.02 + 0.96 * batch["present"])
    pointed = pointing_loss(judged.evidence, batch["outline"])
    return outline_loss(judged.outline, batch["outline"]) + _PRESENCE * present + _POINTING * pointed


def pointing_loss(evidence: Tensor, share: Tensor) -> Tensor:
    """How unlikely the strongest evidence lies in the lesion: the softmax over the cells, summed inside.

    Parameters
    ----------
    evidence : Tensor, (n, h, w)
        Contributions of the cells to the presence logit.
    share : Tensor, (n, 1, rows, columns)
        Part of each cell that the lesion covers, 0–1.  Images without a lesion do not count.

    """
    covered = functional.adaptive_avg_pool2d(share, (evidence.shape[1], evidence.shape[2]))[:, 0].flatten(1)
    most = covered.amax(dim=1)
    chosen = most > _COVERED
    if not chosen.any():
        return evidence.sum() * 0
    inside = covered[chosen] / most[chosen, None]
    likely = (evidence[chosen].flatten(1) * PRESENCE_CELLS).log_softmax(dim=1)
    return -(likely + inside.clamp_min(1e-6).log()).logsumexp(dim=1).mean()


@torch.no_grad()
def judged_series(
    network: nn.Module, brains: Brains, series: Series
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Outline logits ``(slices, n, n)``, presence logits ``(slices,)``, evidence ``(slices, h, w)`` of a series."""
    network.eval()
    cut = torch.from_numpy(brains.images[series.first : series.indices[-1] + 1].astype(np.float32) / 255)
    small = functional.interpolate(cut[:, None], size=(SIZE, SIZE), mode="bilinear", antialias=True)[:, 0]
    last = len(small) - 1
    found: list[list[NDArray[np.float32]]] = [[], [], []]
    for start in range(0, len(small), _AT_ONCE):
        middle = torch.arange(start, min(start + _AT_ONCE, len(small)))
        stacks = torch.stack([small[(middle + step).clamp(0, last)] for step in (-1, 0, 1)], dim=1)
        judged = network(stacks.contiguous(memory_format=torch.channels_last))
        for part, values in zip(found, (judged.outline[:, 0], judged.logit, judged.evidence), strict=True):
            part.append(values.float().numpy())
    outline, logit, evidence = (np.concatenate(part) for part in found)
    return outline, logit, evidence


def scored(network: nn.Module, brains: Brains, series: Series) -> dict[str, Any]:
    """Dice in 3D at full size, presence logits, and the outline's volume over the true one."""
    outline, logit, _ = judged_series(network, brains, series)
    shape = stack_of(series.rows[:1]).shape[1:]
    step = series.placement.step_row * SIDE / outline.shape[-1]
    placement = Placement(series.placement.origin_row, series.placement.origin_column, step, step)
    truth = np.stack([tumour_of(row, shape) for row in series.rows])
    found = np.stack([placement.mask(plane, shape) for plane in outline - likeliest_level(outline)])
    return {"dice": dice(found, truth), "ratio": float(found.sum()) / max(1.0, float(truth.sum())), "logits": logit}


def score(network: nn.Module, brains: Brains, chosen: Sequence[Series]) -> dict[str, float]:
    """Mean and median Dice over the patients, AUC of presence over the slices."""
    lines = [scored(network, brains, series) for series in chosen]
    present = np.array([brains.pixels[i] > 0 for series in chosen for i in series.indices])
    dices = [line["dice"] for line in lines]
    return {
        "dice": float(np.mean(dices)),
        "median dice": float(np.median(dices)),
        "worst dice": float(min(dices)),
        "volume error": float(np.median([abs(line["ratio"] - 1) for line in lines])),
        "slice auc": auc(present, np.concatenate([line["logits"] for line in lines])),
    }


def split(brains: Brains, left_out: str) -> tuple[list[Series], list[Series]]:
    """Series to learn from and series left out: a fold's number or a hospital's name."""
    out = [s for s in brains.series if left_out in (str(s.fold), s.site)]
    return [s for s in brains.series if s not in out], out


def folder_of(runs: Path, left_out: str, phase: Phase) -> Path:
    """Folder of one run."""
    return runs / f"without-{left_out}{phase.name}"


def finished(runs: Path, left_out: str, phase: Phase) -> dict[str, Any]:
    """Last checkpoint of a run.

    Raises
    ------
    NothingToRead
        If it is not trained to its end.

    """
    return finished_run(folder_of(runs, left_out, phase))


def train(brains: Brains, left_out: str, runs: Path, phase: Phase) -> nn.Module:
    """Train the network that does not see `left_out` in one phase, from where the one before has ended."""
    chosen, held_out = split(brains, left_out)
    seed = 600 + sum(left_out.encode())
    torch.manual_seed(seed)
    network = SliceNet()
    if phase.after is not None:
        network.load_state_dict(finished(runs, left_out, phase.after)["average"])
    else:
        load_imagenet(network.encoder)
    network.encoder.freeze(_FROZEN)
    channels_last(network)
    schedule = Schedule(phase.epochs, phase.steps, rate=phase.rate, slow=0.5, decay=0.03, average=0.99)
    run = Run(folder_of(runs, left_out, phase), network, schedule, seed)
    watched = held_out[:: max(1, len(held_out) // 10)]
    average = run.train(
        lambda epoch: batches(brains, chosen, phase, seed, epoch), loss_of, lambda net: score(net, brains, watched)
    )
    _log.info("without %s%s: %s", left_out, phase.name, score(average, brains, held_out))
    return average
