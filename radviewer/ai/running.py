"""Where networks run and how they are built from weights files."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from radviewer.ai.cards import BadModel, Card, WeightsFile
from radviewer.ai.networks import channels_last
from radviewer.allocator import keep_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

    from radviewer.ai.catalogue import Catalogue


Net = TypeVar("Net", bound="nn.Module")

_built: dict[tuple[str, str, str], nn.Module] = {}
_lock = threading.Lock()


@cache
def device() -> torch.device:
    """CUDA when it is there, else the CPU; the same code for both."""
    import torch

    keep_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def build(make: Callable[[], Net], kind: type[Net], catalogue: Catalogue, card: Card, weights: WeightsFile) -> Net:
    """Return the network with `weights`, in evaluation mode, built once per process.

    Raises
    ------
    BadModel
        If the weights cannot be read or do not fit the network.

    """
    import torch

    key = (str(catalogue.folder), weights.sha256, kind.__name__)
    with _lock:
        if key not in _built:
            with torch.device("meta"):  # no random weights first: they are replaced at once
                network = make()
            try:
                network.load_state_dict(catalogue.weights(card, weights), assign=True)
            except RuntimeError as problem:
                raise BadModel(f"The weights file {weights.file} does not fit the model {card.name}.") from problem
            _fuse(network.eval())
            channels_last(network.to(device()))
            _built[key] = network
        found = _built[key]
    if not isinstance(found, kind):
        raise TypeError(f"{key} is built as another network")
    return found


def _fuse(network: nn.Module) -> None:
    """Put every batch norm into the convolution before it: the same numbers in a sixth less time."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    for module in network.modules():
        convolution, norm = getattr(module, "convolution", None), getattr(module, "norm", None)
        if not (isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
            continue
        mean, variance = norm.running_mean, norm.running_var
        if mean is not None and variance is not None:
            convolution.weight, convolution.bias = fuse_conv_bn_weights(
                convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
            module.norm = nn.Identity()
