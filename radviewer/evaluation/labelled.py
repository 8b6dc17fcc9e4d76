"""Labelled images from an index.csv: PNG, JPEG or DICOM."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from radviewer.ai.context import Context, context_of
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead, RadviewerError

_IMAGE_COLUMNS = ("image", "path", "file")
_PATIENT_COLUMNS = ("patient", "patient_id")
_PLAIN = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an index.

    Attributes
    ----------
    path : Path
        Of the image.
    name : str
        ``folder/file``, what fold lists are keyed by: the folder is the index's.
    patient : str
        Of `group` or of a column patient, else the image itself.
    cells : dict of str to str
        The whole line.

    """

    path: Path
    name: str
    patient: str
    cells: dict[str, str]

    @property
    def known_as(self) -> tuple[str, ...]:
        """What a fold list may call the film: by the index's folder, or by any folder its image really lies in."""
        place = Path(os.path.realpath(self.path))
        return (self.name, *(f"{folder.name}/{place.name}" for folder in place.parents))


def read_lines(index: Path, group: str | None = None, needed: tuple[str, ...] = ()) -> list[Line]:
    """Read an index; image paths are relative to it.

    Raises
    ------
    NothingToRead
        If it cannot be read, is empty or lacks a column of `needed`.

    """
    try:
        with index.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise NothingToRead(f"The index {index} cannot be read ({type(problem).__name__}).") from problem
    if not lines:
        raise NothingToRead(f"The index {index} lists no image.")
    present = [name for name in lines[0] if name]
    image = next((name for name in _IMAGE_COLUMNS if name in present), None)
    if image is None:
        raise NothingToRead(f"The index {index} has no column image, path or file.")
    for name in (*needed, *([group] if group else [])):
        if name not in present:
            raise NothingToRead(f"The index {index} has no column {name}; it has {', '.join(present)}.")
    patient = group or next((name for name in _PATIENT_COLUMNS if name in present), image)
    return [
        Line(
            index.parent / (c[image] or ""),
            f"{index.parent.name}/{Path(c[image] or '').name}",
            f"{index.parent.name}/{c[patient] or c[image] or ''}",
            c,
        )
        for c in lines  # a line may be shorter than the header
    ]


def read_image(path: Path) -> tuple[SliceImage, Context]:
    """Decode one image file.

    Raises
    ------
    RadviewerError
        If it cannot be read.

    """
    if path.is_dir():
        raise NothingToRead(f"{path} is a folder, not an image.")
    if path.suffix.lower() in _PLAIN:
        return SliceImage(_plain(path)), Context()
    from radviewer.dicom.load import read_slice
    from radviewer.dicom.scan import scan

    for study in scan(path).studies:
        for series in study.series:
            for stack in series.stacks:
                return read_slice(stack, 0), context_of(study, series, stack)
    raise NothingToRead(f"{path} holds no image that can be read.")


def _plain(path: Path) -> NDArray[np.uint8]:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as problem:
        raise NothingToRead(f"{path} cannot be read: {problem.strerror}.") from problem
    decoded = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
    if decoded is None:
        raise NothingToRead(f"{path} is not an image that can be read.")
    pixels: NDArray[np.uint8] = decoded.astype(np.uint8, copy=False)
    return pixels[..., ::-1].copy() if pixels.ndim == 3 else pixels


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Grey values of a mask as they are stored, a bit field or 0 and 255.

    Raises
    ------
    NothingToRead
        If it cannot be read.

    """
    data = np.frombuffer(path.read_bytes(), np.uint8) if path.is_file() else np.empty(0, np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if decoded is None or decoded.ndim != 2:
        raise NothingToRead(f"{path} is not a mask: a grey PNG was expected.")
    mask: NDArray[np.uint8] = decoded.astype(np.uint8, copy=False)
    return mask


def readable(lines: list[Line]) -> Iterator[tuple[Line, SliceImage, Context] | tuple[Line, str]]:
    """Every line with its image, or with the reason why it has none."""
    for line in lines:
        try:
            image, context = read_image(line.path)
        except RadviewerError as problem:
            yield line, str(problem)
        else:
            yield line, image, context


_MOST_VALUES = 8
_SMALLEST = 10  # films: the figures of fewer say nothing


def subgroups(lines: Sequence[Line], left_out: Collection[str]) -> dict[str, list[int]]:
    """Find groups worth figures of their own: ``"column = value"`` → indices of their lines.

    Columns with two to eight values are groups, as device, site, cause or split are; `left_out` are those that
    mean something else.  Values of fewer than ten lines are left out.
    """
    found: dict[str, list[int]] = {}
    for column in [name for name in lines[0].cells if name and name not in {*left_out, *_IMAGE_COLUMNS}]:
        values: dict[str, list[int]] = {}
        for i, line in enumerate(lines):
            values.setdefault((line.cells.get(column) or "").strip(), []).append(i)
        if 2 <= len(values) <= _MOST_VALUES:
            found |= {f"{column} = {v or '(empty)'}": i for v, i in sorted(values.items()) if len(i) >= _SMALLEST}
    return found
