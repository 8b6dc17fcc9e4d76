"""Turn the finished folds of the findings recipe into ``models/chest-findings``.

Calibration, thresholds and the heatmaps' scale come from held-out films, read with the released
files through the program's own code by the member that has not seen them.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radviewer.ai.cards import CARD, Card
from radviewer.evaluation.charts import reliability_chart, roc_chart, save_picture
from radviewer.evaluation.classified import Predicted, figures
from radviewer.evaluation.cross_fit import Choose, CrossFitted, calibrated, cross_fit
from radviewer.evaluation.metrics import Bools
from radviewer.evaluation.tables import write_table
from radviewer.training.data import Row, read_index
from radviewer.training.findings import finished, runs_of
from radviewer.training.findings_films import FOLDS, NO_FOLD, TARGETS, Recipe
from radviewer.training.held_out import ANATOMY, Read, read_back, read_side_by_side, write_read
from radviewer.training.model_folder import half, metric, write_card, write_tensors
from radviewer.training.operating import operating_curve
from radviewer.training.release_anatomy import hash_of

NAME = "chest-findings"
VERSION = "1.1.0"
READ = "held-out.csv"
_HEAT_QUANTILE = 0.95
_CHILDREN_STEP = 8  # every eighth child of the training split is read: their films outnumber all others

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FindingTexts:
    """What the card says of a finding that is not measured, and the films it is fitted on.

    Attributes
    ----------
    fitted_on : tuple of str
        Data sets that have the finding and its absence: calibration and threshold are fitted on their folds.
    choose : callable
        Threshold of the operating point.

    """

    evidence: str
    intended: dict[str, Any]
    fitted_on: tuple[str, ...]
    operating_point: str
    choose: Choose


@dataclass(frozen=True, slots=True)
class Texts:
    """What the card says that is not measured."""

    title: str
    intended_use: str
    not_intended: str
    failure_modes: tuple[str, ...]
    sources: tuple[dict[str, Any], ...]
    licence: str
    findings: dict[str, FindingTexts]


def _folds_of(runs: Path) -> dict[str, tuple[str, int]]:
    """Film → patient, fold, from the folds' tables; films of no fold are left out."""
    found = {}
    for fold in range(FOLDS):
        with (runs / f"fold{fold}" / "held-out.csv").open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                if int(line["fold"]) != NO_FOLD:
                    found[line["film"]] = (line["patient"], int(line["fold"]))
    return found


def _write_weights(recipe: Recipe, work: Path, target: Path) -> tuple[list[dict[str, Any]], float]:
    """Half-precision weights of every finished fold, and the seconds they and what they started from took."""
    weights, seconds = [], 0.0
    for fold in range(FOLDS):
        state = finished(runs_of(work, recipe.name), fold)
        seconds += sum(line["seconds"] for line in state["lines"])
        if recipe.follows:
            seconds += sum(line["seconds"] for line in finished(runs_of(work, recipe.follows), fold)["lines"])
        file = target / f"fold{fold}.safetensors"
        weights.append({"file": file.name, "sha256": write_tensors(file, half(state["average"])), "fold": fold})
    return weights, seconds


def asked(data: Path) -> list[Row]:
    """Films that are read for the release: all labelled ones, of the children in training every eighth."""
    rows = []
    for source in (*TARGETS, "jsrt"):
        for row in read_index(data / source):
            children = row.cells.get("published_split") == "train"
            if not children or hash_of(row.patient) % _CHILDREN_STEP == 0:
                rows.append(row)
    return rows


def fitted(films: Sequence[Read], card: Card, label: str, about: FindingTexts) -> tuple[list[Read], CrossFitted]:
    """Held-out films of a finding that were not refused, and what is cross-fitted on them."""
    judged = [f for f in labelled(films, label, about.fitted_on) if f.logits is not None and f.fold != NO_FOLD]
    k = card.labels.index(label)
    logit = np.array([film.logits[k] for film in judged if film.logits is not None], dtype=np.float64)
    positive = positive_of(judged, label)
    return judged, cross_fit(logit, positive, [film.fold for film in judged], about.choose)


def target_of(film: Read, label: str) -> float | None:
    """What a film's own label says of a finding; None where nobody looked."""
    return TARGETS.get(film.source, {}).get(film.label, {}).get(label)


def labelled(films: Sequence[Read], label: str, sources: Sequence[str]) -> list[Read]:
    """Films of `sources` on which the finding is known to be present or absent."""
    return [film for film in films if film.source in sources and target_of(film, label) in (0, 1)]


def heat_scale(films: Sequence[Read], card: Card, label: str) -> float:
    """Contribution of the hottest cell that most positive films stay below: 1 on every heatmap."""
    k = card.labels.index(label)
    hottest = [f.hottest[k] for f in films if f.hottest is not None and target_of(f, label) == 1]
    return max(1e-6, round(float(np.quantile(hottest, _HEAT_QUANTILE)), 6))


def release(
    recipe: Recipe, work: Path, data: Path, target: Path, texts: Texts, command: str, processes: int = 1
) -> None:
    """Write the model folder `target` from the finished folds in `work`."""
    target.mkdir(parents=True, exist_ok=True)
    weights, seconds = _write_weights(recipe, work, target)
    folds = _folds_of(runs_of(work, recipe.name))
    write_table(target / "folds.csv", ("film", "patient", "fold"), ((n, p, f) for n, (p, f) in folds.items()))
    card = _card(recipe, weights, texts, command, seconds)
    checked = write_card(target, card)
    films = read_side_by_side(target.parent, checked.name, asked(data), processes)
    write_read(target / READ, films, checked.labels)
    finish(target, texts)


