from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject

from radviewer.app.history import History
from radviewer.app.probe import Probe, number, probe
from radviewer.app.viewport import Viewport
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable
from tests.app.hand_made import HandCache, plane, shown, stack
from tests.qt_objects import destroy


def read(image: SliceImage, row: int = 2, column: int = 3, index: int = 1, **of_stack: Any) -> Probe | None:
    parent = QObject()
    cache = HandCache(parent)
    viewport = Viewport(cache, History(parent), parent)
    ct = stack(**of_stack)
    cache.deliver(ct, index, image)
    viewport.show(shown(ct), index)
    found = probe(viewport, row, column)
    destroy(parent)
    return found


def grey(value: float, dtype: str = "int16", **other: Any) -> SliceImage:
    stored = np.zeros((8, 10), dtype)
    stored[2, 3] = value
    return SliceImage(stored, **other)


def test_says_value_stored_value_and_place() -> None:
    found = read(grey(921, slope=1, intercept=-1024, unit="HU"), planes=[None, plane((-10.5, 2.0, 30.0), spacing=0.5)])
    assert found is not None
    assert found.value == "−103 HU"
    assert found.text == "−103 HU  ·  stored 921  ·  image 2, row 2, column 3  ·  L −9.0  P 3.0  S 30.0 mm"


def test_a_value_equal_to_the_stored_one_is_said_once() -> None:
    found = read(grey(7), planes=[None, None])
    assert found == Probe("7", "7  ·  image 2, row 2, column 3")


def test_fractions_keep_five_digits() -> None:
    found = read(grey(1234, slope=0.001, unit="SUVbw"))
    assert found is not None
    assert found.value == "1.234 SUVbw"


def test_a_modality_table_is_looked_up() -> None:
    table = LookupTable(0, np.array([5, 50, 500], np.uint16), 16)
    found = read(grey(2, modality_lut=table))
    assert found is not None
    assert found.text.startswith("500  ·  stored 2")


def test_padding_is_named() -> None:
    found = read(grey(-2000, padding=(-2000, -2000), unit="HU"))
    assert found is not None
    assert found.value == "−2000 HU (padding)"


def test_colour_is_red_green_blue() -> None:
    stored = np.zeros((8, 10, 3), np.uint8)
    stored[2, 3] = (1, 20, 255)
    found = read(SliceImage(stored))
    assert found is not None
    assert found.value == "R 1  G 20  B 255"


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (8, 0), (0, 10)])
def test_beside_the_image_is_nothing(place: tuple[int, int]) -> None:
    assert read(grey(1), *place) is None


def test_contrast_aids_do_not_change_what_is_read() -> None:
    image = grey(50, dtype="uint16")
    before = image.stored.copy()
    read(image)
    assert (image.stored == before).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (-1024.0, "−1024"), (0.00012345678, "0.00012346"), (2.5, "2.5"), (1e15, "1e+15"),
     (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_numbers_as_readers_write_them(value: float, text: str) -> None:
    assert number(value) == text
