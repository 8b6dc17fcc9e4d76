"""Keys are heard where they should be, and as the reader set them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QScrollArea

from radviewer.app.actions import ACTIONS, keys_in_force
from radviewer.ui.dialogs.cheat_sheet import CheatSheet, blocks_of, columns_of
from radviewer.ui.dialogs.shortcuts import ShortcutEditor
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path) -> Opened:
    phantoms.volume(tmp_path, 30)
    one: Opened = main_window(tmp_path)
    one.wait_image()
    return one


def inverted(opened: Opened) -> bool:
    return opened.room.desk.active.presentation.inverted


def editor(opened: Opened) -> ShortcutEditor:
    opened.trigger("shortcuts")
    dialog = opened.window.commands.dialog("shortcuts")
    assert isinstance(dialog, ShortcutEditor)
    return dialog


def test_a_letter_acts_on_the_viewport_that_has_the_focus(opened: Opened) -> None:
    opened.key("i")
    assert inverted(opened)
    opened.wait(opened.window.actions_set["invert"].isChecked)


def test_a_letter_does_nothing_while_a_list_or_an_entry_has_the_focus(opened: Opened) -> None:
    opened.window.browser.setFocus()
    opened.key("i")
    opened.key(Qt.Key.Key_Space)
    opened.trigger("panel-histogram")
    opened.wait(lambda: opened.window.histogram.plot is not None)
    opened.window.histogram.center.setFocus()
    opened.key("i")
    opened.key("k")
    assert not inverted(opened)
    assert opened.room.marks.all == ()
    assert opened.room.settings.now.density == "full"


def test_a_function_key_is_heard_everywhere_in_the_window(opened: Opened) -> None:
    opened.window.browser.setFocus()
    opened.key(Qt.Key.Key_F3)
    assert opened.room.desk.layout.value == "1x2"
    opened.key("l", CTRL)
    assert opened.room.desk.linked is False


@pytest.mark.parametrize(
    ("key", "modifiers", "there"),
    [
        (Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier, 11),
        (Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier, 9),
        (Qt.Key.Key_Down, SHIFT, 20),
        (Qt.Key.Key_Up, SHIFT, 0),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 29),
    ],
)
def test_the_keys_that_scroll(opened: Opened, key: Qt.Key, modifiers: Qt.KeyboardModifier, there: int) -> None:
    opened.room.desk.active.go_to(10)
    opened.key(key, modifiers)
    assert opened.room.desk.active.index == there


def test_keys_that_make_no_sense_again_do_not_repeat(opened: Opened) -> None:
    repeating = {action.name for action in ACTIONS if opened.window.actions_set[action.name].autoRepeat()}
    assert {"next-image", "zoom-in", "window-wider"} <= repeating
    assert repeating.isdisjoint({"invert", "key-image", "rotate-right", "undo", "density"})


def test_a_changed_shortcut_is_heard_at_once_and_kept(opened: Opened) -> None:
    dialog = editor(opened)
    dialog.choose("invert")
    dialog.edits[0].setKeySequence(QKeySequence("U"))
    dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
    assert opened.room.settings.now.shortcuts == {"invert": ["U"]}
    opened.window.activateWindow()
    opened.wait(opened.window.isActiveWindow)
    opened.window.desk.focus_active()
    opened.key("i")
    assert not inverted(opened)
    opened.key("u")
    assert inverted(opened)


def test_a_clash_is_named_and_cannot_be_saved(opened: Opened) -> None:
    dialog = editor(opened)
    dialog.choose("invert")
    dialog.edits[1].setKeySequence(QKeySequence("K"))
    assert dialog.clash.text() == "K is given to Key image and Invert grey."
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    assert not save.isEnabled()
    dialog.reset_one.click()
    assert save.isEnabled()
    assert dialog.clash.text() == ""


def test_defaults_come_back(opened: Opened) -> None:
    opened.room.settings.change(shortcuts={"invert": ["X"], "cine": []})
    dialog = editor(opened)
    dialog.reset_all.click()
    dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
    assert opened.room.settings.now.shortcuts == {}
    opened.key("i")
    assert [k.toString() for k in opened.window.actions_set["invert"].shortcuts()] == ["I"]


def test_cancelling_the_editor_changes_nothing(opened: Opened) -> None:
    dialog = editor(opened)
    dialog.choose("invert")
    dialog.edits[0].setKeySequence(QKeySequence("X"))
    dialog.buttons.button(QDialogButtonBox.StandardButton.Cancel).click()
    assert opened.room.settings.now.shortcuts == {}


def test_the_search_finds_commands_and_keys(opened: Opened) -> None:
    dialog = editor(opened)
    dialog.search.setText("flip")
    found = [name for name, item in dialog.items.items() if not item.isHidden()]
    assert found == ["flip-horizontal", "flip-vertical"]
    dialog.search.setText("F11")
    assert [name for name, item in dialog.items.items() if not item.isHidden()] == ["full-screen"]


def test_after_a_search_keys_go_to_a_command_that_is_seen(opened: Opened) -> None:
    dialog = editor(opened)
    assert dialog.chosen == "open-folder"
    dialog.search.setText("linked")
    assert dialog.chosen == "link"
    assert dialog.edits[0].keySequence() == QKeySequence("Ctrl+L")
    dialog.edits[0].setKeySequence(QKeySequence("X"))
    assert dialog.keys["link"] == ("X",)
    assert dialog.keys["open-folder"] == ("Ctrl+O",)
    dialog.search.setText("scrolling")
    assert dialog.chosen == "link"


def test_a_search_that_finds_nothing_leaves_nothing_to_change(opened: Opened) -> None:
    dialog = editor(opened)
    dialog.search.setText("no such command")
    assert dialog.chosen is None
    assert not any(edit.isEnabled() for edit in dialog.edits)
    assert not dialog.reset_one.isEnabled()
    dialog.search.clear()
    assert dialog.chosen == "open-folder"
    assert dialog.reset_one.isEnabled()


def test_the_cheat_sheet_holds_every_action_and_the_keys_in_force() -> None:
    keys = keys_in_force({"invert": ["X"]})
    lines = [line for _, block in blocks_of(keys, {"preset-1": "Lung"}) for line in block]
    texts = [text for _, text in lines]
    for action in ACTIONS:
        assert (action.text.removesuffix("…") in texts) or action.name == "preset-1"
    assert ("X", "Invert grey") in lines
    assert ("1", "Lung") in lines
    assert ("Wheel", "Image ±1 under the pointer") in lines


def test_columns_hold_everything_once_and_are_about_equal() -> None:
    blocks = blocks_of(keys_in_force({}), {})
    for number in (1, 2, 3, 4):
        columns = columns_of(blocks, number)
        assert len(columns) <= number
        assert [line for column in columns for _, lines in column for line in lines] == [
            line for _, lines in blocks for line in lines
        ]


def test_f1_opens_the_cheat_sheet_within_the_screen(opened: Opened) -> None:
    opened.key(Qt.Key.Key_F1)
    sheet = opened.window.commands.dialog("cheat-sheet")
    assert isinstance(sheet, CheatSheet)
    labels = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Invert grey", "Length", "Right drag, Ctrl+wheel"} <= labels
    area = sheet.findChild(QScrollArea)
    assert area is not None
    opened.wait(lambda: not area.horizontalScrollBar().isVisible())
    sheet.search.setText("flip")
    page = area.widget()
    assert page is not None
    assert {label.text() for label in page.findChildren(QLabel)} == {
        "Image", "H", "Flip left–right", "V", "Flip top–bottom",
    }  # fmt: skip


def test_escape_closes_a_dialog_and_not_the_view(opened: Opened) -> None:
    opened.key("i")
    opened.trigger("about")
    dialog = opened.window.commands.dialog("about")
    assert dialog is not None
    opened.wait(dialog.isActiveWindow)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    opened.wait(lambda: opened.window.commands.dialog("about") is None)
    assert inverted(opened)
