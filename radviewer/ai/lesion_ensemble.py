"""An ensemble of `BreastNet`s on one ultrasound image, read as it is and mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.cards import BadModel, Card, DescriptorCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.descriptors import Descriptors, contribution, described
from radviewer.ai.films import Placement
from radviewer.ai.graphs import forward
from radviewer.ai.lesion_networks import BESIDE, BreastNet, Judged
from radviewer.ai.running import build, device
from radviewer.ai.sonograms import Scan
from radviewer.progress import Progress

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the ensemble says of an image before calibration; means over members and both mirror images.

    Attributes
    ----------
    outline : ndarray, float32, (rows / 2, columns / 2)
        Logits.
    logit : float
        "Malignant", by the networks and by the outline's descriptors.
    evidence : ndarray, float32, (h, w)
        Contribution of each cell to `logit`; sums to it minus `bias`.
    bias : float
        Of the networks, and what the descriptors add.
    descriptors : Descriptors or None
        Of the lesion; None where nothing is outlined.
    features : ndarray, float32, (members, 320)
    placement : Placement
        Of the canvas on the image.

    """

    outline: Grey
    logit: float
    evidence: Grey
    bias: float
    descriptors: Descriptors | None
    features: Grey
    placement: Placement

    def placed(self, cells: Grey) -> Placement:
        """Where the cells of `outline` or `evidence` lie on the image."""
        step = 2 * self.outline.shape[0] / cells.shape[0]
        return self.placement.within(Placement(0.0, 0.0, step, step))

    def heat(self, scale: float, shape: tuple[int, ...], flagged: bool) -> Grey:
        """What speaks for the verdict, on the image's own grid.

        Contributions to the logit where the image is flagged, and those against it where not, as if each cell of the
        lesion spoke alone: else those of a large lesion would be fainter for being many.  ÷ `scale` (logits), 0–1.
        """
        shares = float(np.mean(1 / (1 + np.exp(-self.outline.astype(np.float64))))) + BESIDE
        spoke = (self.evidence if flagged else -self.evidence) * (shares * self.evidence.size)
        cells = np.clip(spoke / scale, 0, 1).astype(np.float32)
        return self.placed(cells).map(cells, (shape[0], shape[1]))


def members(catalogue: Catalogue, card: Card) -> Iterator[BreastNet]:
    """Build the ensemble's networks, each loaded once per process."""
    for weights in card.weights:
        yield build(BreastNet, BreastNet, catalogue, card, weights)


def judge(
    nets: Sequence[BreastNet], scan: Scan, progress: Progress, descriptors: DescriptorCard | None = None
) -> Judgement:
    """Read one image; without a card of `descriptors` they are measured and add nothing.

    Raises
    ------
    BadModel
        If what the networks compute is not finite.
    Cancelled

    """
    image = torch.from_numpy(scan.grey)
    both = torch.stack([image, image.flip(1)])[:, None].to(device()).contiguous(memory_format=torch.channels_last)
    outlines, logits, evidence, features = [], [], [], []
    with torch.inference_mode():
        for net in nets:
            progress.check()
            judged = Judged(*forward(net)(both))
            outlines.append(_unmirrored(judged.outline[:, 0]))
            evidence.append(_unmirrored(judged.evidence))
            logits.append(float(judged.logit.mean()))
            features.append(judged.features.mean(dim=0).float().cpu().numpy())
    outline, cells = _mean(outlines), _mean(evidence)
    if not (np.isfinite(outline).all() and np.isfinite(cells).all() and np.isfinite(logits).all()):
        raise BadModel("The model returned values that are not numbers.")
    found = described(outline, scan)
    added = contribution(found, descriptors)
    return Judgement(
        outline,
        float(np.mean(logits)) + added,
        cells,
        float(np.mean([net.bias for net in nets])) + added,
        found,
        np.stack(features),
        scan.placement,
    )


def _mean(maps: Sequence[Grey]) -> Grey:
    mean: Grey = np.mean(np.stack(maps), axis=0, dtype=np.float32)
    return mean


def _unmirrored(pair: torch.Tensor) -> Grey:
    mean: Grey = ((pair[0] + pair[1].flip(1)) / 2).float().cpu().numpy()
    return mean
