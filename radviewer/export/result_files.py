"""The files that go with the opinions on one stack: which there are, and what they are called.

Names are made of the model's name and the label, never of anything the images say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from radviewer.domain.opinion import Finding, Mask, Opinion, Structure
from radviewer.domain.study import Stack
from radviewer.domain.volume import Volume
from radviewer.export.nifti import write_nifti
from radviewer.export.own_files import Batch, writer
from radviewer.progress import Progress

Writer = Callable[[IO[bytes]], None]
Wanted = tuple[str, str, str, Writer]
"""Label, kind ("mask", "heatmap", "seg", "picture"), end of the file's name, what writes it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for.

    Attributes
    ----------
    model : str or None
        Only this one.
    nifti, dicom : bool
        Write masks and heatmaps as NIfTI; masks as DICOM Segmentation.

    """

    model: str | None = None
    nifti: bool = False
    dicom: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The stack the opinions are about, with its pixels."""

    stack: Stack
    volume: Volume
    options: Options


def write_files(
    batch: Batch, subject: Subject, opinion: Opinion, others: Sequence[Opinion], progress: Progress
) -> dict[tuple[str, str], str]:
    """Add the files of one opinion to a batch: ``(label, kind)`` → name in the batch's folder.

    `others` are all opinions on the stack: their anatomy is outlined in the pictures.

    Raises
    ------
    NotSaved, UnreadableImage, Cancelled

    """
    anatomy = [structure for other in others for structure in other.anatomy]
    written = {}
    for label, kind, end, write in _wanted(subject, opinion, anatomy):
        progress.check()
        name = f"{opinion.model}/{slug(label)}{end}"
        batch.add(name, write)
        written[label, kind] = name
    return written


def slug(label: str) -> str:
    """Label as part of a file's name: ``"right lung"`` → ``"right-lung"``."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "unnamed"


def _wanted(subject: Subject, opinion: Opinion, anatomy: Sequence[Structure]) -> Iterator[Wanted]:
    masks = [(finding.label, finding.mask) for finding in opinion.findings]
    masks += [(structure.label, structure.mask) for structure in opinion.anatomy]
    for number, (label, mask) in enumerate(masks, 1):
        if mask is not None and mask.any():
            yield from _of_mask(subject, opinion, label, mask, number)
    for finding in opinion.findings:
        heat = finding.heatmap
        if subject.options.nifti and heat is not None and heat.any():
            yield finding.label, "heatmap", ".heatmap.nii.gz", partial(write_nifti, heat, subject.stack)
        if finding.flagged:
            yield from _of_picture(subject, opinion, finding, anatomy)


def _of_mask(subject: Subject, opinion: Opinion, label: str, mask: Mask, number: int) -> Iterator[Wanted]:
    from radviewer.export.seg import Author, can_segment, segmentation

    stack = subject.stack
    if subject.options.nifti:
        yield label, "mask", ".mask.nii.gz", partial(write_nifti, mask, stack)
    if subject.options.dicom and can_segment(stack):
        made = segmentation(mask, label, Author(opinion.model, opinion.version), stack, number)
        yield label, "seg", ".seg.dcm", lambda stream: made.save_as(stream, enforce_file_format=True)


def _of_picture(subject: Subject, opinion: Opinion, finding: Finding, anatomy: Sequence[Structure]) -> Iterator[Wanted]:
    from radviewer.export.pictures import Panel, png

    index = finding.key_slice or 0
    image = subject.volume.slices[index]
    if image is not None:
        panel = Panel(image, index, finding, f"{opinion.model} {opinion.version}", anatomy)
        yield finding.label, "picture", ".png", lambda stream: writer(png(panel))(stream)
