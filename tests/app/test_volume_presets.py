from __future__ import annotations

from pathlib import Path

import pytest

from radviewer.app.volume_presets import offered, read_volume_presets
from radviewer.errors import BadResource

GOOD = """[[preset]]
name = "Bone"
modality = "CT"
unit = "HU"
scale = "values"
blend = "composite"
opacity = [[150, 0.0], [400, 0.5]]
colour = [[150, "#804020"], [400, "#ffffff"]]
"""


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "volume-presets.toml"
    path.write_text(text)
    return path


def test_the_programs_own_table() -> None:
    presets = read_volume_presets()
    assert [p.name for p in offered(presets, "CT", "HU")][:4] == ["CT bone", "CT vessels", "CT lung", "CT skin"]
    assert [p.name for p in offered(presets, "MR", "")] == ["MR surface", "MR maximum"]
    assert all(p.percentiles for p in offered(presets, "PT", "SUVbw"))


def test_ct_without_hounsfield_units_takes_percentiles() -> None:
    found = offered(read_volume_presets(), "CT", "")
    assert found
    assert all(p.percentiles and p.modality == "*" for p in found)


def test_an_entry_is_read(tmp_path: Path) -> None:
    (bone,) = read_volume_presets(table(tmp_path, GOOD + "diffuse = 0.9\n"))
    assert bone.opacity == ((150, 0.0), (400, 0.5))
    assert bone.colour[0] == (150, (128 / 255, 64 / 255, 32 / 255))
    assert (bone.percentiles, bone.maximum) == (False, False)
    assert (bone.light.diffuse, bone.light.specular_power) == (0.9, 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense\n", r"not valid TOML.*line 1"),
        (GOOD.replace('"values"', '"percent"'), 'line 1: scale is "values" or "percentiles"'),
        (GOOD + "\n" + GOOD.replace("Bone", "Skin").replace('blend = "composite"\n', ""), "line 10: blend is"),
        (GOOD.replace("0.5", "1.5"), "an opacity is a number from 0 to 1"),
        (GOOD.replace("0.5", "0.0"), "some opacity is greater than 0"),
        (GOOD.replace("[400, 0.5]", "[150, 0.5]"), "opacity go from low to high"),
        (GOOD.replace("[400, 0.5]", "[400]"), "a point of opacity is a pair"),
        (GOOD.replace("[[150, 0.0], [400, 0.5]]", "3"), "opacity is a list of 2 to"),
        (GOOD.replace("[150, 0.0]", "[nan, 0.0]"), "a value of opacity is a number"),
        (GOOD.replace("#ffffff", "white"), "a colour has the form #rrggbb"),
        (GOOD.replace('"#ffffff"', "7"), "a colour has the form"),
        (GOOD.replace('"values"', '"percentiles"'), "a number from 0 to 100"),
        (GOOD + "ambient = 2\n", "ambient is a number from 0 to 1"),
        (GOOD + "specular_power = 0\n", "specular_power is a number from 1 to 100"),
        (GOOD + "shade = true\n", "unknown entry 'shade'"),
        (GOOD.replace('"Bone"', '""'), "name is a text"),
        (GOOD + GOOD, "line 9: the name 'Bone' of CT is given twice"),
        ("preset = 3", "no list"),
        ("preset = [3]", "not a table"),
        ("#" * 70_000, "larger than"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadResource, match=said):
        read_volume_presets(table(tmp_path, text))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadResource, match=r"none\.toml could not be read"):
        read_volume_presets(tmp_path / "none.toml")
