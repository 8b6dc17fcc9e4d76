"""What the glioma recipe reaches at a hospital of which the network has seen nobody: each of two by the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from radviewer.ai.cards import Metric
from radviewer.ai.lesion_networks import Judged, SliceNet
from radviewer.evaluation.metrics import auc, bootstrap, lowest
from radviewer.training import glioma
from radviewer.training.brains import ALONE_ON, Brains
from radviewer.training.measured import mean_of, metric


class Mirrored(nn.Module):
    """A network that reads each image as it is and mirrored, as the program does."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Judged:
        """Judge a batch."""
        seen, turned = self.network(x), self.network(x.flip(3))
        back = (turned.outline.flip(3), turned.logit, turned.evidence.flip(2), turned.features)
        return Judged(*((a + b) / 2 for a, b in zip(seen, back, strict=True)))


def sites(brains: Brains, runs: Path) -> list[Metric]:
    """Figures of every hospital.

    Raises
    ------
    NothingToRead
        If its run is not trained to its end.

    """
    names = sorted({series.site for series in brains.series})
    return [found for name in names for found in _site(brains, runs, name)]


@torch.no_grad()
def _site(brains: Brains, runs: Path, name: str) -> Iterator[Metric]:
    network = SliceNet()
    network.load_state_dict(glioma.finished(runs, name, ALONE_ON)["average"])
    held_out = glioma.split(brains, name)[1]
    lines = [glioma.scored(Mirrored(network), brains, series) for series in held_out]
    patients = [series.patient for series in held_out]
    dices = np.array([line["dice"] for line in lines])
    group = f"patients of {name}, by one network that has seen other hospitals alone"
    yield metric("mean Dice", group, mean_of(dices, patients))
    yield metric("median Dice", group, bootstrap(lambda chosen: float(np.median(dices[chosen])), patients))
    yield metric("worst Dice", group, lowest(dices))
    present = np.array([brains.pixels[i] > 0 for series in held_out for i in series.indices])
    logits = np.concatenate([line["logits"] for line in lines])
    of = [series.patient for series in held_out for _ in series.indices]
    yield metric("AUC of presence, slices", group, bootstrap(lambda c: auc(present[c], logits[c]), of))
