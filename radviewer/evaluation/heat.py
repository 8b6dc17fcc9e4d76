"""Where heatmaps lie, and whether they depend on what the network has learnt."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radviewer.ai.anatomy import Outlines
from radviewer.ai.findings import raw_maps, share_inside
from radviewer.ai.lungs import LungCrop, cut_out, prepared
from radviewer.ai.networks import FindingNet

Grey = NDArray[np.float32]
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of a map's positive energy inside the lungs, before any masking.

    Attributes
    ----------
    shown : float
        Of the map that is shown: contributions to the logit.
    raw : float
        Of the class activations before the pooling weighs cells by their share of lung.
    uniform : float
        What a uniform map over the cut-out would score.

    """

    shown: float
    raw: float
    uniform: float


def _inputs(crop: LungCrop) -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(prepared(crop.grey, crop.lungs))[None, None]
    return image, torch.from_numpy(crop.lungs.astype(np.float32))[None, None]


def _enlarged(cells: Grey, size: int) -> Grey:
    """Cells as they are shown: interpolated to the cut-out's grid."""
    return cv2.resize(cells, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def shown_map(nets: Sequence[FindingNet], crop: LungCrop, index: int = 0) -> Grey:
    """Mean contribution of each cell to the logit, ``(h, w)``."""
    image, lungs = _inputs(crop)
    with torch.inference_mode():
        maps = [net.activation_maps(net.features(image), lungs)[0, index] for net in nets]
    mean: Grey = torch.stack(maps).mean(dim=0).numpy()
    return mean


def energy_shares(nets: Sequence[FindingNet], outlines: Outlines, size: int, index: int = 0) -> Shares:
    """Measure one film."""
    crop = cut_out(outlines, size)
    image, _ = _inputs(crop)
    shown, uniform = share_inside(_enlarged(shown_map(nets, crop, index), size), crop.lungs)
    raw, _ = share_inside(_enlarged(raw_maps(nets, image)[index], size), crop.lungs)
    return Shares(shown, raw, uniform)


def similarity(a: Grey, b: Grey) -> float:
    """Global structural similarity (SSIM with one window) of two maps, each scaled to its own range."""
    x, y = ((m - m.min()) / max(float(np.ptp(m)), 1e-9) for m in (a, b))
    c1, c2 = 0.01**2, 0.03**2
    covariance = float(((x - x.mean()) * (y - y.mean())).mean())
    light = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
    return float(light * (2 * covariance + c2) / (x.var() + y.var() + c2))


def randomised(net: Net, layers: int, seed: int = 0) -> Net:
    """Copy of a network whose last `layers` convolutions and linear layers are drawn anew (cascading randomisation).

    The last on the way to the evidence, not to an outline that is drawn beside it; of networks that judge together
    those of each.
    """
    drawn = copy.deepcopy(net)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for part in [m for m in drawn.modules() if hasattr(m, "encoder")] or [drawn]:
            _redraw(part, layers)
    return drawn.eval()


def _redraw(part: nn.Module, layers: int) -> None:
    way = [part.get_submodule(name) for name in getattr(part, "to_evidence", ())] or [part]
    modules = [module for step in way for module in step.modules()]
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    linear = [m for m in modules if isinstance(m, nn.Linear)]
    for convolution in convolutions[len(convolutions) - layers :]:
        convolution.reset_parameters()
    for layer in linear if layers else ():
        layer.reset_parameters()
