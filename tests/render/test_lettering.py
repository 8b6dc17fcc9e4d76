"""Texts are measured once, and are the same as if they were measured anew."""

from __future__ import annotations

import unicodedata

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF

from radviewer.render.annotations import CornerTexts
from radviewer.render.layout import lay_out
from radviewer.render.lettering import Lettering, font, plain, printable
from radviewer.render.scale import EdgeLetters
from radviewer.render.view import Camera, ViewTransform

pytestmark = pytest.mark.usefixtures("qapp")

TEXTS = ("", "A", "Doe, John", "Step 2.50 mm · Müller – 骨", "W 400  L 40", "a very long description of a series " * 4)
CORNERS = CornerTexts(("Doe, John", "ID 7"), ("Series 3 · CT",), ("Image 1 / 30", "S 45.2 mm"), ("W 400  L 40",))


def test_only_what_is_not_shown_becomes_blank() -> None:
    every = "".join(map(chr, range(0x3000)))
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    unshown = {c for c in every if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")} | {*turning}
    assert printable(every) == "".join(" " if c in unshown else c for c in every)
    for character in every:
        assert printable(character) == (" " if character in unshown else character)
    assert printable("a\nb", lines=True) == "a\nb"
    assert plain(" a\nb ") == "a b"


@pytest.mark.parametrize("size", [11.0, 12.5, 24.0])
def test_widths_are_those_of_the_font(size: float) -> None:
    lettering, metrics = Lettering(), QFontMetricsF(font(size))
    for _ in range(2):
        for text in TEXTS:
            assert lettering.width(text, size) == metrics.horizontalAdvance(plain(text))
            for width in (5.0, 60.0, 200.0, 5000.0):
                cut = metrics.elidedText(plain(text), Qt.TextElideMode.ElideRight, width)
                fits = metrics.horizontalAdvance(cut) <= width
                assert lettering.elided(text, size, width) == (cut if fits else "")


def test_what_is_kept_of_many_texts_is_right() -> None:
    lettering, metrics = Lettering(), QFontMetricsF(font(12))
    for number in range(5000):
        text = f"Image {number} / 5000"
        assert lettering.width(text, 12) == metrics.horizontalAdvance(text)
    assert lettering.elided("Image 7 / 5000", 12, 30) == Lettering().elided("Image 7 / 5000", 12, 30)


def test_a_layout_is_made_again_for_whatever_changes() -> None:
    lettering, letters = Lettering(), EdgeLetters("R", "L", "A", "P")
    view = ViewTransform(Camera(), (512, 512), (780, 490))
    others = [
        (view, CORNERS, letters, True),
        (view, CornerTexts(("Doe, Jane",)), letters, True),
        (view, CORNERS, EdgeLetters("RA", "LP", "A", "P"), True),
        (view, CORNERS, None, True),
        (view, CORNERS, letters, False),
        (ViewTransform(Camera(), (512, 512), (300, 200)), CORNERS, letters, True),
    ]
    for transform, corners, edges, scale in (*others, *others):
        laid = lay_out(lettering, transform, corners, edges, scale=scale)
        assert laid == lay_out(Lettering(), transform, corners, edges, scale=scale)
        assert lay_out(lettering, transform, corners, edges, scale=scale) is laid
