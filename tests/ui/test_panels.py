"""Panels and dialogs beside the images: histogram, marks, tags, settings, notices."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialogButtonBox, QTextBrowser

from radviewer import __version__
from radviewer.app.shown import reference_of
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.window import Window
from radviewer.ui.dialogs.about import AboutDialog
from radviewer.ui.dialogs.lists import NoticesDialog, TagsDialog
from radviewer.ui.dialogs.settings import SettingsDialog
from radviewer.ui.notices import Notices
from radviewer.ui.panels.histogram_plot import HistogramPlot
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path) -> Opened:
    phantoms.volume(tmp_path, 6, WindowCenter=-900, WindowWidth=200)
    one: Opened = main_window(tmp_path)
    one.wait_image()
    return one


# Histogram


def histogram(opened: Opened) -> HistogramPlot:
    opened.trigger("panel-histogram")
    opened.wait(lambda: opened.window.histogram.plot is not None)
    plot = opened.window.histogram.plot
    assert plot is not None
    return plot


def region(plot: HistogramPlot) -> tuple[float, float]:
    low, high = plot.region.getRegion()
    return (float(low), float(high))


def test_the_histogram_is_not_made_before_it_is_seen(opened: Opened) -> None:
    opened.qtbot.wait(200)
    assert opened.window.histogram.plot is None


def test_the_region_is_the_window_of_the_image(opened: Opened) -> None:
    plot = histogram(opened)
    assert region(plot) == (-1000.0, -801.0)  # LINEAR, PS3.3 C.11.2.1.2: centre − 0.5 ± (width − 1) / 2
    opened.room.desk.active.set_voi(Window(40, 400))
    opened.wait(lambda: region(plot) == (-160.0, 239.0))
    for entry, number in ((opened.window.histogram.center, 40), (opened.window.histogram.width_entry, 400)):
        assert entry.value() == number
        assert entry.lineEdit().width() > 30  # a style sheet once left nothing of it


def test_dragging_the_region_sets_the_window(opened: Opened) -> None:
    plot = histogram(opened)
    plot.region.setRegion((-700.0, -300.0))
    voi = opened.room.desk.active.presentation.voi
    assert isinstance(voi, Window)
    assert (voi.center, voi.width) == (-500, 401)
    opened.qtbot.wait(100)
    assert opened.room.desk.active.presentation.voi == voi  # no echo moves it further


def test_typing_level_and_width_sets_the_window(opened: Opened) -> None:
    histogram(opened)
    panel = opened.window.histogram
    panel.center.setValue(-850)
    panel.width_entry.setValue(300)
    voi = opened.room.desk.active.presentation.voi
    assert isinstance(voi, Window)
    assert (voi.center, voi.width) == (-850, 300)


def test_the_histogram_follows_the_image_only_while_it_is_seen(opened: Opened) -> None:
    plot = histogram(opened)
    opened.room.desk.active.go_to(0)
    opened.wait(lambda: float(plot.bars.getData()[0][0]) <= -1024)
    opened.trigger("panel-histogram")
    before = np.array(plot.bars.getData()[0])
    opened.room.desk.active.go_to(5)
    opened.qtbot.wait(250)
    np.testing.assert_array_equal(plot.bars.getData()[0], before)
    opened.trigger("panel-histogram")
    opened.wait(lambda: float(plot.bars.getData()[0][0]) > -600)


def test_without_an_image_the_histogram_is_empty(opened: Opened) -> None:
    plot = histogram(opened)
    opened.trigger("close-study")
    opened.wait(lambda: not plot.isVisible())
    assert opened.window.histogram.empty.isVisible()
    assert not opened.window.histogram.center.isEnabled()


# Marks


def draw(opened: Opened) -> list[Mark]:
    shown = next(iter(opened.room.all_shown()))
    marks = [
        Mark(MarkKind.LENGTH, reference_of(shown, 4), ((1.0, 1.0), (1.0, 6.0))),
        Mark(MarkKind.RECTANGLE, reference_of(shown, 1), ((1.0, 1.0), (4.0, 5.0)), "liver"),
        Mark(MarkKind.KEY_IMAGE, reference_of(shown, 4)),
    ]
    for mark in marks:
        opened.room.marks.add(mark)
    return marks


def listed(opened: Opened) -> list[tuple[str, str]]:
    tree = opened.window.marks.tree
    found = []
    for i in range(tree.topLevelItemCount()):
        top = tree.topLevelItem(i)
        if top is not None:
            found.append((top.text(0), top.text(1)))
            children = [top.child(j) for j in range(top.childCount())]
            found += [(f"- {child.text(0)}", child.text(1)) for child in children if child is not None]
    return found


def test_marks_are_listed_by_image_with_their_values(opened: Opened) -> None:
    opened.trigger("panel-marks")
    assert opened.window.marks.empty.isVisible()
    draw(opened)
    opened.wait(lambda: opened.room.cache.volume(next(iter(opened.room.all_shown())).stack) is not None)
    opened.wait(lambda: any("mm" in text for text, _ in listed(opened)))
    found = listed(opened)
    assert [text for text, _ in found if not text.startswith("-")] == ["CT 1, image 2", "CT 1, image 5"]
    assert found[1][1] == "liver"
    assert "mean −" in found[1][0]
    assert found[3][0] == "- 3.5 mm"  # 5 columns of 0.7 mm


def test_a_click_jumps_to_the_mark_and_selects_it(opened: Opened) -> None:
    opened.trigger("panel-marks")
    length = draw(opened)[0]
    panel = opened.window.marks
    opened.wait(lambda: panel.tree.topLevelItemCount() == 2)
    top = panel.tree.topLevelItem(1)
    assert top is not None
    child = top.child(0)
    assert child is not None
    panel.tree.setCurrentItem(child)
    panel.tree.itemClicked.emit(child, 0)
    assert opened.room.desk.active.index == 4
    assert opened.room.marks.selected == length


def test_delete_and_rename_act_on_the_chosen_mark(opened: Opened) -> None:
    opened.trigger("panel-marks")
    length, box, _ = draw(opened)
    panel = opened.window.marks
    opened.wait(lambda: panel.tree.topLevelItemCount() == 2)
    opened.room.marks.select(box.mark_id)
    item = panel.tree.currentItem()
    assert item is not None
    item.setText(1, "  <b>spleen</b> ")
    assert next(m.text for m in opened.room.marks.all if m.mark_id == box.mark_id) == "<b>spleen</b>"
    opened.room.marks.select(length.mark_id)
    panel.tree.setFocus()
    opened.key(Qt.Key.Key_Delete)
    assert length.mark_id not in {m.mark_id for m in opened.room.marks.all}
    opened.room.history.undo()
    assert length in opened.room.marks.all


def test_selecting_a_mark_on_the_image_selects_its_row(opened: Opened) -> None:
    opened.trigger("panel-marks")
    box = draw(opened)[1]
    opened.wait(lambda: opened.window.marks.tree.topLevelItemCount() == 2)
    opened.room.marks.select(box.mark_id)
    item = opened.window.marks.tree.currentItem()
    assert item is not None
    assert item.text(1) == "liver"
    assert opened.window.marks.remove.isEnabled()


# Tags


def tags(opened: Opened) -> TagsDialog:
    opened.trigger("tags")
    dialog = opened.window.commands.dialog("tags")
    assert isinstance(dialog, TagsDialog)
    opened.wait(lambda: dialog.model.rowCount() > 0)
    return dialog


def value(dialog: TagsDialog, keyword: str) -> str:
    return next(row[3] for row in dialog.model.rows if row[1] == keyword)


def test_tags_are_those_of_the_image_on_screen(opened: Opened) -> None:
    dialog = tags(opened)
    index = opened.room.desk.active.index
    shown = opened.room.desk.active.shown
    assert shown is not None
    assert value(dialog, "SOPInstanceUID") == shown.stack.frames[index].file.sop_instance_uid
    opened.room.desk.active.go_to(0)
    first = shown.stack.frames[0].file.sop_instance_uid
    opened.wait(lambda: value(dialog, "SOPInstanceUID") == first)


def test_tags_are_searched_by_keyword_tag_and_value(opened: Opened) -> None:
    dialog = tags(opened)
    for text, keyword in (("patientid", "PatientID"), ("0010,0020", "PatientID"), ("test^p1", "PatientName")):
        dialog.search.setText(text)
        model = dialog.table.model()
        assert keyword in {model.index(row, 1).data() for row in range(model.rowCount())}
        assert model.rowCount() < dialog.model.rowCount()


def test_a_file_that_is_gone_is_named_in_the_dialog(main_window: WindowOpener, tmp_path: Path) -> None:
    paths = phantoms.volume(tmp_path, 3)
    opened = main_window(tmp_path)
    opened.wait_image()
    for path in paths:
        path.unlink()
    opened.trigger("tags")
    dialog = opened.window.commands.dialog("tags")
    assert isinstance(dialog, TagsDialog)
    opened.wait(lambda: dialog.model.rowCount() > 0 or "cannot" in dialog.about.text())


# Settings, notices, about


def test_settings_are_changed_together_or_not_at_all(opened: Opened) -> None:
    for button, expected in (
        (QDialogButtonBox.StandardButton.Cancel, 15.0),
        (QDialogButtonBox.StandardButton.Save, 30.0),
    ):
        opened.trigger("settings")
        dialog = opened.window.commands.dialog("settings")
        assert isinstance(dialog, SettingsDialog)
        dialog.reader.setText("Dr. Ada <b>")
        dialog.cine_rate.setValue(30)
        dialog.density.setCurrentIndex(1)
        dialog.memory.setValue(25)
        dialog.buttons.button(button).click()
        assert opened.room.settings.now.cine_rate == expected
        opened.wait(lambda: opened.window.commands.dialog("settings") is None)
    now = opened.room.settings.now
    assert (now.reader, now.density, now.memory_share) == ("Dr. Ada <b>", "anonymous", 0.25)
    assert opened.window.status.reader.text() == "Reader: Dr. Ada <b>"


def test_notices_are_told_once_kept_and_dismissed(qapp: object) -> None:
    assert qapp is not None
    notices = Notices()
    notices.tell("One.")
    notices.tell("One.")
    notices.tell("Two.")
    notices.tell_lasting("disk", "Full.")
    assert [notice.text for notice in notices.open] == ["Full.", "Two.", "One."]
    notices.dismiss()
    assert [notice.text for notice in notices.open] == ["Full."]
    notices.settle("disk")
    notices.settle("disk")
    assert notices.open == ()
    assert [notice.text for notice in notices.told] == ["One.", "Two.", "Full."]
    assert all(notice.time <= datetime.now() for notice in notices.told)


def test_the_list_of_notices_follows(opened: Opened) -> None:
    opened.window.notices.tell("Something happened.")
    opened.trigger("notices")
    dialog = opened.window.commands.dialog("notices")
    assert isinstance(dialog, NoticesDialog)
    opened.window.notices.tell("<b>More</b> happened.")
    assert [row[1] for row in dialog.model.rows][:2] == ["<b>More</b> happened.", "Something happened."]


def test_about_tells_version_use_and_licences(opened: Opened) -> None:
    opened.trigger("about")
    dialog = opened.window.commands.dialog("about")
    assert isinstance(dialog, AboutDialog)
    browser = dialog.findChild(QTextBrowser)
    assert browser is not None
    assert "PySide6" in browser.toPlainText()
    texts = " ".join(str(child.property("text")) for child in dialog.children())
    assert f"radviewer {__version__}" in texts
    assert "Research use only" in texts


def test_the_start_of_a_dock_is_within_the_window(opened: Opened) -> None:
    for name in ("panel-histogram", "panel-marks"):
        opened.trigger(name)
        dock = opened.window.docks[name]
        assert opened.window.rect().contains(dock.mapTo(opened.window, QPoint(0, 0)))
