"""The report of one study: gathered from the reading room on the GUI thread, painted and written in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.app.finding_rows import Kind, Row
from radviewer.app.marks import noun
from radviewer.app.navigation import place_within
from radviewer.app.opinion_state import Idle, Running
from radviewer.app.report_header import header, tail
from radviewer.app.report_images import Slices, Source, Wanted, is_pictured, of_finding, of_mark, painted, source_of
from radviewer.app.report_limits import limits
from radviewer.app.report_words import (
    finding_line,
    image_name,
    impression_facts,
    is_model,
    joined,
    logged_line,
    measured_line,
    model_line,
    opinion_sentence,
    series_name,
    unknown_model,
)
from radviewer.app.shown import Shown
from radviewer.domain.decision import Impression, stack_id
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.study import Study
from radviewer.errors import NotSaved
from radviewer.export.own_files import write_whole
from radviewer.export.report import Facts, FindingLine, MeasurementLine, ModelLine, Report
from radviewer.export.report_html import as_html
from radviewer.export.report_pdf import as_pdf
from radviewer.progress import Progress
from radviewer.render.mark_text import label

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom

_MOST_PICTURES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A report before images are painted and marks are measured.

    Attributes
    ----------
    marks : tuple of (Mark, str, Source)
        With the image's name.

    """

    report: Report
    pictures: tuple[Wanted, ...]
    marks: tuple[tuple[Mark, str, Source], ...]


def impressions(room: ReadingRoom, study: Study) -> tuple[tuple[Shown, Impression], ...]:
    """What the reader has locked about the stacks of a study."""
    found = ((shown, room.decisions.impression(stack_id(shown.stack))) for shown in _stacks(room, study))
    return tuple((shown, impression) for shown, impression in found if impression is not None)


def pictured(room: ReadingRoom, study: Study) -> list[Wanted]:
    """Key slices of findings that are not rejected, and key images."""
    stacks = _stacks(room, study)
    rows = {shown.stack.key: room.findings.rows(shown) for shown in stacks}
    return [*_finding_images(room, stacks, rows), *_marked_images(room, stacks)]


def draft(room: ReadingRoom, study: Study, text: str, now: datetime) -> Draft:
    """Gather what there is about a study, without waiting for anything."""
    stacks = _stacks(room, study)
    rows = {shown.stack.key: room.findings.rows(shown) for shown in stacks}
    wanted = pictured(room, study)
    every = [row for of_stack in rows.values() for row in of_stack]
    left_out = max(0, len(wanted) - _MOST_PICTURES)
    report = Report(
        header(room, study, stacks, now),
        tail(room, study),
        text,
        _impression(room, study),
        tuple(_said(room, stacks)),
        tuple(_findings(room, stacks, rows)),
        measurements=tuple(_measured(stacks, rows)),
        models=tuple(_models(room, stacks)),
        limits=tuple(limits(room, study, stacks, every, left_out)),
    )
    return Draft(report, tuple(wanted[:_MOST_PICTURES]), tuple(_marks(room, stacks)))


def finished(begun: Draft, progress: Progress) -> Report:
    """Paint the images and measure the marks.

    Raises
    ------
    Cancelled, MemoryError

    """
    slices, pictures, total = Slices(), [], len(begun.pictures)
    for number, wanted in enumerate(begun.pictures):
        progress.report(number, total, "Writing the report")
        pictures.append(painted(wanted, slices))
    measured = tuple(_mark_line(mark, where, source, slices) for mark, where, source in begun.marks)
    return replace(begun.report, pictures=tuple(pictures), measurements=(*begun.report.measurements, *measured))


def write_report(begun: Draft, folder: Path, now: datetime, progress: Progress) -> tuple[Path, Path]:
    """Finish the report and write it as PDF and as HTML; nothing is ever replaced.

    Raises
    ------
    NotSaved
        If it cannot be written; then neither file is there.
    Cancelled

    """
    try:
        report = finished(begun, progress)
        pdf, html = as_pdf(report), as_html(report).encode("utf-8")
    except MemoryError as error:
        raise NotSaved("There is not enough memory for this report. Close other programs and try again.") from error
    progress.check()
    return save(folder, pdf, html, now)


def save(folder: Path, pdf: bytes, html: bytes, now: datetime) -> tuple[Path, Path]:
    """Write both files under a name that says only when they were made.

    Raises
    ------
    NotSaved

    """
    stem = f"report-{now:%Y%m%d-%H%M%S}"
    names = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
    pairs = ((folder / f"{name}.pdf", folder / f"{name}.html") for name in names)
    try:
        pair = next(pair for pair in pairs if not any(path.exists() for path in pair))
    except OSError as error:
        sentence = f"{folder} cannot be written: {error.strerror}. Choose another folder in the settings."
        raise NotSaved(sentence) from error
    write_whole(pair[0], pdf)
    try:
        write_whole(pair[1], html)
    except NotSaved:
        pair[0].unlink(missing_ok=True)  # half a report is none
        raise
    return pair


