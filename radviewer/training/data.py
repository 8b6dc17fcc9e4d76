"""Labelled films: index files, patient-wise folds, decoded images kept in one array."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.errors import NothingToRead

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an index.csv.

    Attributes
    ----------
    source : str
        Name of the data set's folder.
    image : Path
    patient : str
        Prefixed with the source: unique over all sets.
    cells : dict of str to str
        The line as it is written.

    """

    source: str
    image: Path
    patient: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        """``source/file`` without folders: what fold lists and predictions are keyed by."""
        return f"{self.source}/{self.image.name}"


def read_index(folder: Path) -> list[Row]:
    """Read ``folder/index.csv`` with at least the columns image and patient."""
    index = folder / "index.csv"
    if not index.is_file():
        raise NothingToRead(f"{index} does not exist; name the folder that holds the data set and its index.csv.")
    with index.open(newline="", encoding="utf-8") as file:
        return [
            Row(folder.name, folder / cells["image"], f"{folder.name}/{cells['patient']}", dict(cells))
            for cells in csv.DictReader(file)
        ]


def patient_folds(rows: Sequence[Row], strata: Sequence[str], folds: int, seed: int) -> list[int]:
    """Fold of every row: by patient, the strata spread evenly, reproducible.

    Patients are shuffled by a hash of seed and name, so adding a patient moves no other
    one far; a patient counts to the stratum of the first of their rows.

    """
    stratum: dict[str, str] = {}
    for row, name in zip(rows, strata, strict=True):
        stratum.setdefault(row.patient, name)
    order = sorted(stratum, key=lambda p: hashlib.sha256(f"{seed}:{p}".encode()).digest())
    fold: dict[str, int] = {}
    for name in sorted(set(stratum.values())):
        members = [p for p in order if stratum[p] == name]
        start = int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest(), 16) % folds
        fold |= {p: (start + i) % folds for i, p in enumerate(members)}
    return [fold[row.patient] for row in rows]


def read_grey(path: Path) -> Bytes:
    """Decode an 8-bit image file to grey."""
    data = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if data is None:
        raise NothingToRead(f"{path} is not an image that can be read; take it out of the index.")
    grey: Bytes = data.astype(np.uint8, copy=False)
    return grey


def squared(image: Bytes, side: int) -> Bytes:
    """Pad with black to a square about the centre, then resize to `side`²."""
    rows, columns = image.shape
    longest = max(rows, columns)
    top, left = (longest - rows) // 2, (longest - columns) // 2
    padded = np.zeros((longest, longest), np.uint8)
    padded[top : top + rows, left : left + columns] = image
    if longest == side:
        return padded
    method = cv2.INTER_AREA if longest > side else cv2.INTER_LINEAR
    resized: Bytes = cv2.resize(padded, (side, side), interpolation=method).astype(np.uint8, copy=False)
    return resized


def cached(path: Path, count: int, side: int, make: Iterable[Bytes]) -> Bytes:
    """Return the array ``(count, side, side)`` stored at `path`, made once from `make`."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(count, side, side))
        for i, image in enumerate(make):
            array[i] = image
        array.flush()
        partial.rename(path)
    stored: Bytes = np.load(path, mmap_mode="r")
    if stored.shape != (count, side, side):
        raise NothingToRead(f"{path} does not fit the index any more; delete it and run again.")
    return stored
