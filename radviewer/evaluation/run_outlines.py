"""The anatomy model against masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import outline
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import film_of
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.evaluation.charts import Canvas, save_picture
from radviewer.evaluation.labelled import Line, read_image, read_mask, readable, subgroups
from radviewer.evaluation.metrics import Figure
from radviewer.evaluation.outlines import (
    NAMES,
    Judged,
    Labelled,
    judge,
    mean_dice,
    refused_share,
    telling_outlines,
    write_judged,
)
from radviewer.evaluation.overlays import backdrop, captioned, with_outlines
from radviewer.evaluation.question import Question, as_json, fold_of, known_folds, provenance, shown
from radviewer.progress import Progress

_RIGHT, _LEFT, _HEART = 1, 2, 4
_BIT_FIELD = 64  # a mask without a larger value is a bit field of structures


def truth_of(mask: NDArray[np.uint8]) -> dict[str, NDArray[np.bool_]]:
    """Structures of a mask: a bit field (1 right lung, 2 left lung, 4 heart), or both lungs as 255."""
    if int(mask.max(initial=0)) >= _BIT_FIELD:
        return {"lungs": mask >= _BIT_FIELD}
    parts = {"right lung": _RIGHT, "left lung": _LEFT, "heart": _HEART}
    found = {name: (mask & bit) != 0 for name, bit in parts.items()}
    return found | {"lungs": found["right lung"] | found["left lung"]}


def outlined(
    question: Question, card: Card, lines: list[Line], out: Path, catalogue: Catalogue, progress: Progress
) -> dict[str, object]:
    """Outline every film, compare with its masks, write the table and the pictures; return the report's part."""
    folds = known_folds(catalogue, card.name)
    judged: list[Judged] = []
    bad_masks: list[str] = []
    for done, item in enumerate(readable(lines)):
        progress.report(done, len(lines), "films")
        line = item[0]
        if len(item) == 2:
            judged.append(Judged(line.name, line.patient, None, item[1], {}))
            continue
        truth, problem = _truth(question, line, item[1])
        bad_masks += [problem] if problem else []
        film = Labelled(line.name, line.patient, item[1], truth, fold_of(card, folds, line))
        judged.append(judge(catalogue, card, film))
    write_judged(out / "films.csv", judged)
    line_of = {id(film): line for film, line in zip(judged, lines, strict=True)}  # names may repeat
    pictures = []
    for kind, films in telling_outlines(judged).items():
        for i, case in enumerate(films):
            picture = _outlined_picture(question, card, line_of[id(case)], case, catalogue)
            pictures.append(f"{kind}-{i + 1}.png")
            save_picture(out / pictures[-1], picture)
    groups = subgroups(lines, question.columns - {question.label})
    return {
        "data": provenance(lines, card, folds),
        "bad_masks": bad_masks,
        "figures": as_json(_measured(judged)),
        "subgroups": {name: as_json(_measured([judged[i] for i in chosen])) for name, chosen in groups.items()},
        "pictures": pictures,
    }


def _measured(judged: Sequence[Judged]) -> dict[str, Figure]:
    found = {f"mean Dice, {name}": mean_dice(judged, name) for name in NAMES}
    measured = {name: figure for name, figure in found.items() if figure is not None}
    return measured | {"share refused": refused_share(judged)}


def _outlined_picture(question: Question, card: Card, line: Line, case: Judged, catalogue: Catalogue) -> Canvas:
    """The film with the model's outlines, and in yellow what people drew."""
    image, _ = read_image(line.path)
    found = outline(catalogue, card, film_of(image), Progress(), only_fold=case.fold)
    masks = [found.placement.mask(channel, found.film.shape) for channel in found.logits]
    drawn = with_outlines(backdrop(shown(image)), masks)
    drawn = with_outlines(drawn, list(_truth(question, line, image)[0].values()), truth=True)
    return captioned(drawn, "  ".join(f"{name} {value:.3f}" for name, value in case.dice.items()))


def _truth(question: Question, line: Line, image: SliceImage) -> tuple[dict[str, NDArray[np.bool_]], str]:
    """Masks of a film, none where the index names none; and a sentence when its mask is of no use."""
    path = line.cells.get(question.mask or "")
    if not path:
        return {}, ""
    try:
        mask = read_mask(question.index.parent / path)
    except NothingToRead as problem:
        return {}, str(problem)
    if mask.shape != image.stored.shape[:2]:
        rows, columns = mask.shape
        return {}, f"{path} has {rows} × {columns} pixels, its film has not; the film is left out."
    return truth_of(mask), ""
