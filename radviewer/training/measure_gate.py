"""What the gate lets through and what it refuses, by pixels alone; and whether a negative is read like its positive."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pydicom.data
from numpy.typing import NDArray

from radviewer.ai.anatomy import outline
from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card, Metric
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import score
from radviewer.dicom.load import read_slice
from radviewer.dicom.scan import scan
from radviewer.domain.volume import SliceImage
from radviewer.errors import RadviewerError
from radviewer.evaluation.labelled import read_image
from radviewer.evaluation.metrics import bootstrap
from radviewer.evaluation.refusals import ask, made_up
from radviewer.progress import Progress
from radviewer.training.data import Row, read_grey, read_index
from radviewer.training.held_out import ANATOMY
from radviewer.training.measured import mean_of, metric

CHEST_FILMS = ("RG1_J2KI.dcm", "RG1_J2KR.dcm", "RG1_UNCI.dcm", "RG1_UNCR.dcm")
"""Of pydicom's and pydicom-data's files those that are frontal chest films: one, in four encodings."""
OTHER_MODALITIES = (("breast-ultrasound", 12), ("brain-mr", 20))
"""Folders beside the chest films, and the step in which their images are taken."""
SOURCES = ("jsrt", "shenzhen", "adult-pneumonia", "paediatric-pneumonia")
_NEGATIVES = 15  # films of each source that are turned over
_ENSEMBLE_STEP = 8  # of the films with outlines that the whole ensemble is asked about

_log = logging.getLogger(__name__)
Measure = Callable[[NDArray[np.intp]], float]
Shown = tuple[str, str, SliceImage]
"""Name, patient, image."""


def refusals(catalogue: Catalogue, card: Card, data: Path) -> tuple[list[Metric], list[tuple[str, str]]]:
    """Shares refused, and set and name of what is no chest film and was let through."""
    found: list[Metric] = []
    let_through: list[tuple[str, str]] = []
    for source in SOURCES[:2]:
        rows = read_index(data / source)[::_ENSEMBLE_STEP]
        films = ((row.name, row.patient, SliceImage(read_grey(row.image))) for row in rows)
        metrics, _ = _asked(catalogue, card, f"{source}, whole ensemble", films)
        found += metrics
    others: dict[str, Iterable[Shown]] = {
        f"{name}, every {step}th": _images(data.resolve().parent / name, step) for name, step in OTHER_MODALITIES
    }
    others |= {"files of pydicom and pydicom-data": dicom_files(), "made-up images": _made_up()}
    for group, images in others.items():
        metrics, accepted = _asked(catalogue, card, f"no chest film: {group}", images)
        found += metrics
        let_through += [(group, name) for name in accepted]
    return found, let_through


def _images(folder: Path, step: int) -> Iterator[Shown]:
    for row in read_index(folder)[::step]:
        yield row.cells["image"], row.patient, read_image(row.image)[0]


def _made_up() -> Iterator[Shown]:
    for name, image in made_up():
        yield name, name, image


def dicom_files(of: Callable[[str], bool] = lambda _: True) -> Iterator[Shown]:
    """First and middle image of every stack in pydicom's own files and pydicom-data's, but for chest films.

    `of` says of a Modality whether its images are wanted.
    """
    store = importlib.util.find_spec("data_store")  # what pydicom-data installs
    folders = [Path(pydicom.data.__file__ or "").parent / "test_files"]
    folders += [Path(store.origin).parent / "data"] if store and store.origin else []
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("DICOMDIR")):
            if path.name not in CHEST_FILMS:
                yield from _decoded(path, of)


def _decoded(path: Path, of: Callable[[str], bool]) -> Iterator[Shown]:
    """What of a file can be read; many of these are made to be unreadable."""
    try:
        found = [series for study in scan(path).studies for series in study.series if of(series.modality or "")]
        stacks = [stack for series in found for stack in series.stacks]
    except RadviewerError as problem:
        _log.info("%s: %s", path.name, problem)
        return
    for stack in stacks:
        for i in sorted({0, len(stack.frames) // 2}):
            try:
                image = read_slice(stack, i)
            except RadviewerError as problem:
                _log.info("%s: %s", path.name, problem)
            else:
                yield f"{path.name} image {i}", path.name, image


def _asked(
    catalogue: Catalogue, card: Card, group: str, images: Iterable[Shown]
) -> tuple[list[Metric], tuple[str, ...]]:
    """Share refused of all, and of those that colour, size and blankness had not refused already."""
    names: list[str] = []
    patients: list[str] = []
    judged: list[bool] = []

    def noted() -> Iterator[tuple[str, SliceImage]]:
        for name, patient, image in images:
            names.append(name)
            patients.append(patient)
            judged.append(_is_film(image))
            yield str(len(judged) - 1), image  # names repeat in some sets

    gate = ask(catalogue, card, noted())
    if not names:
        return [], ()
    accepted = [int(i) for i in gate.accepted]
    refused = np.full(len(names), True)
    refused[accepted] = False
    chosen = np.flatnonzero(judged)
    found = [metric("share refused", group, mean_of(refused, patients))]
    if 0 < len(chosen) < len(names):
        share = mean_of(refused[chosen], [patients[i] for i in chosen])
        found.append(metric("share refused, of grey images of sufficient size", group, share))
    _log.info("%s: %d of %d refused, %s", group, gate.refused, gate.shown, gate.reasons)
    return found, tuple(names[i] for i in accepted)


def _is_film(image: SliceImage) -> bool:
    try:
        film_of(image)
    except Refused:
        return False
    return True


def negatives(catalogue: Catalogue, card: Card, data: Path) -> list[Metric]:
    """Change of each finding's probability between a film and its negative, by the whole ensemble."""
    rows: list[Row] = []
    for source in SOURCES:
        listed = read_index(data / source)
        rows += listed[:: max(1, -(-len(listed) // _NEGATIVES))]
    said = []
    for row in rows:
        grey = read_grey(row.image)
        said.append([_probabilities(catalogue, card, SliceImage(shown)) for shown in (grey, np.uint8(255) - grey)])
    group = "films and their negatives, all sources"
    alone = [(one is None) != (other is None) for one, other in said]
    found = [metric("share of which one of the two is refused", group, mean_of(alone, [r.patient for r in rows]))]
    both = [(row, a, b) for row, (a, b) in zip(rows, said, strict=True) if a is not None and b is not None]
    if not both:
        return found
    patients = [row.patient for row, _, _ in both]
    for k, label in enumerate(card.labels):
        change = np.array([abs(a[k] - b[k]) for _, a, b in both])
        for name, share in (("99th percentile of the change", 0.99), ("largest change", 1.0)):
            figure = bootstrap(_quantile(change, share), patients)
            found.append(metric(f"{name} in the probability of {label}", group, figure))
    return found


def _quantile(values: NDArray[np.float64], share: float) -> Measure:
    return lambda chosen: float(np.quantile(values[chosen], share))


def _probabilities(catalogue: Catalogue, card: Card, image: SliceImage) -> list[float] | None:
    """Of every finding; None when the film is refused."""
    try:
        outlines = outline(catalogue, catalogue.card(ANATOMY), film_of(image), Progress())
    except Refused:
        return None
    logits = score(catalogue, card, outlines, Progress()).logits
    return [probability(float(z), item.calibration) for z, item in zip(logits, card.findings, strict=True)]
