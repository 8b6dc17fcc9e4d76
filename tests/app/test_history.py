from __future__ import annotations

from radviewer.app.history import Change, History
from tests.app.hand_made import heard


class Page:
    """A text that grows."""

    def __init__(self) -> None:
        self.text = ""
        self.history = History()

    def write(self, letter: str) -> None:
        before = self.text

        def put(text: str) -> None:
            self.text = text

        self.history.do(Change(f"Write {letter}", lambda: put(before + letter), lambda: put(before)))


def test_undo_and_redo_in_order() -> None:
    page = Page()
    for letter in "abc":
        page.write(letter)
    page.history.undo()
    page.history.undo()
    assert page.text == "a"
    assert (page.history.undo_text, page.history.redo_text) == ("Write a", "Write b")
    page.history.redo()
    assert page.text == "ab"


def test_something_new_ends_what_could_be_done_again() -> None:
    page = Page()
    page.write("a")
    page.history.undo()
    page.write("b")
    page.history.redo()
    assert page.text == "b"
    assert page.history.redo_text is None


def test_nothing_to_undo_is_no_error_and_not_told() -> None:
    page = Page()
    told = heard(page.history.changed)
    page.history.undo()
    page.history.redo()
    assert not told
    page.write("a")
    page.history.undo()
    page.history.redo()
    assert len(told) == 3


def test_remembers_the_last_500() -> None:
    page = Page()
    for _ in range(510):
        page.write("x")
    for _ in range(600):
        page.history.undo()
    assert len(page.text) == 10


def test_clear_forgets_both_ways() -> None:
    page = Page()
    page.write("a")
    page.write("b")
    page.history.undo()
    page.history.clear()
    page.history.undo()
    page.history.redo()
    assert page.text == "a"
