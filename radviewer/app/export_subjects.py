"""What there is to export of the open studies, gathered on the GUI thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from radviewer.app.dicom_export import Picture, Subject
from radviewer.app.finding_rows import Kind, Row
from radviewer.app.navigation import marked_places
from radviewer.app.report_images import Wanted, of_plane
from radviewer.app.shown import Shown
from radviewer.domain.decision import Verdict, stack_id
from radviewer.domain.measurement import MarkKind
from radviewer.domain.opinion import Structure
from radviewer.domain.reformat import Reformat
from radviewer.domain.window import Window
from radviewer.export.key_objects import MarkOn
from radviewer.render.mark_text import label

if TYPE_CHECKING:
    from radviewer.app.reading_room import ReadingRoom


def subjects(room: ReadingRoom, pictures: dict[str, tuple[Picture, ...]]) -> tuple[Subject, ...]:
    """One per stack about which there is anything.

    Parameters
    ----------
    room : ReadingRoom
        Whose open studies are exported.
    pictures : dict
        Of viewports, by stack key.

    """
    marks, keys = _marks(room)
    planes = _planes(room)
    found = []
    for shown in room.all_shown():
        key = shown.stack.key
        rows = room.findings.rows(shown)
        if not (rows or marks[key] or keys[key] or planes[key]):
            continue
        found.append(
            Subject(
                shown.stack,
                rows,
                room.opinion_store.instances(stack_id(shown.stack)),
                tuple(marks[key]),
                tuple(keys[key]),
                _window(room, shown),
                (*pictures.get(key, ()), *heat_pictures(room, shown, rows)),
                tuple(planes[key]),
            )
        )
    return tuple(found)


def _marks(room: ReadingRoom) -> tuple[defaultdict[str, list[MarkOn]], defaultdict[str, list[int]]]:
    """Marks with what is written beside them, and key images, by stack key."""
    marks: defaultdict[str, list[MarkOn]] = defaultdict(list)
    keys: defaultdict[str, list[int]] = defaultdict(list)
    for mark in room.marks.all:
        place = room.place_of(mark.image)
        if place is None or isinstance(place[0].stack, Reformat):
            continue
        shown, index = place
        if mark.kind is MarkKind.KEY_IMAGE:
            keys[shown.stack.key].append(index)
            continue
        image = room.cache.slice(shown.stack, index)
        lines = label(mark, image) if image is not None else (mark.text,) if mark.text else ()
        marks[shown.stack.key].append(MarkOn(mark, index, lines))
    return marks, keys


def _planes(room: ReadingRoom) -> defaultdict[str, list[Wanted]]:
    """Planes that bear marks, by the key of the stack they are cut out of; of a key image the slab it was chosen on."""
    planes: defaultdict[str, list[Wanted]] = defaultdict(list)
    for image, shown, index in marked_places(room):
        if not isinstance(shown.stack, Reformat):
            continue
        key = room.marks.key_image(image)
        chosen = None if key is None else room.place_of(key.image)
        wanted = of_plane(room, *(chosen or (shown, index)), None if key is None else key.text)
        planes[shown.stack.source.key].append(wanted)
    return planes


def _window(room: ReadingRoom, shown: Shown) -> Window | None:
    """Window that the reader chose for a stack, where it is on screen."""
    for viewport in room.desk.seen:
        voi = viewport.presentation.voi
        if viewport.stack is shown.stack and isinstance(voi, Window):
            return voi
    return None


def heat_pictures(room: ReadingRoom, shown: Shown, rows: tuple[Row, ...]) -> Iterator[Picture]:
    """Heatmaps of accepted findings on a film: it has no plane, which a parametric map needs."""
    from radviewer.export.pictures import Panel, picture
    from radviewer.export.screenshot import as_array

    image = room.cache.slice(shown.stack, 0)
    if len(shown.stack.frames) != 1 or image is None:
        return
    anatomy = [Structure(row.label, row.mask) for row in rows if row.kind is Kind.ANATOMY and row.mask is not None]
    for row in rows:
        accepted = row.decision is not None and row.decision.verdict is Verdict.ACCEPTED
        if row.finding is None or row.finding.heatmap is None or not accepted:
            continue
        source = f"{row.key.model} {row.key.version}"
        panel = Panel(image, 0, row.finding, source, anatomy)
        yield Picture(as_array(picture(panel)), f"{row.label}, heatmap by {source}: explanation, not segmentation", 0)
