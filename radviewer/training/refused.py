"""Which images a model's gate lets through by their pixels alone, and how maps change with networks drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from radviewer.ai.cards import Card, Metric
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.reading import read
from radviewer.domain.opinion import Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.evaluation.heat import randomised, similarity
from radviewer.evaluation.labelled import read_image
from radviewer.training.data import read_index
from radviewer.training.measured import mean_of, metric

Grey = NDArray[np.float32]
Shown = tuple[str, str, Volume]
"""Name, patient (a file stands for one where none is known), pixels."""
Net = TypeVar("Net", bound=nn.Module)

_LAYERS = (1, 3, 10)
_DRAWN = 3  # times: one draw tells little


def single(image: SliceImage) -> Volume:
    """An image of which nothing but its pixels is known."""
    return Volume(image.stored[None], (image,), None, {})


def images(folder: Path, step: int) -> Iterator[Shown]:
    """Every `step`-th image of a folder of data."""
    for row in read_index(folder)[::step]:
        yield row.cells["image"], row.patient, single(read_image(row.image)[0])


def refusals(
    catalogue: Catalogue, card: Card, groups: Mapping[str, Iterable[Shown]]
) -> tuple[list[Metric], list[tuple[str, str]]]:
    """Share of each group that is refused without any attribute, and what was let through: group and name.

    Groups without images have no figure.
    """
    metrics, through = [], []
    for group, shown in groups.items():
        names, patients, refused = [], [], []
        for name, patient, volume in shown:
            (opinion,) = read(volume, Context(), catalogue, model=card.name)
            names.append(name)
            patients.append(patient)
            refused.append(float(opinion.outcome is Outcome.REFUSED))
        through += [(group, name) for name, no in zip(names, refused, strict=True) if not no]
        if names:
            metrics.append(metric("share refused", group, mean_of(refused, patients)))
    return metrics, through


def drawn_anew(net: Net, map_of: Callable[[Net, int], Grey], patients: Sequence[str], group: str) -> Iterator[Metric]:
    """Similarity of maps to those after the last layers of `net` were drawn anew, mean of a few draws.

    ``map_of(net, index)`` is the map of the case of ``patients[index]``.
    """
    before = [map_of(net, index) for index in range(len(patients))]
    for layers in _LAYERS:
        drawn = [randomised(net, layers, seed) for seed in range(_DRAWN)]
        values = [
            float(np.mean([similarity(was, map_of(other, index)) for other in drawn]))
            for index, was in enumerate(before)
        ]
        name = f"similarity (SSIM) of the map with the last {layers} convolutions drawn anew"
        yield metric(name, group, mean_of(values, patients))
