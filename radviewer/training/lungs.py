"""Lungs cut out of all films of a data set, once, and kept as bytes.

One anatomy member cuts, for speed: the one that was not trained on the film's own mask, or the first for films
without any.  What the gate would refuse for its looks alone is cut out all the same.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.anatomy import outline
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Refused, film_of
from radviewer.ai.lungs import MARGIN, cut_out
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.evaluation.question import known_folds
from radviewer.evaluation.tables import write_table
from radviewer.progress import Progress
from radviewer.training.data import Bytes, Row, read_grey

CACHED = 288
"""Side of a cached cut-out."""
SHOWN = 256
"""Side of what a network sees of it, in its middle: there is room to turn and shift."""
_WIDER = ((1 + 2 * MARGIN) * CACHED / SHOWN - 1) / 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Crops:
    """Cut-out films.

    Attributes
    ----------
    grey, lungs : ndarray, uint8, (n, CACHED, CACHED)
    kept : list of int
        Index of each in the rows they were made from; the others were refused.

    """

    grey: Bytes
    lungs: Bytes
    kept: list[int]

    @staticmethod
    def joined(parts: Sequence[Crops]) -> Crops:
        """One after the other; `kept` then has no meaning any more and counts up."""
        grey = np.concatenate([part.grey for part in parts])
        return Crops(grey, np.concatenate([part.lungs for part in parts]), list(range(len(grey))))


def _as_bytes(grey: NDArray[np.float32]) -> Bytes:
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _cut(rows: Sequence[Row], models: Path) -> Iterator[tuple[int, Bytes, Bytes] | tuple[int, str]]:
    catalogue = Catalogue(models)
    card = catalogue.card("chest-anatomy").model_copy(update={"distance": None})
    folds = known_folds(catalogue, card.name)
    for i, row in enumerate(rows):
        try:
            film = film_of(SliceImage(read_grey(row.image)))
            found = outline(catalogue, card, film, Progress(), only_fold=folds.get(row.name, card.weights[0].fold))
        except Refused as refusal:
            yield i, str(refusal)
            continue
        if found.was_negative:
            _log.warning("%s was taken for a negative", row.name)
        crop = cut_out(found, CACHED, _WIDER)
        grey = crop.grey + 255 if found.was_negative else crop.grey
        yield i, _as_bytes(grey), crop.lungs.astype(np.uint8)


def _made_by(rows: Sequence[Row], models: Path) -> str:
    """Short name of the weights that cut these films out."""
    catalogue = Catalogue(models)
    card, folds = catalogue.card("chest-anatomy"), known_folds(catalogue, "chest-anatomy")
    used = {folds.get(row.name, card.weights[0].fold) for row in rows}
    hashes = [weights.sha256 for weights in card.weights if weights.fold in used]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:8]


def cut_films(rows: Sequence[Row], source: str, cache: Path, models: Path) -> Crops:
    """Cut-outs of `rows`, from the cache when this anatomy model has made them; refusals are listed beside it."""
    path = cache / f"lungs-{source}-{_made_by(rows, models)}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        kept, grey, lungs, refused = [], [], [], []
        for item in _cut(rows, models):
            if len(item) == 2:
                refused.append((rows[item[0]].name, item[1]))
                continue
            kept.append(item[0])
            grey.append(item[1])
            lungs.append(item[2])
        if not kept:
            raise NothingToRead(f"No film of {source} was accepted by the anatomy model.")
        write_table(cache / f"refused-{source}.csv", ("film", "reason"), refused)
        _log.info("%s: %d cut out, %d refused", source, len(kept), len(refused))
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, grey=np.stack(grey), lungs=np.stack(lungs), kept=np.array(kept))
        partial.replace(path)
    with np.load(path) as stored:
        return Crops(stored["grey"], stored["lungs"], stored["kept"].tolist())
