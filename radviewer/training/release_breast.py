"""Turn the finished folds of the breast recipe into ``models/breast-lesion``.

Every image is read with the released files, through the program's own code, by the member that has not seen it:
as it is, without its calipers, and a part of it without the lesion.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.breast import judged_image, lesion_of
from radviewer.ai.cards import CARD, Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused
from radviewer.ai.lesion_ensemble import Judgement
from radviewer.ai.strangeness import strangeness
from radviewer.domain.overlap import dice, peak_inside
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.evaluation.charts import reliability_chart, roc_chart, save_picture
from radviewer.evaluation.classified import Predicted, figures
from radviewer.evaluation.cross_fit import CrossFitted, cross_fit
from radviewer.evaluation.metrics import Bools, Figure, Floats, auc, bootstrap, roc, threshold_for_specificity
from radviewer.evaluation.run_lesions import UNCUT
from radviewer.evaluation.tables import write_table
from radviewer.training.breast import finished
from radviewer.training.breast_texts import CARD_TEXTS, FINDING_TEXTS
from radviewer.training.breasts import FIRST, FOLDS, LONGEST, SECOND, Breast, without_lesion
from radviewer.training.data import Bytes
from radviewer.training.measured import mean_of
from radviewer.training.model_folder import half, metric, write_card, write_tensors
from radviewer.training.operating import operating_curve
from radviewer.training.release_anatomy import FEATURES, hash_of, reference_of
from radviewer.training.row_tables import read_rows, write_rows

NAME = "breast-lesion"
VERSION, PARTLY = "1.0.0", "0.9.0"
"""Of a release of all folds, and of some of them."""
FEWEST_FOLDS = 3
IMAGES = "held-out.csv"
COMMAND = "python -m radviewer.training release-breast --data DATA --work WORK"
SPECIFICITY = 0.85
_SEED = 900
_HEAT_QUANTILE = 0.95
_HOTTEST = 1.43  # hottest cell over the logit, both at that quantile; every 20th image, n 94
_ACCEPTED, _MARGIN = 0.995, 1.2
_MISSED = 0.1  # Dice below which a lesion counts as not outlined

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Image:
    """What the member said of one image.

    Attributes
    ----------
    clean_dice, clean_inside : float, int
        Of the image without its calipers.
    false_share : float
        Share of a part without lesion that was outlined; −1 where there is no such part.
    inside, inside_against, clean_inside, clean_inside_against : int
        Whether the peak of what speaks for malignancy, and of what speaks against it, lies in the drawn lesion.
    """

    film: str
    patient: str
    fold: int
    malignant: int
    device: str
    birads: str
    histology: str
    dice: float
    inside: int
    inside_against: int
    clean_dice: float
    clean_inside: int
    clean_inside_against: int
    logit: float
    clean_logit: float
    false_share: float


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
            finished(runs, fold, SECOND)
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
        state = finished(work / "breast", fold, SECOND)
        both = [*finished(work / "breast", fold, FIRST)["lines"], *state["lines"]]
        seconds += sum(line["seconds"] for line in both)
        file = target / f"fold{fold}.safetensors"
        weights.append({"file": file.name, "sha256": write_tensors(file, half(state["average"])), "fold": fold})
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
    """Read all images: their table, and the reference of feature space."""
    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    images, features = [], []
    for breast in breasts:
        image, judgement = _read_one(catalogue, card, breast)
        images.append(image)
        features.append((breast, judgement.features[0]))
    write_rows(target / IMAGES, images)
    tensors: dict[str, torch.Tensor] = {}
    for fold in folds:  # of held-out images: features of those a member has seen lie too close together
        mine = np.stack([f for b, f in features if b.fold == fold and not _held_back(b)])
        tensors |= {f"fold{fold}.{part}": torch.from_numpy(v) for part, v in reference_of(mine).items()}
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


def _scores(judgement: Judgement, lesion: Bytes) -> tuple[float, int, int]:
    """Dice, and whether the heatmap's peak lies inside where the image is flagged, and where it is not."""
    truth = lesion > 127
    found = lesion_of(judgement, (truth.shape[0], truth.shape[1]))
    for_it, against = (peak_inside(judgement.heat(UNCUT, truth.shape, flagged), truth) for flagged in (True, False))
    return dice(found, truth), int(for_it), int(against)


def _read_one(catalogue: Catalogue, card: Card, breast: Breast) -> tuple[Image, Judgement]:
    whole = _judge(catalogue, card, breast.image, breast.fold)
    clean = _judge(catalogue, card, breast.cleaned, breast.fold)
    cells = breast.row.cells
    image = Image(
        breast.row.name,
        breast.row.patient,
        breast.fold,
        int(breast.malignant),
        cells["device"],
        cells["birads"],
        cells["histology"],
        *_scores(whole, breast.lesion),
        *_scores(clean, breast.lesion),
        whole.logit,
        clean.logit,
        _false_share(catalogue, card, breast),
    )
    return image, whole


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


def read_images(path: Path) -> list[Image]:
    """What `release` wrote."""
    return read_rows(path, Image)


