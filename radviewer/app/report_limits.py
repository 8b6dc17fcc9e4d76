"""What a report cannot say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.app.report_words import series_name
from radviewer.app.screenshots import CAUTION, cautions
from radviewer.app.shown import Shown
from radviewer.domain.study import Study

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom

_ALWAYS = (
    "Research use only. Not a medical device: not for diagnosis or treatment.",
    "Models test for the findings named above and for nothing else. Nothing flagged says nothing about others.",
    "A probability is calibrated on the films that its model was measured on, and may be wrong on films of others.",
    "The images were read on a screen that is not calibrated (no GSDF). This file bears no electronic signature.",
)
_HEAT = "A heatmap explains where the evidence of a network lies; it is no outline of a lesion."
_MOST_WARNINGS = 20


def limits(
    room: ReadingRoom, study: Study, stacks: Sequence[Shown], rows: Sequence[Row], left_out: int
) -> Iterator[str]:
    """What holds for every report, then what holds for this one; `left_out`: key images too many to be shown."""
    yield from _ALWAYS
    if any(row.finding is not None and row.finding.heatmap is not None for row in rows):
        yield _HEAT
    pending = sum(row.pending for row in rows)
    if pending:
        yield f"Flagged findings that the reader has not decided about: {pending}."
    if any(row.state is RowState.REJECTED and row.kind is not Kind.ANATOMY for row in rows):
        yield "Rejected findings are listed; their images are left out."
    if left_out:
        yield f"Key images left out, as there are too many: {left_out}."
    yield from _of_files(room, study, stacks)


def _of_files(room: ReadingRoom, study: Study, stacks: Sequence[Shown]) -> Iterator[str]:
    warnings = [f"{series_name(s)}: {sentence}" for s in stacks for sentence in s.stack.warnings]
    yield from list(dict.fromkeys(warnings))[:_MOST_WARNINGS]
    result = room.session.result
    if result is not None and result.skipped:
        yield f"Files beside the study that could not be used, and are no part of this report: {len(result.skipped)}."
    if result is not None and len(result.studies) > 1:
        yield f"This report is about one of the {len(result.studies)} studies that were open."
    if any(cautions(shown) for shown in stacks):
        yield CAUTION
    if not study.study_uid:
        yield "The files name no study: what belongs together was put together by their folder."
