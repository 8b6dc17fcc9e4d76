"""Turn the finished folds of a findings recipe into a model folder.

Calibration, threshold and the heatmap's scale come from held-out films, read with the released
files through the program's own code by the member that has not seen them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from radviewer.ai.anatomy import outline
from radviewer.ai.cards import CARD, Card
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import score
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.classified import Predicted, figures
from radviewer.evaluation.cross_fit import CrossFitted, cross_fit
from radviewer.evaluation.metrics import Figure, bootstrap, sensitivity, specificity
from radviewer.evaluation.question import known_folds
from radviewer.progress import Progress
from radviewer.training.data import read_grey, read_index, write_table
from radviewer.training.findings import FOLDS, SIZE, Recipe

ANATOMY = "chest-anatomy"
_HEAT_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Texts:
    """What the card says that is not measured."""

    title: str
    intended_use: str
    not_intended: str
    failure_modes: tuple[str, ...]
    evidence: str
    sources: tuple[dict[str, Any], ...]
    licence: str
    intended: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One film as the member that has not seen it reads it; logit None when it was refused."""

    name: str
    patient: str
    fold: int
    positive: bool
    logit: float | None
    hottest: float
    reason: str | None


def _folds_of(runs: Path) -> dict[str, tuple[str, int, bool]]:
    """Film → patient, fold, label, from the folds' tables."""
    found = {}
    for fold in range(FOLDS):
        with (runs / f"fold{fold}" / "held-out.csv").open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                found[line["film"]] = (line["patient"], int(line["fold"]), line["label"] == "1")
    return found


def _write_weights(runs: Path, target: Path) -> tuple[list[dict[str, Any]], float]:
    """Half-precision weights of every finished fold, and the seconds they took."""
    weights, seconds = [], 0.0
    for fold in range(FOLDS):
        state = torch.load(runs / f"fold{fold}" / "checkpoint.pt", weights_only=True)
        if state["epoch"] < state["schedule"]["epochs"]:
            raise ValueError(f"fold {fold} is not finished: {state['epoch']} of {state['schedule']['epochs']} epochs")
        seconds += sum(line["seconds"] for line in state["lines"])
        half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state["average"].items()}
        file = target / f"fold{fold}.safetensors"
        safetensors.torch.save_file(half, file)
        weights.append({"file": file.name, "sha256": sha256(file), "fold": fold})
    return weights, seconds


def read_held_out(
    catalogue: Catalogue, card: Card, films: dict[str, tuple[str, int, bool]], data: Path
) -> list[HeldOut]:
    """Read every film of the folds with the released files."""
    paths = {
        row.name: row.image for source in {name.split("/")[0] for name in films} for row in read_index(data / source)
    }
    anatomy = catalogue.card(ANATOMY)
    seen = known_folds(catalogue, ANATOMY)
    lines = []
    for name, (patient, fold, positive) in films.items():
        try:
            film = film_of(SliceImage(read_grey(paths[name])))
            outlines = outline(catalogue, anatomy, film, Progress(), only_fold=seen.get(name))
            scores = score(catalogue, card, outlines, Progress(), only_fold=fold)
        except Refused as refusal:
            lines.append(HeldOut(name, patient, fold, positive, None, 0.0, str(refusal)))
        else:
            logit, hottest = float(scores.logits[0]), float(scores.maps[0].max())
            lines.append(HeldOut(name, patient, fold, positive, logit, hottest, None))
    return lines


def fitted(lines: Sequence[HeldOut], wanted_sensitivity: float) -> tuple[list[HeldOut], CrossFitted]:
    """Films that were not refused, and what is cross-fitted on them."""
    judged = [line for line in lines if line.logit is not None]
    logit = np.array([line.logit for line in judged], dtype=np.float64)
    positive = np.array([line.positive for line in judged])
    return judged, cross_fit(logit, positive, [line.fold for line in judged], wanted_sensitivity)


def heat_scale(lines: Sequence[HeldOut]) -> float:
    """Contribution of the hottest cell that most positive films stay below: 1 on every heatmap."""
    hottest = [line.hottest for line in lines if line.positive and line.logit is not None]
    return max(1e-6, round(float(np.quantile(hottest, _HEAT_QUANTILE)), 6))