# What there is


def _stacks(room: ReadingRoom, study: Study) -> tuple[Shown, ...]:
    return tuple(shown for shown in room.all_shown() if shown.study is study)


def _impression(room: ReadingRoom, study: Study) -> Facts:
    return tuple(fact for shown, locked in impressions(room, study) for fact in impression_facts(shown, locked))


def _said(room: ReadingRoom, stacks: tuple[Shown, ...]) -> Iterator[str]:
    """What became of the models, stack by stack; stacks of which there is nothing to say together."""
    silent: dict[str, list[str]] = {}
    for shown in stacks:
        state, opinions = room.opinion.state(shown), room.opinion.opinions(shown)
        yield from (opinion_sentence(shown, opinion) for opinion in opinions)
        if isinstance(state, Running):
            yield f"{series_name(shown)}: models were still running."
        waits = isinstance(state, Idle) and state.awaits_impression
        why = "not shown before the reader's impression is locked" if waits else "not run"
        asked = {opinion.model for opinion in opinions}
        missing = () if isinstance(state, Running) else room.opinion.models_for(shown)
        for model in (name for name in missing if name not in asked):
            silent.setdefault(f"{model} was {why}", []).append(series_name(shown))
        if not asked and not missing and not isinstance(state, Running):
            silent.setdefault("No model was run", []).append(series_name(shown))
    yield from (f"{what} on: {joined(where)}." for what, where in silent.items())


def _findings(room: ReadingRoom, stacks: tuple[Shown, ...], rows: dict[str, tuple[Row, ...]]) -> Iterator[FindingLine]:
    for shown in stacks:
        of_stack = rows[shown.stack.key]
        yield from (finding_line(shown, row) for row in of_stack if row.kind is not Kind.ANATOMY)
        known = {row.key for row in of_stack}
        decided = room.decisions.in_force(stack_id(shown.stack))
        yield from (logged_line(shown, decision) for key, decision in decided.items() if key not in known)


def _measured(stacks: tuple[Shown, ...], rows: dict[str, tuple[Row, ...]]) -> Iterator[MeasurementLine]:
    for shown in stacks:
        yield from (measured_line(shown, row) for row in rows[shown.stack.key] if row.measurements)


def _models(room: ReadingRoom, stacks: tuple[Shown, ...]) -> Iterator[ModelLine]:
    asked = [(o.model, o.version) for shown in stacks for o in room.opinion.opinions(shown)]
    keys = (key for shown in stacks for key in room.decisions.in_force(stack_id(shown.stack)))
    decided = [(key.model, key.version) for key in keys if is_model(key)]
    for model, version in dict.fromkeys((*asked, *decided)):
        card = room.opinion.card(model)
        if card is not None and card.version == version:
            yield model_line(card)
        else:
            yield unknown_model(model, version)


def _finding_images(room: ReadingRoom, stacks: tuple[Shown, ...], rows: dict[str, tuple[Row, ...]]) -> Iterator[Wanted]:
    for shown in stacks:
        of_stack = rows[shown.stack.key]
        for row in filter(is_pictured, of_stack):
            wanted = of_finding(room, shown, of_stack, row)
            if wanted is not None:
                yield wanted


def _placed(room: ReadingRoom, stacks: tuple[Shown, ...]) -> Iterator[tuple[Mark, Shown, int]]:
    """Marks on images and planes of the study, in its order."""
    order = {shown.stack.key: number for number, shown in enumerate(stacks)}
    found = [(mark, room.place_of(mark.image)) for mark in room.marks.all]
    there = [(mark, *place) for mark, place in found if place is not None and place[0].stack.source.key in order]
    yield from sorted(there, key=lambda entry: (order[entry[1].stack.source.key], *place_within(entry[1], entry[2])))


def _marked_images(room: ReadingRoom, stacks: tuple[Shown, ...]) -> Iterator[Wanted]:
    for mark, shown, index in _placed(room, stacks):
        if mark.kind is MarkKind.KEY_IMAGE:
            yield of_mark(room, shown, index, mark.text)


def _marks(room: ReadingRoom, stacks: tuple[Shown, ...]) -> Iterator[tuple[Mark, str, Source]]:
    for mark, shown, index in _placed(room, stacks):
        if mark.kind is not MarkKind.KEY_IMAGE:
            yield mark, image_name(shown, index), source_of(room, shown, index)


def _mark_line(mark: Mark, where: str, source: Source, slices: Slices) -> MeasurementLine:
    image = slices.image(source)
    what = f"{noun(mark.kind)}: {mark.text}" if mark.text else noun(mark.kind)
    if image is None:
        return MeasurementLine(what, where, "the image could not be read", "the reader")
    lines = [" ".join(line.split()) for line in label(mark, image) if line != mark.text]
    return MeasurementLine(what, where, "\n".join(lines), "the reader")
