"""Findings of several images side by side: the same film twice, two views, a prior study."""

from __future__ import annotations

from dataclasses import dataclass

from radviewer.app.finding_rows import Kind, Row
from radviewer.app.shown import Shown


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One image, oldest first.

    Attributes
    ----------
    title : str
        Date, modality and view, nothing that names the patient.
    when : str
        StudyDate and StudyTime, "" where unknown.

    """

    shown: Shown
    title: str
    when: str


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One finding on one image.

    Attributes
    ----------
    change : float or None
        Of the probability since the image before, in the order of time.
    size : float or None
        First measurement of the outline, in `unit`.
    growth : float or None
        Relative change of the size since the image before, 0.1 is 10 % more; None where sizes cannot be compared.

    """

    row: Row
    change: float | None = None
    size: float | None = None
    unit: str = ""
    growth: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Labels × images; a cell is None where a model has not spoken.

    Attributes
    ----------
    columns : tuple of Column
    labels : tuple of str
    cells : dict of (str, int) to Cell
        By label and place of the column.

    """

    columns: tuple[Column, ...]
    labels: tuple[str, ...]
    cells: dict[tuple[str, int], Cell]


def compared(images: tuple[tuple[Shown, tuple[Row, ...]], ...]) -> Comparison:
    """Compare what was said about images of one patient.

    Images without a date come last: nothing is said to have changed since or before them.
    """
    order = sorted(images, key=lambda image: (_when(image[0]) == "", _when(image[0])))
    columns = tuple(Column(shown, _title(shown), _when(shown)) for shown, _ in order)
    found: dict[tuple[str, int], Row] = {}
    for place, (_, rows) in enumerate(order):
        for row in rows:
            if row.kind in (Kind.FINDING, Kind.ANATOMY):
                found.setdefault((row.label, place), row)
    labels = tuple(dict.fromkeys(label for label, _ in found))
    cells = {}
    for label in labels:
        before: Cell | None = None
        for place, column in enumerate(columns):
            here = found.get((label, place))
            if here is None:
                continue
            cells[label, place] = cell = _cell(here, before if column.when else None)
            before = cell if column.when else before
    return Comparison(columns, labels, cells)


def _cell(row: Row, before: Cell | None) -> Cell:
    first = row.measurements[0] if row.measurements else None
    size = None if first is None else first.value
    unit = "" if first is None else first.unit
    if before is None:
        return Cell(row, None, size, unit)
    same_model = (before.row.key.model, before.row.key.version) == (row.key.model, row.key.version)
    change = growth = None
    if same_model and row.probability is not None and before.row.probability is not None:
        change = row.probability - before.row.probability
    if size is not None and before.size and unit == before.unit and not unit.startswith("{"):
        growth = size / before.size - 1
    return Cell(row, change, size, unit, growth)


def _when(shown: Shown) -> str:
    date = (shown.study.date or "").strip()
    return f"{date}{(shown.study.time or '').strip()}" if date else ""


def _title(shown: Shown) -> str:
    date = (shown.study.date or "").strip()
    if len(date) == 8 and date.isdigit():
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    series = shown.series
    number = "" if series.number is None else f"{series.number}"
    parts = (date or "no date", series.modality or "", series.view_position or "", number)
    return " ".join(part for part in parts if part)
