"""Brain MR series as the released files of a glioma model read them, each by the member that has not seen it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.axial import axial_of
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.glioma import judged, outlined, placement_of, prepared
from radviewer.ai.request import Request
from radviewer.domain.overlap import dice
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress
from radviewer.training.brains import Series, stack_of, tumour_of
from radviewer.training.data import Bytes, Row
from radviewer.training.row_tables import read_rows


@dataclass(frozen=True, slots=True)
class Slice:
    """What the member said of one slice.

    Attributes
    ----------
    hottest : float
        Largest contribution of a cell to the logit.
    inside : int
        Whether the heatmap's peak lies in the drawn tumour.

    """

    film: str
    patient: str
    site: str
    fold: int
    pixels: int
    found: int
    logit: float
    hottest: float
    inside: int


@dataclass(frozen=True, slots=True)
class Whole:
    """What the member said of one series."""

    patient: str
    site: str
    fold: int
    slices: int
    dice: float
    voxels: int
    found: int


def film_name(row: Row) -> str:
    """What fold lists call a slice: its patient's folder and its file."""
    return f"{row.image.parent.name}/{row.image.name}"


def volume_of(stack: Bytes) -> Volume:
    """Slices without any header."""
    return Volume(stack, tuple(SliceImage(plane) for plane in stack), None, {})


def read_series(
    catalogue: Catalogue, card: Card, series: Series
) -> tuple[list[Slice], Whole, NDArray[np.float32], NDArray[np.float32]]:
    """Read one series; also the member's features ``(1, slices, channels)`` and the shares of head."""
    stack = stack_of(series.rows)
    request = Request(catalogue, card, volume_of(stack), Context(), Progress())
    ready = prepared(axial_of(request.volume), card.input_size)
    found = judged(request, ready, only_fold=series.fold)
    mask = outlined(ready, found.outlines)
    truth = np.stack([tumour_of(row, (stack.shape[1], stack.shape[2])) for row in series.rows])
    cells = placement_of(ready.head, found.evidence.shape[-1])
    slices = []
    for i, row in enumerate(series.rows):
        hot = cells.map(found.evidence[i], ready.head.shape)
        peak = np.unravel_index(int(hot.argmax()), hot.shape)
        slices.append(
            Slice(
                film_name(row),
                series.patient,
                series.site,
                series.fold,
                pixels=int(truth[i].sum()),
                found=int(mask[i].sum()),
                logit=float(found.logits[i]),
                hottest=float(found.evidence[i].max()),
                inside=int(truth[i][peak]),
            )
        )
    whole = Whole(
        series.patient,
        series.site,
        series.fold,
        len(slices),
        dice(mask, truth),
        int(truth.sum()),
        int(mask.sum()),
    )
    return slices, whole, found.features, ready.head.shares


def ensemble_features(catalogue: Catalogue, card: Card, series: Series) -> tuple[NDArray[np.float32], ...]:
    """Features ``(members, slices, channels)`` of a series by all members, and the shares of head."""
    request = Request(catalogue, card, volume_of(stack_of(series.rows)), Context(), Progress())
    ready = prepared(axial_of(request.volume), card.input_size)
    return judged(request, ready).features, ready.head.shares


def read_slices(path: Path) -> list[Slice]:
    """What `write_rows` wrote."""
    return read_rows(path, Slice)


def read_wholes(path: Path) -> list[Whole]:
    """What `write_rows` wrote."""
    return read_rows(path, Whole)
