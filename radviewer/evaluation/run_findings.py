"""A model of findings against labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import Outlines, outline
from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card, FindingCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes, check_intended
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import Scores, heatmap, score
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead, RadviewerError
from radviewer.evaluation.charts import Canvas, save_picture
from radviewer.evaluation.classified import Predicted, draw, figures, telling_cases
from radviewer.evaluation.labelled import Line, read_image, readable, subgroups
from radviewer.evaluation.overlays import backdrop, captioned, with_heat
from radviewer.evaluation.question import Question, as_json, fold_of, known_folds, provenance, shown
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress


class Reader(Protocol):
    """Judges one film by the members that have not seen it."""

    @property
    def folds(self) -> dict[str, int]:
        """Fold of every film that the model was trained on."""

    def probability(self, finding: FindingCard, line: Line, image: SliceImage, context: Context) -> float:
        """Calibrated probability of a finding; raises `Refused`."""

    def heat(self, finding: FindingCard, line: Line, image: SliceImage) -> NDArray[np.float32]:
        """Heatmap of a finding on the film's own grid."""


@dataclass(frozen=True, slots=True)
class _FilmReader:
    """The models of chest findings."""

    catalogue: Catalogue
    card: Card
    anatomy: Card
    folds: dict[str, int]
    anatomy_folds: dict[str, int]

    @staticmethod
    def of(catalogue: Catalogue, card: Card) -> _FilmReader:
        anatomy = catalogue.card(card.requires or "")
        folds, anatomy_folds = (known_folds(catalogue, name) for name in (card.name, anatomy.name))
        return _FilmReader(catalogue, card, anatomy, folds, anatomy_folds)

    def _scored(self, line: Line, image: SliceImage) -> tuple[Outlines, Scores]:
        seen = fold_of(self.anatomy, self.anatomy_folds, line)
        outlines = outline(self.catalogue, self.anatomy, film_of(image), Progress(), only_fold=seen)
        fold = fold_of(self.card, self.folds, line)
        return outlines, score(self.catalogue, self.card, outlines, Progress(), only_fold=fold)

    def probability(self, finding: FindingCard, line: Line, image: SliceImage, context: Context) -> float:
        check_attributes(self.card, context)
        check_intended(finding.intended, context)
        _, scores = self._scored(line, image)
        return probability(float(scores.logits[self.card.labels.index(finding.label)]), finding.calibration)

    def heat(self, finding: FindingCard, line: Line, image: SliceImage) -> NDArray[np.float32]:
        outlines, scores = self._scored(line, image)
        index = self.card.labels.index(finding.label)
        found: NDArray[np.float32] = heatmap(scores, index, finding.heat_scale, outlines.film.shape)[0]
        return found


def classified(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    """Judge every film with a model of chest findings; see `scored`."""
    return scored(question, card, lines, out, _FilmReader.of(catalogue, card), progress)


def scored(
    question: Question, card: Card, lines: list[Line], out: Path, reader: Reader, progress: Progress
) -> dict[str, object]:
    """Judge every film, write the table and the pictures; return the report's part.

    Films whose label is empty are counted and left out: nobody has said what they show.
    """
    finding = _asked_for(card, question.positive)
    labelled = [line for line in lines if (line.cells[question.label] or "").strip()]
    if not labelled:
        raise NothingToRead(f"No film in {question.index} has a value in the column {question.label}.")
    predicted = _predicted(question, reader, finding, labelled, progress)
    write_table(out / "films.csv", ("film", "patient", "positive", "probability", "refused"), map(_cells, predicted))
    pictures, cases = _drawn(reader, finding, labelled, predicted, out)
    return {
        "finding": finding.label,
        "threshold": finding.threshold,
        "data": provenance(labelled, card, reader.folds),
        "without_label": len(lines) - len(labelled),
        "figures": as_json(figures(predicted, finding.threshold)),
        "subgroups": {
            name: as_json(figures([predicted[i] for i in chosen], finding.threshold))
            for name, chosen in subgroups(labelled, question.columns).items()
        },
        "pictures": pictures,
        "cases": cases,
    }


def _predicted(
    question: Question, reader: Reader, finding: FindingCard, lines: list[Line], progress: Progress
) -> list[Predicted]:
    predicted: list[Predicted] = []
    for done, item in enumerate(readable(lines)):
        progress.report(done, len(lines), "films")
        line = item[0]
        positive = line.cells[question.label] == question.positive
        if len(item) == 2:
            predicted.append(Predicted(line.name, line.patient, positive, None, item[1]))
            continue
        try:
            value = reader.probability(finding, line, item[1], item[2])
            predicted.append(Predicted(line.name, line.patient, positive, value))
        except Refused as refusal:
            predicted.append(Predicted(line.name, line.patient, positive, None, str(refusal)))
    return predicted


def _drawn(
    reader: Reader, finding: FindingCard, lines: list[Line], predicted: list[Predicted], out: Path
) -> tuple[list[str], dict[str, list[str]]]:
    """Charts and telling films: names of the pictures, and of the films by kind."""
    line_of = {id(film): line for film, line in zip(predicted, lines, strict=True)}  # names may repeat
    pictures = list(draw(predicted, out, finding.label))
    cases: dict[str, list[str]] = {}
    for kind, films in telling_cases(predicted).items():
        cases[kind] = [film.name for film in films]
        for i, case in enumerate(films):
            pictures.append(f"{kind}-{i + 1}.png")
            save_picture(out / pictures[-1], _heated_picture(reader, finding, line_of[id(case)], case))
    return pictures, cases


def _heated_picture(reader: Reader, finding: FindingCard, line: Line, case: Predicted) -> Canvas:
    """The film with the finding's heatmap."""
    image, _ = read_image(line.path)
    heat = reader.heat(finding, line, image)
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


def _cells(film: Predicted) -> tuple[object, ...]:
    value = "" if film.probability is None else f"{film.probability:.5f}"
    return (film.name, film.patient, int(film.positive), value, film.reason or "")
