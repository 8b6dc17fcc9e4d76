"""``radviewer evaluate``: a bundled model on labelled images, through the program's own code."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import outline
from radviewer.ai.cards import Card, FindingCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes, check_intended
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import probability, score
from radviewer.domain.volume import SliceImage
from radviewer.errors import NotSaved, RadviewerError
from radviewer.evaluation.classified import Predicted, draw, figures, telling_cases
from radviewer.evaluation.labelled import Line, read_lines, read_mask, readable
from radviewer.evaluation.metrics import Figure
from radviewer.evaluation.outlines import NAMES, Judged, Labelled, judge, mean_dice, refused_share, write_judged
from radviewer.progress import Progress

UNSEEN, SEEN, PARTLY = "not seen in training", "training data", "held-out folds of training data"
_RIGHT, _LEFT, _HEART = 1, 2, 4
_BIT_FIELD = 64  # a mask without a larger value is a bit field of structures


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a model.

    Attributes
    ----------
    label, positive : str
        Column of the index, and its value that means "present".
    mask : str or None
        Column with the path of a mask, relative to the index.
    group : str or None
        Column that names the patient or volume; intervals are drawn over it.

    """

    model: str
    index: Path
    label: str
    positive: str
    mask: str | None = None
    group: str | None = None


def evaluate(question: Question, out: Path, catalogue: Catalogue, progress: Progress) -> dict[str, object]:
    """Score a model and write metrics.json, a table of all films and pictures to `out`; return the metrics.

    A film the model was trained on is judged only by the ensemble member that has not seen it.

    Raises
    ------
    RadviewerError
        If the model is not available, the index cannot be used, or nothing can be written.

    """
    card = catalogue.card(question.model)
    needed = tuple(name for name in (question.label, question.mask) if name)
    lines = read_lines(question.index, question.group, needed)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if card.task == "chest anatomy":
            measured = _outlined(question, card, lines, out, catalogue, progress)
        else:
            measured = _classified(question, card, lines, out, catalogue, progress)
        report = {"model": card.name, "version": card.version, "index": question.index.name, **measured}
        (out / "metrics.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as problem:
        raise NotSaved(f"The results could not be written to {out}: {problem.strerror}.") from problem
    return report


def known_folds(catalogue: Catalogue, name: str) -> dict[str, int]:
    """Fold of every film a model was trained on, from its ``folds.csv``; empty without one."""
    path = catalogue.folder / name / "folds.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {line["film"]: int(line["fold"]) for line in csv.DictReader(file)}


def _provenance(lines: Sequence[Line], card: Card, folds: dict[str, int]) -> str:
    """How the films relate to the training data, said beside every figure."""
    if not any(line.name in folds for line in lines):
        return UNSEEN
    members = {weights.fold for weights in card.weights}
    held_out = all(folds[line.name] in members for line in lines if line.name in folds)
    return PARTLY if held_out else SEEN


def _fold(card: Card, folds: dict[str, int], name: str) -> int | None:
    fold = folds.get(name)
    return fold if fold in {weights.fold for weights in card.weights} else None


def _as_json(found: dict[str, Figure]) -> dict[str, object]:
    return {name: {k: round(v, 4) for k, v in asdict(figure).items()} for name, figure in found.items()}


def truth_of(mask: NDArray[np.uint8]) -> dict[str, NDArray[np.bool_]]:
    """Structures of a mask: a bit field (1 right lung, 2 left lung, 4 heart), or both lungs as 255."""
    if int(mask.max(initial=0)) >= _BIT_FIELD:
        return {"lungs": mask >= _BIT_FIELD}
    parts = {"right lung": _RIGHT, "left lung": _LEFT, "heart": _HEART}
    found = {name: (mask & bit) != 0 for name, bit in parts.items()}
    return found | {"lungs": found["right lung"] | found["left lung"]}


def _outlined(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    folds = known_folds(catalogue, card.name)
    judged: list[Judged] = []
    for done, item in enumerate(readable(lines)):
        progress.report(done, len(lines), "films")
        line = item[0]
        if len(item) == 2:
            judged.append(Judged(line.name, line.patient, None, item[1], {}))
            continue
        truth = _truth(question, line, item[1])
        film = Labelled(line.name, line.patient, item[1], truth, _fold(card, folds, line.name))
        judged.append(judge(catalogue, card, film))
    write_judged(out / "films.csv", judged)
    found = {f"mean Dice, {name}": mean_dice(judged, name) for name in NAMES}
    measured = {name: figure for name, figure in found.items() if figure is not None}
    measured["share refused"] = refused_share(judged)
    return {"data": _provenance(lines, card, folds), "figures": _as_json(measured), "pictures": []}


def _truth(question: Question, line: Line, image: SliceImage) -> dict[str, NDArray[np.bool_]]:
    """Masks of a film; none where the index names none or the mask has another size."""
    path = line.cells.get(question.mask or "")
    if not path:
        return {}
    mask = read_mask(question.index.parent / path)
    return truth_of(mask) if mask.shape == image.stored.shape[:2] else {}


def _classified(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    finding = _asked_for(card, question.positive)
    folds = known_folds(catalogue, card.name)
    predicted: list[Predicted] = []
    for done, item in enumerate(readable(lines)):
        progress.report(done, len(lines), "films")
        line = item[0]
        positive = line.cells[question.label] == question.positive
        if len(item) == 2:
            predicted.append(Predicted(line.name, line.patient, positive, None, item[1]))
            continue
        try:
            value = _probability(catalogue, card, finding, item[1], item[2], _fold(card, folds, line.name), line.name)
            predicted.append(Predicted(line.name, line.patient, positive, value))
        except Refused as refusal:
            predicted.append(Predicted(line.name, line.patient, positive, None, str(refusal)))
    _write_predicted(out / "films.csv", predicted)
    cases = {kind: [film.name for film in films] for kind, films in telling_cases(predicted).items()}
    return {
        "finding": finding.label,
        "threshold": finding.threshold,
        "data": _provenance(lines, card, folds),
        "figures": _as_json(figures(predicted, finding.threshold)),
        "pictures": list(draw(predicted, out, finding.label)),
        "cases": cases,
    }


def _asked_for(card: Card, positive: str) -> FindingCard:
    """The finding named like the positive value, else the model's only one."""
    for finding in card.findings:
        if finding.label == positive.lower():
            return finding
    if len(card.findings) == 1:
        return card.findings[0]
    raise RadviewerError(
        f"The model {card.name} has several findings; --positive names one of {', '.join(card.labels)}."
    )


def _probability(
    catalogue: Catalogue,
    card: Card,
    finding: FindingCard,
    image: SliceImage,
    context: Context,
    fold: int | None,
    name: str,
) -> float:
    check_attributes(card, context)
    check_intended(finding.intended, context)
    anatomy = catalogue.card(card.requires or "")
    seen = _fold(anatomy, known_folds(catalogue, anatomy.name), name)
    outlines = outline(catalogue, anatomy, film_of(image), Progress(), only_fold=seen)
    scores = score(catalogue, card, outlines, Progress(), only_fold=fold)
    return probability(float(scores.logits[card.labels.index(finding.label)]), finding.calibration)


def _write_predicted(path: Path, predicted: Iterable[Predicted]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("film", "patient", "positive", "probability", "refused"))
        for film in predicted:
            value = "" if film.probability is None else f"{film.probability:.5f}"
            writer.writerow((film.name, film.patient, int(film.positive), value, film.reason or ""))
