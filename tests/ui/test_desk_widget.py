"""Viewports together: layouts, linked scrolling, cross-hair, reference lines, drops, menus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QAction, QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu

from radviewer import paths
from radviewer.app.actions import ACTIONS
from radviewer.app.desk import Layout
from radviewer.domain.window import Window
from radviewer.render.annotations import Density
from radviewer.render.presentation import Interpolation, StepKind
from radviewer.ui.desk_widget import STACK_MIME, DeskWidget
from radviewer.ui.viewport_menu import voi_text
from tests.phantoms import AXIAL, SAGITTAL, volume
from tests.ui.conftest import Opener
from tests.ui.desks import NO_KEY, RIGHT, SHIFT, Reading, pixels

pytestmark = pytest.mark.ui


@pytest.fixture
def study(reading: Opener, tmp_path: Path) -> Reading:
    """A thin and a thick axial stack and a sagittal one, of one frame of reference, in four viewports."""
    folder = tmp_path / "study"
    size: dict[str, Any] = {"shape": (40, 40), "spacing": (1.0, 1.0)}
    thin = [(-20.0, -30.0, 100.0 + z) for z in range(21)]
    volume(folder / "1", at=thin, series="thin", SeriesNumber=1, **size)
    volume(folder / "2", at=thin[::5], series="thick", SeriesNumber=2, **size)
    sagittal = [(-20.0 + 2 * x, -30.0, 139.0) for x in range(20)]  # shown from the patient's left: x falls
    volume(folder / "3", orientation=SAGITTAL, at=sagittal, series="sagittal", SeriesNumber=3, **size)
    opened: Reading = reading(folder, layout=Layout.FOUR, size=(900, 700))
    assert [v.shown.series.description if v.shown else None for v in opened.room.desk.seen] == [
        "Series thin", "Series thick", "Series sagittal", None,
    ]  # fmt: skip
    return opened


class TestLinkedScrolling:
    def test_by_position_in_the_patient(self, study: Reading) -> None:
        thin, thick, sagittal = study.room.desk.viewports[:3]
        before = sagittal.index
        thin.go_to(0)
        for _ in range(12):
            study.mouse(0).wheel((50, 50))
        assert (thin.index, thick.index) == (12, 2)
        study.mouse(0).wheel((50, 50))
        assert (thin.index, thick.index) == (13, 3)
        assert sagittal.index == before

    def test_the_wheel_works_over_a_viewport_that_is_not_active(self, study: Reading) -> None:
        thin, thick = study.room.desk.viewports[:2]
        thick.go_to(1)
        study.mouse(1).wheel((50, 50))
        assert study.room.desk.active_index == 0
        assert thick.index == 2
        assert thin.plane is not None
        assert thick.plane is not None
        assert thin.plane.depth == pytest.approx(thick.plane.depth)

    def test_can_be_switched_off(self, study: Reading) -> None:
        study.run("link")
        assert study.desk.commands.checked("link") is False
        before = study.room.desk.viewports[1].index
        study.room.desk.viewports[0].go_to(20)
        assert study.room.desk.viewports[1].index == before


class TestCrosshair:
    def test_shift_and_move_shows_the_same_point_everywhere(self, study: Reading) -> None:
        mouse = study.mouse(0)
        study.room.desk.viewports[0].go_to(10)  # z = 110
        mouse.move(study.place(7, 24, 0), SHIFT)  # y = −23, x = 4
        thick, sagittal = study.room.desk.viewports[1:3]
        assert thick.index == 2
        assert thick.crosshair == pytest.approx((7, 24), abs=0.2)
        assert sagittal.index == 19 - 12
        assert sagittal.crosshair == pytest.approx((29, 7), abs=0.2)
        assert study.desk.widgets[2].view().crosshair == sagittal.crosshair
        mouse.move(study.place(8, 24, 0), NO_KEY)
        assert sagittal.crosshair is None

    def test_is_painted(self, study: Reading) -> None:
        sagittal = study.desk.widgets[2]
        study.room.settings.change(reference_lines=False)
        study.mouse(0).move(study.place(7, 24, 0), SHIFT)
        seen = pixels(sagittal)
        study.mouse(0).move(study.place(7, 24, 0), NO_KEY)
        changed = np.argwhere((seen != pixels(sagittal)).any(axis=2))
        x, y = sagittal.transform.to_view(29, 7)
        assert changed.mean(axis=0) == pytest.approx((y, x), abs=2)


class TestReferenceLines:
    def test_lie_where_the_other_image_cuts_this_one(self, study: Reading) -> None:
        study.room.desk.viewports[0].go_to(10)  # z = 110, 29 mm below the top of the sagittal images
        view = study.desk.widgets[2].view()
        column = (19 - study.room.desk.viewports[2].index) * 2
        rows = [point[0] for point in study.desk.widgets[2].active_line or ()]
        assert rows == pytest.approx([29, 29])
        assert len(view.reference_lines) == 1  # of the thick stack, which is not active
        columns = [point[1] for line in study.desk.widgets[0].view().reference_lines for point in line]
        assert columns == pytest.approx([column, column])
        assert study.desk.widgets[0].active_line is None  # none of itself

    def test_the_active_one_changes_with_the_active_viewport(self, study: Reading) -> None:
        study.room.desk.activate(1)
        assert study.desk.widgets[2].active_line is not None
        study.room.desk.activate(2)
        assert study.desk.widgets[2].active_line is None
        assert len(study.desk.widgets[2].view().reference_lines) == 2
        assert study.desk.widgets[0].active_line is not None

    def test_can_be_switched_off(self, study: Reading) -> None:
        study.run("reference-lines")
        assert all(w.active_line is None and not w.view().reference_lines for w in study.desk.widgets)

    def test_follow_what_is_scrolled_and_end_with_the_layout(self, study: Reading) -> None:
        study.room.desk.viewports[0].go_to(4)
        line = study.desk.widgets[2].active_line
        study.room.desk.viewports[0].go_to(5)
        assert study.desk.widgets[2].active_line != line
        study.run("layout-1x1")
        assert not study.desk.widgets[0].view().reference_lines


class TestLayout:
    def test_viewports_share_the_room_without_overlap(self, study: Reading) -> None:
        for layout, seen in (("1x1", 1), ("1x2", 2), ("2x1", 2), ("1x3", 3), ("2x3", 6), ("2x2", 4)):
            study.run(f"layout-{layout}")
            shown = [w.geometry() for w in study.desk.widgets if w.isVisible()]
            assert len(shown) == seen
            assert not any(a.intersects(b) for i, a in enumerate(shown) for b in shown[:i])
            assert all(study.desk.rect().contains(g) for g in shown)
            assert study.room.settings.now.layout == layout
        sizes = {(g.width(), g.height()) for g in shown}
        assert max(w for w, _ in sizes) - min(w for w, _ in sizes) <= 1

    def test_a_double_click_shows_one_alone_and_all_again(self, study: Reading) -> None:
        study.mouse(2).double_click((60, 60))
        assert [w.isVisible() for w in study.desk.widgets] == [False, False, True, False, False, False]
        assert study.room.desk.active_index == 2
        study.mouse(2).double_click((60, 60))
        assert [w.isVisible() for w in study.desk.widgets] == [True] * 4 + [False] * 2

    def test_a_double_click_on_the_only_one_asks_for_the_full_screen(self, reading: Opener, tmp_path: Path) -> None:
        volume(tmp_path / "s", 2)
        opened: Reading = reading(tmp_path / "s")
        wanted: list[str] = []
        opened.desk.wanted.connect(wanted.append)
        opened.mouse(0).double_click((60, 60))
        assert wanted == ["full-screen"]

    def test_a_click_activates(self, study: Reading) -> None:
        study.mouse(1).click((60, 60))
        assert study.room.desk.active_index == 1
        assert study.desk.active is study.desk.widgets[1]

    def test_keys_go_round(self, study: Reading) -> None:
        study.run("next-viewport")
        study.run("next-viewport")
        assert study.room.desk.active_index == 2
        study.run("previous-viewport")
        assert study.room.desk.active_index == 1

    def test_the_active_viewport_is_marked(self, study: Reading) -> None:
        def frame(index: int) -> str:
            place = study.desk.widgets[index].geometry()
            image = study.desk.grab().toImage()
            return image.pixelColor(place.left() - 1, place.center().y()).name()

        assert frame(0) != frame(1)
        one, other = frame(0), frame(1)
        study.room.desk.activate(1)
        assert (frame(1), frame(0)) == (one, other)


class TestDrop:
    def data(self, key: str, kind: str = STACK_MIME) -> QMimeData:
        data = QMimeData()
        data.setData(kind, key.encode())
        return data

    def drop(self, desk: DeskWidget, data: QMimeData, at: QPointF) -> bool:
        action, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        enter = QDragEnterEvent(at.toPoint(), action, data, left, NO_KEY)
        enter.ignore()
        QApplication.sendEvent(desk, enter)
        if not enter.isAccepted():
            return False
        QApplication.sendEvent(desk, QDragMoveEvent(at.toPoint(), action, data, left, NO_KEY))
        drop = QDropEvent(at, action, data, left, NO_KEY)
        QApplication.sendEvent(desk, drop)
        return drop.isAccepted()

    def test_a_stack_is_shown_where_it_is_dropped(self, study: Reading) -> None:
        thick = study.room.desk.viewports[1].shown
        assert thick is not None
        at = QPointF(study.desk.widgets[3].geometry().center())
        assert self.drop(study.desk, self.data(thick.stack.key), at)
        assert study.room.desk.viewports[3].shown == thick
        assert study.room.desk.active_index == 3

    @pytest.mark.parametrize("key", ["no such stack", "", "x" * 100_000, "\0\ufffd"])
    def test_what_is_no_stack_is_refused(self, study: Reading, key: str) -> None:
        before = [v.shown for v in study.room.desk.viewports]
        assert not self.drop(study.desk, self.data(key), QPointF(100, 100))
        assert [v.shown for v in study.room.desk.viewports] == before

    def test_other_things_are_left_to_the_window(self, study: Reading) -> None:
        assert not self.drop(study.desk, self.data("file:///tmp", "text/uri-list"), QPointF(100, 100))


class TestMenu:
    def entries(self, menu: QMenu) -> dict[str, QAction]:
        found: dict[str, QAction] = {}
        for action in menu.actions():
            sub = action.menu()
            if isinstance(sub, QMenu):
                found |= self.entries(sub)
            elif not action.isSeparator():
                found[action.text()] = action
        return found

    def open(self, study: Reading, index: int = 0, at: tuple[float, float] | None = None) -> QMenu:
        study.mouse(index).click(at or study.place(7, 24, index), RIGHT)
        menus = [m for m in study.desk.findChildren(QMenu) if m.isVisible()]
        assert len(menus) == 1
        return menus[0]

    def test_offers_windows_presets_tools_and_commands(self, study: Reading) -> None:
        menu = self.open(study)
        entries = self.entries(menu)
        assert entries["The image's own window"]
        assert entries["Lung   (W 1500  L −600)"]
        texts = {action.name: action.text for action in ACTIONS}
        for name in ("step-clahe", "reset", "tags", "key-image", "tool-length", "rotate-left", "cine", "layout-2x2"):
            assert texts[name] in entries
        entries["Lung   (W 1500  L −600)"].trigger()
        assert study.viewport.presentation.voi == Window(-600, 1500, explanation="Lung")
        menu.close()
        again = self.open(study)
        assert self.entries(again)["Lung   (W 1500  L −600)"].isChecked()
        assert not self.entries(again)["The image's own window"].isChecked()
        again.close()

    def test_acts_on_the_viewport_it_was_opened_in(self, study: Reading) -> None:
        menu = self.open(study, 2)
        self.entries(menu)["Rotate right"].trigger()
        assert [v.camera.quarter_turns for v in study.room.desk.seen] == [0, 0, 1, 0]
        menu.close()

    def test_the_files_own_windows_can_be_chosen(self, reading: Opener, tmp_path: Path) -> None:
        volume(
            tmp_path / "s", 3, WindowCenter=[[40, -600]] * 3, WindowWidth=[[400, 1500]] * 3,
            WindowCenterWidthExplanation=[["A & <b>B</b>", "LUNG"]] * 3,
        )  # fmt: skip
        opened: Reading = reading(tmp_path / "s")
        menu = self.open(opened)
        entries = self.entries(menu)
        assert "A && <b>B</b>   (W 400  L 40)" in entries
        entries["LUNG   (W 1500  L −600)"].trigger()
        voi = opened.viewport.presentation.voi
        assert isinstance(voi, Window)
        assert voi.center == -600
        menu.close()

    def test_copies_the_value_under_the_pointer(self, study: Reading) -> None:
        menu = self.open(study)
        text, copy = next((t, a) for t, a in self.entries(menu).items() if t.startswith("Copy pixel value"))
        copy.trigger()
        copied = QGuiApplication.clipboard().text()
        assert copied.endswith(" HU")
        assert copied in text
        menu.close()

    def test_a_mark_under_the_pointer_can_be_deleted_and_copied(self, study: Reading) -> None:
        study.choose("length")
        study.mouse().drag(study.place(10, 5), study.place(10, 15))
        menu = self.open(study, at=study.place(10, 10))
        entries = self.entries(menu)
        entries["Copy measurement"].trigger()
        name, value, unit = QGuiApplication.clipboard().text().split("\t")
        assert (name, unit) == ("length", "mm")
        assert float(value) == pytest.approx(10, abs=0.1)
        entries["Delete length"].trigger()
        assert study.marks == []
        menu.close()

    def test_passes_on_what_is_not_of_the_viewports(self, study: Reading) -> None:
        wanted: list[str] = []
        study.desk.wanted.connect(wanted.append)
        menu = self.open(study)
        self.entries(menu)["DICOM tags…"].trigger()
        assert wanted == ["tags"]
        menu.close()

    def test_an_empty_viewport_has_one_too(self, study: Reading) -> None:
        menu = self.open(study, 3, (40, 40))
        assert "Four viewports" in self.entries(menu)
        assert "Reset view and window" not in self.entries(menu)
        menu.close()

    def test_the_measuring_tools_have_a_menu_of_their_own(self, study: Reading) -> None:
        study.run("measure-menu")
        (menu,) = (m for m in study.desk.findChildren(QMenu) if m.isVisible())
        entries = self.entries(menu)
        assert len(entries) == 7
        next(a for t, a in entries.items() if "Ellipse" in t).trigger()
        assert study.room.toolbox.tool == "tool-ellipse"
        menu.close()


class TestCommands:
    def test_every_action_of_the_viewports_is_done(self, study: Reading) -> None:
        of_window = {
            "open-folder", "open-file", "open-last", "open-demo", "close-study", "cancel-work", "quit", "settings",
            "shortcuts", "panel-studies", "panel-histogram", "panel-marks", "panel-skipped", "notices", "tags",
            "full-screen", "cheat-sheet", "about", "run-opinion", "cancel-opinion", "impression", "next-finding",
            "previous-finding", "accept-finding", "reject-finding", "edit-finding", "withdraw-decision",
            "accept-anatomy", "toggle-overlays", "toggle-heatmap", "toggle-fill", "compare-images", "session-summary",
            "model-cards", "panel-findings", "save-picture", "save-pictures", "copy-picture", "report",
            "save-picture-set", "export-dicom", "apply-presentation", "decision-log", "layouts", "hanging",
            "hanging-edit", "planes-menu", "side-by-side", "link-here", "register", "unlink", "blend", "checkerboard",
            "fusion-off", "fusion-more", "fusion-less",
        }  # fmt: skip
        assert study.desk.commands.names >= {action.name for action in ACTIONS} - of_window

    def test_all_can_be_run_with_and_without_images(self, study: Reading) -> None:
        for name in sorted(study.desk.commands.names - {"measure-menu"}):
            study.run(name)
        study.room.close_study()
        for name in sorted(study.desk.commands.names - {"measure-menu"}):
            study.run(name)

    def test_presets_of_the_modality(self, study: Reading) -> None:
        study.run("preset-4")
        assert study.viewport.presentation.voi == Window(480, 2500, explanation="Bone")
        study.run("preset-0")
        assert study.viewport.presentation.voi is None

    def test_ways_through_a_stack(self, study: Reading) -> None:
        indices = []
        for name in ("first-image", "next-image", "forward-10", "back-10", "previous-image", "last-image"):
            study.run(name)
            indices.append(study.viewport.index)
        assert indices == [0, 1, 11, 1, 0, 20]

    def test_the_window_by_keys(self, study: Reading) -> None:
        study.viewport.set_voi(Window(40, 400))
        study.run("window-wider")
        study.run("window-brighter")
        window = study.viewport.presentation.voi
        assert isinstance(window, Window)
        assert (window.width > 400, window.center < 40) == (True, True)
        study.run("window-darker")
        study.run("window-narrower")
        assert study.viewport.presentation.voi == Window(40, 400)

    def test_what_is_in_force_is_told(self, study: Reading) -> None:
        checked = study.desk.commands.checked
        for name in ("invert", "key-image", "cine", "step-unsharp", "tool-angle"):
            assert checked(name) is False
            study.run(name)
            assert checked(name) is True
        assert study.viewport.has_step(StepKind.UNSHARP)
        assert checked("tool-window") is False
        assert checked("layout-2x2") is True
        assert checked("fit") is None

    def test_density_and_smoothing_are_of_all_viewports_and_kept(self, study: Reading) -> None:
        study.run("density")
        study.run("density")
        assert study.room.settings.now.density == Density.NONE.value
        assert not study.desk.widgets[1].view().show_scale
        study.run("smooth")
        shown = {v.presentation.interpolation for v in study.room.desk.viewports}
        assert shown == {Interpolation.NEAREST}

    def test_the_next_marked_image_may_be_in_another_series(self, study: Reading) -> None:
        study.room.desk.activate(2)
        study.viewport.go_to(3)
        study.run("key-image")
        study.room.desk.activate(0)
        study.run("next-marked")
        assert study.viewport.stack is study.room.desk.viewports[2].stack
        assert study.viewport.index == 3
        told: list[str] = []
        study.room.notice.connect(told.append)
        study.run("next-marked")
        assert told == ["No other image is marked."]


def test_an_unreadable_table_of_presets_is_told_and_harmless(
    reading: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resources").mkdir()
    monkeypatch.setattr(paths, "resources", lambda: tmp_path / "resources")
    volume(tmp_path / "s", 2, orientation=AXIAL)
    opened: Reading = reading(tmp_path / "s")
    opened.run("preset-1")
    assert opened.viewport.presentation.voi is None
    assert opened.desk.presets() == ()


def test_a_window_is_named_by_its_numbers_when_nothing_explains_it() -> None:
    assert voi_text(Window(-600, 1500)) == "W 1500  L −600"
    assert voi_text(Window(-600, 1500, explanation="Lung\n\nwindow " + "x" * 100)).startswith("Lung window xxx")
