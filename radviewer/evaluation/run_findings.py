"""A model of findings against labels."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from radviewer.ai.anatomy import Outlines, outline
from radviewer.ai.cards import Card, FindingCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes, check_intended
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import Scores, heatmap, probability, score
from radviewer.domain.volume import SliceImage
from radviewer.errors import RadviewerError
from radviewer.evaluation.charts import Canvas, save_picture
from radviewer.evaluation.classified import Predicted, draw, figures, telling_cases
from radviewer.evaluation.labelled import Line, read_image, readable, subgroups
from radviewer.evaluation.overlays import backdrop, captioned, with_heat
from radviewer.evaluation.question import Question, as_json, fold_of, known_folds, provenance, shown
from radviewer.progress import Progress


def classified(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    """Judge every film, write the table and the pictures; return the report's part."""
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
            value = _probability(catalogue, card, finding, item[1], item[2], fold_of(card, folds, line), line)
            predicted.append(Predicted(line.name, line.patient, positive, value))
        except Refused as refusal:
            predicted.append(Predicted(line.name, line.patient, positive, None, str(refusal)))
    _write_predicted(out / "films.csv", predicted)
    line_of = {id(film): line for film, line in zip(predicted, lines, strict=True)}  # names may repeat
    cases: dict[str, list[str]] = {}
    pictures = list(draw(predicted, out, finding.label))
    for kind, films in telling_cases(predicted).items():
        cases[kind] = [film.name for film in films]
        for i, case in enumerate(films):
            pictures.append(f"{kind}-{i + 1}.png")
            line = line_of[id(case)]
            fold = fold_of(card, folds, line)
            save_picture(out / pictures[-1], _heated_picture(catalogue, card, finding, line, case, fold))
    return {
        "finding": finding.label,
        "threshold": finding.threshold,
        "data": provenance(lines, card, folds),
        "figures": as_json(figures(predicted, finding.threshold)),
        "subgroups": {
            name: as_json(figures([predicted[i] for i in chosen], finding.threshold))
            for name, chosen in subgroups(lines, question.columns).items()
        },
        "pictures": pictures,
        "cases": cases,
    }


def _heated_picture(
    catalogue: Catalogue, card: Card, finding: FindingCard, line: Line, case: Predicted, fold: int | None
) -> Canvas:
    """The film with the finding's heatmap."""
    image, _ = read_image(line.path)
    outlines, scores = _scored(catalogue, card, image, fold, line)
    index = card.labels.index(finding.label)
    heat = heatmap(scores, index, finding.heat_scale, outlines.film.shape)[0]
    truth = "present" if case.positive else "absent"
    return captioned(with_heat(backdrop(shown(image)), heat), f"{finding.label} {case.probability:.2f}, {truth}")


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
    line: Line,
) -> float:
    check_attributes(card, context)
    check_intended(finding.intended, context)
    _, scores = _scored(catalogue, card, image, fold, line)
    return probability(float(scores.logits[card.labels.index(finding.label)]), finding.calibration)


def _scored(
    catalogue: Catalogue, card: Card, image: SliceImage, fold: int | None, line: Line
) -> tuple[Outlines, Scores]:
    """Outlines and scores by the members that have not seen the film."""
    anatomy = catalogue.card(card.requires or "")
    seen = fold_of(anatomy, known_folds(catalogue, anatomy.name), line)
    outlines = outline(catalogue, anatomy, film_of(image), Progress(), only_fold=seen)
    return outlines, score(catalogue, card, outlines, Progress(), only_fold=fold)


def _write_predicted(path: Path, predicted: Iterable[Predicted]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("film", "patient", "positive", "probability", "refused"))
        for film in predicted:
            value = "" if film.probability is None else f"{film.probability:.5f}"
            writer.writerow((film.name, film.patient, int(film.positive), value, film.reason or ""))
