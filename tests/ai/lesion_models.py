"""Model folders of the lesion networks with random weights, and a stand-in that outlines what is bright."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai.catalogue import sha256
from radviewer.ai.lesion_networks import BreastNet, Judged, LesionNet, SliceNet
from tests.ai.conftest import card_values, finding_values

SIZE = 64
Make = type[SliceNet] | type[LesionNet] | type[BreastNet]


def random_state(make: Make, seed: int) -> dict[str, Tensor]:
    """Weights of a network that tells images apart, and whose outlines cover a part of them."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = make().train()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        coarse = functional.interpolate(torch.rand(4, 3 if make is SliceNet else 1, 8, 8), size=64, mode="bilinear")
        with torch.no_grad():
            network(coarse)  # the norms keep what they saw
            outline = network.eval()(coarse).outline
            layer = network.lesion.outline if isinstance(network, BreastNet) else network.outline
            layer.weight *= 4 / outline.std()
            layer.bias -= 4 * outline.mean() / outline.std() + 1
    return dict(network.state_dict())


def lesion_model(
    models: Path,
    make: Make,
    values: dict[str, Any],
    members: int = 2,
    state_of: Callable[[int], dict[str, Tensor]] | None = None,
) -> Path:
    """Write a folder with `members` random networks and a card."""
    folder = models / str(values["name"])
    folder.mkdir(parents=True)
    weights = []
    for fold in range(members):
        state = random_state(make, fold) if state_of is None else state_of(fold)
        file = folder / f"fold{fold}.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, file)
        weights.append({"file": file.name, "sha256": sha256(file), "fold": fold})
    (folder / "card.json").write_text(json.dumps(card_values(weights) | values))
    return folder


GLIOMA: dict[str, Any] = {
    "name": "brain-glioma",
    "task": "brain glioma",
    "modalities": ["MR"],
    "labels": ["glioma"],
    "input_size": SIZE,
    "heat_stride": 8,
    "intended": {"youngest": 18},
    "findings": [finding_values("glioma") | {"slice_calibration": {"slope": 0.7, "intercept": 0.3}}],
}
BREAST: dict[str, Any] = {
    "name": "breast-lesion",
    "task": "breast lesion",
    "modalities": ["US"],
    "labels": ["malignant lesion"],
    "input_size": SIZE * 2,
    "intended": {"youngest": 18},
    "findings": [finding_values("malignant lesion")],
}


def glioma_model(models: Path, **named: Any) -> Path:
    return lesion_model(models, SliceNet, GLIOMA, **named)


def breast_model(models: Path, **named: Any) -> Path:
    return lesion_model(models, BreastNet, BREAST, **named)


class BrightSlices(nn.Module):
    """Outlines what is bright on the middle slice; its logit grows with how much that is."""

    feature_count = 320
    bias = -2.0

    def __init__(self, level: float = 0.8) -> None:
        super().__init__()
        self.level = level

    def forward(self, x: Tensor) -> Judged:
        half = functional.avg_pool2d(x[:, 1:2], 2)
        evidence = functional.avg_pool2d((half > self.level).float(), 4)[:, 0] * 3
        logit = evidence.sum(dim=(1, 2)) + self.bias
        return Judged((half - self.level) * 20, logit, evidence, torch.zeros(len(x), self.feature_count))


class DarkLesions(nn.Module):
    """Outlines what is dark inside the scan; its logit grows with how much that is."""

    bias = -0.1

    def __init__(self, level: float = 0.25) -> None:
        super().__init__()
        self.level = level

    def forward(self, x: Tensor) -> Judged:
        smooth = functional.avg_pool2d(x, 9, 1, 4, count_include_pad=False)
        half = functional.avg_pool2d(smooth, 2)
        outline = torch.where(half > 0.004, (self.level - half) * 40, -10.0)
        evidence = functional.avg_pool2d((outline > 0).float(), 16)[:, 0]
        return Judged(outline, evidence.sum(dim=(1, 2)) + self.bias, evidence, torch.zeros(len(x), 320))
