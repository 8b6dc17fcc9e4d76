"""Hanging protocols in the window: which image is where, as it is painted, and the menu."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QToolButton

from radviewer.app.desk import Layout
from radviewer.app.hanging_table import own_table
from radviewer.render.annotations import Density
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.desks import pixels
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui

ROWS, COLUMNS = 120, 80
BREAST = 4000


def mammogram(path: Path, side: str, view: str, orientation: list[str], *, wall: str, nipple_row: int) -> None:
    """Triangle of one grey: its base is the chest wall, its tip the nipple, off the middle row."""
    rows, columns = np.indices((ROWS, COLUMNS))
    from_wall = columns if wall == "left" else COLUMNS - 1 - columns
    half = 40 * (1 - from_wall / 60)
    image = np.where((from_wall < 60) & (np.abs(rows - nipple_row) < half), BREAST, 0).astype(np.uint16)
    phantoms.save(
        phantoms.image(
            image, modality="MG", series=f"{side} {view}", SeriesDescription=f"{side} {view}", ViewPosition=view,
            ImageLaterality=side, PatientOrientation=orientation, BodyPartExamined="BREAST", WindowCenter=2000,
            WindowWidth=4000, SeriesNumber={"CC": 1, "MLO": 2}[view],
        ),
        path,
    )  # fmt: skip


def mammograms(folder: Path) -> Path:
    """Four views, each stored in another way; the nipple lies above the middle when the image hangs upright."""
    mammogram(folder / "1.dcm", "R", "CC", ["P", "L"], wall="right", nipple_row=50)  # as it hangs
    mammogram(folder / "2.dcm", "L", "CC", ["P", "R"], wall="right", nipple_row=50)  # mirrored left to right
    mammogram(folder / "3.dcm", "R", "MLO", ["A", "H"], wall="left", nipple_row=69)  # turned by 180 degrees
    mammogram(folder / "4.dcm", "L", "MLO", ["A", "HL"], wall="left", nipple_row=69)  # upside down
    return folder


@pytest.fixture
def window(main_window: WindowOpener) -> Opened:
    opened: Opened = main_window()
    opened.room.settings.change(density=Density.NONE.value)  # nothing is painted but the images
    return opened


def shown(opened: Opened) -> list[str | None]:
    return [None if v.shown is None else v.shown.series.description for v in opened.room.desk.seen]


def breasts(opened: Opened) -> list[NDArray[np.bool_]]:
    """Where each viewport in sight has painted a breast."""
    opened.wait(lambda: all(v.shown is None or v.image is not None for v in opened.room.desk.seen))
    return [pixels(w).min(axis=2) > 120 for w in opened.window.desk.widgets if w.isVisible()]


def test_mammograms_hang_with_chest_walls_back_to_back(window: Opened, tmp_path: Path) -> None:
    window.open(mammograms(tmp_path))
    assert shown(window) == ["R CC", "L CC", "R MLO", "L MLO"]
    painted = breasts(window)
    places = [w.geometry() for w in window.window.desk.widgets if w.isVisible()]
    assert places[0].right() < places[1].left()
    assert places[0].bottom() < places[2].top()
    for place, breast in enumerate(painted):
        across, down = breast.sum(axis=0), breast.sum(axis=1)
        inner, outer = (-1, 0) if place % 2 == 0 else (0, -1)  # the wall touches the seam between the columns
        assert across[inner] > 0.5 * breast.shape[0]
        assert across[outer] == 0
        profile = across if place % 2 == 0 else across[::-1]
        assert (np.diff(profile[profile > 0].astype(int)) >= -2).all()  # wider from the nipple to the wall
        rows = np.flatnonzero(down == down.max())
        assert rows.mean() < 0.46 * breast.shape[0]  # the nipple lies above the middle
    assert painted[0].shape == painted[2].shape
    np.testing.assert_array_equal(painted[0], painted[2])  # the same breast, stored in two ways


def test_the_walls_stay_together_in_a_larger_window_and_until_the_reader_moves_them(
    window: Opened, tmp_path: Path
) -> None:
    window.open(mammograms(tmp_path))
    window.window.resize(1500, 800)
    breast = breasts(window)[0]
    window.wait(lambda: window.window.desk.widgets[0].width() == breasts(window)[0].shape[1])
    assert breasts(window)[0][:, -1].any()
    desk, widget = window.room.desk, window.window.desk.widgets[0]
    desk.viewports[0].set_camera(widget.transform.panned(-30, 0))
    moved = breasts(window)[0]
    assert not moved[:, -29:].any()
    assert moved[:, -31].any()
    desk.viewports[0].set_camera(desk.viewports[0].camera.fit())
    assert breasts(window)[0][:, -1].any()
    assert breast.any()


def test_a_chest_film_hangs_beside_its_prior(window: Opened, tmp_path: Path) -> None:
    for date in ("20200101", "20240229"):
        for number, view in enumerate(("LL", "PA"), 1):
            phantoms.film(
                tmp_path / date / f"{view}.dcm", modality="DX", study=date, series=f"{date}{view}", view=view,
                StudyDate=date, SeriesDescription=f"{view} {date}", SeriesNumber=number, BodyPartExamined="CHEST",
            )  # fmt: skip
    window.open(tmp_path)
    assert window.room.desk.layout is Layout.FOUR
    assert shown(window) == ["PA 20240229", "PA 20200101", "LL 20240229", "LL 20200101"]


def test_mr_series_are_tiled_by_kind_at_one_position(window: Opened, tmp_path: Path) -> None:
    for number, (kind, slices) in enumerate((("T2", 9), ("ADC", 5), ("T1 post", 5), ("T1 pre", 5), ("FLAIR", 5)), 1):
        phantoms.volume(
            tmp_path / str(number), slices, modality="MR", series=kind, SeriesNumber=number, SeriesDescription=kind,
            step=16 / (slices - 1),
        )  # fmt: skip
    window.open(tmp_path)
    assert window.room.desk.layout is Layout.SIX
    assert shown(window) == ["T1 pre", "T1 post", "T2", "FLAIR", "ADC", None]
    window.wait_image()
    window.room.desk.active.go_to(1)
    assert [v.index for v in window.room.desk.seen[:5]] == [1, 1, 2, 1, 1]


class TestMenu:
    def entries(self, opened: Opened) -> dict[str, QAction]:
        menu = opened.window.actions_set.menus["hanging"]
        menu.aboutToShow.emit()
        return {action.text(): action for action in menu.actions() if not action.isSeparator()}

    def test_offers_what_fits_and_what_was(self, window: Opened, tmp_path: Path) -> None:
        window.open(mammograms(tmp_path))
        entries = self.entries(window)
        names = list(entries)
        assert names[0] == "Mammography: four views"
        assert names[-3:] == ["None (as it was)", "Choose automatically when a study opens", "Edit hanging protocols…"]
        assert not any("Chest" in name for name in names)
        assert [name for name, action in entries.items() if action.isChecked()] == [names[0], names[-2]]
        entries["Mammography: both breasts, CC"].trigger()
        assert shown(window) == ["R CC", "L CC"]
        again = self.entries(window)
        assert list(again) == names
        assert again["Mammography: both breasts, CC"].isChecked()
        again["None (as it was)"].trigger()
        assert window.room.desk.layout is Layout.ONE
        assert self.entries(window)["None (as it was)"].isChecked()

    def test_says_when_nothing_is_open(self, window: Opened) -> None:
        first = next(iter(self.entries(window).values()))
        assert (first.text(), first.isEnabled()) == ("No study is open", False)

    def test_the_automatic_choice_can_be_turned_off(self, window: Opened, tmp_path: Path) -> None:
        window.trigger("hanging-automatic")
        assert not window.room.settings.now.hang_automatically
        assert not window.window.actions_set["hanging-automatic"].isChecked()
        window.open(mammograms(tmp_path))
        assert window.room.desk.layout is Layout.ONE

    def test_the_menus_open_by_a_key_too(self, window: Opened) -> None:
        for name in ("layouts", "hanging"):
            window.window.run(name)
            menu = window.window.actions_set.menus[name]
            assert menu.isVisible()
            menu.close()

    def test_the_rarer_layouts_share_one_button(self, window: Opened) -> None:
        bar, actions = window.window.tool_bar, window.window.actions_set
        button = bar.widgetForAction(actions["layouts"])
        assert isinstance(button, QToolButton)
        assert button.popupMode() is QToolButton.ToolButtonPopupMode.InstantPopup
        parts = ("layout-2x1", "layout-1x3", "layout-2x3")
        assert [action.objectName() for action in actions.menus["layouts"].actions()] == list(parts)
        assert all(bar.widgetForAction(actions[name]) is None for name in parts)
        window.trigger("layout-2x3")
        assert actions["layout-2x3"].isChecked()
        assert window.room.desk.layout is Layout.SIX
        assert window.room.settings.now.layout == "2x3"


class TestEditing:
    def test_opens_a_copy_of_the_table(self, window: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        edited: list[str] = []

        def edit(url: QUrl) -> bool:
            edited.append(url.toLocalFile())
            return True

        monkeypatch.setattr(QDesktopServices, "openUrl", edit)
        window.trigger("hanging-edit")
        assert edited == [str(own_table())]
        assert "[[protocol]]" in own_table().read_text()
        assert window.notices == []

    def test_names_the_file_where_nothing_opens_it(self, window: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
        window.trigger("hanging-edit")
        assert any(str(own_table()) in notice for notice in window.notices)

    def test_a_wrong_line_is_a_notice(self, window: Opened, tmp_path: Path) -> None:
        own_table().write_text('[[protocol]]\nname = "Mine"\nmodality = "MG"\nlayout = "9x9"\ncells = [{}]\n')
        window.open(mammograms(tmp_path))
        assert any('"Mine", key "layout"' in notice for notice in window.notices)
        assert shown(window) == ["R CC", "L CC", "R MLO", "L MLO"]
