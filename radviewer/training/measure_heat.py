"""Whether heatmaps lie in the lungs, follow the weights, agree between members, and point at what decides."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radviewer.ai.anatomy import Outlines, outline
from radviewer.ai.calibration import probability
from radviewer.ai.cards import Calibration, Card, Metric, unseen
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import members, score
from radviewer.ai.lungs import LungCrop, cut_out, prepared
from radviewer.ai.networks import FindingNet
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.heat import energy_shares, randomised, shown_map, similarity
from radviewer.evaluation.metrics import bootstrap
from radviewer.evaluation.question import known_folds
from radviewer.progress import Progress
from radviewer.training.data import read_grey, read_index
from radviewer.training.held_out import ANATOMY
from radviewer.training.measured import mean_of, metric

POSITIVES = (("tuberculosis", "shenzhen"), ("pneumonia", "adult-pneumonia"))
"""Findings and where films that show them are taken from."""
_STEP, _FEW, _COVERED_FILMS = 6, 12, 20
_SHARES = (0.1, 0.2, 0.3)
_DRAWS = 5  # random covers per film and share
_LAYERS = (1, 5, 20)
_IN_LUNG = 0.25  # share of a cell that is lung
_FLAT = 0.5  # what is hidden from the networks has this value


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A film that shows the finding; `fold` is of the member that has not seen it."""

    name: str
    patient: str
    fold: int
    outlines: Outlines


def heat(catalogue: Catalogue, card: Card, data: Path) -> list[Metric]:
    """All figures of the heatmaps, before they are rectified or masked."""
    found: list[Metric] = []
    for label, source in POSITIVES:
        if label in card.labels:
            cases = list(_cases(catalogue, card, data / source, label))
            index, group = card.labels.index(label), f"{label}: {source}"
            found += _energy(catalogue, card, cases, index, group)
            found += _repeated(catalogue, card, cases[:_FEW], index, group)
            found += _randomised(catalogue, card, cases, index, group)
            found += _covered(catalogue, card, cases[:_COVERED_FILMS], index, group)
    return found


def _cases(catalogue: Catalogue, card: Card, folder: Path, label: str) -> Iterator[Case]:
    """Every sixth positive whose lungs are found, outlined as in a release."""
    anatomy = catalogue.card(ANATOMY)
    outlined_by, read_by = known_folds(catalogue, ANATOMY), known_folds(catalogue, card.name)
    rows = [row for row in read_index(folder) if row.cells["label"] == label and row.name in read_by]
    for row in rows[::_STEP]:
        try:
            film = film_of(SliceImage(read_grey(row.image)))
            outlines = outline(catalogue, anatomy, film, Progress(), only_fold=outlined_by.get(row.name))
        except Refused:
            continue
        yield Case(row.name, row.patient, read_by[row.name], outlines)


def _patients(cases: Sequence[Case]) -> list[str]:
    return [case.patient for case in cases]


def _nets(catalogue: Catalogue, card: Card, case: Case) -> list[FindingNet]:
    return list(members(catalogue, unseen(card, case.fold)))


def _energy(catalogue: Catalogue, card: Card, cases: Sequence[Case], index: int, group: str) -> Iterator[Metric]:
    """Where the positive energy of the map lies."""
    shares = [energy_shares(_nets(catalogue, card, case), case.outlines, card.input_size, index) for case in cases]
    for name, values in (
        ("share of the map's energy inside the lungs", [s.shown for s in shares]),
        ("the same before pooling weighs cells by their lung", [s.raw for s in shares]),
        ("the same of a uniform map", [s.uniform for s in shares]),
    ):
        known = [i for i, value in enumerate(values) if np.isfinite(value)]  # a map may be negative everywhere
        if known:
            yield metric(name, group, mean_of([values[i] for i in known], [cases[i].patient for i in known]))


def _repeated(catalogue: Catalogue, card: Card, cases: Sequence[Case], index: int, group: str) -> Iterator[Metric]:
    """How alike members' maps are, and whether the ensemble's map adds up to its logit."""
    folds = [weights.fold for weights in card.weights]
    alike, missing = [], []
    for case in cases:
        whole = score(catalogue, card, case.outlines, Progress())
        missing.append(float(np.abs(whole.maps.sum(axis=(1, 2)) + whole.biases - whole.logits).max()))
        maps = [score(catalogue, card, case.outlines, Progress(), only_fold=fold).maps[index] for fold in folds]
        inside = _lung_cells(cut_out(case.outlines, card.input_size), maps[0].shape)
        pairs = itertools.combinations([m.ravel()[inside] for m in maps], 2)
        alike.append(float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])) if len(maps) > 1 else 1.0)
    if cases:
        yield metric(
            "correlation between two members' maps, cells of the lungs", group, mean_of(alike, _patients(cases))
        )
        largest = bootstrap(lambda chosen: float(np.array(missing)[chosen].max()), _patients(cases))
        yield metric("largest |sum of the map + bias - logit|", group, largest)


