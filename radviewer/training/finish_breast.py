"""Card, figures and charts of the breast model, from what its release read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import CARD, DescriptorCard
from radviewer.errors import NothingToRead
from radviewer.evaluation.charts import reliability_chart, roc_chart, save_picture
from radviewer.evaluation.classified import Predicted, figures
from radviewer.evaluation.cross_fit import CrossFitted, cross_fit
from radviewer.evaluation.metrics import (
    Bools,
    Figure,
    Floats,
    auc,
    bootstrap,
    sensitivity_at,
    threshold_for_specificity,
)
from radviewer.training.beside_readers import beside_readers
from radviewer.training.breast_tables import DESCRIPTORS, IMAGES, Image, read_descriptors, read_images
from radviewer.training.breast_texts import CARD_TEXTS, FINDING_TEXTS
from radviewer.training.breasts import FOLDS
from radviewer.training.descriptors import cross_fitted, fit_both
from radviewer.training.measured import mean_of
from radviewer.training.model_folder import metric, write_card
from radviewer.training.operating import operating_curve

COMMAND = "python -m radviewer.training release-breast --data DATA --work WORK"
SPECIFICITY = 0.85
_HEAT_QUANTILE = 0.95
_CALIBRATION = ("calibration slope", "calibration intercept", "debiased ECE")
_FEW = 20  # images of a kind: with fewer, drawn again, they can be told apart without error, and no line fits
_MISSED = 0.1  # Dice below which a lesion counts as not outlined


def finish(target: Path) -> None:
    """Fit calibration, threshold and scale on what was read; write card, its words anew, and charts."""
    values = json.loads((target / CARD).read_text(encoding="utf-8")) | CARD_TEXTS
    networks = read_images(target / IMAGES)
    images, descriptors = _with_descriptors(networks, target)
    malignant = np.array([i.malignant == 1 for i in images])
    logits = np.array([i.logit for i in images])
    found = cross_fit(logits, malignant, [i.fold for i in images], _threshold)
    if found.calibration[0] <= 0:
        raise ValueError("the logits do not rise with the label; such a model is not released")
    slope, intercept = (round(v, 5) for v in found.calibration)
    item = values["findings"][0]
    item |= FINDING_TEXTS
    item |= {"calibration": {"slope": slope, "intercept": intercept}, "threshold": round(found.threshold, 4)}
    flagged = found.probability >= found.thresholds
    hottest = [i.hottest if flag else i.hottest_against for i, flag in zip(images, flagged, strict=True)]
    item["heat_scale"] = round(float(np.quantile(hottest, _HEAT_QUANTILE)), 4)
    item["descriptors"] = descriptors.model_dump()
    item["evidence"] = FINDING_TEXTS["evidence"] + _measured_on(images)
    item["operating_curve"] = operating_curve(malignant, found.probability)
    values["metrics"] = [
        *_malignancy(images, found),
        *_apart(networks, images),
        *beside_readers(images, logits, SPECIFICITY, COMMAND),
        *_outlines(images, flagged),
    ]
    write_card(target, values)
    title = f"malignant lesion, held-out folds, n {len(images)}"
    save_picture(target / "roc-malignant lesion.png", roc_chart(malignant, found.probability, title))
    save_picture(target / "reliability-malignant lesion.png", reliability_chart(malignant, found.probability, title))


def _with_descriptors(images: Sequence[Image], target: Path) -> tuple[list[Image], DescriptorCard]:
    """Images with what their descriptors add to the logit, fitted on the other folds; and what is shipped."""
    seen, clean = read_descriptors(target / DESCRIPTORS)
    films = [i.film for i in images]
    if [row.film for row in seen] != films or [row.film for row in clean] != films:
        raise NothingToRead(f"{IMAGES} and {DESCRIPTORS} of {target} are of different readings: read again.")
    malignant = [i.malignant == 1 for i in images]
    added, cleanly = cross_fitted(seen, clean, malignant, [i.fold for i in images])
    both = [
        replace(i, logit=i.logit + float(a), clean_logit=i.clean_logit + float(b))
        for i, a, b in zip(images, added, cleanly, strict=True)
    ]
    return both, fit_both(seen, clean, malignant)


def _apart(networks: Sequence[Image], images: Sequence[Image]) -> list[dict[str, Any]]:
    """What the networks would be without the descriptors, and the descriptors without the networks."""
    logits = np.array([i.logit for i in networks])
    added = np.array([i.logit for i in images]) - logits
    return [
        metric("AUC of the networks alone", _auc(images, logits), "malignancy, all images", COMMAND),
        metric("AUC of the outline's descriptors alone", _auc(images, added), "malignancy, all images", COMMAND),
    ]


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
        few = min(sum(film.positive for film in films), sum(not film.positive for film in films)) < _FEW
        left_out = {"share refused", *(_CALIBRATION if few else ())}
        measured += [metric(n, f, group, COMMAND) for n, f in named.items() if n not in left_out]
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
