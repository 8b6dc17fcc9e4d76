"""An ensemble of `SliceNet`s over the slices of a series, from the one the reader looks at outwards.

Every slice is read as it is and mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.cards import BadModel, Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.graphs import forward
from radviewer.ai.lesion_networks import Judged, SliceNet
from radviewer.ai.running import build, device
from radviewer.progress import Progress

Grey = NDArray[np.float32]

FIRST_BATCH, BATCH = 1, 8
"""Slices read together: one at first, so that the reader soon sees something."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the ensemble says before calibration; slices that were not read hold zeros.

    Attributes
    ----------
    outlines : ndarray, float32, (slices, n / 2, n / 2)
        Logits, mean over the members and both mirror images.
    logits : ndarray, float32, (slices,)
        "On this slice", mean over the members.
    evidence : ndarray, float32, (slices, h, w)
        Contribution of each cell to `logits`, averaged likewise: sums to it minus `bias`.
    features : ndarray, float32, (members, slices, 320)
    bias : float

    """

    outlines: Grey
    logits: Grey
    evidence: Grey
    features: Grey
    bias: float


def members(catalogue: Catalogue, card: Card) -> Iterator[SliceNet]:
    """Build the ensemble's networks, each loaded once per process."""
    for weights in card.weights:
        net = build(SliceNet, SliceNet, catalogue, card, weights)
        forward(net, shape=(BATCH, 3, card.input_size, card.input_size))
        yield net


def outward(indices: Sequence[int], first: int) -> Iterator[list[int]]:
    """Batches of slices, the nearest to `first` first."""
    order = sorted(indices, key=lambda i: (abs(i - first), i))
    start, size = 0, FIRST_BATCH
    while start < len(order):
        yield sorted(order[start : start + size])
        start, size = start + size, BATCH


def judge(
    nets: Sequence[SliceNet],
    grey: Grey,
    batches: Sequence[Sequence[int]],
    apart: int,
    progress: Progress,
    tell: Callable[[Judgement, Sequence[int]], None] | None = None,
) -> Judgement:
    """Read slices in batches.

    Parameters
    ----------
    nets : sequence of SliceNet
        The members.
    grey : ndarray, float32, (slices, n, n)
        The cut-out head.
    batches : sequence of sequences of int
        Indices of the slices to read, in that order.
    apart : int
        How many slices away the neighbours are that are read along.
    progress : Progress
        Told of each batch, asked before each network.
    tell : callable, optional
        Called after each batch with all that is known, and the batch.

    Raises
    ------
    BadModel
        If what the networks compute is not finite.
    Cancelled

    """
    count, n = grey.shape[:2]
    total, done = sum(len(batch) for batch in batches), 0
    bias = float(np.mean([net.bias for net in nets]))
    found = Judgement(
        np.zeros((count, n // 2, n // 2), np.float32),
        np.zeros(count, np.float32),
        np.zeros((count, n // 8, n // 8), np.float32),
        np.zeros((len(nets), count, nets[0].feature_count), np.float32),
        bias,
    )
    for batch in batches:
        _read(nets, grey, batch, apart, found, progress)
        if tell is not None:
            tell(found, batch)
        done += len(batch)
        progress.report(done, total, f"{done} of {total} slices")
    return found


def _read(
    nets: Sequence[SliceNet], grey: Grey, batch: Sequence[int], apart: int, found: Judgement, progress: Progress
) -> None:
    middle = np.array(batch)
    around = np.clip(middle[:, None] + (-apart, 0, apart), 0, len(grey) - 1)
    images = torch.from_numpy(grey[around]).to(device()).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for number, net in enumerate(nets):
            for mirrored in (False, True):
                progress.check()
                judged = Judged(*forward(net)(images.flip(3) if mirrored else images))
                _add(found, middle, number, judged, mirrored)
    if not (np.isfinite(found.outlines[middle]).all() and np.isfinite(found.logits[middle]).all()):
        raise BadModel("The model returned values that are not numbers.")


def _add(found: Judgement, middle: NDArray[np.int64], number: int, judged: Judged, mirrored: bool) -> None:
    """Add a member's share of the means over members and over both mirror images."""
    share = 1 / (2 * len(found.features))
    outline, evidence = (
        part.flip(2) if mirrored else part for part in (judged.outline[:, 0].float(), judged.evidence.float())
    )
    found.outlines[middle] += share * outline.cpu().numpy()
    found.evidence[middle] += share * evidence.cpu().numpy()
    found.logits[middle] += share * judged.logit.float().cpu().numpy()
    found.features[number, middle] += judged.features.float().cpu().numpy() / 2
