"""Turn finished folds of the anatomy recipe into ``models/chest-anatomy``.

Writes the weights in half precision, the reference of feature space, fold lists, the card, and the
held-out figures measured with the released files through the program's own code.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import film_of, network_input
from radviewer.ai.networks import AnatomyNet
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.outlines import NAMES, Judged, Labelled, judge, mean_dice, refused_share, write_judged
from radviewer.evaluation.tables import write_table
from radviewer.training.anatomy import averaged, folder_of
from radviewer.training.anatomy_films import FOLDS, HEART, LEFT, NO_FOLD, PHASES, RIGHT, SEED, THIRD, UNION, Films
from radviewer.training.data import Row, read_grey, read_index
from radviewer.training.model_folder import half, metric, write_card, write_tensors

NAME = "chest-anatomy"
VERSION = "1.1.0"
FEATURES = "features.safetensors"
_AXES = 32
_ACCEPTED = 0.99
"""Share of every source's held-back films whose distance is accepted."""
_MARGIN = 1.2
"""Films of hospitals that are not in the sample may lie this much farther out."""
_LIMIT_UNSET = 1e9
_REFERENCE = (("jsrt", 2), ("shenzhen", 2), ("adult-pneumonia", 2), ("paediatric-pneumonia", 24))
"""Sources of the reference and the step in which their films are taken."""

_log = logging.getLogger(__name__)


