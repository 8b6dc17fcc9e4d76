"""The theme: readable, complete."""

from __future__ import annotations

from itertools import product
from xml.etree import ElementTree

import pytest

from radviewer import paths
from radviewer.ui.labels import count, plain_tip
from radviewer.ui.theme import colours, style_sheet


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.1)."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(colours()[one]), luminance(colours()[other])), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *product(("text", "muted", "accent"), ("desk", "window", "raised", "field")),
        ("text", "hover"), ("selected_text", "selected"), ("text", "selected"),
        ("warning", "warning_ground"), ("text", "notice_ground"), ("error", "window"),
        ("error", "field"), ("error", "selected"),
    ],
)  # fmt: skip
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


def test_the_style_sheet_is_filled_in() -> None:
    sheet = style_sheet()
    assert "@" not in sheet
    assert sheet.count("{") == sheet.count("}") > 20


def test_icons_are_one_set_of_thin_lines() -> None:
    files = sorted((paths.resources() / "icons").glob("*.svg"))
    assert len(files) > 30
    for file in files:
        root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
        if file.stem not in ("radviewer", "check"):
            assert (root.get("viewBox"), root.get("stroke-width")) == ("0 0 24 24", "1.5"), file.name


def test_tool_tips_show_markup_as_it_is() -> None:
    assert "&lt;b&gt;" in plain_tip("<b>")
    assert plain_tip("") == ""
    assert len(plain_tip("x" * 10_000)) < 3000


def test_numbers_go_with_their_noun() -> None:
    assert [count(n, "image") for n in (0, 1, 2, 1234)] == ["0 images", "1 image", "2 images", "1,234 images"]
