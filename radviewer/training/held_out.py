"""Films as the released files of a findings model read them, each by the member that has not seen it."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from radviewer.ai.anatomy import outline
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.ai.findings import score
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.question import known_folds
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress
from radviewer.training.data import Row, read_grey
from radviewer.training.findings_films import NO_FOLD

ANATOMY = "chest-anatomy"


@dataclass(frozen=True, slots=True)
class Read:
    """One film and what was said of it.

    Attributes
    ----------
    fold : int
        Of the member that read it alone; `NO_FOLD`: nobody has seen it, the whole ensemble read it.
    logits, hottest : tuple of float or None
        Of every finding: mean logit and largest contribution of a cell; None when the film was refused.
    reason : str or None
        Of the refusal.

    """

    name: str
    patient: str
    label: str
    fold: int
    logits: tuple[float, ...] | None
    hottest: tuple[float, ...] | None = None
    reason: str | None = None

    @property
    def source(self) -> str:
        """Folder of the data set."""
        return self.name.split("/")[0]


def read_films(catalogue: Catalogue, card: Card, rows: Sequence[Row]) -> Iterator[Read]:
    """Read films with the released files, as the program does."""
    anatomy = catalogue.card(ANATOMY)
    outlined_by, read_by = known_folds(catalogue, ANATOMY), known_folds(catalogue, card.name)
    for row in rows:
        fold = read_by.get(row.name)
        place = NO_FOLD if fold is None else fold
        label = row.cells["label"]
        try:
            film = film_of(SliceImage(read_grey(row.image)))
            outlines = outline(catalogue, anatomy, film, Progress(), only_fold=outlined_by.get(row.name))
            found = score(catalogue, card, outlines, Progress(), only_fold=fold)
        except Refused as refusal:
            yield Read(row.name, row.patient, label, place, None, None, str(refusal))
        else:
            hottest = tuple(float(values.max()) for values in found.maps)
            yield Read(row.name, row.patient, label, place, tuple(found.logits.tolist()), hottest)


def _read_part(models: Path, name: str, rows: Sequence[Row]) -> list[Read]:
    import torch

    torch.set_num_threads(1)
    catalogue = Catalogue(models)
    return list(read_films(catalogue, catalogue.card(name), rows))


def read_side_by_side(models: Path, name: str, rows: Sequence[Row], processes: int) -> list[Read]:
    """Read films in several processes of one thread each; the order is kept."""
    if processes == 1:
        catalogue = Catalogue(models)
        return list(read_films(catalogue, catalogue.card(name), rows))
    parts = [rows[k::processes] for k in range(processes)]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(_read_part, repeat(models), repeat(name), parts))
    return [done[i % processes][i // processes] for i in range(len(rows))]


def write_read(path: Path, films: Sequence[Read], labels: Sequence[str]) -> None:
    """One line per film: its logit of every finding."""
    blank = [""] * (2 * len(labels))
    lines = []
    for film in films:
        cells = blank
        if film.logits is not None and film.hottest is not None:
            cells = [f"{v:.5f}" for v in (*film.logits, *film.hottest)]
        lines.append((film.name, film.patient, film.label, film.fold, *cells, film.reason or ""))
    hottest = [f"hottest {label}" for label in labels]
    write_table(path, ("film", "patient", "label", "fold", *labels, *hottest, "refused"), lines)


def read_back(path: Path, labels: Sequence[str]) -> list[Read]:
    """What `write_read` wrote."""
    films = []
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            said = None if line["refused"] else tuple(float(line[label]) for label in labels)
            hottest = None if line["refused"] else tuple(float(line[f"hottest {label}"]) for label in labels)
            fold, reason = int(line["fold"]), line["refused"] or None
            films.append(Read(line["film"], line["patient"], line["label"], fold, said, hottest, reason))
    return films
