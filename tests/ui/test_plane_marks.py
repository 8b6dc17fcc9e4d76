"""Marks on planes in the list of marks: named by plane and place, measured, and a click turns the planes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QTreeWidgetItem

from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.planes import Orientation, Slab
from tests.block_phantom import write_blocks
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui

AXIAL, CORONAL, SAGITTAL = range(3)


@pytest.fixture
def window(main_window: WindowOpener, tmp_path: Path) -> Opened:
    write_blocks(tmp_path / "study", SeriesNumber=4)
    opened: Opened = main_window(tmp_path / "study")
    opened.wait_image()
    opened.trigger("planes")
    opened.room.desk.viewports[3].set_in_3d(False)
    opened.wait(lambda: all(v.image is not None for v in opened.room.desk.seen))
    opened.trigger("panel-marks")
    return opened


def draw(window: Opened, place: int) -> Mark:
    """A length of 10 mm on the plane that a viewport shows."""
    reference = window.room.desk.viewports[place].reference
    assert reference is not None
    mark = Mark(MarkKind.LENGTH, reference, ((30.0, 25.0), (30.0, 35.0)))
    window.room.marks.add(mark)
    return mark


def listed(window: Opened) -> list[list[str]]:
    """What the list says: each plane, then its marks."""
    window.window.marks.rebuild()
    tree = window.window.marks.tree
    items = [item for i in range(tree.topLevelItemCount()) if (item := tree.topLevelItem(i)) is not None]
    return [[part.text(0) for part in (item, *children(item))] for item in items]


def children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for i in range(item.childCount()) if (child := item.child(i)) is not None]


def click(window: Opened, *, mark: bool) -> None:
    """Jump to the first plane of the list, or to its first mark."""
    tree = window.window.marks.tree
    item = tree.topLevelItem(0)
    assert item is not None
    tree.setCurrentItem(children(item)[0] if mark else item)
    window.window.marks.jump()


def test_planes_are_listed_with_name_place_and_measure(window: Opened) -> None:
    viewports = window.room.desk.viewports
    viewports[CORONAL].scroll(12)
    draw(window, CORONAL)
    draw(window, AXIAL)
    window.room.mpr.set_slab(viewports[SAGITTAL], Slab.MIP, 10.0)
    reference = viewports[SAGITTAL].reference
    assert reference is not None
    window.room.marks.toggle_key_image(reference)
    assert listed(window) == [
        ["Axial S 0.0 mm, CT 4", "10.0 mm"],
        ["Coronal P 12.0 mm, CT 4", "10.0 mm"],
        ["Sagittal R 0.0 mm, MIP 10 mm, CT 4"],
    ]


def test_a_click_shows_the_plane_turned_as_it_was(window: Opened) -> None:
    viewports = window.room.desk.viewports
    coronal = viewports[CORONAL]
    window.room.mpr.turn(viewports[AXIAL], 30.0)
    mark, plane = draw(window, CORONAL), coronal.plane
    window.room.mpr.reset(viewports[AXIAL])
    assert coronal.plane != plane
    ((heading, value),) = listed(window)
    assert heading.startswith("Coronal ")
    assert heading.endswith(" mm, oblique, CT 4")
    assert value == "10.0 mm"
    click(window, mark=True)
    assert window.room.desk.active is coronal
    assert coronal.plane == plane
    assert window.room.marks.selected == mark
    assert window.window.desk.widgets[CORONAL].shown_marks() == (mark,)


def test_a_click_opens_the_plane_where_none_is_in_sight(window: Opened) -> None:
    mark = draw(window, SAGITTAL)
    window.trigger("planes")
    assert window.room.desk.active.cut is None
    assert len(listed(window)) == 1
    click(window, mark=False)
    cut = window.room.desk.active.cut
    assert cut is not None
    assert cut.cut.orientation is Orientation.SAGITTAL
    assert window.room.desk.active.reference == mark.image
