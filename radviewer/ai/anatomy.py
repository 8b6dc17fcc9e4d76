"""Outlines of right lung, left lung and heart on a frontal chest film, by an ensemble.

The film may be shown in negative: the networks outline both polarities and say which one
they see; a negative is turned over and read again, so that both give the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import BadModel, Card, unseen
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.eligibility import check_anatomy
from radviewer.ai.films import Film, Placement, Refuse, network_input, raise_refused
from radviewer.ai.graphs import forward
from radviewer.ai.networks import ANATOMY, AnatomyNet
from radviewer.ai.running import build, device
from radviewer.ai.strangeness import strangeness
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Structure
from radviewer.domain.volume import SliceImage
from radviewer.progress import Progress

Grey = NDArray[np.float32]
RIGHT, LEFT, HEART = range(3)
_ISLAND = 0.15
"""Parts smaller than this share of a structure's largest part are dropped."""
_OUTSIDE = -10.0  # logit of a dropped cell


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """What the ensemble sees, on its own grid.

    Attributes
    ----------
    film : Film
        In positive: lungs dark.
    logits : ndarray, float32, (3, n, n)
        Mean over the members, islands removed.
    placement : Placement
        Of the cells of `logits` on the image.
    agreement : float
        Median Dice of the members' lungs with the ensemble's: a single stray member refuses no film.
    was_negative : bool

    """

    film: Film
    logits: Grey
    placement: Placement
    agreement: float
    was_negative: bool
    distance: float


def members(catalogue: Catalogue, card: Card) -> Iterator[AnatomyNet]:
    """Build the ensemble's networks, each loaded once per process."""
    for weights in card.weights:
        net = build(AnatomyNet, AnatomyNet, catalogue, card, weights)
        forward(net, shape=(1, 1, card.input_size, card.input_size))
        yield net


def outline(
    catalogue: Catalogue,
    card: Card,
    film: Film,
    progress: Progress,
    only_fold: int | None = None,
    refuse: Refuse = raise_refused,
) -> Outlines:
    """Run the ensemble, or only the member that has not seen `only_fold`.

    Raises
    ------
    Refused
        By `refuse`, if the film is not what the model was made for; and if no lung is found at all.
    BadModel
        If weights cannot be used.

    """
    card = unseen(card, only_fold)
    nets = list(members(catalogue, card))
    logits, polarity, pooled, placement = _run(nets, film, card.input_size, progress)
    negative = float(polarity.mean()) > 0
    if negative:
        film = film.negative()
        logits, _, pooled, placement = _run(nets, film, card.input_size, progress)
    strange = strangeness(catalogue, card, pooled)
    if card.distance is not None and strange > card.distance.limit:
        refuse("The image does not look like the chest films the model was trained on.")
    mean = _without_islands(logits.mean(axis=0))
    found = mean > 0
    agreement = float(np.median([_dice((m[RIGHT] > 0) | (m[LEFT] > 0), found[RIGHT] | found[LEFT]) for m in logits]))
    check_anatomy((found[RIGHT], found[LEFT]), agreement, refuse=refuse)
    return Outlines(film, mean, placement, agreement, negative, strange)


def _run(nets: list[AnatomyNet], film: Film, size: int, progress: Progress) -> tuple[Grey, Grey, Grey, Placement]:
    """Logits (members, 3, n, n), polarity logits (members,), features (members, c), placement of the cells."""
    import torch

    grey, placement = network_input(film, size)
    image = torch.from_numpy(grey)[None, None].to(device())
    results = []
    with torch.inference_mode():
        for net in nets:
            progress.check()
            results.append([part[0].float().cpu().numpy() for part in forward(net)(image)])
    logits, polarity, pooled = (np.stack(parts).astype(np.float32) for parts in zip(*results, strict=True))
    if not (np.isfinite(logits).all() and np.isfinite(polarity).all()):
        raise BadModel("The model that outlines the lungs returned values that are not numbers.")
    step = size / logits.shape[-1]
    return logits, polarity, pooled, placement.within(Placement(0.0, 0.0, step, step))


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 0.0


def _without_islands(logits: Grey) -> Grey:
    """Drop small separate parts of each structure, and fill holes."""
    cleaned = logits.copy()
    for channel in cleaned:
        count, labels, stats, _ = cv2.connectedComponentsWithStats((channel > 0).astype(np.uint8))
        areas = stats[1:, cv2.CC_STAT_AREA]
        for i in range(1, count):
            if areas[i - 1] < _ISLAND * areas.max():
                channel[labels == i] = _OUTSIDE
        _, holes, sizes, _ = cv2.connectedComponentsWithStats((channel <= 0).astype(np.uint8))
        if len(sizes) > 2:
            background = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
            hidden = (holes != 0) & (holes != background)
            channel[hidden] = np.maximum(channel[hidden], -channel[hidden])
    return cleaned


def structures(outlines: Outlines, image: SliceImage) -> tuple[Structure, ...]:
    """Masks on the image's own grid, ``(1, rows, columns)``, with areas and the cardiothoracic ratio."""
    shape = outlines.film.shape
    masks = [outlines.placement.mask(channel, shape) for channel in outlines.logits]
    ratio = cardiothoracic_ratio(masks[RIGHT] | masks[LEFT], masks[HEART])
    found = []
    for label, mask in zip(ANATOMY, masks, strict=True):
        if not mask.any():
            continue
        values = [_area(mask, image)]
        if label == ANATOMY[HEART] and ratio is not None:
            values.append(Quantity("cardiothoracic ratio", ratio, "%"))
        found.append(Structure(label, mask[None], tuple(values)))
    return tuple(found)


def _area(mask: NDArray[np.bool_], image: SliceImage) -> Quantity:
    """Area in cm², or in pixels where the spacing is unknown."""
    pixels = int(mask.sum())
    if image.spacing is None:
        return Quantity("area", float(pixels), "{pixels}")
    return Quantity("area", pixels * image.spacing.row * image.spacing.column / 100, "cm2")


def cardiothoracic_ratio(lungs: NDArray[np.bool_], heart: NDArray[np.bool_]) -> float | None:
    """Greatest width of the heart ÷ greatest inner width of the chest, in %; None without either.

    Widths are measured along the rows: the heart's from its rightmost to its leftmost point,
    the chest's between the outer edges of the lungs in the row where they are farthest apart.
    """
    if not (lungs.any() and heart.any()):
        return None
    columns = np.flatnonzero(heart.any(axis=0))
    rows = lungs[lungs.any(axis=1)]
    inner = rows.shape[1] - rows[:, ::-1].argmax(axis=1) - rows.argmax(axis=1)
    return 100.0 * float(columns[-1] - columns[0] + 1) / float(inner.max())
