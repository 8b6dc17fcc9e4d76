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
from radviewer.ai.request import Request
from radviewer.ai.slice_ensemble import judge
from radviewer.dicom.load import load as load_stack
from radviewer.dicom.scan import scan
from radviewer.evaluation.refusals import made_up
from radviewer.progress import Progress
from radviewer.training import brains
from radviewer.training.held_out_series import volume_of
from radviewer.training.measure_gate import dicom_files
from radviewer.training.measured import mean_of, metric
from radviewer.training.refused import Shown, drawn_anew, images, refusals, single

Grey = NDArray[np.float32]

OTHERS = (("chest-xray/jsrt", 10), ("breast-ultrasound", 40))
"""Folders of other images, and the step in which they are taken."""
_FEW = 12  # patients whose networks are drawn anew


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
        "no brain MR: files of pydicom and pydicom-data": (
            (name, patient, single(image)) for name, patient, image in dicom_files()
        ),
        "no brain MR: made-up images": ((name, name, single(image)) for name, image in made_up()),
        "brain MR of another kind: T1, T2": _sequences(data, ("T1", "T2")),
    }
    for folder, step in OTHERS:
        groups[f"no brain MR: {folder}, every {step}th"] = images(data / folder, step)
    metrics, through = refusals(catalogue, card, groups)
    accepted = [(group, name) for group, name in through if "own" not in group]
    return metrics + list(_heat(catalogue, card, data)), accepted


def _own(data: Path) -> Iterator[Shown]:
    for rows in brains.listed(data)[0]:
        yield rows[0].patient, rows[0].patient, volume_of(brains.stack_of(rows))


def _sequences(data: Path, words: Sequence[str]) -> Iterator[Shown]:
    """Series of the study with several sequences, if it lies beside the data."""
    folder = data / "studies" / "mr-brain-tumour"
    if not folder.is_dir():
        return
    for study in scan(folder).studies:
        for series in study.series:
            if any(word in (series.description or "") for word in words):
                yield str(series.description), folder.name, load_stack(series.stacks[0])


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
    few = cases[:_FEW]
    yield from drawn_anew(nets[0], lambda net, index: _map(few[index], net), patients[:_FEW], group)
    yield metric("mean |sum of the map + bias - logit|", group, mean_of([_rest(c) for c in cases], patients))


def _rest(case: Case) -> float:
    found = judged(case.request, case.ready, only_fold=case.own)
    missing = found.evidence[case.index].sum() + found.bias - found.logits[case.index]
    return abs(float(missing))
