"""The task on a FLAIR series of the brain: outline of the tumour, and presence on every slice.

The series is turned to axial slices, the head cut out; slices are read from the one on the screen outwards.
Everything returns on the series' own grid.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.axial import Axial, axial_of
from radviewer.ai.calibration import probability
from radviewer.ai.cards import BadModel, Card, FindingCard, unseen
from radviewer.ai.components import without_specks
from radviewer.ai.extent import diameters
from radviewer.ai.films import Placement
from radviewer.ai.heads import Head, head_of
from radviewer.ai.outline_level import likeliest_level
from radviewer.ai.request import Request, hashes
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Glimpse, Opinion, Outcome, Seconds

if TYPE_CHECKING:
    from radviewer.ai.slice_ensemble import Judgement

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

SPECK = 0.05
"""Foci smaller than this share of the largest are dropped."""
_NEIGHBOUR = 4.0  # mm to the slices read along: what the training series had, about
_FINEST = 1.0  # mm: of thinner slices, some stand for their neighbours
_OUTSIDE = -10.0  # logit


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A series as the networks read it.

    Attributes
    ----------
    read : ndarray of int, (slices,)
        The slice that is read for each slice.
    apart : int
        Slices to the neighbours that are read along.

    """

    axial: Axial
    head: Head
    read: NDArray[np.int64]
    apart: int


