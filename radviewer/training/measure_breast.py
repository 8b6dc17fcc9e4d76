"""What the breast model's gate lets through by pixels alone, and what its heatmaps depend on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.breast import judged_image
from radviewer.ai.cards import Card, Metric
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.lesion_ensemble import Judgement, judge, members
from radviewer.ai.lesion_networks import BreastNet
from radviewer.ai.sonograms import Scan, scan_of
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.refusals import made_up
from radviewer.progress import Progress
from radviewer.training import breasts
from radviewer.training.breasts import Breast
from radviewer.training.measure_gate import dicom_files
from radviewer.training.measured import mean_of, metric
from radviewer.training.refused import Shown, drawn_anew, images, refusals, single

Grey = NDArray[np.float32]

OWN = "breast-ultrasound"
OTHERS = (("chest-xray/jsrt", 10), ("brain-mr", 40))
"""Folders of other images, and the step in which they are taken."""
_STEP = 12  # of the own images
_FEW = 30  # images whose networks are drawn anew


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An image, and what the member that has not seen it says."""

    breast: Breast
    scan: Scan
    held_out: Judgement


def breast(catalogue: Catalogue, card: Card, data: Path) -> tuple[list[Metric], list[tuple[str, str]]]:
    """All figures beside those of the release; and what is no breast ultrasound and was let through."""
    own = f"its own images, every {_STEP}th, whole ensemble, no attributes"
    groups: dict[str, Iterable[Shown]] = {
        own: images(data / OWN, _STEP),
        "ultrasound of other organs: files of pydicom and pydicom-data": _files(lambda modality: modality == "US"),
        "no ultrasound: files of pydicom and pydicom-data": _files(lambda modality: modality != "US"),
        "no ultrasound: made-up images": ((name, name, single(image)) for name, image in made_up()),
    }
    for folder, step in OTHERS:
        groups[f"no ultrasound: {folder}, every {step}th"] = images(data / folder, step)
    metrics, through = refusals(catalogue, card, groups)
    accepted = [(group, name) for group, name in through if group != own]
    return metrics + list(_heat(catalogue, card, breasts.load(data)[::_STEP])), accepted


def _files(of: Callable[[str], bool]) -> Iterator[Shown]:
    return ((name, patient, single(image)) for name, patient, image in dicom_files(of))


def _heat(catalogue: Catalogue, card: Card, chosen: list[Breast]) -> Iterator[Metric]:
    nets = list(members(catalogue, card))
    cases = [
        Case(b, scan_of(b.image, card.input_size), judged_image(catalogue, card, SliceImage(b.image), b.fold))
        for b in chosen
    ]
    patients = [case.breast.row.patient for case in cases]
    group = f"every {_STEP}th image"
    inside = [_inside(case) for case in cases]
    yield metric("share of all contributions, for and against, inside the lesion", group, mean_of(inside, patients))
    covered = [float((case.breast.lesion > 127).mean()) for case in cases]
    yield metric("the same of a map uniform over the image", group, mean_of(covered, patients))
    alike = []
    for case in cases[:_FEW]:
        pairs = itertools.combinations([_map(case, net).ravel() for net in nets], 2)
        alike.append(float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])))
    if len(nets) > 1:
        yield metric("correlation between two members' maps", group, mean_of(alike, patients[:_FEW]))
    few = cases[:_FEW]
    yield from drawn_anew(nets[0], lambda net, index: _map(few[index], net), patients[:_FEW], group)
    rest = [abs(float(c.held_out.evidence.sum()) + c.held_out.bias - c.held_out.logit) for c in cases]
    yield metric("mean |sum of the map + bias - logit|", group, mean_of(rest, patients))


def _map(case: Case, net: BreastNet) -> Grey:
    return judge([net], case.scan, Progress()).evidence


def _inside(case: Case) -> float:
    """Share of the absolute contributions inside the drawn lesion, on the image's own pixels."""
    cells = np.abs(case.held_out.evidence)
    shown = case.held_out.placed(cells).map(cells, case.breast.image.shape)
    return float(shown[case.breast.lesion > 127].sum() / max(float(shown.sum()), 1e-9))
