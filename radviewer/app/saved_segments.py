"""Segmentations that lie beside the images: radviewer's own exports and those of other programs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from radviewer.app.finding_rows import Row, saved_row
from radviewer.app.viewport import Shown, stacks_of
from radviewer.dicom.segments import SEGMENTATION_STORAGE, Segment, read_segments
from radviewer.domain.study import NotAnImage, ScanResult
from radviewer.errors import UnreadableImage
from radviewer.progress import Progress

_MOST_FILES = 200
_WHO = {"AUTOMATIC": "by a program", "SEMIAUTOMATIC": "by a program, edited by a reader", "MANUAL": "by a reader"}


@dataclass(frozen=True, slots=True)
class SavedRows:
    """Rows by stack key, and in sentences what could not be shown."""

    rows: dict[str, tuple[Row, ...]]
    problems: tuple[str, ...]


def saved_rows(result: ScanResult, progress: Progress) -> SavedRows:
    """Read every segmentation that a scan found; one that cannot be read never stops the rest.

    Raises
    ------
    Cancelled

    """
    files = [found for found in result.not_images if found.sop_class_uid == SEGMENTATION_STORAGE]
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    problems = []
    for number, file in enumerate(files[:_MOST_FILES]):
        progress.report(number, len(files), "Reading segmentations")
        for shown in stacks_of(result):
            if file.study_uid not in (None, shown.study.study_uid):
                continue
            try:
                rows[shown.stack.key] += _rows(file, shown)
            except UnreadableImage as error:
                problems.append(str(error))
                break
    if len(files) > _MOST_FILES:
        problems.append(f"Only the first {_MOST_FILES} of {len(files)} segmentations are shown.")
    return SavedRows({key: tuple(found) for key, found in rows.items() if found}, tuple(dict.fromkeys(problems)))


def _rows(file: NotAnImage, shown: Shown) -> list[Row]:
    found = read_segments(file.location, shown.stack)
    return [saved_row(shown, file.location.name, segment.label, segment.mask, _who(file, segment)) for segment in found]


def _who(file: NotAnImage, segment: Segment) -> str:
    named = f" ({segment.algorithm})" if segment.algorithm else ""
    return f"Drawn {_WHO.get(segment.kind, 'by someone')}{named}; from {file.location.name}."
