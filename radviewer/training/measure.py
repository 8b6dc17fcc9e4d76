"""Figures beside those of a release: refusals, negatives, false alarms, heatmaps; for every model there is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from radviewer.ai.cards import Metric
from radviewer.ai.catalogue import Catalogue
from radviewer.training import (
    brains,
    measure_alarms,
    measure_breast,
    measure_gate,
    measure_glioma,
    measure_heat,
    measure_sites,
)
from radviewer.training.held_out import read_back
from radviewer.training.measured import COMMAND, SITES, write_accepted, write_measured
from radviewer.training.release_anatomy import NAME as ANATOMY
from radviewer.training.release_breast import NAME as BREAST
from radviewer.training.release_findings import NAME as FINDINGS
from radviewer.training.release_findings import READ
from radviewer.training.release_glioma import NAME as GLIOMA

_log = logging.getLogger(__name__)


def measure(catalogue: Catalogue, data: Path) -> None:
    """Write ``measured.csv`` to the folders of the anatomy model and, where there is one, of the findings model.

    Parameters
    ----------
    catalogue : Catalogue
        Of the released models.
    data : Path
        Folder with jsrt, shenzhen, adult-pneumonia, paediatric-pneumonia; breast-ultrasound and brain-mr lie beside it.

    Raises
    ------
    RadviewerError
        If a model or a data set cannot be used.

    """
    available = {entry.name for entry in catalogue.entries() if entry.available}
    folder = catalogue.folder / ANATOMY
    metrics, accepted = measure_gate.refusals(catalogue, catalogue.card(ANATOMY), data)
    write_accepted(folder, accepted)
    if FINDINGS in available:
        metrics = _own_films(catalogue) + metrics
        write_measured(catalogue.folder / FINDINGS, _of_findings(catalogue, data))
    write_measured(folder, metrics)


def write_glioma(catalogue: Catalogue, data: Path) -> None:
    """Write ``measured.csv`` to the folder of the glioma model; `data` holds brain-mr."""
    _write(catalogue, GLIOMA, "measure-glioma", *measure_glioma.glioma(catalogue, catalogue.card(GLIOMA), data))


def write_breast(catalogue: Catalogue, data: Path) -> None:
    """Write ``measured.csv`` to the folder of the breast model; `data` holds breast-ultrasound."""
    _write(catalogue, BREAST, "measure-breast", *measure_breast.breast(catalogue, catalogue.card(BREAST), data))


def write_sites(catalogue: Catalogue, data: Path, work: Path) -> None:
    """Write ``sites.csv`` to the folder of the glioma model, from the runs ``glioma-sites`` left in `work`."""
    found = measure_sites.sites(brains.load(data, work / "cache"), work / "glioma")
    write_measured(catalogue.folder / GLIOMA, _told(found, "measure-sites", " --work WORK"), SITES)


def _write(
    catalogue: Catalogue, model: str, recipe: str, metrics: Sequence[Metric], accepted: Sequence[tuple[str, str]]
) -> None:
    write_accepted(catalogue.folder / model, accepted)
    write_measured(catalogue.folder / model, _told(metrics, recipe))


def _told(metrics: Sequence[Metric], recipe: str, more: str = "") -> list[Metric]:
    """Log them, and name the command that measured them."""
    for found in metrics:
        _log.info("%s, %s: %.4f (n %d)", found.group, found.name, found.value, found.n)
    command = COMMAND.replace(" measure ", f" {recipe} ") + more
    return [found.model_copy(update={"command": command}) for found in metrics]


def _own_films(catalogue: Catalogue) -> list[Metric]:
    """Refusals among the films the findings model was released with."""
    card = catalogue.card(FINDINGS)
    return measure_alarms.own_films(read_back(catalogue.folder / FINDINGS / READ, card.labels))


def _of_findings(catalogue: Catalogue, data: Path) -> list[Metric]:
    card = catalogue.card(FINDINGS)
    films = read_back(catalogue.folder / FINDINGS / READ, card.labels)
    metrics = measure_alarms.alarms(card, films)
    for part in (measure_gate.negatives, measure_heat.heat):
        found = part(catalogue, card, data)
        for metric in found:
            _log.info("%s, %s: %.4f (n %d)", metric.group, metric.name, metric.value, metric.n)
        metrics += found
    return metrics
