"""The model of glioma against labels and masks: slices grouped to series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.axial import axial_of
from radviewer.ai.brain_series import check_features
from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_attributes
from radviewer.ai.films import Refused
from radviewer.ai.glioma import judged, outlined, prepared, slice_probability, volume_logit
from radviewer.ai.request import Request
from radviewer.domain.overlap import dice
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import NothingToRead
from radviewer.evaluation.charts import save_picture
from radviewer.evaluation.classified import Predicted, draw, figures
from radviewer.evaluation.labelled import Line, read_mask, readable
from radviewer.evaluation.metrics import Figure, bootstrap, lowest
from radviewer.evaluation.overlays import backdrop, captioned, with_outlines
from radviewer.evaluation.question import Question, as_json, fold_of, known_folds, provenance
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress

Mask = NDArray[np.bool_]
_FEWEST = 2  # series: figures over fewer have no interval


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series that was judged; the arrays are over its slices.

    Attributes
    ----------
    reason : str or None
        Why it was refused, or could not be read; the rest is then empty.
    dice : float or None
        In three dimensions, where there are masks.
    true_voxels, found_voxels : int
    chances : tuple of float
        Calibrated presence on every slice.

    """

    patient: str
    lines: tuple[Line, ...]
    positive: tuple[bool, ...]
    reason: str | None = None
    probability: float | None = None
    chances: tuple[float, ...] = ()
    dice: float | None = None
    true_voxels: int = 0
    found_voxels: int = 0


def volumes(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    """Judge every series, write the tables and the pictures; return the report's part."""
    folds = known_folds(catalogue, card.name)
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.patient, []).append(line)
    found: list[Series] = []
    pictures: list[str] = []
    for done, (patient, group) in enumerate(grouped.items()):
        progress.report(done, len(grouped), "series")
        judge = _Judge(question, card, catalogue, folds)
        found.append(judge.series(patient, sorted(group, key=_order)))
        if judge.picture is not None:
            pictures.append(f"series-{done + 1}.png")
            save_picture(out / pictures[-1], judge.picture)
    _write(out, found)
    threshold = card.findings[0].threshold
    predicted = [Predicted(s.patient, s.patient, any(s.positive), s.probability, s.reason) for s in found]
    return {
        "finding": card.findings[0].label,
        "threshold": threshold,
        "data": provenance(lines, card, folds),
        "figures": as_json(figures(predicted, threshold)),
        "slices": as_json(slice_figures(found)),
        "outlines": as_json(outline_figures(found)) if question.mask else {},
        "pictures": [*pictures, *draw(predicted, out, card.findings[0].label)],
    }


def _order(line: Line) -> tuple[float, list[tuple[int, str]]]:
    """By a column slice where there is one, else by the numbers in the file's name."""
    number = (line.cells.get("slice") or "").strip()
    parts = re.split(r"(\d+)", line.path.name)
    natural = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return (float(number) if re.fullmatch(r"-?\d+(\.\d+)?", number) else 0.0, natural)


