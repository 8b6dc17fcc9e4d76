"""Turn the finished folds of the glioma recipe into ``models/brain-glioma``.

Every series is read with the released files, through the program's own code, by the member that has not seen it.
Presence is calibrated on slices, and for whole series on parts of them: every patient has a tumour, so only slices
without one can say what "none" looks like.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.brain_series import series_strangeness
from radviewer.ai.cards import CARD
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.glioma import volume_logit
from radviewer.errors import NothingToRead
from radviewer.evaluation.charts import reliability_chart, roc_chart, save_picture
from radviewer.evaluation.classified import Predicted, figures
from radviewer.evaluation.cross_fit import CrossFitted, cross_fit
from radviewer.evaluation.metrics import Figure, bootstrap, lowest, threshold_for_balance
from radviewer.evaluation.tables import write_table
from radviewer.training.brains import FIRST, FOLDS, SECOND, SEED, SIZE, Brains
from radviewer.training.glioma import finished
from radviewer.training.glioma_texts import CARD_TEXTS, FINDING_TEXTS
from radviewer.training.held_out_series import (
    Slice,
    Whole,
    ensemble_features,
    film_name,
    read_series,
    read_slices,
    read_wholes,
)
from radviewer.training.model_folder import half, metric, write_card, write_tensors
from radviewer.training.operating import operating_curve
from radviewer.training.release_anatomy import FEATURES, hash_of, reference_of
from radviewer.training.row_tables import write_rows

NAME = "brain-glioma"
VERSION = "1.2.0"
SLICES, SERIES = "held-out.csv", "held-out-series.csv"
COMMAND = "python -m radviewer.training release-glioma --data DATA --work WORK"
PARTS = "series, and what of each shows no tumour"
_SHORTEST = 6  # slices of a run
_HEAT_QUANTILE = 0.95
_LARGE = 200  # pixels of a tumour that the heatmap should point at
_ACCEPTED, _MARGIN = 0.99, 1.2
_UNSET = 1e9

_log = logging.getLogger(__name__)


def release(brains: Brains, work: Path, target: Path, command: str) -> None:
    """Write the model folder `target` from the finished folds in ``work/glioma``."""
    target.mkdir(parents=True, exist_ok=True)
    weights, seconds = [], 0.0
    for fold in range(FOLDS):
        state, spent = _trained(work / "glioma", str(fold))
        seconds += spent
        file = target / f"fold{fold}.safetensors"
        weights.append({"file": file.name, "sha256": write_tensors(file, half(state["average"])), "fold": fold})
    rows = [(film_name(row), s.patient, s.fold) for s in brains.series for row in s.rows]
    write_table(target / "folds.csv", ("film", "patient", "fold"), rows)
    training = {"command": command, "seed": SEED, "seconds": round(seconds)}
    card = CARD_TEXTS | {"name": NAME, "version": VERSION, "input_size": SIZE, "weights": weights, "training": training}
    card |= {"findings": [FINDING_TEXTS | {"threshold": 0.5, "calibration": {"slope": 1.0, "intercept": 0.0}}]}
    card["findings"][0] |= {"heat_scale": 1.0, "slice_calibration": {"slope": 1.0, "intercept": 0.0}}
    write_card(target, card | {"metrics": []})
    _read(brains, target)
    finish(target)


def _trained(runs: Path, fold: str) -> tuple[dict[str, Any], float]:
    """Checkpoint of the last phase that is finished, and the seconds all phases took."""
    first = finished(runs, fold, FIRST)
    try:
        states = [first, finished(runs, fold, SECOND)]
    except NothingToRead:
        states = [first]
    _log.info("fold %s: %d phases", fold, len(states))
    return states[-1], sum(line["seconds"] for state in states for line in state["lines"])


def _read(brains: Brains, target: Path) -> None:
    """Read all series: tables of slices and of series, and the reference of feature space."""
    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    slices: list[Slice] = []
    wholes: list[Whole] = []
    features: list[tuple[str, int, NDArray[np.float32]]] = []
    for series in brains.series:
        said, whole, pooled, shares = read_series(catalogue, card, series)
        slices += said
        wholes.append(whole)
        features.append((series.patient, series.fold, pooled[0][shares >= 0.5 * shares.max()]))
        _log.info("%s: Dice %.3f", whole.patient, whole.dice)
    write_rows(target / SLICES, slices)
    write_rows(target / SERIES, wholes)
    tensors: dict[str, torch.Tensor] = {}
    for fold in range(FOLDS):  # of held-out series: features of those a member has seen lie too close together
        mine = np.concatenate([f for patient, k, f in features if k == fold and not _held_back(patient)])
        tensors |= {f"fold{fold}.{part}": torch.from_numpy(v) for part, v in reference_of(mine).items()}
    hashed = write_tensors(target / FEATURES, tensors)
    values = json.loads((target / CARD).read_text(encoding="utf-8"))
    values["distance"] = {"weights": {"file": FEATURES, "sha256": hashed, "fold": None}, "limit": _UNSET}
    write_card(target, values)
    _limit(brains, target)


def _held_back(patient: str) -> bool:
    return hash_of(patient) % 3 == 0


def _limit(brains: Brains, target: Path) -> None:
    """Accept what lies not much farther out than held-back series as the whole ensemble reads them."""
    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    found = []
    for series in brains.series:
        if _held_back(series.patient):
            features, shares = ensemble_features(catalogue, card, series)
            found.append(series_strangeness(catalogue, card, features, shares))
    limit = _MARGIN * float(np.quantile(found, _ACCEPTED))
    _log.info("distances of held-back series: %s", np.round(np.sort(found), 2).tolist())
    values = json.loads((target / CARD).read_text(encoding="utf-8"))
    values["distance"]["limit"] = math.ceil(limit * 1000) / 1000
    write_card(target, values)


def parts_of(slices: Sequence[Slice]) -> Iterator[tuple[bool, float]]:
    """The series, and its slices without tumour as if they were one: whether a tumour is on it, and its logit.

    All longer runs of slices without tumour are taken together: the more slices a series has, the likelier one of them
    is called, so that single slabs would promise too few false alarms.
    """
    logits = np.array([s.logit for s in slices], np.float32)
    present = np.array([s.pixels > 0 for s in slices])
    yield bool(present.any()), volume_logit(logits)
    edges = np.flatnonzero(np.diff(np.concatenate(([1], present.astype(np.int8), [1]))))
    runs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= _SHORTEST]
    if runs:
        yield False, max(volume_logit(logits[a:b]) for a, b in runs)


def finish(target: Path) -> None:
    """Fit calibration, threshold and scale on what was read; write card, its words anew, and charts."""
    values = json.loads((target / CARD).read_text(encoding="utf-8")) | CARD_TEXTS
    slices, wholes = read_slices(target / SLICES), read_wholes(target / SERIES)
    item = values["findings"][0]
    item |= FINDING_TEXTS
    single = _fitted([s.logit for s in slices], [s.pixels > 0 for s in slices], [s.fold for s in slices])
    by_patient = {whole.patient: [s for s in slices if s.patient == whole.patient] for whole in wholes}
    parts = [(w, positive, logit) for w in wholes for positive, logit in parts_of(by_patient[w.patient])]
    series = _fitted([z for *_, z in parts], [p for _, p, _ in parts], [w.fold for w, *_ in parts], spread=1.0)
    hottest = [s.hottest for s in slices if s.pixels > 0]
    item["slice_calibration"] = _line(single)
    item |= {"calibration": _line(series), "threshold": round(series.threshold, 4)}
    item["heat_scale"] = round(float(np.quantile(hottest, _HEAT_QUANTILE)), 6)
    positive = np.array([p for _, p, _ in parts])
    item["operating_curve"] = operating_curve(positive, series.probability)
    values["metrics"] = [
        *_outline_metrics(wholes),
        *_judged(PARTS, [(w.patient, p) for w, p, _ in parts], series),
        *_judged("slices", [(s.patient, s.pixels > 0) for s in slices], single),
        *_pointing(slices),
    ]
    write_card(target, values)
    title = f"glioma on slices, held-out folds, n {len(slices)}"
    present = np.array([s.pixels > 0 for s in slices])
    save_picture(target / "roc-glioma.png", roc_chart(present, single.probability, title))
    save_picture(target / "reliability-glioma.png", reliability_chart(present, single.probability, title))


def _fitted(
    logits: Sequence[float], positive: Sequence[bool], folds: Sequence[int], spread: float = math.inf
) -> CrossFitted:
    found = cross_fit(np.array(logits), np.array(positive), folds, threshold_for_balance, spread=spread)
    if found.calibration[0] <= 0:
        raise ValueError("the logits do not rise with the label; such a model is not released")
    return found


def _line(found: CrossFitted) -> dict[str, float]:
    slope, intercept = (round(v, 5) for v in found.calibration)
    return {"slope": slope, "intercept": intercept}


def _judged(group: str, cases: Sequence[tuple[str, bool]], found: CrossFitted) -> list[dict[str, Any]]:
    chances = found.probability.tolist()
    films = [Predicted(patient, patient, positive, p) for (patient, positive), p in zip(cases, chances, strict=True)]
    named = figures(films, found.thresholds.tolist())
    return [metric(n, f, f"{group}, held-out folds", COMMAND) for n, f in named.items() if n != "share refused"]


def outline_figures(wholes: Sequence[Whole]) -> dict[str, Figure]:
    """Dice in 3D over patients, and the relative error of the volume."""
    patients = [w.patient for w in wholes]
    dices = np.array([w.dice for w in wholes])
    errors = np.array([abs(w.found / w.voxels - 1) for w in wholes])
    measures: dict[str, Callable[[NDArray[np.intp]], float]] = {
        "mean Dice": lambda i: float(dices[i].mean()),
        "median Dice": lambda i: float(np.median(dices[i])),
        "median relative error of the volume": lambda i: float(np.median(errors[i])),
    }
    figures = {name: bootstrap(measure, patients) for name, measure in measures.items()}
    return figures | {"worst Dice": lowest(dices)}


def _outline_metrics(wholes: Sequence[Whole]) -> list[dict[str, Any]]:
    found = []
    for site in ("", *sorted({w.site for w in wholes})):
        chosen = [w for w in wholes if site in ("", w.site)]
        group = f"patients of {site}, held-out folds" if site else "patients, held-out folds"
        found += [metric(name, figure, group, COMMAND) for name, figure in outline_figures(chosen).items()]
    return found


def _pointing(slices: Sequence[Slice]) -> list[dict[str, Any]]:
    chosen = [s for s in slices if s.pixels > _LARGE]
    inside = np.array([s.inside for s in chosen], np.float64)
    figure = bootstrap(lambda i: float(inside[i].mean()), [s.patient for s in chosen])
    name = "pointing game: heatmap's peak inside the tumour"
    return [metric(name, figure, f"slices with more than {_LARGE} pixels of tumour, held-out folds", COMMAND)]
