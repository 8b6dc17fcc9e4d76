"""Where pictures of viewports go, what they are called, and what their legends say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from PySide6.QtCore import QStandardPaths

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.settings import Settings
from radviewer.app.shown import Shown
from radviewer.errors import NotSaved
from radviewer.export.own_files import write_whole
from radviewer.export.screenshot import LegendLine
from radviewer.render.view import ViewTransform

_BURNED_IN = {"US", "SC", "OT", "ES", "XC"}
"""Modalities whose pixels often hold the patient's name."""
CAUTION = "The image itself may hold the patient's name: look before you pass it on."


def folder_of(setting: str) -> Path:
    """Folder of pictures: the reader's, or ``radviewer`` in the system's folder of pictures."""
    if setting:
        return Path(setting)
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(place or Path.home()) / "radviewer"


def save_picture(folder: Path, data: bytes, now: datetime, kind: str = "png") -> Path:
    """Write a picture under a name that says only when it was made; nothing is ever replaced.

    Raises
    ------
    NotSaved

    """
    stem = f"radviewer-{now:%Y%m%d-%H%M%S}"
    try:
        path = next(p for p in _names(folder, stem, kind) if not p.exists())
    except OSError as error:
        sentence = f"{folder} cannot be written: {error.strerror}. Choose another folder in the settings."
        raise NotSaved(sentence) from error
    write_whole(path, data)
    return path


def _names(folder: Path, stem: str, kind: str) -> Iterator[Path]:
    yield folder / f"{stem}.{kind}"
    yield from (folder / f"{stem}-{number}.{kind}" for number in count(2))


def scale_of(settings: Settings, transform: ViewTransform) -> float:
    """How many times as large as the viewport a picture is.

    "native" counts in pixels of the image: at 1 × each of them is one pixel of the picture.
    """
    match settings.picture_size:
        case "native":
            return settings.picture_scale / transform.zoom
        case "width":
            return settings.picture_width / transform.size[0]
        case _:
            return settings.picture_scale


def legend_of(rows: tuple[Row, ...], index: int, *, rejected: bool = False) -> tuple[LegendLine, ...]:
    """Lines of a legend: findings with state and probability, then the anatomy.

    Rejected findings are left out unless asked for, and what is not on the slice.

    Parameters
    ----------
    rows : tuple of Row
        Of the stack.
    index : int
        Of the slice shown.
    rejected : bool
        Whether rejected findings are told of.

    """
    if not rejected:
        rows = tuple(row for row in rows if row.state is not RowState.REJECTED)
    return (*_findings(rows, index), *_anatomy(rows, index))


def _findings(rows: tuple[Row, ...], index: int) -> Iterator[LegendLine]:
    for row in rows:
        if row.kind is Kind.ANATOMY or row.state is RowState.REFUSED:
            continue
        if row.slices and index not in row.slices:
            continue
        if row.kind is Kind.MISSED:
            yield LegendLine(row.label, f"{row.label}: marked by the reader")
            continue
        if row.kind is Kind.SAVED:
            state = "" if row.state is RowState.PENDING else f", {row.state.value}"
            yield LegendLine(row.label, f"{row.label}: from a file{state}")
            continue
        said = f"{row.probability or 0:.2f} (flagged from {row.threshold or 0:.2f})"
        yield LegendLine(row.label, f"{row.label}: {said}, {row.state.value}; {row.key.model} {row.key.version}")


def _anatomy(rows: tuple[Row, ...], index: int) -> Iterator[LegendLine]:
    for row in rows:
        if row.kind is Kind.ANATOMY and index in row.slices:
            state = "" if row.state is RowState.PENDING else f", {row.state.value}"
            yield LegendLine(row.label, f"{row.label}{state}; {row.key.model} {row.key.version}")


def cautions(shown: Shown) -> tuple[LegendLine, ...]:
    """What to beware of before the picture leaves the house."""
    return (LegendLine("", CAUTION),) if (shown.series.modality or "") in _BURNED_IN else ()
