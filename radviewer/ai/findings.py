"""Probability and heatmap of findings on a frontal chest film, by an ensemble on the cut-out lungs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.anatomy import Outlines
from radviewer.ai.calibration import probability
from radviewer.ai.cards import BadModel, Card, FindingCard, unseen
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_intended
from radviewer.ai.films import Placement, Refuse, Refused
from radviewer.ai.graphs import forward
from radviewer.ai.lungs import cut_out, prepared
from radviewer.ai.networks import FindingNet
from radviewer.ai.running import build, device
from radviewer.domain.opinion import Finding, Heat, Outcome
from radviewer.progress import Progress

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the ensemble says before calibration.

    Attributes
    ----------
    logits : ndarray, float32, (findings,)
        Mean over members, and over the film and its mirror image.
    maps : ndarray, float32, (findings, h, w)
        Contribution of each cell to `logits`, averaged likewise: sums to the logit minus the bias.
    biases : ndarray, float32, (findings,)
    placement : Placement
        Of the cells of `maps` on the image.
    seconds : tuple of float
        Of inference and of the explanation.

    """

    logits: Grey
    maps: Grey
    biases: Grey
    placement: Placement
    seconds: tuple[float, float]


def members(catalogue: Catalogue, card: Card) -> Iterator[FindingNet]:
    """Build the ensemble's networks, each loaded once per process."""
    make = partial(FindingNet, len(card.labels))
    for weights in card.weights:
        net = build(make, FindingNet, catalogue, card, weights)
        forward(net, "features", (2, 1, card.input_size, card.input_size))
        yield net


def score(
    catalogue: Catalogue, card: Card, outlines: Outlines, progress: Progress, only_fold: int | None = None
) -> Scores:
    """Run the ensemble, or only the member that has not seen `only_fold`.

    Raises
    ------
    BadModel
        If weights cannot be used, or what they compute is not finite.

    """
    started = time.perf_counter()
    nets = list(members(catalogue, unseen(card, only_fold)))
    crop = cut_out(outlines, card.input_size)
    image = torch.from_numpy(prepared(crop.grey, crop.lungs))
    lungs = torch.from_numpy(crop.lungs.astype(np.float32))
    images, masks = (torch.stack([t, t.flip(1)])[:, None].to(device()) for t in (image, lungs))
    logits, maps, biases, explaining = [], [], [], 0.0
    with torch.inference_mode():
        for net in nets:
            progress.check()
            (features,) = forward(net, "features")(images)
            logits.append(net.classifier(net.pool(features, masks)).mean(dim=0).cpu().numpy())
            before = time.perf_counter()
            both = net.activation_maps(features, masks)
            maps.append(((both[0] + both[1].flip(2)) / 2).cpu().numpy())
            biases.append(net.classifier.bias.cpu().numpy())
            explaining += time.perf_counter() - before
    cells = maps[0].shape[-1]
    step = card.input_size / cells
    placement = crop.placement.within(Placement(0.0, 0.0, step, step))
    spent = time.perf_counter() - started
    if not (np.isfinite(logits).all() and np.isfinite(maps).all()):
        raise BadModel("The model returned values that are not numbers.")
    return Scores(_mean(logits), _mean(maps), _mean(biases), placement, (spent - explaining, explaining))


def _mean(parts: Sequence[Grey]) -> Grey:
    mean: Grey = np.stack(parts).mean(axis=0).astype(np.float32)
    return mean


def heatmap(scores: Scores, index: int, scale: float, shape: tuple[int, int]) -> Heat:
    """Rectified contributions ÷ `scale`, clipped to 1, on the image's own grid ``(1, rows, columns)``."""
    heat = np.clip(scores.maps[index] / scale, 0, 1).astype(np.float32)
    return scores.placement.map(heat, shape)[None]


def findings(
    card: Card, scores: Scores, context: Context, shape: tuple[int, int], note: Refuse | None = None
) -> tuple[Finding, ...]:
    """One Finding per label; one outside its intended use is refused while the others run.

    With `note` it runs all the same, and `note` is called with the reason.
    """
    return tuple(_finding(item, scores, i, context, shape, note) for i, item in enumerate(card.findings))


def _finding(
    item: FindingCard, scores: Scores, index: int, context: Context, shape: tuple[int, int], note: Refuse | None
) -> Finding:
    try:
        check_intended(item.intended, context)
    except Refused as refusal:
        if note is None:
            return Finding(
                item.label, Outcome.REFUSED, threshold=item.threshold, reason=str(refusal), evidence=item.evidence
            )
        note(f"{item.label}: {refusal}")
    return Finding(
        item.label,
        Outcome.RAN,
        probability(float(scores.logits[index]), item.calibration),
        item.threshold,
        heatmap=heatmap(scores, index, item.heat_scale, shape),
        evidence=item.evidence,
    )


def share_inside(maps: Grey, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Share of a map's positive energy inside a mask of the same grid, and what a uniform map would score."""
    energy = np.maximum(maps, 0)
    total = float(energy.sum())
    return (float(energy[inside].sum()) / total if total > 0 else float("nan")), float(inside.mean())


def raw_maps(nets: Sequence[FindingNet], image: torch.Tensor) -> Grey:
    """Class activations before the pooling's lung weights, ``(findings, h, w)``: where the features fire at all."""
    with torch.inference_mode():
        found = [torch.einsum("nchw,kc->nkhw", net.features(image), net.classifier.weight)[0] for net in nets]
    mean: Grey = torch.stack(found).mean(dim=0).cpu().numpy()
    return mean
