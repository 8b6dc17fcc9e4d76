from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject

from radviewer.app.history import History
from radviewer.app.shown import Left
from radviewer.app.viewport import Viewport
from radviewer.domain.window import Window
from radviewer.render.presentation import ContrastStep, Interpolation, StepKind
from radviewer.render.view import Camera
from radviewer.render.windowing import automatic_window
from tests.app.hand_made import HandCache, heard, picture, shown, stack
from tests.qt_objects import destroy

CLAHE = ContrastStep(StepKind.CLAHE, 2.0)
LUNG = Window(-600, 1500)


class Table:
    def __init__(self) -> None:
        self.parent = QObject()
        self.cache = HandCache(self.parent)
        self.history = History(self.parent)
        self.left: dict[str, Left] = {}
        self.viewport = self.another()

    def another(self) -> Viewport:
        return Viewport(self.cache, self.history, self.parent, self.left)


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    destroy(table.parent)


def test_shows_the_slice_to_be_shown_first_and_loads_it(table: Table) -> None:
    ct = stack(first_shown=2)
    table.viewport.show(shown(ct))
    assert table.viewport.index == 2
    assert table.cache.requested == [ct.key]
    assert table.cache.wanted == [(ct.key, 2)]
    assert table.viewport.image is None
    arrived = heard(table.viewport.image_changed)
    table.cache.deliver(ct, 1)
    assert not arrived
    table.cache.deliver(ct, 2)
    assert len(arrived) == 1
    assert table.viewport.image is table.cache.images[ct.key, 2]


def test_scrolling_is_clamped_and_told_once(table: Table) -> None:
    ct = stack()
    viewport = table.viewport
    viewport.show(shown(ct))
    told, scrolled = heard(viewport.image_changed), heard(viewport.scrolled)
    viewport.scroll(-3)
    assert viewport.index == 0
    assert not told
    viewport.go_to(99)
    assert viewport.index == 4
    viewport.scroll(1)
    assert len(told) == len(scrolled) == 1


def test_an_arriving_slice_is_no_scrolling(table: Table) -> None:
    ct = stack()
    table.viewport.show(shown(ct))
    scrolled = heard(table.viewport.scrolled)
    table.cache.deliver_all(ct)
    assert not scrolled


def test_own_window_until_touched_then_sticky_for_the_stack(table: Table) -> None:
    ct, mr, viewport = stack("ct"), stack("mr"), table.viewport
    table.cache.deliver_all(ct)
    viewport.show(shown(ct))
    assert viewport.presentation.voi is None
    viewport.set_voi(LUNG)
    viewport.scroll(2)
    assert viewport.presentation.voi == LUNG
    viewport.show(shown(mr))
    assert viewport.presentation.voi is None
    viewport.show(shown(ct))
    assert viewport.presentation.voi == LUNG
    assert viewport.index == 2
    viewport.set_voi(None)
    assert viewport.presentation.voi is None


def test_a_stack_keeps_its_look_in_another_viewport(table: Table) -> None:
    ct = stack()
    table.viewport.show(shown(ct))
    table.viewport.set_voi(LUNG)
    table.viewport.set_camera(Camera(zoom=3.0))
    table.viewport.scroll(3)
    other = table.another()
    other.show(shown(ct))  # while the first still shows it
    assert (other.presentation.voi, other.camera, other.index) == (LUNG, Camera(zoom=3.0), 3)
    other.set_voi(None)
    assert table.viewport.presentation.voi == LUNG


def test_a_stack_without_windows_gets_one_from_its_first_image_seen(table: Table) -> None:
    mr, viewport = stack("mr", first_shown=3), table.viewport
    viewport.show(shown(mr))
    first, later = picture(1000, windows=()), picture(9000, windows=())
    table.cache.deliver(mr, 3, first)
    assert viewport.presentation.fallback == automatic_window(first)
    table.cache.deliver(mr, 4, later)
    viewport.scroll(1)
    assert viewport.presentation.fallback == automatic_window(first) != automatic_window(later)
    viewport.reset()
    assert viewport.presentation.fallback == automatic_window(first)


def test_an_image_with_a_window_needs_no_other(table: Table) -> None:
    ct = stack()
    table.cache.deliver_all(ct)
    table.viewport.show(shown(ct))
    assert table.viewport.presentation.fallback is None


