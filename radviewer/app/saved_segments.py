"""Segmentations and decisions that lie beside the images: radviewer's own exports and those of other programs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from radviewer.app.finding_rows import STATE_OF_VERDICT, Row, reported_row, saved_row
from radviewer.app.shown import Shown, stacks_of
from radviewer.dicom.decision_reports import COMPREHENSIVE_3D_SR, ReportedDecision, read_decisions
from radviewer.dicom.segments import SEGMENTATION_STORAGE, Segment, read_segments
from radviewer.domain.study import NotAnImage, ScanResult
from radviewer.errors import UnreadableImage
from radviewer.export.dicom_names import tracking_uid
from radviewer.progress import Progress

_MOST_FILES = 200
_WHO = {"AUTOMATIC": "by a program", "SEMIAUTOMATIC": "by a program, edited by a reader", "MANUAL": "by a reader"}


_Saved = tuple[Row, str]
"""A row and the tracking UID of its finding."""


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
    rows: defaultdict[str, list[_Saved]] = defaultdict(list)
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
    problems += _add_decisions(result, rows)
    found = {key: tuple(row for row, _ in saved) for key, saved in rows.items() if saved}
    return SavedRows(found, tuple(dict.fromkeys(problems)))


def _rows(file: NotAnImage, shown: Shown) -> list[_Saved]:
    name = file.location.name
    return [
        (saved_row(shown, name, segment.label, segment.mask, _who(file, segment)), segment.tracking_uid)
        for segment in read_segments(file.location, shown.stack)
    ]


def _add_decisions(result: ScanResult, rows: defaultdict[str, list[_Saved]]) -> list[str]:
    """Say of outlines what reports say of them, and add what has no outline; sentences about broken reports."""
    problems = []
    reports = [found for found in result.not_images if found.sop_class_uid == COMPREHENSIVE_3D_SR]
    for file in reports[:_MOST_FILES]:
        try:
            decisions = read_decisions(file.location)
        except UnreadableImage as error:
            problems.append(str(error))
            continue
        for said in decisions:
            for shown in stacks_of(result):
                if said.tracking_uid == tracking_uid(shown.stack, said.model, said.version, said.label):
                    _decide(rows[shown.stack.key], file, shown, said)
    return problems


def _decide(saved: list[_Saved], file: NotAnImage, shown: Shown, said: ReportedDecision) -> None:
    reason = f" ({said.reason.value})" if said.reason is not None else ""
    words = f"{said.verdict.value.capitalize()}{reason} by {said.reader or 'an unnamed reader'}; {file.location.name}."
    outlined = [n for n, (_, tracking) in enumerate(saved) if tracking == said.tracking_uid]
    for number in outlined:
        row, tracking = saved[number]
        saved[number] = (
            replace(row, state=STATE_OF_VERDICT[said.verdict], reason=f"{row.reason} {words}", _kept={}),
            tracking,
        )
    if not outlined:
        saved.append((reported_row(shown, file.location.name, said, words), said.tracking_uid))


def _who(file: NotAnImage, segment: Segment) -> str:
    named = f" ({segment.algorithm})" if segment.algorithm else ""
    return f"Drawn {_WHO.get(segment.kind, 'by someone')}{named}; from {file.location.name}."
