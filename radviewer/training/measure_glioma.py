"""What the glioma model's gate lets through by pixels alone, and whether its heatmaps lie where tumours are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.axial import axial_of
from radviewer.ai.cards import Card, Metric
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.glioma import Prepared, judged, placement_of, prepared
from radviewer.ai.lesion_networks import SliceNet
from radviewer.ai.reading import read
from radviewer.ai.request import Request
from radviewer.ai.slice_ensemble import judge
from radviewer.dicom.load import load as load_stack
from radviewer.dicom.scan import scan
from radviewer.domain.opinion import Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.evaluation.heat import randomised, similarity
from radviewer.evaluation.labelled import read_image
from radviewer.evaluation.metrics import Figure
from radviewer.evaluation.refusals import made_up
from radviewer.progress import Progress
from radviewer.training import brains
from radviewer.training.data import read_index
from radviewer.training.held_out_series import volume_of
from radviewer.training.measure_gate import dicom_files
from radviewer.training.measured import mean_of, metric

Grey = NDArray[np.float32]
Shown = tuple[str, Volume]

OTHERS = (("chest-xray/jsrt", 10), ("breast-ultrasound", 40))
"""Folders of other images, and the step in which they are taken."""
_FEW = 12  # patients whose networks are drawn anew
_LAYERS = (1, 3, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The slice of a patient with the largest tumour, read by one member each.

    Attributes
    ----------
    truth : ndarray of bool
        On the slice.
    own : int
        Fold of the patient: the number of the member that has not seen them.

    """

    patient: str
    ready: Prepared
    index: int
    truth: NDArray[np.bool_]
    own: int
    request: Request


def glioma(catalogue: Catalogue, card: Card, data: Path) -> tuple[list[Metric], list[tuple[str, str]]]:
    """All figures beside those of the release; and what is no brain and was let through."""
    groups: dict[str, Iterable[Shown]] = {
        "its own series, whole ensemble, no attributes": _own(data),
        "no brain MR: files of pydicom and pydicom-data": _single(dicom_files()),
        "no brain MR: made-up images": ((name, _volume(image)) for name, image in made_up()),
        "brain MR of another kind: T1, T2": _sequences(data, ("T1", "T2")),
    }
    for folder, step in OTHERS:
        groups[f"no brain MR: {folder}, every {step}th"] = _images(data / folder, step)
    metrics, accepted = [], []
    for group, shown in groups.items():
        figure, names = _refused(catalogue, card, shown)
        if figure is not None:
            metrics.append(metric("share refused", group, figure))
        accepted += [(group, name) for name in names if "own" not in group]
    return metrics + list(_heat(catalogue, card, data)), accepted


def _volume(image: SliceImage) -> Volume:
    return Volume(image.stored[None], (image,), None, {})


def _single(images: Iterable[tuple[str, str, SliceImage]]) -> Iterator[Shown]:
    return ((name, _volume(image)) for name, _, image in images)


def _images(folder: Path, step: int) -> Iterator[Shown]:
    for row in read_index(folder)[::step]:
        yield row.cells["image"], _volume(read_image(row.image)[0])


def _own(data: Path) -> Iterator[Shown]:
    for rows in brains.listed(data)[0]:
        yield rows[0].patient, volume_of(brains.stack_of(rows))


def _sequences(data: Path, words: Sequence[str]) -> Iterator[Shown]:
    """Series of the study with several sequences, if it lies beside the data."""
    folder = data / "studies" / "mr-brain-tumour"
    if not folder.is_dir():
        return
    for study in scan(folder).studies:
        for series in study.series:
            if any(word in (series.description or "") for word in words):
                yield str(series.description), load_stack(series.stacks[0])


def _refused(catalogue: Catalogue, card: Card, shown: Iterable[Shown]) -> tuple[Figure | None, list[str]]:
    names, refused = [], []
    for name, volume in shown:
        (opinion,) = read(volume, Context(), catalogue, model=card.name)
        names.append(name)
        refused.append(float(opinion.outcome is Outcome.REFUSED))
    let_through = [name for name, no in zip(names, refused, strict=True) if not no]
    return (mean_of(refused, names) if names else None), let_through


def _cases(catalogue: Catalogue, card: Card, data: Path) -> Iterator[Case]:
    for rows, fold in zip(*brains.listed(data), strict=True):
        stack = brains.stack_of(rows)
        request = Request(catalogue, card, volume_of(stack), Context(), Progress())
        index = int(np.argmax([int(row.cells["tumour_pixels"] or 0) for row in rows]))
        truth = brains.tumour_of(rows[index], (stack.shape[1], stack.shape[2]))
        ready = prepared(axial_of(request.volume), card.input_size)
        yield Case(rows[0].patient, ready, index, truth, fold, request)


def _map(case: Case, net: SliceNet) -> Grey:
    found = judge([net], case.ready.head.grey, [[case.index]], case.ready.apart, Progress())
    cells: Grey = found.evidence[case.index]
    return cells


def _heat(catalogue: Catalogue, card: Card, data: Path) -> Iterator[Metric]:
    from radviewer.ai.slice_ensemble import members

    nets = list(members(catalogue, card))
    cases = list(_cases(catalogue, card, data))
    patients = [case.patient for case in cases]
    group = "slice with the largest tumour of each patient"
    inside, uniform, alike = [], [], []
    for case in cases:
        maps = [_map(case, net) for net in nets]
        shown = placement_of(case.ready.head, maps[0].shape[-1]).map(
            np.maximum(maps[case.own], 0), case.ready.head.shape
        )
        inside.append(float(shown[case.truth].sum() / max(float(shown.sum()), 1e-9)))
        uniform.append(float(case.truth.mean() / case.ready.head.shares[case.index]))
        pairs = itertools.combinations([m.ravel() for m in maps], 2)
        alike.append(float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])))
    yield metric("share of the map's energy inside the tumour", group, mean_of(inside, patients))
    yield metric("the same of a map uniform over the head", group, mean_of(uniform, patients))
    yield metric("correlation between two members' maps", group, mean_of(alike, patients))
    yield from _randomised(cases[:_FEW], nets[0], group)
    yield metric("largest |sum of the map + bias - logit|", group, mean_of([_rest(c) for c in cases], patients))


def _randomised(cases: Sequence[Case], net: SliceNet, group: str) -> Iterator[Metric]:
    """Similarity of maps to those after the last layers were drawn anew, by the first member."""
    before = [_map(case, net) for case in cases]
    for layers in _LAYERS:
        drawn = randomised(net, layers)
        values = [similarity(was, _map(case, drawn)) for was, case in zip(before, cases, strict=True)]
        name = f"similarity (SSIM) of the map with the last {layers} convolutions drawn anew"
        yield metric(name, group, mean_of(values, [case.patient for case in cases]))


def _rest(case: Case) -> float:
    found = judged(case.request, case.ready, only_fold=case.own)
    missing = found.evidence[case.index].sum() + found.bias - found.logits[case.index]
    return abs(float(missing))
