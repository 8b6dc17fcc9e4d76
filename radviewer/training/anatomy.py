"""The anatomy recipe: right lung, left lung, heart.

JSRT labels all three structures, Shenzhen only the lungs; films of adults and children from other
hospitals have no outlines at all.  What is missing is filled in by a teacher (`anatomy_loss.taught`).  Every film
is shown in positive and in negative.  A first phase learns where the chest is under strong changes, a second one
outlines it exactly, at a higher resolution and under mild changes; in both, the run's own moving average is the
teacher, and the first stages of the encoder stay as they are.  A third one trains all of it, with all statistics of
the batch norms fixed, as they are when films are read, and with one teacher for all folds: the first fold's member.
It has seen the outlines of the other folds, but teaches only what nobody outlined and nothing is judged on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai.intensity import equalised
from radviewer.ai.networks import AnatomyNet, channels_last
from radviewer.domain.overlap import dice
from radviewer.errors import NothingToRead
from radviewer.evaluation.tables import write_table
from radviewer.training.anatomy_films import (
    FIRST,
    HEART,
    LEFT,
    PHASES,
    RIGHT,
    SECOND,
    SEED,
    SIDE,
    THIRD,
    UNION,
    Films,
    Phase,
    batches,
)
from radviewer.training.anatomy_loss import believable, loss_of, taught
from radviewer.training.data import Bytes
from radviewer.training.loop import Batch, Run, Schedule
from radviewer.training.pretrained import load_imagenet

_TAUGHT_FROM = 4  # epochs: before that the moving average knows nothing
_TEACHER_FOLD = 0

_log = logging.getLogger(__name__)


@torch.no_grad()
def outlines_of(network: nn.Module, images: Sequence[Bytes], size: int) -> Iterator[NDArray[np.bool_]]:
    """Masks ``(3, SIDE, SIDE)`` of each cached film."""
    network.eval()
    for image in images:
        small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
        logits, _, _ = network(torch.from_numpy(equalised(small))[None, None])
        full = functional.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        yield (full[0] > 0).numpy()


def score(films: Films, held_out: Sequence[int], network: nn.Module, size: int) -> list[dict[str, float]]:
    """Dice of each held-out film (NaN where not labelled), and whether its heart has a heart's shape."""
    lines = []
    found = outlines_of(network, [films.images[i] for i in held_out], size)
    for i, masks in zip(held_out, found, strict=True):
        truth = films.outlines[i]
        sided = not (truth & UNION).any()
        heart = films.rows[i].source == "jsrt"
        lines.append(
            {
                "lungs": dice(masks[0] | masks[1], (truth & (RIGHT | LEFT | UNION)) != 0),
                "right lung": dice(masks[0], (truth & RIGHT) != 0) if sided else float("nan"),
                "left lung": dice(masks[1], (truth & LEFT) != 0) if sided else float("nan"),
                "heart": dice(masks[2], (truth & HEART) != 0) if heart else float("nan"),
                "believable heart": float(believable(masks)[1]),
            }
        )
    return lines


def _means(films: Films, held_out: Sequence[int], lines: list[dict[str, float]]) -> dict[str, float]:
    means = {}
    for source in ("jsrt", "shenzhen"):
        chosen = [line for i, line in zip(held_out, lines, strict=True) if films.rows[i].source == source]
        if not chosen:
            continue
        for name in ("lungs", "heart" if source == "jsrt" else "believable heart"):
            means[f"{source} {name}"] = float(np.nanmean([line[name] for line in chosen]))
    return means


def folder_of(runs: Path, fold: int, phase: Phase) -> Path:
    """Folder of one fold's run."""
    return runs / f"fold{fold}{phase.name}"


def averaged(runs: Path, fold: int, phase: Phase) -> AnatomyNet:
    """Averaged weights of a finished run, in evaluation mode."""
    path = folder_of(runs, fold, phase) / "checkpoint.pt"
    if not path.is_file():
        raise NothingToRead(f"{path} is missing: train the phases and folds before this one first.")
    state = torch.load(path, weights_only=True)
    if state["epoch"] < state["schedule"]["epochs"]:
        raise NothingToRead(f"{path} is not finished: {state['epoch']} of {state['schedule']['epochs']} epochs.")
    network = AnatomyNet()
    network.load_state_dict(state["average"])
    return network.eval()


def _fix_norms(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def train_fold(films: Films, fold: int, runs: Path, phase: Phase) -> nn.Module:
    """Train the member that does not see `fold` in one phase; write its held-out Dice per film.

    Parameters
    ----------
    films : Films
        All films.
    fold : int
        The one that is left out.
    runs : Path
        Holds one folder per fold and phase.
    phase : Phase
        `FIRST` starts from ImageNet's weights, the others from the phase before it of the same fold.

    Raises
    ------
    NothingToRead
        If a run this one starts from or is taught by is not finished.

    """
    chosen = [i for i, f in enumerate(films.folds) if f != fold]
    held_out = [i for i, f in enumerate(films.folds) if f == fold]
    seed = SEED * 100 + fold
    torch.manual_seed(seed)
    network = AnatomyNet()
    load_imagenet(network.encoder)
    if phase.frozen is not None:  # edges and textures are those of any picture
        network.encoder.freeze(phase.frozen)
    if phase is not FIRST:
        before = averaged(runs, fold, PHASES[PHASES.index(phase) - 1])
        network.load_state_dict(before.state_dict())
    channels_last(network)
    folder = folder_of(runs, fold, phase)
    run = Run(folder, network, Schedule(phase.epochs, phase.steps, rate=phase.rate), seed)
    if run.finished and (folder / "held-out.csv").is_file():
        return run.average

    teacher = averaged(runs, _TEACHER_FOLD, SECOND) if phase is THIRD else run.average
    channels_last(teacher)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        if phase is THIRD:
            _fix_norms(net)
        knows = run.epoch >= _TAUGHT_FROM or phase is not FIRST
        return loss_of(net, taught(teacher, batch) if knows else batch)

    watched = held_out[:: max(1, len(held_out) // 48)]
    average = run.train(
        lambda epoch: batches(films, chosen, phase, seed, epoch),
        loss,
        lambda net: _means(films, watched, score(films, watched, net, phase.size)),
    )
    lines = score(films, held_out, average, phase.size)
    _log.info("fold %d of %d films: %s", fold, len(held_out), _means(films, held_out, lines))
    names = list(lines[0])
    write_table(
        folder / "held-out.csv",
        ("film", "patient", "fold", *names),
        (
            (films.rows[i].name, films.rows[i].patient, fold, *(f"{line[n]:.5f}" for n in names))
            for i, line in zip(held_out, lines, strict=True)
        ),
    )
    return average