def finish(target: Path) -> None:
    """Fit calibration, threshold and scale on what was read; write card and charts."""
    values = json.loads((target / CARD).read_text(encoding="utf-8"))
    images = read_images(target / IMAGES)
    malignant = np.array([i.malignant == 1 for i in images])
    found = cross_fit(np.array([i.logit for i in images]), malignant, [i.fold for i in images], _threshold)
    if found.calibration[0] <= 0:
        raise ValueError("the logits do not rise with the label; such a model is not released")
    slope, intercept = (round(v, 5) for v in found.calibration)
    item = values["findings"][0]
    item |= {"calibration": {"slope": slope, "intercept": intercept}, "threshold": round(found.threshold, 4)}
    item["heat_scale"] = round(_HOTTEST * float(np.quantile([abs(i.logit) for i in images], _HEAT_QUANTILE)), 4)
    item["evidence"] = FINDING_TEXTS["evidence"] + _measured_on(images)
    item["operating_curve"] = operating_curve(malignant, found.probability)
    values["metrics"] = [*_malignancy(images, found), *_outlines(images, found.probability >= found.thresholds)]
    write_card(target, values)
    title = f"malignant lesion, held-out folds, n {len(images)}"
    save_picture(target / "roc-malignant lesion.png", roc_chart(malignant, found.probability, title))
    save_picture(target / "reliability-malignant lesion.png", reliability_chart(malignant, found.probability, title))


def _measured_on(images: Sequence[Image]) -> str:
    """What is not measured, where not all folds are."""
    folds = sorted({i.fold for i in images})
    if len(folds) == FOLDS:
        return ""
    women, named = len({i.patient for i in images}), ", ".join(str(fold + 1) for fold in folds)
    return (
        f" Folds {named} of five are trained: figures are of their {len(images):,} images of {women:,} women, "
        "each read by the member that has not seen it."
    )


def _threshold(positive: Bools, probability: Floats) -> float:
    return threshold_for_specificity(positive, probability, SPECIFICITY)


def sensitivity_at(positive: Bools, score: Floats, specificity: float) -> float:
    """Sensitivity of the ROC curve where specificity is still at least `specificity`."""
    alarm, hit, _ = roc(positive, score)
    return float(hit[alarm <= 1 - specificity + 1e-9].max())


def _malignancy(images: Sequence[Image], found: CrossFitted) -> list[dict[str, Any]]:
    measured = []
    groups = {"all images": list(range(len(images)))}
    for k, image in enumerate(images):
        groups.setdefault(image.device, []).append(k)
    for k, image in enumerate(images):
        groups.setdefault(f"BI-RADS {image.birads}", []).append(k)
    for name, chosen in groups.items():
        films = [
            Predicted(images[k].film, images[k].patient, images[k].malignant == 1, float(found.probability[k]))
            for k in chosen
        ]
        if len({film.positive for film in films}) < 2:
            continue
        named = figures(films, found.thresholds[chosen].tolist())
        group = f"malignancy, {name}, held-out folds"
        measured += [metric(n, f, group, COMMAND) for n, f in named.items() if n != "share refused"]
    figure = _at_specificity(images, found.probability)
    measured.append(metric(f"sensitivity at specificity {SPECIFICITY}", figure, "malignancy, all images", COMMAND))
    measured += per_woman(images)
    clean = np.array([i.clean_logit for i in images])
    return [*measured, metric("AUC without calipers", _auc(images, clean), "malignancy, all images", COMMAND)]


def per_woman(images: Sequence[Image]) -> list[dict[str, Any]]:
    """What a reader has who looks at all images of a lesion: their mean logit."""
    women: dict[str, list[Image]] = {}
    for image in images:
        women.setdefault(image.patient, []).append(image)
    firsts = [seen[0] for seen in women.values()]
    logits = np.array([np.mean([image.logit for image in seen]) for seen in women.values()])
    group = "malignancy, per woman (mean logit of her images)"
    return [
        metric("AUC", _auc(firsts, logits), group, COMMAND),
        metric(f"sensitivity at specificity {SPECIFICITY}", _at_specificity(firsts, logits), group, COMMAND),
    ]


def _at_specificity(images: Sequence[Image], probability: NDArray[np.float64]) -> Figure:
    malignant = np.array([i.malignant == 1 for i in images])
    return bootstrap(
        lambda i: sensitivity_at(malignant[i], probability[i], SPECIFICITY), [i.patient for i in images], rounds=200
    )


def _auc(images: Sequence[Image], score: NDArray[np.float64]) -> Figure:
    malignant = np.array([i.malignant == 1 for i in images])
    return bootstrap(lambda i: auc(malignant[i], score[i]), [i.patient for i in images])


def _pointed(images: Sequence[Image], flagged: Bools) -> tuple[list[float], list[float]]:
    """Whether the peak of the heatmap that is shown lies inside: of images as they are, and without calipers."""
    shown = [float(i.inside if f else i.inside_against) for i, f in zip(images, flagged, strict=True)]
    clean = [float(i.clean_inside if f else i.clean_inside_against) for i, f in zip(images, flagged, strict=True)]
    return shown, clean


def _outlines(images: Sequence[Image], flagged: Bools) -> list[dict[str, Any]]:
    measured = []
    shown, clean = _pointed(images, flagged)
    groups: dict[str, Callable[[Image], bool]] = {"all images": lambda _: True}
    groups |= {"malignant": lambda i: i.malignant == 1, "benign": lambda i: i.malignant == 0}
    for name, keep in groups.items():
        kept = [k for k, image in enumerate(images) if keep(image)]
        chosen = [images[k] for k in kept]
        for title, values in (
            ("mean Dice", [i.dice for i in chosen]),
            ("share of lesions missed", [float(i.dice < _MISSED) for i in chosen]),
            ("mean Dice without calipers", [i.clean_dice for i in chosen]),
            ("pointing game: heatmap's peak inside the lesion", [shown[k] for k in kept]),
            ("pointing game without calipers", [clean[k] for k in kept]),
        ):
            group = f"outline, {name}, held-out folds"
            measured.append(metric(title, mean_of(values, [i.patient for i in chosen]), group, COMMAND))
    parts = [i for i in images if i.false_share >= 0]
    false = mean_of([float(i.false_share > 0) for i in parts], [i.patient for i in parts])
    group = "parts of images without the lesion, held-out folds"
    return [*measured, metric("share with a false outline", false, group, COMMAND)]