def release(recipe: Recipe, runs: Path, data: Path, target: Path, texts: Texts, command: str, wanted: float) -> None:
    """Write the model folder `target` from the finished folds in `runs`."""
    target.mkdir(parents=True, exist_ok=True)
    weights, seconds = _write_weights(runs, target)
    films = _folds_of(runs)
    write_table(target / "folds.csv", ("film", "patient", "fold"), ((n, p, f) for n, (p, f, _) in films.items()))
    card = _card(recipe, weights, texts, command, seconds)
    _write_card(target, card)
    catalogue = Catalogue(target.parent)
    lines = read_held_out(catalogue, catalogue.card(target.name), films, data)
    judged, found = fitted(lines, wanted)
    if found.calibration[0] <= 0:
        raise ValueError("the held-out logits do not rise with the label; such a model is not released")
    finding = card["findings"][0]
    finding["calibration"] = {"slope": found.calibration[0], "intercept": found.calibration[1]}
    finding["threshold"] = found.threshold
    finding["operating_point"] = f"sensitivity {wanted:.2f} on held-out folds"
    finding["heat_scale"] = heat_scale(lines)
    card["metrics"] = _metrics(lines, judged, found, command)
    _write_card(target, card)
    _write_held_out(target / "held-out.csv", lines, judged, found)


def _metrics(
    lines: Sequence[HeldOut], judged: Sequence[HeldOut], found: CrossFitted, command: str
) -> list[dict[str, Any]]:
    probability = dict(zip((line.name for line in judged), found.probability.tolist(), strict=True))
    films = [Predicted(line.name, line.patient, line.positive, probability.get(line.name)) for line in lines]
    measured = figures(films, 0.5)
    positive = np.array([line.positive for line in judged])
    patients = [line.patient for line in judged]
    measured["sensitivity"] = bootstrap(lambda i: sensitivity(positive[i], found.flagged[i]), patients)
    measured["specificity"] = bootstrap(lambda i: specificity(positive[i], found.flagged[i]), patients)
    measured["accuracy"] = bootstrap(lambda i: float((positive[i] == found.flagged[i]).mean()), patients)
    return [_metric(name, figure, command) for name, figure in measured.items()]


def _metric(name: str, figure: Figure, command: str) -> dict[str, Any]:
    value, low, high = (round(v, 4) for v in (figure.value, figure.low, figure.high))
    group = "held-out folds, calibration and threshold cross-fitted"
    return {"name": name, "value": value, "low": low, "high": high, "n": figure.n, "group": group, "command": command}


def _write_held_out(path: Path, lines: Sequence[HeldOut], judged: Sequence[HeldOut], found: CrossFitted) -> None:
    fits = dict(zip((line.name for line in judged), zip(found.probability, found.flagged, strict=True), strict=True))
    rows = []
    for line in lines:
        logit = "" if line.logit is None else f"{line.logit:.5f}"
        probability, flagged = fits.get(line.name, (float("nan"), False))
        judged_as = ("", "") if line.logit is None else (f"{probability:.5f}", int(flagged))
        rows.append((line.name, line.patient, line.fold, int(line.positive), logit, *judged_as, line.reason or ""))
    header = ("film", "patient", "fold", "positive", "logit", "probability", "flagged", "refused")
    write_table(path, header, rows)


def _write_card(target: Path, card: dict[str, Any]) -> None:
    checked = Card.model_validate_json(json.dumps(card))
    (target / CARD).write_text(checked.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _card(recipe: Recipe, weights: list[dict[str, Any]], texts: Texts, command: str, seconds: float) -> dict[str, Any]:
    return {
        "name": f"chest-{recipe.name}",
        "version": "1.0.0",
        "task": "chest findings",
        "title": texts.title,
        "modalities": ["CR", "DX", "DR", "RG", "RF"],
        "labels": [recipe.name],
        "input_size": SIZE,
        "weights": weights,
        "requires": ANATOMY,
        "findings": [
            {
                "label": recipe.name,
                "threshold": 0.5,
                "operating_point": "not chosen yet",
                "calibration": {"slope": 1.0, "intercept": 0.0},
                "heat_scale": 1.0,
                "intended": texts.intended,
                "evidence": texts.evidence,
            }
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
