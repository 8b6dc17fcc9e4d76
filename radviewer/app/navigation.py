"""Ways through what is open: from series to series, to the image of a mark, to the next mark."""

from __future__ import annotations

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Shown, reference_of
from radviewer.domain.measurement import ImageReference


def find_stack(room: ReadingRoom, key: str) -> Shown | None:
    """Return the open stack with this key, or None."""
    return next((shown for shown in room.all_shown() if shown.stack.key == key), None)


def jump_to(room: ReadingRoom, image: ImageReference) -> bool:
    """Show an image in the active viewport; False when it is not open."""
    found = room.place_of(image)
    if found is None:
        return False
    shown, index = found
    if room.desk.active.stack is shown.stack:
        room.desk.active.go_to(index)
    else:
        room.desk.active.show(shown, index)
    return True


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
    """Show the next image with a mark, in the browser's order, around the end; False when there is none."""
    active = room.desk.active
    images = [(shown, index) for shown in room.all_shown() for index in range(len(shown.stack.frames))]
    here = next((i for i, (s, index) in enumerate(images) if s.stack is active.stack and index == active.index), None)
    if here is None:
        return False
    marked = {mark.image for mark in room.marks.all}
    following = (reference_of(*image) for image in images[here + 1 :] + images[:here])
    found = next((reference for reference in following if reference in marked), None)
    return found is not None and jump_to(room, found)
