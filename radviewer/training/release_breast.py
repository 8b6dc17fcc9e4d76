"""Turn the finished folds of the breast recipe into ``models/breast-lesion``.

Every image is read with the released files, through the program's own code, by the member that has not seen it:
as it is, without its calipers, and a part of it without the lesion.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from radviewer.ai.breast import judged_image, lesion_of
from radviewer.ai.cards import CARD, Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused
from radviewer.ai.lesion_ensemble import Judgement
from radviewer.ai.strangeness import strangeness
from radviewer.domain.overlap import dice, peak_inside
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.evaluation.run_lesions import UNCUT
from radviewer.evaluation.tables import write_table
from radviewer.training.breast import finished
from radviewer.training.breast_tables import DESCRIPTORS, IMAGES, Image
from radviewer.training.breast_texts import CARD_TEXTS, FINDING_TEXTS
from radviewer.training.breasts import FIRST, FOLDS, LONGEST, SECOND, WHOLE, Breast, without_lesion
from radviewer.training.data import Bytes
from radviewer.training.descriptors import row_of
from radviewer.training.finish_breast import finish
from radviewer.training.model_folder import half, write_card, write_tensors
from radviewer.training.release_anatomy import FEATURES, hash_of, reference_of
from radviewer.training.row_tables import write_rows

NAME = "breast-lesion"
VERSION, PARTLY = "1.2.0", "0.9.0"
"""Of a release of all folds, and of some of them."""
FEWEST_FOLDS = 3
_SEED = 900
_ACCEPTED, _MARGIN = 0.995, 1.2
_AXES = 64
"""Of feature space: with 32 one bare brain slice in five lies as near as a breast; see the model's notes."""

_log = logging.getLogger(__name__)


def finished_folds(runs: Path) -> list[int]:
    """Folds that are trained to their end.

    Raises
    ------
    NothingToRead
        If they are fewer than `FEWEST_FOLDS`.

    """
    found = []
    for fold in range(FOLDS):
        try:
            for phase in (SECOND, WHOLE):
                finished(runs, fold, phase)
        except NothingToRead:
            continue
        found.append(fold)
    if len(found) < FEWEST_FOLDS:
        raise NothingToRead(
            f"{runs} holds {len(found)} finished folds of {FOLDS}: train at least {FEWEST_FOLDS} first."
        )
    return found


def release(everything: Sequence[Breast], work: Path, target: Path, command: str) -> None:
    """Write the model folder `target` from the finished folds in ``work/breast``; only their images are read."""
    folds = finished_folds(work / "breast")
    breasts = [b for b in everything if b.fold in folds]
    target.mkdir(parents=True, exist_ok=True)
    weights, seconds = [], 0.0
    for fold in folds:
        first, second, whole = (finished(work / "breast", fold, phase) for phase in (FIRST, SECOND, WHOLE))
        seconds += sum(line["seconds"] for state in (first, second, whole) for line in state["lines"])
        joined = {
            f"{part}.{k}": v for part, s in (("lesion", second), ("whole", whole)) for k, v in s["average"].items()
        }
        file = target / f"fold{fold}.safetensors"
        weights.append({"file": file.name, "sha256": write_tensors(file, half(joined)), "fold": fold})
    rows = [(b.row.name, b.row.patient, b.fold) for b in everything]
    write_table(target / "folds.csv", ("film", "patient", "fold"), rows)
    training = {"command": command, "seed": _SEED, "seconds": round(seconds)}
    version = VERSION if len(folds) == FOLDS else PARTLY
    card = CARD_TEXTS | {"name": NAME, "version": version, "input_size": LONGEST, "weights": weights}
    item = {"threshold": 0.5, "calibration": {"slope": 1.0, "intercept": 0.0}, "heat_scale": 1.0}
    write_card(target, card | {"training": training, "findings": [FINDING_TEXTS | item], "metrics": []})
    _read(breasts, folds, target)
    finish(target)