def _randomised(catalogue: Catalogue, card: Card, cases: Sequence[Case], index: int, group: str) -> Iterator[Metric]:
    """Similarity of maps to those after the last layers were drawn anew, by the first member."""
    first = card.weights[0]
    chosen = [case for case in cases if case.fold == first.fold][:_FEW]
    if not chosen:
        return
    net = FindingNet(len(card.labels))
    net.load_state_dict(catalogue.weights(card, first))
    net.eval()
    crops = [cut_out(case.outlines, card.input_size) for case in chosen]
    before = [shown_map([net], crop, index) for crop in crops]
    every = sum(isinstance(module, nn.Conv2d) for module in net.modules())
    for layers in (*_LAYERS, every):
        drawn = randomised(net, layers)
        alike = [similarity(was, shown_map([drawn], crop, index)) for was, crop in zip(before, crops, strict=True)]
        name = f"similarity (SSIM) of the map with the last {layers} layers drawn anew"
        yield metric(name, group, mean_of(alike, _patients(chosen)))


def _covered(catalogue: Catalogue, card: Card, cases: Sequence[Case], index: int, group: str) -> Iterator[Metric]:
    """Probability after the hottest cells are covered, beside random cells."""
    calibration, found = card.findings[index].calibration, []
    for case in cases:
        found.append(_deletion(_nets(catalogue, card, case)[0], case.outlines, card.input_size, index, calibration))
    if not found:
        return
    yield metric("mean probability, nothing covered", group, mean_of([f[0] for f in found], _patients(cases)))
    for i, share in enumerate(_SHARES):
        for k, which in ((1, "hottest"), (2, "random")):
            figure = mean_of([f[k + 2 * i] for f in found], _patients(cases))
            yield metric(f"mean probability, {which} {share:.0%} of the lungs' cells covered", group, figure)


def _deletion(net: FindingNet, outlines: Outlines, size: int, index: int, calibration: Calibration) -> list[float]:
    """Probability of the film; and for each share covered: hottest cells, mean over draws of random cells."""
    crop = cut_out(outlines, size)
    image = prepared(crop.grey, crop.lungs)
    cells = shown_map([net], crop, index)
    inside = _lung_cells(crop, cells.shape)
    hottest = inside[np.argsort(-cells.ravel()[inside], kind="stable")]
    rng = np.random.default_rng(0)
    orders = [hottest, *(rng.permutation(inside) for _ in range(_DRAWS))]
    covers = [order[: max(1, round(share * len(inside)))] for share in _SHARES for order in orders]
    shown = np.stack([image, *(_without(image, cover, cells.shape) for cover in covers)])
    lungs = torch.from_numpy(crop.lungs.astype(np.float32)).expand(len(shown), 1, size, size)
    with torch.inference_mode():
        logits = net(torch.from_numpy(shown)[:, None], lungs)[:, index].numpy()
    said = np.array([probability(float(z), calibration) for z in logits])
    by_share = said[1:].reshape(len(_SHARES), 1 + _DRAWS)
    return [float(said[0]), *(float(v) for row in by_share for v in (row[0], row[1:].mean()))]


def _lung_cells(crop: LungCrop, grid: tuple[int, ...]) -> NDArray[np.intp]:
    """Flat indices of the cells that lie in the lungs."""
    share = cv2.resize(crop.lungs.astype(np.float32), grid[::-1], interpolation=cv2.INTER_AREA)
    return np.flatnonzero(share > _IN_LUNG)


def _without(image: NDArray[np.float32], cover: NDArray[np.intp], grid: tuple[int, ...]) -> NDArray[np.float32]:
    """Copy of an image with some cells of a grid covered in flat grey."""
    side = image.shape[0] // grid[0]
    covered = image.copy()
    for row, column in zip(*np.unravel_index(cover, grid), strict=True):
        covered[row * side : (row + 1) * side, column * side : (column + 1) * side] = _FLAT
    return covered