def test_contrast_aids_are_undone_where_they_were_done(table: Table) -> None:
    ct, mr, viewport = stack("ct"), stack("mr"), table.viewport
    viewport.show(shown(ct))
    viewport.toggle_step(CLAHE)
    assert viewport.has_step(StepKind.CLAHE)
    assert table.history.undo_text == "Add CLAHE 2.0"
    viewport.show(shown(mr))
    assert not viewport.has_step(StepKind.CLAHE)
    table.history.undo()
    assert viewport.presentation.steps == ()
    viewport.show(shown(ct))
    assert not viewport.has_step(StepKind.CLAHE)
    table.history.redo()
    assert viewport.has_step(StepKind.CLAHE)
    viewport.toggle_step(ContrastStep(StepKind.CLAHE, 5.0))  # the same kind: taken away whatever its strength
    assert viewport.presentation.steps == ()


def test_reset_keeps_what_is_no_view_and_undoes_to_the_steps(table: Table) -> None:
    ct, viewport = stack(), table.viewport
    viewport.show(shown(ct))
    viewport.set_interpolation(Interpolation.NEAREST)
    viewport.set_show_overlays(False)
    viewport.set_voi(LUNG)
    viewport.set_inverted(True)
    viewport.set_camera(Camera(zoom=2.0, quarter_turns=1, flipped=True))
    viewport.toggle_step(CLAHE)
    viewport.reset()
    assert viewport.camera == Camera()
    assert (viewport.presentation.voi, viewport.presentation.inverted, viewport.presentation.steps) == (None, False, ())
    assert viewport.presentation.interpolation is Interpolation.NEAREST
    assert not viewport.presentation.show_overlays
    table.history.undo()
    assert viewport.presentation.steps == (CLAHE,)


def test_the_next_stack_is_smoothed_alike(table: Table) -> None:
    table.viewport.set_interpolation(Interpolation.NEAREST)
    table.viewport.show(shown(stack()))
    assert table.viewport.presentation.interpolation is Interpolation.NEAREST


class TestPreview:
    """A scan goes on: one image is seen already."""

    def test_is_shown_without_loading_and_cannot_be_marked(self, table: Table) -> None:
        one = stack("a", [7.0])
        table.viewport.show(shown(one), preview=picture(5))
        assert table.viewport.image is not None
        assert table.cache.requested == []
        assert table.viewport.reference is None

    def test_is_not_remembered_as_how_the_stack_was_left(self, table: Table) -> None:
        whole = stack("a", first_shown=3)
        one = stack("a", [0.0])
        assert one.key == whole.key
        table.viewport.show(shown(one), preview=picture(5))
        table.viewport.show(shown(whole))
        assert table.viewport.index == 3
        assert table.viewport.image is None  # another image than the one seen: never shown in its place
        assert table.viewport.reference is not None

    def test_goes_on_being_seen_as_the_image_it_is(self, table: Table) -> None:
        preview = picture(5)
        table.viewport.show(shown(stack("a", [0.0])), preview=preview)
        film = stack("a", [0.0])
        table.viewport.show(shown(film))
        assert table.cache.requested == [film.key]
        assert table.viewport.image is preview
        table.cache.deliver(film, 0)
        assert table.viewport.image is table.cache.images[film.key, 0]

    def test_a_preview_of_many_ends_with_scrolling(self, table: Table) -> None:
        table.viewport.show(shown(stack("a", [0.0])), preview=picture(5))
        table.viewport.show(shown(stack("a")))
        assert table.viewport.image is not None
        table.viewport.scroll(1)
        assert table.viewport.image is None
        table.viewport.scroll(-1)
        assert table.viewport.image is None


def test_the_loader_is_told_where_the_reader_is_only_while_he_is_there(table: Table) -> None:
    ct, viewport = stack("ct", first_shown=1), table.viewport
    viewport.show(shown(ct))
    viewport.go_to(4)
    assert table.cache.focus[ct.key]() == 4
    viewport.show(shown(stack("mr")))
    viewport.go_to(3)
    assert table.cache.focus[ct.key]() == 1


def test_clear_forgets(table: Table) -> None:
    ct, viewport = stack(), table.viewport
    viewport.show(shown(ct))
    viewport.set_voi(LUNG)
    viewport.go_to(2)
    viewport.clear()
    assert viewport.shown is None
    assert viewport.image is None
    viewport.show(shown(ct))
    assert viewport.presentation.voi is None
    assert viewport.index == 0


def test_nothing_shown_takes_every_command(table: Table) -> None:
    viewport = table.viewport
    viewport.scroll(1)
    viewport.toggle_step(CLAHE)
    viewport.reset()
    viewport.request()
    assert viewport.presentation.steps == ()
    assert viewport.plane is None
    assert viewport.problem is None
