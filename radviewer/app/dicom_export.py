"""A reading as DICOM objects in a new folder: outlines, results, decisions, key images, presentations, pictures.

What is written is gathered on the GUI thread (`Subject`) and written in another (`export_dicom`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.picture_set import shot_of
from radviewer.app.report_images import Slices, Wanted
from radviewer.domain.decision import Verdict
from radviewer.domain.reformat import Cut, Reformat
from radviewer.domain.study import Stack
from radviewer.domain.window import Window
from radviewer.errors import NotSaved, UnreadableImage
from radviewer.export.fingerprint import instance_hashes
from radviewer.export.key_objects import MarkOn, has_one_rescale, key_images, presentation_state
from radviewer.export.result_files import slug
from radviewer.export.screenshot import as_array, screenshot
from radviewer.export.seg import Author, Origin, can_write, segmentation
from radviewer.export.seg_source import Sources
from radviewer.export.sr import decisions_report, results_report
from radviewer.export.sr_groups import Item
from radviewer.progress import Progress

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ORIGIN = {Verdict.ACCEPTED: Origin.MODEL, Verdict.EDITED: Origin.EDITED, Verdict.MISSED: Origin.READER}
Named = tuple[str, "Dataset"]
"""Name of a file without its number and ending, and what it holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of one slice, or of a plane (`cut`), RGB ``(rows, columns, 3)``.

    `named`: it holds the patient's name.
    """

    pixels: NDArray[np.uint8]
    what: str
    index: int
    named: bool = False
    cut: Cut | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is known about one stack when the export is asked for.

    Attributes
    ----------
    stack : Stack
    rows : tuple of Row
        Of the findings panel, all of them.
    instances : mapping
        SHA-256 of each SOP instance when the models saw it.
    marks : tuple of MarkOn
        Key image marks apart.
    key_images : tuple of int
        Slices.
    window : Window or None
        In force in a viewport.
    pictures : tuple of Picture
    planes : tuple of Wanted
        Planes with marks, and key images among them: each becomes a picture, as it is no instance of the stack.

    """

    stack: Stack
    rows: tuple[Row, ...] = ()
    instances: Mapping[str, str] | None = None
    marks: tuple[MarkOn, ...] = ()
    key_images: tuple[int, ...] = ()
    window: Window | None = None
    pictures: tuple[Picture, ...] = ()
    planes: tuple[Wanted, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the objects lie, how many there are, and in sentences what was left out."""

    folder: Path | None
    objects: int
    left_out: tuple[str, ...]


def export_dicom(folder: Path, subjects: Sequence[Subject], reader: str, now: datetime, progress: Progress) -> Exported:
    """Write everything into a new folder in `folder`; it appears when it is complete, or not at all.

    Raises
    ------
    NotSaved
        If it cannot be written.
    Cancelled

    """
    left_out: list[str] = []
    parent = _made(folder)
    unfinished = Path(tempfile.mkdtemp(prefix=".radviewer-", dir=parent))
    try:
        objects = 0
        for number, subject in enumerate(subjects):
            progress.report(number, len(subjects), "Writing DICOM objects")
            for name, made in _objects(subject, reader, left_out):
                progress.check()
                objects += 1
                made.save_as(unfinished / f"{objects:03}-{name}.dcm", enforce_file_format=True)
        if not objects:
            return Exported(None, 0, tuple(dict.fromkeys(left_out)))
        return Exported(_published(unfinished, parent, now), objects, tuple(dict.fromkeys(left_out)))
    except OSError as error:
        raise NotSaved(_sentence(folder, error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise NotSaved(_sentence(folder, error)) from error


def _sentence(folder: Path, error: OSError) -> str:
    return f"{folder} cannot be written: {error.strerror}. Free some space or choose another folder in the settings."


def _published(unfinished: Path, parent: Path, now: datetime) -> Path:
    """Give a finished folder its name; none is ever replaced."""
    stem = f"radviewer-dicom-{now:%Y%m%d-%H%M%S}"
    names = (parent / (stem if n == 1 else f"{stem}-{n}") for n in count(1))
    place = next(path for path in names if not path.exists())
    unfinished.chmod(0o755)
    return unfinished.rename(place)


def _objects(subject: Subject, reader: str, left_out: list[str]) -> Iterator[Named]:
    """Objects about one stack."""
    if not any((subject.rows, subject.marks, subject.key_images, subject.pictures, subject.planes)):
        return
    named = all(frame.file.sop_instance_uid and frame.file.sop_class_uid for frame in subject.stack.frames)
    placed = can_write(subject.stack)
    if not placed and (not named or any((subject.rows, subject.marks, subject.key_images))):
        left_out.append("A series whose images have no UIDs or no place in the patient cannot be referred to.")
    if not named:
        return
    try:
        sources = Sources(subject.stack)
        if not placed:  # a picture needs no place
            yield from _pictures(subject, sources, left_out)
            return
        yield from _opinion(subject, sources, reader, left_out)
        yield from _reading(subject, sources, reader)
        yield from _pictures(subject, sources, left_out)
    except UnreadableImage as error:
        left_out.append(str(error))


def _opinion(subject: Subject, sources: Sources, reader: str, left_out: list[str]) -> Iterator[Named]:
    """Outlines, results and decisions, as far as the images are those that the models saw."""
    rows = tuple(row for row in subject.rows if row.state is not RowState.REFUSED and row.kind is not Kind.SAVED)
    changed = _changed(subject) if any(row.kind is not Kind.MISSED for row in rows) else ""
    if changed:
        left_out += [f"{row.label}: {changed}" for row in rows if row.kind is not Kind.MISSED]
        rows = tuple(row for row in rows if row.kind is Kind.MISSED)
    outlines: dict[int, Dataset] = {}
    for number, row in enumerate(rows, 1):
        made = _outline(subject.stack, sources, row, number)
        if made is not None:
            outlines[id(row)] = made
            yield f"seg-{slug(row.label)}", made
        yield from _heatmap(subject.stack, sources, row, number)
    yield from _reports(subject.stack, sources, rows, outlines, reader)


def _reports(
    stack: Stack, sources: Sources, rows: Sequence[Row], outlines: Mapping[int, Dataset], reader: str
) -> Iterator[Named]:
    said = [_item(row, outlines.get(id(row))) for row in rows if row.kind is not Kind.MISSED]
    said = [item if _unedited(item) else replace(item, segmentation=None) for item in said]
    decided = [_item(row, outlines.get(id(row))) for row in rows if row.decision is not None]
    results = results_report(stack, said, sources) if said else None
    if results is not None:
        yield "sr-ai-results", results
    if decided:
        yield "sr-decisions", decisions_report(stack, decided, results, reader, sources=sources)


def _unedited(item: Item) -> bool:
    return item.decision is None or item.decision.verdict is Verdict.ACCEPTED


def _item(row: Row, outline: Dataset | None) -> Item:
    return Item(
        row.key.model,
        row.key.version,
        row.label,
        row.probability,
        row.threshold,
        row.measurements,
        outline,
        row.key_slice,
        row.slices,
        row.decision,
    )


def _outline(stack: Stack, sources: Sources, row: Row, number: int) -> Dataset | None:
    """Segmentation of what was accepted, edited or drawn."""
    decision = row.decision
    if decision is None or row.mask is None or not row.mask.any() or decision.verdict not in _ORIGIN:
        return None
    author = Author(row.key.model, row.key.version, _ORIGIN[decision.verdict])
    return segmentation(row.mask, row.label, author, stack, number, sources)


def _heatmap(stack: Stack, sources: Sources, row: Row, number: int) -> Iterator[Named]:
    """Parametric map of an accepted finding in a volume."""
    from radviewer.export.derived_images import heatmap

    heat = None if row.finding is None else row.finding.heatmap
    kept = row.decision is not None and row.decision.verdict in (Verdict.ACCEPTED, Verdict.EDITED)
    if kept and heat is not None and heat.any() and len(stack.frames) > 1:
        yield (
            f"pm-{slug(row.label)}",
            heatmap(heat, row.label, Author(row.key.model, row.key.version), stack, number, sources),
        )


def _changed(subject: Subject) -> str:
    """Why findings of models are no longer about these images, or ""."""
    if not subject.instances:
        return "it is not known which files the model saw. Run the second opinion again, then export."
    if instance_hashes(subject.stack) != dict(subject.instances):
        return "the images were changed since the model saw them. Run the second opinion again, then export."
    return ""


def _reading(subject: Subject, sources: Sources, reader: str) -> Iterator[Named]:
    """What the reader marked and windowed."""
    stack = subject.stack
    if subject.key_images:
        yield "ko-key-images", key_images(stack, subject.key_images, reader, sources)
    grey = stack.format.samples_per_pixel == 1
    window = subject.window if has_one_rescale(stack) else None
    if grey and (subject.marks or window is not None):
        yield "pr-presentation", presentation_state(stack, subject.marks, window, reader, sources)


def _pictures(subject: Subject, sources: Sources, left_out: list[str]) -> Iterator[Named]:
    """Pictures of viewports, then of planes that the reader marked."""
    from radviewer.export.derived_images import secondary_capture

    for number, one in enumerate(chain(subject.pictures, _of_planes(subject.planes, left_out)), 1):
        made = secondary_capture(
            one.pixels, one.what, subject.stack, one.index, number, named=one.named, sources=sources, cut=one.cut
        )
        yield "sc-plane" if one.cut is not None else "sc-picture", made


def _of_planes(planes: Sequence[Wanted], left_out: list[str]) -> Iterator[Picture]:
    slices = Slices()
    for wanted in planes:
        stack, image = wanted.source.stack, slices.image(wanted.source)
        if image is None or not isinstance(stack, Reformat):
            left_out.append(f"{wanted.notes[0]}: the volume could not be read.")
            continue
        picture = as_array(screenshot(shot_of(wanted, image, ())))
        what = f"{'. '.join(wanted.notes)}. {wanted.title}, with the reader's marks"
        yield Picture(picture, what, wanted.source.index, cut=stack.cut)
