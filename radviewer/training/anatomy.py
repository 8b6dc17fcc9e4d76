"""The anatomy recipe: right lung, left lung, heart.

JSRT labels all three structures; Shenzhen only the lungs, so its loss leaves out the heart.
A Shenzhen mask whose two lungs are separate is split into the patient's sides; where it is not,
only the union is asked for.  Every film is shown in positive and in negative.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai.intensity import equalised
from radviewer.ai.networks import AnatomyNet, channels_last
from radviewer.training.augment import (
    Geometry,
    random_affine,
    random_clutter,
    random_film,
    warp,
)
from radviewer.training.data import Bytes, Row, cached, patient_folds, read_grey, read_index, squared, write_table
from radviewer.training.loop import Batch, Run, Schedule
from radviewer.training.pretrained import load_imagenet

SIDE = 512
"""Of the cached films and of the grid Dice is measured on."""
SIZE = 256
"""Of the network's input."""
RIGHT, LEFT, HEART = 1, 2, 4
UNION, UNKNOWN = 8, 128  # lung of an unknown side; film without any outline
SEED = 3
FOLDS = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Films:
    """Films and outlines of the anatomy recipe.

    Attributes
    ----------
    images, outlines : ndarray, uint8, (n, SIDE, SIDE)
        `outlines` is a bit field of RIGHT, LEFT, HEART and UNION.

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
    return sides(read_grey(folder / row.cells["lung_mask"]) > 127)


def load_films(data: Path, cache: Path) -> Films:
    """Read JSRT and those Shenzhen films that have lung masks."""
    rows = read_index(data / "jsrt") + [r for r in read_index(data / "shenzhen") if r.cells["lung_mask"]]
    folds = patient_folds(rows, [f"{r.source} {r.cells['label']}" for r in rows], FOLDS, SEED)
    images = cached(cache / "anatomy-images.npy", len(rows), SIDE, (squared(read_grey(r.image), SIDE) for r in rows))
    outlines = cached(cache / "anatomy-outlines.npy", len(rows), SIDE, (_outline(r) for r in rows))
    return Films(rows, folds, images, outlines)


def _example(films: Films, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], Bytes, bool]:
    matrix = random_affine(rng, SIDE, Geometry())
    fill = None if rng.random() < 0.3 else float(rng.choice([0, 0, 0, 255]))
    image = warp(films.images[index], matrix, fill=fill)
    outline = warp(films.outlines[index], matrix, fill=0.0, nearest=True)
    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    small_outline: Bytes = cv2.resize(outline, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    film = random_clutter(rng, random_film(rng, small.astype(np.float32)))
    negative = bool(rng.random() < 0.4)
    return equalised(1 - film if negative else film), small_outline, negative


def batches(films: Films, chosen: Sequence[int], steps: int, size: int, seed: int, epoch: int) -> Iterator[Batch]:
    """One epoch: films of both sources, JSRT's (the only ones with a heart) drawn as often as Shenzhen's."""
    rng = np.random.default_rng((seed, epoch))
    jsrt = [i for i in chosen if films.rows[i].source == "jsrt"]
    other = [i for i in chosen if films.rows[i].source != "jsrt"]
    for _ in range(steps):
        picked = [int(rng.choice(jsrt if k % 2 else other)) for k in range(size)]
        made = [_example(films, i, rng) for i in picked]
        yield {
            "image": torch.from_numpy(np.stack([m[0] for m in made])[:, None]),
            "outline": torch.from_numpy(np.stack([m[1] for m in made])),
            "negative": torch.tensor([float(m[2]) for m in made]),
            "heart": torch.tensor([float(films.rows[i].source == "jsrt") for i in picked]),
        }


def _overlap_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy + soft Dice per film, averaged over films with weight 1; shapes (n, h, w) and (n,)."""
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(1, 2))
    share = torch.sigmoid(logits)
    both = (share * target).sum(dim=(1, 2))
    dice = (2 * both + 1) / (share.sum(dim=(1, 2)) + target.sum(dim=(1, 2)) + 1)
    return ((entropy + 1 - dice) * weight).sum() / weight.sum().clamp(min=1)


