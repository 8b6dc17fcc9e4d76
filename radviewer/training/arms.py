"""Where weights should start: the arms of tuberculosis compared on one fold and on hospitals they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.networks import FindingNet, channels_last
from radviewer.evaluation.metrics import (
    Bools,
    Figure,
    auc,
    bootstrap,
    sensitivity,
    specificity,
    threshold_for_sensitivity,
)
from radviewer.evaluation.tables import write_table
from radviewer.training.data import Row, read_index
from radviewer.training.findings import logits_of
from radviewer.training.findings_films import FINDINGS, TARGETS, TUBERCULOSIS, fold_list, load
from radviewer.training.lungs import Crops, cut_films
from radviewer.training.measured import ARMS

SENSITIVITY = 0.9
"""At which the arms' false alarms are compared."""
_HEAD = FINDINGS.heads.index("tuberculosis")
_ARMS = ("tuberculosis-scratch", "tuberculosis-imagenet", "tuberculosis-twice", "findings-imagenet")

Indices = NDArray[np.intp]


def _member(run: Path) -> FindingNet:
    state = torch.load(run / "checkpoint.pt", weights_only=True)["average"]
    network = FindingNet(len(state["classifier.bias"]))
    network.load_state_dict(state)
    channels_last(network)
    return network.eval()


def _figure(measure: Callable[[Indices], float], rows: list[Row]) -> Figure:
    return bootstrap(measure, [row.patient for row in rows])


def _inside(rows: list[Row], positive: Bools, logit: NDArray[np.float32]) -> dict[str, Figure]:
    """Figures on the fold itself."""

    def at_specificity(i: Indices) -> float:
        if positive[i].all():
            return float("nan")
        threshold = threshold_for_sensitivity(~positive[i], -logit[i], 0.9)
        return sensitivity(positive[i], logit[i] > -threshold)

    return {
        "AUC, Shenzhen fold": _figure(lambda i: auc(positive[i], logit[i]), rows),
        "sensitivity at specificity 0.90, Shenzhen fold": _figure(at_specificity, rows),
    }


def _outside(rows: list[Row], logit: NDArray[np.float32], threshold: float) -> Figure:
    """Share of films without tuberculosis above the threshold."""
    none = np.zeros(len(rows), np.bool_)
    return _figure(lambda i: 1 - specificity(none[i], logit[i] >= threshold), rows)


def compare(data: Path, work: Path, anatomy: Path, target: Path, fold: int = 0) -> None:
    """Write ``arms.csv`` to `target`: every arm that was trained, n and intervals by patient."""
    inside = load(TUBERCULOSIS, data, work / "cache", anatomy)
    own = [i for i, f in enumerate(inside.folds) if f == fold]
    others = {source: _others(data, source, work / "cache", anatomy, fold) for source in ("jsrt", "adult-pneumonia")}
    lines: list[tuple[object, ...]] = []
    for arm in _ARMS:
        run = work / arm / f"fold{fold}"
        if (run / "checkpoint.pt").is_file():
            found = _measured(_member(run), inside.crops, [inside.rows[i] for i in own], own, others)
            lines += [(arm, n, *(f"{v:.4f}" for v in (f.value, f.low, f.high)), f.n) for n, f in found]
    write_table(target / ARMS, ("arm", "name", "value", "low", "high", "n"), lines)


Others = tuple[list[Row], Crops, list[int]]
"""Films of another hospital, their cut-outs, and which cut-out belongs to which film."""


def _others(data: Path, source: str, cache: Path, anatomy: Path, fold: int) -> Others:
    """Films whose lungs were found and that no arm has seen."""
    rows = read_index(data / source)
    crops = cut_films(rows, source, cache, anatomy)
    folds = fold_list(rows, FINDINGS.seed) if source in TARGETS else [fold] * len(rows)
    kept = [(k, i) for k, i in enumerate(crops.kept) if folds[i] == fold]
    return [rows[i] for _, i in kept], crops, [k for k, _ in kept]


def _measured(
    member: FindingNet, crops: Crops, rows: list[Row], own: list[int], others: dict[str, Others]
) -> Iterator[tuple[str, Figure]]:
    positive = np.array([row.cells["label"] == "tuberculosis" for row in rows])
    logit = logits_of(member, crops, own, FINDINGS.size)[:, _HEAD]
    yield from _inside(rows, positive, logit).items()
    threshold = threshold_for_sensitivity(positive, logit, SENSITIVITY)
    for source, (films, cut, places) in others.items():
        said = logits_of(member, cut, places, FINDINGS.size)[:, _HEAD]
        without = np.array([row.cells["label"] != "pneumonia" for row in films])
        chosen = [row for row, keep in zip(films, without, strict=True) if keep]
        yield (
            f"false alarms at sensitivity {SENSITIVITY:.2f}, {source} without pneumonia",
            _outside(chosen, said[without], threshold),
        )
        if not without.all():
            yield f"AUC for pneumonia, {source}", _figure(_abnormality(~without, said), films)


def _abnormality(abnormal: Bools, logit: NDArray[np.float32]) -> Callable[[Indices], float]:
    return lambda i: auc(abnormal[i], logit[i])
