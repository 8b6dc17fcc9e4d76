"""The table ``measured.csv`` of a model's folder: figures beside those its card holds, and what was let through."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.cards import Metric
from radviewer.evaluation.metrics import Figure, bootstrap
from radviewer.evaluation.tables import write_table

MEASURED, SITES, ACCEPTED, ARMS = "measured.csv", "sites.csv", "accepted.csv", "arms.csv"
COMMAND = "python -m radviewer.training measure --data DATA"


def metric(name: str, group: str, figure: Figure) -> Metric:
    """Turn a figure of this command into a line of the table."""
    value, low, high = (_rounded(v) for v in (figure.value, figure.low, figure.high))
    return Metric(name=name, group=group, value=value, low=low, high=high, n=figure.n, command=COMMAND)


def _rounded(value: float) -> float:
    """Four decimals; of tiny numbers two digits."""
    return round(value, 4) if abs(value) >= 1e-3 else float(f"{value:.1e}")


def write_measured(folder: Path, metrics: Sequence[Metric], name: str = MEASURED) -> None:
    """Write ``folder/measured.csv``, or another table of its kind."""
    lines = [(m.name, m.group, f"{m.value:g}", f"{m.low:g}", f"{m.high:g}", m.n, m.command) for m in metrics]
    write_table(folder / name, ("name", "group", "value", "low", "high", "n", "command"), lines)


def read_measured(folder: Path, name: str = MEASURED) -> list[Metric]:
    """What `write_measured` wrote; empty without it."""
    return [
        Metric(
            name=line["name"],
            group=line["group"],
            value=float(line["value"]),
            low=float(line["low"]),
            high=float(line["high"]),
            n=int(line["n"]),
            command=line["command"],
        )
        for line in _lines(folder / name)
    ]


def write_accepted(folder: Path, accepted: Sequence[tuple[str, str]]) -> None:
    """Name the images that a model does not read and were let through: set, image."""
    write_table(folder / ACCEPTED, ("set", "image"), accepted)


def read_accepted(folder: Path) -> list[tuple[str, str]]:
    """What `write_accepted` wrote; empty without it."""
    return [(line["set"], line["image"]) for line in _lines(folder / ACCEPTED)]


def read_arms(folder: Path) -> list[dict[str, str]]:
    """Lines of ``arms.csv``: arm, name, value, low, high, n; empty without it."""
    return _lines(folder / ARMS)


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def mean_of(values: Sequence[float] | NDArray[Any], patients: Sequence[str]) -> Figure:
    """Mean, or share of what is true, with its interval over patients."""
    array = np.asarray(values, np.float64)
    return bootstrap(lambda chosen: float(array[chosen].mean()), patients)
