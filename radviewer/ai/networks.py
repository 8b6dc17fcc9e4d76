"""The networks of the bundled models: one small encoder, two heads.

The encoder is EfficientNet-Lite0 (Tan & Le 2019; the "lite" variant: no squeeze and
excitation, ReLU6), written so that published ImageNet weights fit it exactly
(`radviewer.training.pretrained`).  Inputs are ``(n, 1, rows, columns)`` float32, 0–1, with
rows and columns multiples of 32.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

ANATOMY = ("right lung", "left lung", "heart")
"""Channels of `AnatomyNet`, the patient's sides."""

STRIDE = 32
"""Of the last feature map of the encoder."""


class _Stage(NamedTuple):
    kernel: int
    stride: int
    channels: int
    expansion: int
    repeats: int


_STAGES = (
    _Stage(3, 1, 16, 1, 1),
    _Stage(3, 2, 24, 6, 2),
    _Stage(5, 2, 40, 6, 2),
    _Stage(3, 2, 80, 6, 3),
    _Stage(5, 1, 112, 6, 3),
    _Stage(5, 2, 192, 6, 4),
    _Stage(3, 1, 320, 6, 1),
)
ENCODED = tuple(stage.channels for stage in _STAGES)
"""Channels of the encoder's outputs."""
SKIPPED = (0, 1, 2, 4)
"""Stages whose output a decoder reads: strides 2, 4, 8, 16."""


class Convolution(nn.Module):
    """Convolution without bias, batch norm and, unless `linear`, ReLU6.

    Padding at stride 2 is one-sided, as in the original weights: on even sizes the
    extra row and column lie below and to the right.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self.padding = (before, after, before, after)
        symmetric = before == after
        self.convolution = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=before if symmetric else 0, groups=groups, bias=False
        )
        self.pads = not symmetric
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if self.pads:
            x = functional.pad(x, self.padding)
        x = self.norm(self.convolution(x))
        return x if self.linear else functional.relu6(x, inplace=True)


class _Block(nn.Module):
    """Inverted residual: expand, depthwise, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Convolution(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(inner, inner, kernel, stride, groups=inner)
        self.project = Convolution(inner, outputs, linear=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        channels, stages = 32, []
        for kernel, stride, outputs, expansion, repeats in _STAGES:
            blocks = []
            for repeat in range(repeats):
                blocks.append(_Block(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self._frozen_stages: int | None = None  # None: everything is trained

    def freeze(self, stages: int) -> None:
        """Leave the stem and the first `stages` as they are, statistics included, while the rest is trained."""
        self._frozen_stages = stages
        for part in self._frozen():
            part.requires_grad_(False)
        self.train(self.training)

    def _frozen(self) -> tuple[nn.Module, ...]:
        return () if self._frozen_stages is None else (self.stem, *self.stages[: self._frozen_stages])

    def train(self, mode: bool = True) -> Encoder:
        """Switch all but the frozen parts."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Outputs of all stages, of strides 2, 4, 8, 16, 16, 32, 32."""
        x = self.stem(((x - 0.5) / 0.5).expand(-1, 3, -1, -1))
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


class Merge(nn.Module):
    """Double the resolution and merge an encoder map."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.merge = Convolution(inputs + skip, outputs, 3)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Merge `skip` into `x` at twice its resolution."""
        x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        merged: Tensor = self.merge(torch.cat((x, skip), dim=1))
        return merged


class AnatomyNet(nn.Module):
    """Right lung, left lung, heart; and whether the film is shown in negative.

    `forward` returns the logits of the structures at half the input's resolution,
    ``(n, 3, rows / 2, columns / 2)``, the logit "lungs are brighter than the heart"
    ``(n,)``, and the pooled features ``(n, 320)`` that eligibility measures distances in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        skips = [ENCODED[i] for i in SKIPPED]
        self.neck = Convolution(ENCODED[-1], 96)
        self.decoder = nn.ModuleList(
            Merge(inputs, skip, outputs)
            for inputs, skip, outputs in zip((96, 72, 48, 32), skips[::-1], (72, 48, 32, 24), strict=True)
        )
        self.outline = nn.Conv2d(24, len(ANATOMY), 1)
        self.polarity = nn.Linear(ENCODED[-1], 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the structures, logit of the polarity, pooled features."""
        features = self.encoder(x)
        pooled = features[-1].mean(dim=(2, 3))
        y = self.neck(features[-1])
        for merge, index in zip(self.decoder, SKIPPED[::-1], strict=True):
            y = merge(y, features[index])
        return self.outline(y), self.polarity(pooled)[:, 0], pooled


class FindingNet(nn.Module):
    """Logits of findings: lung-weighted average pooling and one linear layer.

    Because nothing follows the pooling but a linear layer, the class activation map
    is exact: ``sum(maps) + bias == logit`` (`activation_maps`).
    """

    def __init__(self, findings: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.head = Convolution(ENCODED[-1], 1280)
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(1280, findings)

    def features(self, x: Tensor) -> Tensor:
        """Activations after the last ReLU6, ``(n, 1280, rows / 32, columns / 32)``."""
        y: Tensor = self.head(self.encoder(x)[-1])
        return y

    @staticmethod
    def weights(lungs: Tensor, features: Tensor) -> Tensor:
        """Pooling weights from a lung mask ``(n, 1, rows, columns)``: ≥ 0, sum 1 per image.

        The square of each cell's share of lung: cells at the border see as much of the chest wall as of the lung.
        """
        share = functional.adaptive_avg_pool2d(lungs, (features.shape[2], features.shape[3])) + 1e-3
        return share**2 / (share**2).sum(dim=(2, 3), keepdim=True)

    def pool(self, features: Tensor, lungs: Tensor) -> Tensor:
        """Lung-weighted mean of the features, ``(n, 1280)``."""
        return (features * self.weights(lungs, features)).sum(dim=(2, 3))

    def forward(self, x: Tensor, lungs: Tensor) -> Tensor:
        """Logits ``(n, findings)`` of films `x` whose lungs are the mask `lungs`, both ``(n, 1, rows, columns)``."""
        logits: Tensor = self.classifier(self.dropout(self.pool(self.features(x), lungs)))
        return logits

    def activation_maps(self, features: Tensor, lungs: Tensor) -> Tensor:
        """Contribution of each cell to each logit, ``(n, findings, h, w)``; sums to logit − bias."""
        raw = torch.einsum("nchw,kc->nkhw", features, self.classifier.weight)
        return raw * self.weights(lungs, features)


def channels_last(network: nn.Module) -> None:
    """Lay the convolutions' weights out as the CPU's kernels like them: twice as fast."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
