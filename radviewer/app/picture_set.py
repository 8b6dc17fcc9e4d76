"""Pictures of every key image and finding of a study, as a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.app.report_images import Slices, Wanted, view_of
from radviewer.app.screenshots import folder_of, legend_of, save_picture, scale_of
from radviewer.app.settings import Settings
from radviewer.domain.volume import SliceImage
from radviewer.export.screenshot import LegendLine, Screenshot, as_file, screenshot
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom

Legended = tuple[Wanted, tuple[LegendLine, ...]]


def with_legends(room: ReadingRoom, wanted: Sequence[Wanted]) -> tuple[Legended, ...]:
    """Each picture with what its overlays are, as the legend of a viewport's picture says it."""
    rows = {shown.stack.key: room.findings.rows(shown) for shown in room.all_shown()}
    return tuple((one, legend_of(rows.get(one.source.stack.key, ()), one.source.index)) for one in wanted)


def save_set(wanted: Sequence[Legended], settings: Settings, now: datetime, progress: Progress) -> tuple[Path, ...]:
    """Paint and write each picture; what cannot be read is left out.

    Raises
    ------
    NotSaved, Cancelled, MemoryError

    """
    slices, saved = Slices(), []
    for number, (one, legend) in enumerate(wanted):
        progress.report(number, len(wanted), "Saving pictures")
        image = slices.image(one.source)
        if image is None:
            continue
        shot = shot_of(one, image, legend)
        picture = screenshot(shot, scale_of(settings, shot.view.transform))
        frames = len(one.source.stack.frames)
        facts = {"Image": ". ".join(one.notes) or f"{one.source.index + 1} of {frames}"}
        data = as_file(picture, facts, settings.picture_format)
        saved.append(save_picture(folder_of(settings.picture_folder), data, now, settings.picture_format))
    return tuple(saved)


def shot_of(wanted: Wanted, image: SliceImage, legend: tuple[LegendLine, ...]) -> Screenshot:
    """One picture with its legend."""
    view = replace(view_of(wanted, image), opinion=wanted.layers)
    lines = tuple(LegendLine("", text) for text in (wanted.title, *wanted.notes))
    return Screenshot(view, (*lines, *(legend if wanted.layers is not None else ())))
