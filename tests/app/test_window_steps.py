from __future__ import annotations

import numpy as np
import pytest

from radviewer.app.window_steps import stepped
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, Window
from radviewer.render.presentation import Presentation
from tests.app.hand_made import picture

CT = picture(windows=(Window(40, 400),))


def test_right_is_wider_and_up_lowers_the_centre() -> None:
    assert stepped(CT, Presentation(), 20, 0).width > 400
    assert stepped(CT, Presentation(), -20, 0).width < 400
    up = stepped(CT, Presentation(), 0, 20)
    assert (up.center < 40, up.width) == (True, 400)


def test_speed_goes_with_the_width() -> None:
    wider = stepped(CT, Presentation(), 40, 0).width / 400
    for width in (4.0, 80.0, 400.0, 2500.0):
        start = Presentation(voi=Window(0, width))
        assert stepped(CT, start, 40, 0).width / width == pytest.approx(wider, rel=0.02)
        assert -stepped(CT, start, 0, 30).center / width == pytest.approx(0.1, rel=0.02)


def test_up_is_brighter_on_an_inverted_film_too() -> None:
    film = picture(windows=(Window(40, 400),), inverted=True)
    assert stepped(film, Presentation(), 0, 20).center > 40
    assert stepped(film, Presentation(inverted=True), 0, 20).center < 40


def test_the_numbers_are_whole_where_windows_are_wide() -> None:
    window = stepped(CT, Presentation(), 13, 7)
    assert window.center == round(window.center)
    assert window.width == round(window.width)


def test_narrow_windows_stay_windows() -> None:
    narrow = Presentation(voi=Window(0.5, 0.0001))
    assert stepped(CT, narrow, -500, 0).width > 0
    window = Window(40, 400)
    for _ in range(100):
        window = stepped(CT, Presentation(voi=window), -300, 0)
    assert window.width >= 1


def test_starts_from_what_is_in_force() -> None:
    bare = SliceImage(CT.stored)
    assert stepped(bare, Presentation(fallback=Window(500, 100)), 0, 0).width == 100
    table = SliceImage(CT.stored, vois=(LookupTable(100, np.arange(200, dtype=np.uint16), 8),))
    assert stepped(table, Presentation(), 0, 0).center == pytest.approx(199.5, abs=1)
    colour = SliceImage(np.zeros((2, 2, 3), np.uint8))
    assert stepped(colour, Presentation(), 0, 0) == Window(128, 256)
