"""Networks that outline a lesion and judge the image: brain MR slices, breast ultrasound.

`SliceNet` and `LesionNet` are U-Nets on the encoder of `radviewer.ai.networks`; a `BreastNet` is a
`LesionNet` and a `WholeNet`, which outlines nothing.  Each judges by a sum or mean of a feature map
and one linear layer, so the class activation map is exact: its cells add up to the logit minus the
bias.  Inputs are float32, 0–1, rows and columns multiples of 32.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai.networks import ENCODED, SKIPPED, Convolution, Encoder, Merge

_WIDTHS = (64, 48, 32, 24, 16)  # channels of the neck and after each merge
_PRESENCE_WIDTH = _WIDTHS[2]
PRESENCE_CELLS = 16
"""Cells that the presence logit counts as one."""
_HEAD_WIDTH = 1280
BESIDE = 0.02
"""Weight of cells outside the lesion, in shares of a cell inside."""
_FINER = 4  # cells of the contributions along a side of a cell of the encoder's last map


class Judged(NamedTuple):
    """What a network says about a batch of n images.

    Attributes
    ----------
    outline : Tensor, (n, 1, rows / 2, columns / 2)
        Logits: is this lesion.
    logit : Tensor, (n,)
        Of the whole image.
    evidence : Tensor, (n, h, w)
        Contribution of each cell to `logit`; sums to it minus the bias.
    features : Tensor, (n, 320)
        Mean of the encoder's last map: what eligibility measures distances in.

    """

    outline: Tensor
    logit: Tensor
    evidence: Tensor
    features: Tensor


class _Outliner(nn.Module):
    """Encoder, decoder, one outline at half the input's resolution."""

    feature_count = ENCODED[-1]

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.neck = Convolution(ENCODED[-1], _WIDTHS[0])
        skips = [ENCODED[i] for i in SKIPPED]
        self.decoder = nn.ModuleList(
            Merge(inputs, skip, outputs)
            for inputs, skip, outputs in zip(_WIDTHS[:-1], skips[::-1], _WIDTHS[1:], strict=True)
        )
        self.outline = nn.Conv2d(_WIDTHS[-1], 1, 1)

    def decoded(self, encoded: list[Tensor]) -> list[Tensor]:
        """Outputs of the decoder's merges, of strides 16, 8, 4, 2."""
        y = self.neck(encoded[-1])
        found = []
        for merge, index in zip(self.decoder, SKIPPED[::-1], strict=True):
            y = merge(y, encoded[index])
            found.append(y)
        return found


class SliceNet(_Outliner):
    """Lesion on a slice and its two neighbours, ``(n, 3, rows, columns)``; the logit is "on this slice".

    The logit is judged on the decoder's map of stride 8, where small lesions still have their own cells.
    """

    to_evidence = ("encoder", "neck", "decoder.0", "decoder.1", "presence")
    """Modules that it passes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.presence = nn.Conv2d(_PRESENCE_WIDTH, 1, 1)

    @property
    def bias(self) -> float:
        """Of the logit."""
        return float(_bias(self.presence).detach())

    def forward(self, x: Tensor) -> Judged:
        """Judge the middle slices of a batch."""
        encoded = self.encoder(x)
        decoded = self.decoded(encoded)
        maps = functional.conv2d(decoded[1], self.presence.weight)[:, 0]
        # A mean over all cells would leave a small lesion nothing; this sum counts cells, in units.
        evidence = maps / PRESENCE_CELLS
        bias = _bias(self.presence)
        return Judged(self.outline(decoded[-1]), evidence.sum(dim=(1, 2)) + bias, evidence, _pooled(encoded))


class LesionNet(_Outliner):
    """The lesion on a single image, ``(n, 1, rows, columns)``; the logit is "malignant".

    The logit is judged on the encoder's last map, interpolated to stride 8, mostly inside the outline that the
    network itself draws.
    """

    to_evidence = ("encoder", "head", "classifier")

    def __init__(self) -> None:
        super().__init__()
        self.head = Convolution(ENCODED[-1], _HEAD_WIDTH)
        self.dropout = nn.Dropout2d(0.3)
        self.classifier = nn.Linear(_HEAD_WIDTH, 1)

    @property
    def bias(self) -> float:
        """Of the logit."""
        return float(self.classifier.bias.detach())

    @staticmethod
    def weights(outline: Tensor) -> Tensor:
        """Pooling weights ``(n, rows / 8, columns / 8)`` from outline logits: > 0, sum 1 per image."""
        with torch.no_grad():
            inside = functional.avg_pool2d(outline.sigmoid(), 4)[:, 0]
            weights = inside + BESIDE
            return weights / weights.sum(dim=(1, 2), keepdim=True)

    def forward(self, x: Tensor) -> Judged:
        """Judge a batch."""
        encoded = self.encoder(x)
        outline = self.outline(self.decoded(encoded)[-1])
        features = self.dropout(self.head(encoded[-1]))
        coarse = torch.einsum("nchw,oc->nohw", features, self.classifier.weight)
        # Interpolation is linear, so contributions still add up; a small lesion gets cells of its own.
        scores = functional.interpolate(coarse, scale_factor=float(_FINER), mode="bilinear")[:, 0]
        evidence = scores * self.weights(outline)
        logit = evidence.sum(dim=(1, 2)) + self.classifier.bias
        return Judged(outline, logit, evidence, _pooled(encoded))


class WholeNet(nn.Module):
    """Malignancy from a whole image, ``(n, 1, rows, columns)``: the mean of a map of stride 32 and one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.head = Convolution(ENCODED[-1], _HEAD_WIDTH)
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(_HEAD_WIDTH, 1)

    @property
    def bias(self) -> float:
        """Of the logit."""
        return float(self.classifier.bias.detach())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``(n,)``, and what each cell adds to them, ``(n, 1, h, w)``: sums to the logit minus the bias."""
        features = self.head(self.encoder(x)[-1])
        logit = self.classifier(self.dropout(features.mean(dim=(2, 3))))[:, 0]
        scores = torch.einsum("nchw,oc->nohw", features, self.classifier.weight)
        cells = torch.ones_like(scores).sum(dim=(2, 3), keepdim=True)  # by tensors: a graph takes images of any size
        return logit, scores / cells


class BreastNet(nn.Module):
    """Two networks that judge an image together, ``(n, 1, rows, columns)``; the logit is the mean of theirs.

    One outlines the lesion and judges it inside its outline; the other, trained apart, judges the whole image.  They
    err differently, and the evidence is that of both.
    """

    feature_count = LesionNet.feature_count

    def __init__(self) -> None:
        super().__init__()
        self.lesion = LesionNet()
        self.whole = WholeNet()

    @property
    def bias(self) -> float:
        """Of the logit."""
        return (self.lesion.bias + self.whole.bias) / 2

    def forward(self, x: Tensor) -> Judged:
        """Judge a batch."""
        judged: Judged = self.lesion(x)
        logit, evidence = self.whole(x)
        # Interpolation keeps the sum, times as many cells as one becomes.
        finer = functional.interpolate(evidence, scale_factor=float(_FINER), mode="bilinear")[:, 0]
        whole = finer / _FINER**2
        return judged._replace(logit=(judged.logit + logit) / 2, evidence=(judged.evidence + whole) / 2)


def _pooled(encoded: list[Tensor]) -> Tensor:
    return encoded[-1].mean(dim=(2, 3))


def _bias(layer: nn.Conv2d) -> Tensor:
    if layer.bias is None:
        raise TypeError("the presence layer has a bias")
    return layer.bias[0]