@torch.no_grad()
def features_of(network: AnatomyNet, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Pooled features of films, turned to positive as the program does it, ``(n, 320)``."""
    found = []
    for row in rows:
        film = film_of(SliceImage(read_grey(row.image)))
        for shown in (film, film.negative()):
            grey, _ = network_input(shown, THIRD.size)
            _, negative, pooled = network(torch.from_numpy(grey)[None, None])
            if float(negative[0]) <= 0:
                break
        found.append(pooled[0].numpy())
    return np.stack(found)


def reference_of(features: NDArray[np.float32], count: int | None = None) -> dict[str, NDArray[np.float32]]:
    """Mean, `count` main axes with their scales (else as many as for films), and the typical length of the rest."""
    count = count or _AXES
    mean = features.mean(axis=0)
    offsets = features - mean
    _, spread, axes = np.linalg.svd(offsets, full_matrices=False)
    axes = axes[:count]
    rest = offsets - (offsets @ axes.T) @ axes
    return {
        "mean": mean.astype(np.float32),
        "axes": np.ascontiguousarray(axes, np.float32),
        "scales": (spread[:count] / np.sqrt(max(1, len(features) - 1))).astype(np.float32),
        "rest": np.sqrt([(rest**2).sum(axis=1).mean()]).astype(np.float32),
    }


def _truth(outline: NDArray[np.uint8], has_heart: bool) -> dict[str, NDArray[np.bool_]]:
    masks = {"lungs": (outline & (RIGHT | LEFT | UNION)) != 0}
    if not (outline & UNION).any():
        masks |= {"right lung": (outline & RIGHT) != 0, "left lung": (outline & LEFT) != 0}
    if has_heart:
        masks["heart"] = (outline & HEART) != 0
    return masks


def held_out(films: Films) -> Iterator[Labelled]:
    """Every labelled film with the fold it belongs to."""
    for i, (row, fold) in enumerate(zip(films.rows, films.folds, strict=True)):
        if fold == NO_FOLD:
            continue
        truth = _truth(np.asarray(films.outlines[i]), row.source == "jsrt")
        yield Labelled(row.name, row.patient, SliceImage(np.asarray(films.images[i])), truth, fold)


def _sample(data: Path) -> list[Row]:
    return [row for source, step in _REFERENCE for row in read_index(data / source)[::step]]


def release(films: Films, data: Path, work: Path, target: Path, command: str) -> None:
    """Write the model folder `target` from the checkpoints in `work`."""
    target.mkdir(parents=True, exist_ok=True)
    rows = _sample(data)
    held_back = np.array([hash_of(row.patient) % 5 == 0 for row in rows])
    tensors: dict[str, NDArray[np.float32]] = {}
    weights, seconds = [], 0.0
    for fold in range(FOLDS):
        network = averaged(work / "anatomy", fold, THIRD)
        file = target / f"fold{fold}.safetensors"
        hashed = write_tensors(file, half(network.state_dict()))
        weights.append({"file": file.name, "sha256": hashed, "fold": fold})
        features = features_of(network, rows)
        reference = reference_of(features[~held_back])
        tensors |= {f"fold{fold}.{part}": value for part, value in reference.items()}
        for phase in PHASES:
            state = torch.load(folder_of(work / "anatomy", fold, phase) / "checkpoint.pt", weights_only=True)
            seconds += sum(line["seconds"] for line in state["lines"])
    hashed = write_tensors(target / FEATURES, {name: torch.from_numpy(value) for name, value in tensors.items()})
    write_table(
        target / "folds.csv",
        ("film", "patient", "fold"),
        ((r.name, r.patient, f) for r, f in zip(films.rows, films.folds, strict=True) if f != NO_FOLD),
    )
    card = _card(weights, hashed, seconds, command)
    write_card(target, card)
    card["distance"]["limit"] = _limit(target, [r for r, back in zip(rows, held_back, strict=True) if back])
    write_card(target, card)
    catalogue = Catalogue(target.parent)
    judged = [judge(catalogue, catalogue.card(NAME), film) for film in held_out(films)]
    write_judged(target / "held-out.csv", judged)
    card["metrics"] = [*_metrics(judged, command)]
    write_card(target, card)


def hash_of(text: str) -> int:
    """A number that depends on `text` alone, the same in every process."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _limit(target: Path, rows: Sequence[Row]) -> float:
    """Distance that `_ACCEPTED` of the held-back films of each source do not exceed, and a margin."""
    from radviewer.ai.anatomy import outline
    from radviewer.ai.films import Refused
    from radviewer.progress import Progress

    catalogue = Catalogue(target.parent)
    card = catalogue.card(NAME)
    found: dict[str, list[float]] = {}
    for row in rows:
        try:
            film = film_of(SliceImage(read_grey(row.image)))
            distance = outline(catalogue, card, film, Progress()).distance
        except Refused as refusal:
            _log.info("%s: %s", row.name, refusal)
        else:
            found.setdefault(row.source, []).append(distance)
    limits = {source: float(np.quantile(values, _ACCEPTED)) for source, values in found.items()}
    limit = _MARGIN * max(limits.values())
    _log.info("distance limits %s from %d of %d held-back films", limits, sum(map(len, found.values())), len(rows))
    return math.ceil(limit * 1000) / 1000


def _metrics(judged: Sequence[Judged], command: str) -> Iterator[dict[str, Any]]:
    for source in ("jsrt", "shenzhen"):
        lines = [j for j in judged if j.name.startswith(f"{source}/")]
        for name in NAMES:
            if (figure := mean_dice(lines, name)) is not None:
                yield metric(f"mean Dice, {name}", figure, f"{source}, held-out folds", command)
        share = refused_share(lines)
        yield metric("share refused", share, f"{source}, held-out folds", command)


def _card(weights: list[dict[str, Any]], features: str, seconds: float, command: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "version": VERSION,
        "task": "chest anatomy",
        "title": "Outlines of lungs and heart on frontal chest radiographs",
        "modalities": ["CR", "DX", "DR", "RG", "RF"],
        "labels": ["right lung", "left lung", "heart"],
        "input_size": THIRD.size,
        "weights": weights,
        "requires": None,
        "findings": [],
        "intended": {"views": [], "body_parts": ["CHEST"], "youngest": None, "oldest": None},
        "distance": {"weights": {"file": FEATURES, "sha256": features, "fold": None}, "limit": _LIMIT_UNSET},
        "intended_use": "Shows a reader where the right lung, the left lung and the heart lie on an upright frontal "
        "chest radiograph, and measures their areas and the cardiothoracic ratio. For research use only.",
        "not_intended": "Lateral or oblique views, other parts of the body, CT, and any decision without a reader. The "
        "heart's outline was learnt from one hospital's films of adults; the cardiothoracic ratio of an AP, supine or "
        "expiratory film is not comparable with that of a PA film.",
        "failure_modes": [
            "A lung that is white from base to apex (effusion, collapse, dense consolidation) is outlined too small.",
            "Mirrored films and dextrocardia are outlined with the sides exchanged.",
            "The part of a lung behind the heart and below the dome of the diaphragm is left out, as in the masks.",
        ],
        "sources": [
            {
                "name": "JSRT with SCR outlines",
                "n": 247,
                "licence": "research use",
                "citation": "Shiraishi et al., AJR 174:71-74, 2000; van Ginneken et al., Med Image Anal 10:19-40, 2006",
            },
            {
                "name": "Shenzhen with lung masks",
                "n": 566,
                "licence": "films: NLM, cite Jaeger 2014; masks: CC BY-NC-SA 4.0",
                "citation": "Jaeger et al., Quant Imaging Med Surg 4:475-477, 2014; Stirenko et al., 2018",
            },
        ],
        "metrics": [],
        "training": {"command": command, "seed": SEED, "seconds": round(seconds, 0)},
        "licence": "CC BY-NC-SA 4.0, research use only (see LICENSE)",
    }
