from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radviewer.app.presets import Preset, offered, read_presets
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import VoiFunction, Window
from radviewer.errors import BadResource

GOOD = '[[preset]]\nmodality = "CT"\nkey = 1\nname = "Soft tissue"\nunit = "HU"\nwidth = 400\ncenter = 40\n'


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "presets.toml"
    path.write_text(text)
    return path


def test_the_ct_presets_are_those_readers_know() -> None:
    known = {p.key: (p.fixed.width, p.fixed.center) for p in offered(read_presets(), "CT", "HU") if p.fixed}
    expected = {1: (400, 40), 2: (1500, -600), 3: (150, 90), 4: (2500, 480), 5: (80, 40), 6: (400, 80)}
    assert expected.items() <= known.items()


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "CR", "US", None])
def test_keys_are_in_order_and_unique(modality: str | None) -> None:
    keys = [p.key for p in offered(read_presets(), modality, "HU" if modality == "CT" else "")]
    assert keys
    assert keys == sorted(set(keys))


def test_a_modality_with_presets_of_its_own_takes_no_others() -> None:
    presets = read_presets()
    assert offered(presets, "CT", "") == ()  # values that are no HU: no window in HU
    assert {p.modality for p in offered(presets, "MR", "")} == {"*"}


def test_suv_windows_are_exact_and_hu_windows_are_as_usual(tmp_path: Path) -> None:
    suv = GOOD.replace("HU", "SUVbw").replace("CT", "PT").replace("key = 1", "key = 2")
    ct, pt = read_presets(table(tmp_path, GOOD + suv))
    assert ct.fixed == Window(40, 400, VoiFunction.LINEAR, "Soft tissue")
    assert pt.fixed == Window(40, 400, VoiFunction.LINEAR_EXACT, "Soft tissue")


def test_percentiles_are_of_the_image_without_its_padding() -> None:
    stored = np.full((20, 20), -2000, np.int16)
    stored[:10] = np.arange(200).reshape(10, 20)
    image = SliceImage(stored, slope=2, intercept=100, padding=(-2000, -2000))
    window = Preset("*", 1, "Full range", percentiles=(0, 100)).window(image)
    assert (window.center - window.width / 2, window.center + window.width / 2) == (100, 498)
    assert window.explanation == "Full range"
    flat = Preset("*", 1, "x", percentiles=(1, 99)).window(SliceImage(np.full((4, 4), 7, np.int16)))
    assert flat.width > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense\n", r"not valid TOML.*line 1"),
        (GOOD + "width = }\n", r"not valid TOML.*line 8"),
        (GOOD.replace("key = 1", "key = 10"), "line 1: key is a number from 1 to 9"),
        (GOOD.replace("key = 1", "key = true"), "key is a number"),
        (GOOD + "\n\n" + GOOD.replace("400", "0").replace("= 1", "= 2"), "line 10: width is greater than 0"),
        (GOOD.replace("400", "nan"), "width is a number"),
        (GOOD.replace("400", "1e300"), "width is a number"),
        (GOOD.replace("400", '"400"'), "width is a number"),
        (GOOD + "colour = 3", "unknown entry 'colour'"),
        (GOOD + "low = 3", "either width and center or low and high"),
        (GOOD.replace("width = 400\ncenter = 40", "low = 90\nhigh = 10"), "low is less than high"),
        (GOOD.replace("width = 400\ncenter = 40", "low = 0\nhigh = 101"), "high is a number from 0 to 100"),
        (GOOD.replace("width = 400\n", ""), "either width and center"),
        (GOOD.replace('"Soft tissue"', '"two\\nlines"'), "name is a text"),
        (GOOD.replace('"Soft tissue"', f'"{"x" * 41}"'), "name is a text"),
        (GOOD + GOOD, "line 8: key 1 of CT is given twice"),
        ("preset = 3", "no list"),
        ("preset = [3]", "not a table"),
        ("#" * 70_000, "larger than"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadResource, match=said):
        read_presets(table(tmp_path, text))


def test_a_missing_or_unreadable_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadResource, match=r"none\.toml could not be read"):
        read_presets(tmp_path / "none.toml")
    (tmp_path / "latin").write_bytes(b'name = "\xff"')
    with pytest.raises(BadResource, match="not valid TOML"):
        read_presets(tmp_path / "latin")


def test_no_presets_are_no_error(tmp_path: Path) -> None:
    assert read_presets(table(tmp_path, "")) == ()