def loss_of(network: nn.Module, batch: Batch) -> Tensor:
    """Outlines where they are known, the union of the lungs everywhere, and the polarity."""
    logits, negative, _ = network(batch["image"].to(memory_format=torch.channels_last))
    logits = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
    outline = batch["outline"]
    sided = ((outline & UNION) == 0).flatten(1).all(dim=1).float()
    lungs = _overlap_loss(
        logits[:, :2].amax(dim=1), (outline & (RIGHT | LEFT | UNION)).ne(0).float(), torch.ones_like(sided)
    )
    right = _overlap_loss(logits[:, 0], (outline & RIGHT).ne(0).float(), sided)
    left = _overlap_loss(logits[:, 1], (outline & LEFT).ne(0).float(), sided)
    heart = _overlap_loss(logits[:, 2], (outline & HEART).ne(0).float(), batch["heart"])
    polarity = functional.binary_cross_entropy_with_logits(negative, batch["negative"])
    return lungs + 0.5 * (right + left) + heart + 0.1 * polarity


@torch.no_grad()
def outlines_of(network: nn.Module, images: Sequence[Bytes]) -> Iterator[tuple[NDArray[np.bool_], float]]:
    """``(masks (3, SIDE, SIDE), logit of negative)`` of each cached film."""
    network.eval()
    for image in images:
        small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
        logits, negative, _ = network(torch.from_numpy(equalised(small))[None, None])
        full = functional.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        yield (full[0] > 0).numpy(), float(negative[0])


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice coefficient; 1 when both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def score(films: Films, held_out: Sequence[int], network: nn.Module) -> list[dict[str, float]]:
    """Dice of lungs, right lung, left lung and heart of each held-out film (NaN where not labelled)."""
    lines = []
    found = outlines_of(network, [films.images[i] for i in held_out])
    for i, (masks, negative) in zip(held_out, found, strict=True):
        truth = films.outlines[i]
        sided = not (truth & UNION).any()
        heart = films.rows[i].source == "jsrt"
        lines.append(
            {
                "lungs": dice(masks[0] | masks[1], (truth & (RIGHT | LEFT | UNION)) != 0),
                "right lung": dice(masks[0], (truth & RIGHT) != 0) if sided else float("nan"),
                "left lung": dice(masks[1], (truth & LEFT) != 0) if sided else float("nan"),
                "heart": dice(masks[2], (truth & HEART) != 0) if heart else float("nan"),
                "negative": negative,
            }
        )
    return lines


def _means(films: Films, held_out: Sequence[int], lines: list[dict[str, float]]) -> dict[str, float]:
    means = {}
    for source in ("jsrt", "shenzhen"):
        chosen = [line for i, line in zip(held_out, lines, strict=True) if films.rows[i].source == source]
        for name in ("lungs", "heart") if source == "jsrt" else ("lungs",):
            means[f"{source} {name}"] = float(np.nanmean([line[name] for line in chosen]))
    return means


def train_fold(films: Films, fold: int, folder: Path, schedule: Schedule, size: int = 16) -> nn.Module:
    """Train the member that does not see `fold`; write its held-out Dice per film."""
    chosen = [i for i, f in enumerate(films.folds) if f != fold]
    held_out = [i for i, f in enumerate(films.folds) if f == fold]
    seed = SEED * 100 + fold
    torch.manual_seed(seed)
    network = AnatomyNet()
    load_imagenet(network.encoder)
    channels_last(network)
    run = Run(folder / f"fold{fold}", network, schedule, seed)
    watched = held_out[:: max(1, len(held_out) // 48)]
    average = run.train(
        lambda epoch: batches(films, chosen, schedule.steps, size, seed, epoch),
        loss_of,
        lambda net: _means(films, watched, score(films, watched, net)),
    )
    lines = score(films, held_out, average)
    _log.info("fold %d of %d films: %s", fold, len(held_out), _means(films, held_out, lines))
    names = list(lines[0])
    write_table(
        folder / f"fold{fold}" / "held-out.csv",
        ("film", "patient", "fold", *names),
        (
            (films.rows[i].name, films.rows[i].patient, fold, *(f"{line[n]:.5f}" for n in names))
            for i, line in zip(held_out, lines, strict=True)
        ),
    )
    return average