class _Judge:
    """Judges one series; `picture` shows its largest outline."""

    def __init__(self, question: Question, card: Card, catalogue: Catalogue, folds: dict[str, int]) -> None:
        self._question, self._card, self._catalogue, self._folds = question, card, catalogue, folds
        self.picture: NDArray[np.uint8] | None = None

    def series(self, patient: str, lines: Sequence[Line]) -> Series:
        positive = tuple(line.cells[self._question.label] == self._question.positive for line in lines)
        try:
            volume, context = _volume(lines)
            check_attributes(self._card, context)
            return self._judged(patient, lines, positive, volume)
        except (Refused, NothingToRead) as refusal:
            return Series(patient, tuple(lines), positive, str(refusal))

    def _judged(self, patient: str, lines: Sequence[Line], positive: tuple[bool, ...], volume: Volume) -> Series:
        request = Request(self._catalogue, self._card, volume, Context(), Progress())
        axial = axial_of(volume)
        ready = prepared(axial, self._card.input_size)
        fold = fold_of(self._card, self._folds, lines[0])
        judgement = judged(request, ready, only_fold=fold)
        if fold is None:
            check_features(self._catalogue, self._card, judgement.features[:, ready.read], ready.head.shares)
        logits = judgement.logits[ready.read]
        item = self._card.findings[0]
        mask = axial.back(outlined(ready, judgement.outlines))
        truth = self._truth(lines, mask.shape[1:])
        self.picture = self._drawn(volume, mask, truth, patient)
        chances = [slice_probability(item, float(z)) for z in (logits[::-1] if axial.flips[0] else logits)]
        return Series(
            patient,
            tuple(lines),
            positive,
            probability=probability(volume_logit(logits, ready.apart, axial.read), item.calibration),
            chances=tuple(chances),
            dice=None if truth is None else dice(mask, truth),
            true_voxels=0 if truth is None else int(truth.sum()),
            found_voxels=int(mask.sum()),
        )

    def _truth(self, lines: Sequence[Line], shape: tuple[int, ...]) -> Mask | None:
        """Masks of all slices; an empty cell is a slice without tumour."""
        if not self._question.mask:
            return None
        planes = []
        for line in lines:
            path = line.cells.get(self._question.mask)
            plane = read_mask(self._question.index.parent / path) > 0 if path else np.zeros(shape, np.bool_)
            if plane.shape != shape:
                raise NothingToRead(f"{path} has not the size of its slice; the series is left out.")
            planes.append(plane)
        return np.stack(planes)

    def _drawn(self, volume: Volume, mask: Mask, truth: Mask | None, patient: str) -> NDArray[np.uint8]:
        shown = mask if truth is None or not truth.any() else truth
        key = int(shown.sum(axis=(1, 2)).argmax())
        picture = with_outlines(backdrop(volume.stored[key]), [mask[key]])
        if truth is not None:
            picture = with_outlines(picture, [truth[key]], truth=True)
        return captioned(picture, f"{patient}, slice {key + 1}")


def _volume(lines: Sequence[Line]) -> tuple[Volume, Context]:
    """Slices of a series as one stack."""
    images: list[SliceImage] = []
    context = Context()
    for item in readable(list(lines)):
        if len(item) == 2:
            raise NothingToRead(item[1])
        image = item[1]
        if image.is_colour:
            image = image.with_stored(image.stored[..., 0])  # grey pictures are often stored with three channels
        images.append(image)
        context = item[2]
    if len({image.stored.shape for image in images}) != 1:
        raise NothingToRead(f"{lines[0].path.parent} holds slices of several sizes; list them as separate series.")
    return Volume(np.stack([image.stored for image in images]), tuple(images), None, {}), context


def _write(out: Path, found: Sequence[Series]) -> None:
    header = ("patient", "slices", "positive", "probability", "dice", "true voxels", "found voxels", "refused")
    write_table(
        out / "series.csv",
        header,
        (
            (
                s.patient,
                len(s.lines),
                int(any(s.positive)),
                "" if s.probability is None else f"{s.probability:.5f}",
                "" if s.dice is None else f"{s.dice:.4f}",
                s.true_voxels,
                s.found_voxels,
                s.reason or "",
            )
            for s in found
        ),
    )
    rows = (
        (line.name, s.patient, int(positive), f"{chance:.5f}")
        for s in found
        for line, positive, chance in zip(s.lines, s.positive, s.chances, strict=False)
    )
    write_table(out / "slices.csv", ("film", "patient", "positive", "probability"), rows)


def slice_figures(found: Sequence[Series]) -> dict[str, Figure]:
    """Discrimination and calibration of presence over all slices of the series that were judged."""
    predicted = [
        Predicted(line.name, s.patient, positive, chance)
        for s in found
        for line, positive, chance in zip(s.lines, s.positive, s.chances, strict=False)
    ]
    return figures(predicted, 0.5) if predicted else {}


def outline_figures(found: Sequence[Series]) -> dict[str, Figure]:
    """Dice per patient in three dimensions, and the error of the volume."""
    lines = [s for s in found if s.dice is not None and s.true_voxels > 0]
    if len(lines) < _FEWEST:
        return {}
    dices = np.array([s.dice for s in lines], dtype=np.float64)
    errors = np.array([abs(s.found_voxels / s.true_voxels - 1) for s in lines])
    patients = [s.patient for s in lines]
    return {
        "mean Dice, glioma": bootstrap(lambda i: float(dices[i].mean()), patients),
        "median Dice, glioma": bootstrap(lambda i: float(np.median(dices[i])), patients),
        "worst Dice, glioma": lowest(dices),
        "median relative error of the volume": bootstrap(lambda i: float(np.median(errors[i])), patients),
    }