def finish(target: Path, texts: Texts) -> None:
    """Fit calibration, thresholds and scales on the films that were read; write card and charts."""
    card = json.loads((target / CARD).read_text(encoding="utf-8"))
    checked = Card.model_validate(card)
    films = read_back(target / READ, checked.labels)
    card["metrics"] = []
    for item in card["findings"]:
        label = item["label"]
        about = texts.findings[label]
        judged, found = fitted(films, checked, label, about)
        if found.calibration[0] <= 0:
            raise ValueError(f"the logits of {label} do not rise with the label; such a model is not released")
        slope, intercept = (round(v, 5) for v in found.calibration)
        item |= {"calibration": {"slope": slope, "intercept": intercept}, "threshold": round(found.threshold, 4)}
        item |= {"operating_point": about.operating_point, "heat_scale": heat_scale(films, checked, label)}
        item |= {"operating_curve": operating_curve(positive_of(judged, label), found.probability)}
        item |= {"evidence": about.evidence, "intended": about.intended}
        card["metrics"] += _metrics(films, checked, label, judged, found)
        _draw(target, label, judged, found)
    write_card(target, card)


def positive_of(films: Sequence[Read], label: str) -> Bools:
    """Which films have the finding."""
    return np.array([target_of(film, label) == 1 for film in films])


Keep = Callable[[Read], bool]


def _groups(label: str, about: tuple[str, ...]) -> dict[str, Keep]:
    """Groups of held-out films whose figures are given."""
    groups: dict[str, Keep] = {f"{label}: {source}, held-out folds": _of(source) for source in about}
    if len(about) > 1:
        groups = {f"{label}: all held-out folds": lambda film: film.source in about} | groups
    return groups


def _of(source: str) -> Keep:
    return lambda film: film.source == source


def _metrics(
    films: Sequence[Read], card: Card, label: str, judged: Sequence[Read], found: CrossFitted
) -> list[dict[str, Any]]:
    sources = tuple(dict.fromkeys(film.source for film in judged))
    fits = {f.name: fit for f, fit in zip(judged, zip(found.probability, found.thresholds, strict=True), strict=True)}
    command = "python -m radviewer.training release-findings --data DATA --work WORK"
    measured = []
    for group, keep in _groups(label, sources).items():
        chosen = [f for f in labelled(films, label, sources) if keep(f) and f.fold != NO_FOLD]
        predicted = [_predicted(film, label, fits.get(film.name, (None,))[0]) for film in chosen]
        thresholds = [fits.get(film.name, (0.0, 0.0))[1] for film in chosen]
        measured += [metric(n, v, group, command) for n, v in figures(predicted, thresholds).items()]
    unseen = [film for film in labelled(films, label, sources) if film.fold == NO_FOLD]
    if unseen:
        k = card.labels.index(label)
        shipped = [
            None if f.logits is None else float(calibrated(np.array([f.logits[k]]), found.calibration)[0])
            for f in unseen
        ]
        predicted = [_predicted(film, label, p) for film, p in zip(unseen, shipped, strict=True)]
        group = f"{label}: published test split, whole ensemble at the shipped threshold"
        measured += [metric(n, v, group, command) for n, v in figures(predicted, found.threshold).items()]
    return measured


def _predicted(film: Read, label: str, probability: float | None) -> Predicted:
    return Predicted(film.name, film.patient, target_of(film, label) == 1, probability, film.reason)


def _draw(target: Path, label: str, judged: Sequence[Read], found: CrossFitted) -> None:
    positive = positive_of(judged, label)
    title = f"{label}, held-out folds, n {len(judged)}"
    save_picture(target / f"roc-{label}.png", roc_chart(positive, found.probability, title))
    save_picture(target / f"reliability-{label}.png", reliability_chart(positive, found.probability, title))


def _card(recipe: Recipe, weights: list[dict[str, Any]], texts: Texts, command: str, seconds: float) -> dict[str, Any]:
    return {
        "name": NAME,
        "version": VERSION,
        "task": "chest findings",
        "title": texts.title,
        "modalities": ["CR", "DX", "DR", "RG", "RF"],
        "labels": list(recipe.heads),
        "input_size": recipe.size,
        "weights": weights,
        "requires": ANATOMY,
        "findings": [
            {
                "label": head,
                "threshold": 0.5,
                "operating_point": "not chosen yet",
                "calibration": {"slope": 1.0, "intercept": 0.0},
                "heat_scale": 1.0,
                "intended": texts.findings[head].intended,
                "evidence": texts.findings[head].evidence,
            }
            for head in recipe.heads
        ],
        "intended": {"body_parts": ["CHEST"]},
        "intended_use": texts.intended_use,
        "not_intended": texts.not_intended,
        "failure_modes": list(texts.failure_modes),
        "sources": list(texts.sources),
        "metrics": [],
        "training": {"command": command, "seed": recipe.seed, "seconds": round(seconds)},
        "licence": texts.licence,
    }
