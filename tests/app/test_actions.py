"""The action table: complete, free of clashes, with the keys readers know."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from radviewer import paths
from radviewer.app.actions import ACTIONS, BEGINS_SECTION, Scope, clashes, keys_in_force

BY_NAME = {action.name: action for action in ACTIONS}


def test_names_are_unique_and_sections_exist() -> None:
    assert [name for name, n in Counter(action.name for action in ACTIONS).items() if n > 1] == []
    assert set(BY_NAME) >= BEGINS_SECTION


def test_the_defaults_do_not_clash() -> None:
    assert clashes(keys_in_force({})) == {}


def test_every_key_is_one_that_qt_knows() -> None:
    for action in ACTIONS:
        for key in action.keys:
            sequence = QKeySequence(key, QKeySequence.SequenceFormat.PortableText)
            assert sequence.count() == 1, (action.name, key)
            assert sequence.toString(QKeySequence.SequenceFormat.PortableText), (action.name, key)


def test_single_letters_are_heard_by_viewports_only() -> None:
    for action in ACTIONS:
        letters = [key for key in action.keys if len(key) == 1 or key in ("Space", "Esc", "Up", "Down", "Del")]
        assert not letters or action.scope is Scope.VIEWPORT, action.name


def test_every_icon_is_drawn() -> None:
    for action in ACTIONS:
        if action.icon:
            assert (paths.resources() / "icons" / f"{action.icon}.svg").is_file(), action.name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Up", "previous-image"), ("Down", "next-image"), ("PgUp", "previous-series"), ("PgDown", "next-series"),
        ("Home", "first-image"), ("End", "last-image"), ("Shift+Up", "back-10"), ("Shift+Down", "forward-10"),
        ("0", "preset-0"), ("1", "preset-1"), ("9", "preset-9"), ("W", "tool-window"), ("Z", "tool-zoom"),
        ("S", "tool-scroll"), ("T", "tool-pan"), ("M", "measure-menu"), ("D", "tool-length"), ("R", "rotate-right"),
        ("L", "rotate-left"), ("H", "flip-horizontal"), ("V", "flip-vertical"), ("I", "invert"), ("C", "cine"),
        ("K", "key-image"), ("Esc", "reset"), ("F11", "full-screen"), ("Space", "density"), ("N", "next-marked"),
        ("F1", "cheat-sheet"),
    ],
)  # fmt: skip
def test_the_keys_of_the_convention(key: str, name: str) -> None:
    assert key in BY_NAME[name].keys


def test_clashes_name_every_claimant_whatever_the_case() -> None:
    found = clashes({"a": ("Ctrl+K",), "b": ("ctrl+k", "X"), "c": ("x",), "d": ("Y",)})
    assert found == {"ctrl+k": ["a", "b"], "x": ["b", "c"]}


def test_the_readers_keys_replace_the_defaults() -> None:
    keys = keys_in_force({"invert": ["X"], "cine": [], "no-such-action": ["Q"]})
    assert keys["invert"] == ("X",)
    assert keys["cine"] == ()
    assert keys["key-image"] == ("K",)
    assert "no-such-action" not in keys