def _read(breasts: Sequence[Breast], folds: Sequence[int], target: Path) -> None:
    """Read all images: their tables, and the reference of feature space."""
    for table in (IMAGES, DESCRIPTORS):  # of an earlier reading
        (target / table).unlink(missing_ok=True)
    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    images, rows, features = [], [], []
    for breast in breasts:
        image, judgement, clean = _read_one(catalogue, card, breast)
        images.append(image)
        rows += [row_of(image.film, False, judgement.descriptors), row_of(image.film, True, clean.descriptors)]
        features.append((breast, judgement.features[0]))
    write_rows(target / IMAGES, images)
    write_rows(target / DESCRIPTORS, rows)
    tensors: dict[str, torch.Tensor] = {}
    for fold in folds:  # of held-out images: features of those a member has seen lie too close together
        mine = np.stack([f for b, f in features if b.fold == fold and not _held_back(b)])
        tensors |= {f"fold{fold}.{part}": torch.from_numpy(v) for part, v in reference_of(mine, _AXES).items()}
    hashed = write_tensors(target / FEATURES, tensors)
    values = json.loads((target / CARD).read_text(encoding="utf-8"))
    values["distance"] = {"weights": {"file": FEATURES, "sha256": hashed, "fold": None}, "limit": 1e9}
    write_card(target, values)
    values["distance"]["limit"] = _limit([b for b in breasts if _held_back(b)], target)
    write_card(target, values)


def _held_back(breast: Breast) -> bool:
    return hash_of(breast.row.patient) % 5 == 0


def _limit(breasts: Sequence[Breast], target: Path) -> float:
    """Accept what lies not much farther out than held-back images as the whole ensemble reads them."""
    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    found = []
    for breast in breasts:
        judgement = judged_image(catalogue, card, SliceImage(breast.image))
        found.append(strangeness(catalogue, card, judgement.features))
    limit = _MARGIN * float(np.quantile(found, _ACCEPTED))
    _log.info("distances of held-back images: %s", np.round(np.quantile(found, (0.5, 0.9, 0.99, 1)), 2).tolist())
    return math.ceil(limit * 1000) / 1000


def _judge(catalogue: Catalogue, card: Card, image: Bytes, fold: int) -> Judgement:
    return judged_image(catalogue, card, SliceImage(image), fold)


class _Scores(NamedTuple):
    """Of one judgement against the drawn lesion; heat is of what speaks for malignancy, and against it."""

    dice: float
    inside: int
    inside_against: int
    hottest: float
    hottest_against: float


def _scores(judgement: Judgement, lesion: Bytes) -> _Scores:
    truth = lesion > 127
    found = lesion_of(judgement, (truth.shape[0], truth.shape[1]))
    heats = [judgement.heat(UNCUT, truth.shape, flagged) for flagged in (True, False)]
    inside, against = (int(peak_inside(heat, truth)) for heat in heats)
    hottest, coldest = (UNCUT * float(heat.max()) for heat in heats)
    return _Scores(dice(found, truth), inside, against, hottest, coldest)


def _read_one(catalogue: Catalogue, card: Card, breast: Breast) -> tuple[Image, Judgement, Judgement]:
    judgement = _judge(catalogue, card, breast.image, breast.fold)
    clean = _judge(catalogue, card, breast.cleaned, breast.fold)
    cells = breast.row.cells
    scores, clean_scores = _scores(judgement, breast.lesion), _scores(clean, breast.lesion)
    image = Image(
        film=breast.row.name,
        patient=breast.row.patient,
        fold=breast.fold,
        malignant=int(breast.malignant),
        device=cells["device"],
        birads=cells["birads"],
        histology=cells["histology"],
        **scores._asdict(),
        clean_dice=clean_scores.dice,
        clean_inside=clean_scores.inside,
        clean_inside_against=clean_scores.inside_against,
        logit=judgement.logit,
        clean_logit=clean.logit,
        false_share=_false_share(catalogue, card, breast),
    )
    return image, judgement, clean


def _false_share(catalogue: Catalogue, card: Card, breast: Breast) -> float:
    """Share of the largest part without lesion that is outlined all the same; −1 without such a part."""
    part = without_lesion(breast)
    if part is None:
        return -1.0
    try:
        judgement = _judge(catalogue, card, part, breast.fold)
    except Refused:
        return -1.0
    return float(lesion_of(judgement, (part.shape[0], part.shape[1])).mean())
