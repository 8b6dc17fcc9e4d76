from __future__ import annotations

import tomllib
from itertools import groupby
from typing import Any

import pytest

from radviewer import paths

PRESETS: list[dict[str, Any]] = tomllib.loads((paths.resources() / "window-presets.toml").read_text())["preset"]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: f"{preset['modality']}-{preset['key']}")
def test_a_preset_is_a_window_or_a_pair_of_percentiles(preset: dict[str, Any]) -> None:
    common = {"modality", "key", "name"}
    if "width" in preset:
        assert set(preset) == common | {"unit", "width", "center"}
        assert preset["width"] > 0
    else:
        assert set(preset) == common | {"low", "high"}
        assert 0 <= preset["low"] < preset["high"] <= 100


def test_each_key_is_given_once_per_modality() -> None:
    for modality, presets in groupby(PRESETS, key=lambda preset: preset["modality"]):
        keys = [preset["key"] for preset in presets]
        assert keys == list(range(1, len(keys) + 1)), modality
        assert len(keys) <= 9


@pytest.mark.parametrize(
    ("name", "width", "center"),
    [
        ("Soft tissue", 400, 40),
        ("Lung", 1500, -600),
        ("Liver", 150, 90),
        ("Bone", 2500, 480),
        ("Brain", 80, 40),
        ("Mediastinum", 400, 80),
    ],
)
def test_ct_presets_are_the_customary_ones(name: str, width: float, center: float) -> None:
    found = [(p["width"], p["center"]) for p in PRESETS if p["modality"] == "CT" and p["name"] == name]
    assert found == [(width, center)]


def test_each_library_the_program_needs_has_its_licence_listed() -> None:
    project = tomllib.loads((paths.resources().parent / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    listed = (paths.resources() / "third-party-licences.md").read_text().lower()
    for requirement in needed:
        name = requirement.split(">")[0].split("=")[0].split("[")[0].lower()
        assert f"| {name} |" in listed, name
