"""Frozen rows of words and numbers as CSV files, and back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from radviewer.evaluation.tables import write_table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")
_TURN: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "str": str}


def write_rows(path: Path, rows: Sequence[DataclassInstance]) -> None:
    """Write one line per row; its fields are the columns, numbers have five decimals."""
    names = [f.name for f in fields(rows[0])]
    write_table(path, names, ([_cell(getattr(row, name)) for name in names] for row in rows))


def _cell(value: object) -> object:
    return f"{value:.5f}" if isinstance(value, float) else value


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """What `write_rows` wrote."""
    turn = {f.name: _TURN[str(f.type)] for f in fields(kind)}
    with path.open(newline="", encoding="utf-8") as file:
        return [kind(**{name: made(line[name]) for name, made in turn.items()}) for line in csv.DictReader(file)]
