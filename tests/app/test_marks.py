from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from radviewer.app.history import History
from radviewer.app.mark_store import MarkStore
from radviewer.app.marks import MarkBook, noun
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.errors import NotSaved
from tests.app.hand_made import heard
from tests.qt_objects import destroy

IMAGE = ImageReference("1.study", "1.series", "1.image", 0)
NEXT_FRAME = replace(IMAGE, frame=1)


def length(row: float = 0.0, image: ImageReference = IMAGE) -> Mark:
    return Mark(MarkKind.LENGTH, image, ((row, 0.0), (row, 5.0)))


class Store(MarkStore):
    """Refuses to write while the disk is full."""

    full = False

    def write(self, mark: Mark) -> None:
        self._check()
        super().write(mark)

    def remove(self, mark_id: str) -> None:
        self._check()
        super().remove(mark_id)

    def _check(self) -> None:
        if self.full:
            raise NotSaved("The disk is full.")


class Desk:
    """A book, its file, and what the book says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(path)
        self.history = History()
        self.book = MarkBook(self.store, self.history)
        self.not_saved = heard(self.book.not_saved)
        self.changed = heard(self.book.changed)

    def on_disk(self) -> list[Mark]:
        return list(MarkStore(self.path).read("1.study"))

    def destroy(self) -> None:
        destroy(self.book, self.history)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "marks.sqlite")
    yield desk
    desk.destroy()


def test_every_change_is_on_disk_at_once_and_can_be_undone(desk: Desk) -> None:
    mark = length(1)
    desk.book.add(mark)
    assert desk.on_disk() == [mark]
    moved = replace(mark, points=((2.0, 2.0), (3.0, 3.0)))
    desk.book.replace(moved)
    assert desk.on_disk() == [moved]
    desk.book.remove(mark.mark_id)
    assert desk.on_disk() == []
    assert desk.history.undo_text == "Delete length"
    desk.history.undo()
    assert desk.on_disk() == [moved]
    desk.history.undo()
    assert desk.on_disk() == list(desk.book.all) == [mark]
    desk.history.undo()
    assert desk.on_disk() == list(desk.book.all) == []
    desk.history.redo()
    assert desk.on_disk() == [mark]
    assert {image for (image,) in desk.changed} == {IMAGE}


def test_marks_belong_to_one_frame_of_one_image(desk: Desk) -> None:
    here, next_frame = length(1), length(2, NEXT_FRAME)
    desk.book.add(here)
    desk.book.add(next_frame)
    assert desk.book.on(IMAGE) == (here,)
    assert desk.book.on(NEXT_FRAME) == (next_frame,)
    assert desk.book.on(replace(IMAGE, sop_instance_uid="1.other")) == ()
    desk.book.remove(here.mark_id)
    assert not desk.book.marked(IMAGE)
    assert desk.book.marked(NEXT_FRAME)


def test_opening_brings_back_what_was_marked_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    mine, other = length(1), length(2, replace(IMAGE, study_uid="2.study"))
    desk.book.add(mine)
    desk.book.add(other)
    later = Desk(tmp_path / "marks.sqlite")
    later.book.open(["1.study", "1.study"])
    assert later.book.all == (mine,)
    assert later.changed == [(None,)]
    later.book.select(mine.mark_id)
    told = heard(later.book.selection_changed)
    later.book.open(["2.study"])
    assert later.book.on(IMAGE) == ()
    assert later.book.all == (other,)
    assert later.book.selected is None
    assert told


def test_selection_ends_with_the_mark(desk: Desk) -> None:
    mark = length()
    desk.book.add(mark)
    told = heard(desk.book.selection_changed)
    desk.book.select(mark.mark_id)
    desk.book.select(mark.mark_id)
    assert desk.book.selected == mark
    desk.history.undo()
    assert desk.book.selected is None
    assert len(told) == 2


def test_key_images_are_marks_without_a_place(desk: Desk) -> None:
    desk.book.toggle_key_image(IMAGE)
    assert desk.book.key_image(IMAGE) is not None
    assert desk.book.marked(IMAGE)
    assert desk.book.on(IMAGE) == ()
    desk.book.toggle_key_image(IMAGE)
    assert desk.book.key_image(IMAGE) is None
    desk.history.undo()
    assert desk.book.key_image(IMAGE) is not None
    assert desk.history.redo_text == "Delete key image"


def test_a_text_is_changed_undoably(desk: Desk) -> None:
    arrow = Mark(MarkKind.ARROW, IMAGE, ((0, 0), (1, 1)))
    desk.book.add(arrow)
    desk.book.rename(arrow.mark_id, "cyst")
    assert desk.on_disk()[0].text == "cyst"
    before = desk.history.undo_text
    desk.book.rename(arrow.mark_id, "cyst")  # nothing changed: nothing to undo
    desk.history.undo()
    assert desk.on_disk()[0].text == ""
    assert before == "Change arrow"


def test_all_kinds_have_a_noun() -> None:
    assert all(noun(kind) for kind in MarkKind)


def test_a_full_disk_is_told_once_and_the_marks_are_written_later(desk: Desk) -> None:
    desk.store.full = True
    first, second, third = length(1), length(2), length(3)
    for mark in (first, second, third):
        desk.book.add(mark)
    desk.book.remove(second.mark_id)
    assert desk.book.all == (first, third)
    assert desk.not_saved == [("The disk is full.",)]
    assert desk.book.owed == 3
    again = heard(desk.book.saved_again)
    desk.book.flush()
    assert desk.book.owed == 3
    assert not again
    desk.store.full = False
    desk.book.flush()
    assert desk.book.owed == 0
    assert desk.on_disk() == [first, third]
    assert len(again) == 1


def test_what_is_owed_is_written_with_the_next_mark(desk: Desk) -> None:
    desk.store.full = True
    desk.book.add(length(1))
    desk.store.full = False
    desk.book.add(length(2))
    assert desk.book.owed == 0
    assert len(desk.on_disk()) == 2


def test_of_several_changes_owed_the_last_is_written(desk: Desk) -> None:
    desk.store.full = True
    mark = length(1)
    moved = replace(mark, points=((7.0, 7.0), (8.0, 8.0)))
    desk.book.add(mark)
    desk.book.replace(moved)
    desk.store.full = False
    desk.book.flush()
    assert desk.on_disk() == [moved]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "marks.sqlite").write_bytes(b"rubbish" * 1000)
    desk = Desk(tmp_path / "marks.sqlite")
    desk.book.open(["1.study"])
    assert "damaged" in str(desk.not_saved)
    desk.book.add(length())
    assert len(desk.on_disk()) == 1
