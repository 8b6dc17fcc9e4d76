"""Ways through what is open: from series to series, to the image of a mark, to the next mark."""

from __future__ import annotations

from collections.abc import Sequence

from radviewer.app.layouts import Layout
from radviewer.app.matching import Match, Pairing
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.app.viewport import Viewport
from radviewer.domain.geometry import Vector
from radviewer.domain.measurement import ImageReference, Mark, Point
from radviewer.domain.planes import Orientation
from radviewer.domain.reformat import Reformat


def find_stack(room: ReadingRoom, key: str) -> Shown | None:
    """Return the open stack with this key, or None."""
    return next((shown for shown in room.all_shown() if shown.stack.key == key), None)


def marked_places(room: ReadingRoom) -> list[tuple[ImageReference, Shown, int]]:
    """Images and planes that bear a mark, stack by stack in the browser's order: the images, then the planes."""
    order = {shown.stack.key: place for place, shown in enumerate(room.all_shown())}
    images = dict.fromkeys(mark.image for mark in room.marks.all)
    found = [(image, *place) for image in images if (place := room.place_of(image)) is not None]
    return sorted(found, key=lambda entry: (order[entry[1].stack.source.key], *place_within(entry[1], entry[2])))


def jump_to(room: ReadingRoom, image: ImageReference, mark: Mark | None = None) -> bool:
    """Show an image, or a plane as it was cut, with the cross-hair on a mark; False when it is not open."""
    found = room.place_of(image)
    if found is None:
        return False
    shown, index = found
    if isinstance(shown.stack, Reformat):
        room.mpr.show_again(shown, index, _place_on(room, shown.stack, index, () if mark is None else mark.points))
    elif room.desk.active.stack is shown.stack:
        room.desk.active.go_to(index)
    else:
        room.desk.active.show(shown, index)
    return True


def show_match(room: ReadingRoom, pairing: Pairing, match: Match) -> None:
    """Show a lesion at two times side by side; where it is on one image alone, the same place of the other."""
    desk, sides = room.desk, (pairing.earlier, pairing.later)
    lesions = (match.before, match.after)
    viewports = _side_by_side(room, sides)
    for here, there in ((0, 1), (1, 0)):
        lesion, own, other = lesions[here], sides[here].stack, sides[there].stack
        if lesion is None:
            continue
        if lesion.centre is None:
            viewports[here].go_to(lesion.row.key_slice or 0)
            continue
        room.mpr.reveal(own, lesion.centre)
        place = desk.links.map(own, other, lesion.centre) if lesions[there] is None else None
        if place is not None:
            room.mpr.reveal(other, place)
    seen = 1 if match.after is not None else 0
    desk.activate(desk.viewports.index(viewports[seen]))
    lesion = lesions[seen]
    room.findings.select(None if lesion is None else lesion.row.key, jump=False)


def _side_by_side(room: ReadingRoom, sides: tuple[Shown, Shown]) -> tuple[Viewport, Viewport]:
    """Viewports in sight that show two stacks, or planes of them; the first two are given to what is not in sight."""
    desk = room.desk
    if len(desk.seen) < 2:
        desk.set_layout(Layout.TWO)
    found = [next((v for v in desk.seen if _shows(v, side)), None) for side in sides]
    free = [v for v in desk.seen if v not in found]
    for place, side in enumerate(sides):
        if found[place] is None:
            viewport = found[place] = free.pop(0)
            viewport.show(side)
    first, second = found
    assert first is not None
    assert second is not None
    return first, second


def _shows(viewport: Viewport, shown: Shown) -> bool:
    return viewport.stack is not None and viewport.stack.source is shown.stack and not viewport.in_3d


def place_within(shown: Shown, index: int) -> tuple[int, str, int]:
    """Order of images and planes of one stack: the images, then the planes by orientation."""
    planes = shown.stack
    if not isinstance(planes, Reformat):
        return 0, "", index
    return 1 + tuple(Orientation).index(planes.cut.orientation), planes.label, index


def _place_on(room: ReadingRoom, planes: Reformat, index: int, points: Sequence[Point]) -> Vector:
    """Where on a plane the cross-hair goes, LPS mm: to the middle of a mark, else where it is nearest to it now."""
    plane = planes.planes.grid(index).plane
    if points:
        row, column = (sum(values) / len(points) for values in zip(*points, strict=True))
        return plane.to_patient(row, column)
    centre = room.mpr.centre_of(planes.of)
    if centre is None:
        rows, columns = planes.planes.first.shape
        return plane.to_patient((rows - 1) / 2, (columns - 1) / 2)
    row, column, _ = plane.to_pixel(centre)
    return plane.to_patient(row, column)


def step_series(room: ReadingRoom, steps: int) -> None:
    """Show the stack that many places further in the browser; stops at both ends."""
    everything = list(room.all_shown())
    current = room.desk.active.subject
    here = next((i for i, s in enumerate(everything) if current is not None and s.stack is current.stack), None)
    if here is None:
        return
    there = min(max(here + steps, 0), len(everything) - 1)
    if there != here:
        room.desk.active.show(everything[there])


def next_marked(room: ReadingRoom) -> bool:
    """Show the next image or plane with a mark, in the browser's order, around the end; False when there is none."""
    subject, active = room.desk.active.subject, room.desk.active
    if subject is None or active.shown is None:
        return False
    order = {shown.stack.key: place for place, shown in enumerate(room.all_shown())}
    if subject.stack.key not in order:
        return False
    here = (order[subject.stack.key], *place_within(active.shown, active.index))
    marked = marked_places(room)
    others = [((order[at.stack.source.key], *place_within(at, index)), image) for image, at, index in marked]
    following = [image for place, image in others if place > here] + [image for place, image in others if place < here]
    return bool(following) and jump_to(room, following[0])
