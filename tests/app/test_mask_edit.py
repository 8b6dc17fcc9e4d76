"""Outlines are edited on a copy, stroke by stroke, and nothing drawn is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from radviewer.app.finding_rows import Row, proposed_rows
from radviewer.app.mask_edit import Instrument, MaskEdit
from radviewer.app.opinion_store import OpinionStore
from radviewer.app.shown import Shown
from radviewer.errors import NotSaved
from tests.app import opinions
from tests.app.hand_made import heard, picture
from tests.app.opinions import film
from tests.qt_objects import destroy


class Kept:
    """Takes the place of the findings: remembers what was decided."""

    def __init__(self) -> None:
        self.edits: list[tuple[str, str, float]] = []
        self.open = True

    def edit(self, row: Row, mask: str, dice: float) -> bool:
        if self.open:
            self.edits.append((row.label, mask, dice))
        return self.open


@pytest.fixture
def store(tmp_path: Path) -> OpinionStore:
    return OpinionStore(tmp_path)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def edit(qapp: object, store: OpinionStore, kept: Kept) -> Iterator[MaskEdit]:
    assert qapp is not None
    made = MaskEdit(store, kept)  # type: ignore[arg-type]
    yield made
    destroy(made)


def heart(shown: Shown) -> Row:
    return next(row for row in proposed_rows(shown, (opinions.anatomy(),)) if row.label == "heart")


def mask_of(edit: MaskEdit) -> np.ndarray:
    assert edit.mask is not None
    return edit.mask


def test_strokes_change_a_copy_and_are_taken_back_one_by_one(edit: MaskEdit) -> None:
    shown = film()
    row = heart(shown)
    edit.begin(shown, row)
    edit.size(1.0)
    edit.stroke(0, [(1, 1)], picture())
    edit.stroke(0, [(1, 2)], picture(), goes_on=True)
    edit.take(Instrument.ERASER)
    edit.stroke(0, [(5, 5)], picture())
    assert mask_of(edit)[0, 1, 2]
    assert not mask_of(edit)[0, 5, 5]
    assert row.mask is not None
    assert row.mask[0, 5, 5]
    assert edit.undo()
    assert mask_of(edit)[0, 5, 5]
    assert edit.undo()  # both points of the stroke that went on
    np.testing.assert_array_equal(mask_of(edit), row.mask)
    assert not edit.undo()


def test_the_slice_shown_is_the_same_array_until_it_changes(edit: MaskEdit) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    first = edit.of(shown, 0)
    assert edit.of(shown, 0) is first
    edit.stroke(0, [(1, 1)], picture())
    assert edit.of(shown, 0) is not first
    assert edit.of(film("another"), 0) is None


def test_a_brush_within_values_takes_the_range_where_it_began(edit: MaskEdit) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    before = mask_of(edit).copy()
    edit.take(Instrument.THRESHOLD)
    edit.tolerate(5.0)
    edit.size(3.0)
    image = picture()  # values rise by 10 from row to row
    edit.stroke(0, [(2, 2)], image)
    added = mask_of(edit) & ~before
    assert added.any()
    values = image.modality_values()[added[0]]
    assert (np.abs(values - image.modality_values()[2, 2]) <= 5).all()


def test_what_is_kept_is_a_decision_with_its_overlap(edit: MaskEdit, kept: Kept, store: OpinionStore) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    edit.size(1.0)
    edit.stroke(0, [(1, 1)], picture())
    drawn = mask_of(edit).copy()
    assert edit.finish()
    ((label, name, dice),) = kept.edits
    assert label == "heart"
    assert 0 < dice < 1
    np.testing.assert_array_equal(store.load_mask(name), drawn)
    assert not edit.active


def test_nothing_changed_is_no_decision(edit: MaskEdit, kept: Kept) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    assert edit.finish()
    assert kept.edits == []


def test_an_edit_that_was_cut_off_goes_on_where_it_was(edit: MaskEdit, kept: Kept, store: OpinionStore) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    edit.stroke(0, [(1, 1)], picture())
    edit.keep_draft()  # as at the end of every stroke; then the program is killed
    drawn = mask_of(edit).copy()
    again = MaskEdit(store, kept)  # type: ignore[arg-type]
    again.begin(shown, heart(shown))
    np.testing.assert_array_equal(mask_of(again), drawn)
    assert again.dirty
    again.cancel()
    assert store.load_draft(heart(shown).key) is None
    destroy(again)


def test_going_to_another_stack_keeps_what_was_drawn(edit: MaskEdit, kept: Kept) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    edit.stroke(0, [(1, 1)], picture())
    edit.leave(shown)
    assert edit.active
    edit.leave(film("another"))
    assert not edit.active
    assert len(kept.edits) == 1


def test_a_study_that_was_closed_leaves_the_draft(edit: MaskEdit, kept: Kept, store: OpinionStore) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    edit.stroke(0, [(1, 1)], picture())
    edit.keep_draft()
    kept.open = False
    assert edit.finish()
    assert store.load_draft(heart(shown).key) is not None


def test_a_full_disk_keeps_the_edit_open_and_says_so_once(
    edit: MaskEdit, store: OpinionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotSaved("The disk is full.")

    told = heard(edit.not_saved)
    shown = film()
    edit.begin(shown, heart(shown))
    edit.stroke(0, [(1, 1)], picture())
    with monkeypatch.context() as patch:
        patch.setattr(store, "save_draft", full)
        patch.setattr(store, "save_mask", full)
        edit.keep_draft()
        edit.keep_draft()
        assert len(told) == 1
        assert not edit.finish()
        assert edit.active
    assert edit.finish()


@pytest.mark.parametrize("change", [lambda e: e.smooth(0), lambda e: e.fill_holes(0)], ids=["smooth", "fill"])
def test_smoothing_and_filling_can_be_taken_back(edit: MaskEdit, change: Callable[[MaskEdit], None]) -> None:
    shown = film()
    edit.begin(shown, heart(shown))
    edit.size(3.0)
    edit.stroke(0, [(4, 5)], picture())
    edit.size(1.0)
    edit.take(Instrument.ERASER)
    edit.stroke(0, [(4, 5)], picture())  # a hole, and on the other side a hair
    edit.take(Instrument.BRUSH)
    edit.stroke(0, [(0, 0)], picture())
    before = mask_of(edit).copy()
    change(edit)
    assert not np.array_equal(mask_of(edit), before)
    edit.undo()
    np.testing.assert_array_equal(mask_of(edit), before)