def prepared(axial: Axial, size: int) -> Prepared:
    """Cut out the head and decide which slices are read.

    Raises
    ------
    Refused
        If there is no head on the slices.

    """
    head = head_of(axial.values, size, axial.spacing)
    step = float(np.median(axial.steps)) if np.isfinite(axial.steps).all() else _NEIGHBOUR
    count = len(axial.values)
    every = max(1, int(_FINEST / max(step, 1e-3) + 1e-6))
    centres = np.minimum(np.arange(count) // every * every + every // 2, count - 1)
    return Prepared(axial, head, centres, max(1, round(_NEIGHBOUR / max(step, 1e-3))))


def volume_logit(logits: Grey, apart: int = 1, read: Mask | None = None) -> float:
    """The highest mean over two slices as far apart as those of the training series: one slice alone is no tumour.

    Parameters
    ----------
    logits : ndarray, (slices,)
        Of every slice, in order.
    apart : int
        Slices to a neighbour as far off; of thinner slices as many more make one mean, or the same tissue would be
        counted as its own neighbour.
    read : ndarray of bool, optional
        Which slices count; else all do.

    """
    counted = np.ones(len(logits), np.bool_) if read is None else read
    window = np.ones(min(2 * apart, len(logits)))
    sums = np.convolve(np.where(counted, logits, 0), window, "valid")
    counts = np.convolve(counted, window, "valid")
    most = counts > len(window) / 2
    if not most.any():
        most = counts == counts.max()
    return float((sums[most] / counts[most]).max())


def read(request: Request, loaded: float) -> Opinion:
    """Read a series; `loaded` is what loading the networks took, in seconds.

    Raises
    ------
    Refused, BadModel, Cancelled

    """
    from radviewer.ai.brain_series import check_features, is_named, notes

    started = time.perf_counter()
    card, item = request.card, _item(request.card)
    axial = axial_of(request.volume)
    ready = prepared(axial, card.input_size)
    # Where only the pixels can tell that this is a FLAIR, nothing is shown before they did.
    told = request.override or is_named(request.context)
    telling = _Telling(request, item, ready) if told else None
    judgement = judged(request, ready, telling)
    check_features(request.catalogue, card, judgement.features[:, ready.read], ready.head.shares, request.refuse)
    inferred = time.perf_counter()
    finding = _finding(item, ready, judgement)
    seconds = Seconds(loaded, inferred - started, time.perf_counter() - inferred)
    reason = notes(request.context, axial, request.volume.problems)
    return Opinion(card.name, card.version, Outcome.RAN, hashes(card), reason, seconds, (finding,))


def judged(
    request: Request, ready: Prepared, telling: _Telling | None = None, only_fold: int | None = None
) -> Judgement:
    """Run the ensemble, or only the member that has not seen `only_fold`."""
    from radviewer.ai.slice_ensemble import judge, members, outward

    first = request.first
    if ready.axial.axes[0] != 0:  # the reader looks at another plane: begin in the middle
        first = len(ready.axial.values) // 2
    elif ready.axial.flips[0]:
        first = len(ready.axial.values) - 1 - first
    wanted = np.unique(ready.read).tolist()
    nets = list(members(request.catalogue, unseen(request.card, only_fold)))
    batches = list(outward(wanted, first))
    return judge(nets, ready.head.grey, batches, ready.apart, request.progress, telling)


def _item(card: Card) -> FindingCard:
    item = card.findings[0]
    if item.slice_calibration is None:
        raise BadModel(f"The card of the model {card.name} does not calibrate single slices.")
    return item


def placement_of(head: Head, cells: int) -> Placement:
    """Where the cells of a map of the cut-out lie on a slice."""
    step = head.grey.shape[-1] / cells
    return head.placement.within(Placement(0.0, 0.0, step, step))


def outlined(ready: Prepared, outlines: Grey) -> Mask:
    """Mask on the axial slices from the logits of all read ones."""
    outlines = outlines - likeliest_level(outlines[np.unique(ready.read)])
    kept = without_specks(outlines[ready.read] > 0, SPECK)
    placement = placement_of(ready.head, outlines.shape[-1])
    found = np.zeros((len(ready.read), *ready.head.shape), np.bool_)
    for i in np.flatnonzero(kept.any(axis=(1, 2)) & ready.axial.read):
        logits = outlines[ready.read[i]].copy()
        logits[(logits > 0) & ~kept[i]] = _OUTSIDE
        found[i] = placement.mask(logits, ready.head.shape)
    return found


def _heat(ready: Prepared, judgement: Judgement, scale: float) -> Grey:
    placement = placement_of(ready.head, judgement.evidence.shape[-1])
    heat = np.zeros((len(ready.read), *ready.head.shape), np.float32)
    for i in np.flatnonzero(ready.axial.read):
        cells = np.clip(judgement.evidence[ready.read[i]] / scale, 0, 1)
        if cells.any():
            heat[i] = placement.map(cells, ready.head.shape)
    return heat


class _Telling:
    """Shows slices as they are read, where they are the series' own; what more is outlined is known in the end."""

    def __init__(self, request: Request, item: FindingCard, ready: Prepared) -> None:
        self._request, self._item, self._ready = request, item, ready

    def __call__(self, judgement: Judgement, batch: Sequence[int]) -> None:
        show = self._request.show
        if show is None:
            return
        for index in np.flatnonzero(np.isin(self._ready.read, batch) & self._ready.axial.read).tolist():
            own = self._ready.axial.own_slice(index)
            if own is not None:
                show(self._glimpse(judgement, index, own))

    def _glimpse(self, judgement: Judgement, index: int, own: int) -> Glimpse:
        ready, item, read = self._ready, self._item, int(self._ready.read[index])
        outline = placement_of(ready.head, judgement.outlines.shape[-1])
        cells = placement_of(ready.head, judgement.evidence.shape[-1])
        mask = outline.mask(judgement.outlines[read], ready.head.shape)
        heat = cells.map(np.clip(judgement.evidence[read] / item.heat_scale, 0, 1), ready.head.shape)
        chance = slice_probability(item, float(judgement.logits[read]))
        turned = (_turned(ready.axial, mask), _turned(ready.axial, heat))
        return Glimpse(self._request.card.name, item.label, own, chance, *turned)


def _turned(axial: Axial, plane: NDArray[Any]) -> NDArray[Any]:
    """One axial slice on the grid of the series' own slice."""
    flipped = np.flip(plane, tuple(i for i, flip in enumerate(axial.flips[1:]) if flip))
    return np.ascontiguousarray(flipped if axial.axes == (0, 1, 2) else flipped.T)


def slice_probability(item: FindingCard, logit: float) -> float:
    """Calibrated probability of tumour on one slice.

    Raises
    ------
    BadModel
        If the card does not calibrate slices.

    """
    if item.slice_calibration is None:
        raise BadModel("The card does not calibrate single slices.")
    return probability(logit, item.slice_calibration)


def _finding(item: FindingCard, ready: Prepared, judgement: Judgement) -> Finding:
    axial = ready.axial
    mask = outlined(ready, judgement.outlines)
    logits = judgement.logits[ready.read]
    chances = [slice_probability(item, float(z)) if seen else None for z, seen in zip(logits, axial.read, strict=True)]
    own = chances[::-1] if axial.flips[0] else chances
    return Finding(
        item.label,
        Outcome.RAN,
        probability(volume_logit(logits, ready.apart, axial.read), item.calibration),
        item.threshold,
        mask=axial.back(mask) if mask.any() else None,
        heatmap=axial.back(_heat(ready, judgement, item.heat_scale)),
        measurements=measured(axial, mask) if mask.any() else (),
        evidence=item.evidence,
        slice_probabilities=tuple(own) if axial.axes[0] == 0 else (),
    )


def measured(axial: Axial, mask: Mask) -> tuple[Quantity, ...]:
    """Volume in ml, and the two diameters on the axial slice with the largest outline in mm.

    Without a spacing in the header: voxels and pixels.  Slices that could not be read count as those around them.
    """
    areas = mask.sum(axis=(1, 2)).astype(np.float64)
    key = int(areas.argmax())
    known = np.flatnonzero(axial.read)
    areas = np.interp(np.arange(len(areas)), known, areas[known])
    row, column = axial.spacing
    longest, across = diameters(mask[key], axial.spacing)
    unit = "mm" if axial.in_mm else "{pixels}"
    volume = float(areas @ axial.steps) * row * column / 1000
    if axial.in_mm and np.isfinite(volume):
        size = Quantity("volume", volume, "ml")
    else:
        size = Quantity("volume", float(round(areas.sum())), "{voxels}")
    return size, Quantity("largest diameter", longest, unit), Quantity("perpendicular diameter", across, unit)
