"""The model of breast lesions against labels and masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.breast import heat_of, judged_image, lesion_of
from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card, FindingCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes, check_intended
from radviewer.domain.overlap import dice, peak_inside
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.evaluation.labelled import Line, read_mask
from radviewer.evaluation.metrics import Figure, bootstrap
from radviewer.evaluation.question import Question, as_json, fold_of, known_folds
from radviewer.evaluation.run_findings import scored
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress

UNCUT = 1000.0
"""Logits: a scale of the heatmap at which its peak is not cut off."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Outline of one image against the drawn one; `inside`: the heatmap's peak lies in the drawn lesion."""

    name: str
    patient: str
    dice: float
    inside: bool


@dataclass(slots=True)
class _LesionReader:
    """Judges images, and compares outlines with masks on the way."""

    question: Question
    catalogue: Catalogue
    card: Card
    folds: dict[str, int]
    overlaps: list[Overlap] = field(default_factory=list)
    bad_masks: list[str] = field(default_factory=list)

    def probability(self, finding: FindingCard, line: Line, image: SliceImage, context: Context) -> float:
        check_attributes(self.card, context)
        check_intended(finding.intended, context)
        judgement = judged_image(self.catalogue, self.card, image, fold_of(self.card, self.folds, line))
        shape = (image.stored.shape[0], image.stored.shape[1])
        truth = self._truth(line, shape)
        if truth is not None:
            found = lesion_of(judgement, shape)
            inside = peak_inside(heat_of(judgement, finding, shape, UNCUT), truth)
            self.overlaps.append(Overlap(line.name, line.patient, dice(found, truth), inside))
        return probability(judgement.logit, finding.calibration)

    def heat(self, finding: FindingCard, line: Line, image: SliceImage) -> NDArray[np.float32]:
        judgement = judged_image(self.catalogue, self.card, image, fold_of(self.card, self.folds, line))
        return heat_of(judgement, finding, image.stored.shape[:2])

    def _truth(self, line: Line, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
        """The drawn lesion; None where there is none or it cannot be used."""
        path = line.cells.get(self.question.mask or "")
        if not path:
            return None
        try:
            mask = read_mask(self.question.index.parent / path)
        except NothingToRead as problem:
            self.bad_masks.append(str(problem))
            return None
        if mask.shape != shape:
            self.bad_masks.append(f"{path} has not the size of its image; its outline is left out.")
            return None
        return mask > 0 if mask.max(initial=0) < 64 else mask > 127


def lesions(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    """Judge every image, write the tables and the pictures; return the report's part."""
    reader = _LesionReader(question, catalogue, card, known_folds(catalogue, card.name))
    report = scored(question, card, lines, out, reader, progress)
    if not question.mask:
        return report
    table = ((o.name, o.patient, f"{o.dice:.4f}", int(o.inside)) for o in reader.overlaps)
    write_table(out / "outlines.csv", ("film", "patient", "dice", "peak inside"), table)
    return {**report, "bad_masks": reader.bad_masks, "outlines": as_json(overlap_figures(reader.overlaps))}


def overlap_figures(overlaps: list[Overlap]) -> dict[str, Figure]:
    """Mean and median Dice, share of lesions missed and of heatmap peaks inside, with intervals over patients."""
    if not overlaps:
        return {}
    values = np.array([o.dice for o in overlaps])
    inside = np.array([o.inside for o in overlaps], dtype=np.float64)
    patients = [o.patient for o in overlaps]
    return {
        "mean Dice, lesion": bootstrap(lambda i: float(values[i].mean()), patients),
        "median Dice, lesion": bootstrap(lambda i: float(np.median(values[i])), patients),
        "share of lesions missed (Dice below 0.1)": bootstrap(lambda i: float((values[i] < 0.1).mean()), patients),
        "pointing game: heatmap's peak inside the lesion": bootstrap(lambda i: float(inside[i].mean()), patients),
    }
