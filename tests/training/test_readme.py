from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from radviewer import paths
from radviewer.ai.cards import CARD, BadModel, Metric
from radviewer.evaluation.metrics import Figure
from radviewer.training.measured import (
    COMMAND,
    metric,
    read_accepted,
    read_measured,
    write_accepted,
    write_measured,
)
from radviewer.training.readme import README, readme_of, write_readme
from tests.ai.conftest import card_values


def test_bundled_readmes_are_what_cards_and_tables_say() -> None:
    for card in paths.models().glob(f"*/{CARD}"):
        written = (card.parent / README).read_text(encoding="utf-8")
        assert written == readme_of(card.parent), "run python -m radviewer.training readme"


def _values() -> dict[str, Any]:
    finding = {
        "label": "a|b",
        "threshold": 0.25,
        "operating_point": "sensitivity 0.90",
        "calibration": {"slope": 1.5, "intercept": -0.25},
        "heat_scale": 1,
        "intended": {"youngest": 15, "oldest": 99, "views": ["PA", "AP"]},
        "evidence": "Drawings.",
        "descriptors": {
            "intercept": -0.25,
            "terms": [{"name": "depth_to_width", "mean": 0.8, "spread": 0.125, "weight": 0.5}],
        },
    }
    metrics = [
        {"name": name, "value": 0.91234, "low": 0.9, "high": 0.95, "n": 12, "group": group, "command": "release it"}
        for group, name in (("hospital A", "AUC"), ("hospital A", "sensitivity"), ("hospital B", "AUC"))
    ]
    return card_values([{"file": "fold0.safetensors", "sha256": "0" * 64, "fold": 0}]) | {
        "task": "breast lesion",
        "labels": ["a|b"],
        "findings": [finding],
        "metrics": metrics,
        "requires": "another",
        "failure_modes": ["White lungs."],
        "training": {"command": "train it", "seed": 7, "seconds": 4000},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "chest-anatomy"
    made.mkdir()
    (made / CARD).write_text(json.dumps(_values()))
    return made


def test_a_readme_says_what_the_card_says(folder: Path) -> None:
    write_readme(folder)
    text = (folder / README).read_text(encoding="utf-8")
    for part in (
        "# Outlines for tests",
        "Research use only",
        "It needs the model `another`.",
        "| a\\|b | 0.250 | sensitivity 0.90 | 1.500 × (mean logit + descriptors) -0.250 |",
        "| views PA, AP, from 15 years, below 99 years |",
        "- a|b: Drawings.",
        "Descriptors of the outline add -0.250 to the logit of a|b, and\nfor each standard deviation (SD)",
        "| depth to width | 0.800 | 0.125 | +0.500 |",
        "| hospital A | AUC | 0.912 [0.900, 0.950] | 12 | 1 |",
        "|  | sensitivity | 0.912",
        "1. `release it`",
        "- White lungs.",
        "Trained by `train it` with seed 7 in 1 h 07 min",
        f"| fold0.safetensors | `{'0' * 64}` | fold 0 |",
        "| random numbers | 1 | none | none |",
        "Licence: Apache-2.0.",
    ):
        assert part in text
    assert "What we saw" not in text
    assert "let through" not in text
    write_readme(folder)
    assert (folder / README).read_text(encoding="utf-8") == text


def test_a_slice_is_calibrated_for_itself_and_the_worst_has_no_interval(folder: Path) -> None:
    values = _values()
    values["findings"][0] |= {"slice_calibration": {"slope": 1.25, "intercept": 0.5}, "descriptors": None}
    worst = {"name": "worst Dice", "value": 0.4, "low": 0.4, "high": 0.4, "n": 9, "group": "all", "command": "c"}
    values["metrics"] = [worst, worst | {"name": "share refused"}]
    (folder / CARD).write_text(json.dumps(values))
    text = readme_of(folder)
    whole = "1.500 × highest mean logit of two neighbouring slices -0.250"
    assert f"| {whole}; of a slice 1.250 × mean logit +0.500 |" in text
    assert "| all | worst Dice | 0.400 | 9 | 1 |" in text
    assert "| share refused | 0.400 [0.400, 0.400] | 9 | 1 |" in text
    assert "| intended for |" in text


def test_tables_notes_and_charts_are_taken_in(folder: Path) -> None:
    write_measured(folder, [metric("largest change", "negatives", Figure(0.0000123456, 0, 1.23456, 100))])
    write_accepted(folder, [("ultrasound", f"{i}.jpg") for i in range(31)])
    (folder / "notes.md").write_text("Seen on *film 7*.\n\n")
    (folder / "roc-a|b.png").write_bytes(b"")
    text = readme_of(folder)
    assert "| negatives | largest change | 1.2e-05 [0.000, 1.235] | 100 | 1 |" in text
    assert f"1. `{COMMAND}`" in text
    assert "0.jpg (ultrasound), " in text
    assert " and 1 more." in text
    assert "## What we saw\n\nSeen on *film 7*.\n\n" in text
    assert "![roc-a|b](roc-a|b.png)" in text


def test_arms_are_compared_side_by_side(folder: Path) -> None:
    rows = (
        "arm,name,value,low,high,n",
        "scratch,AUC,0.8,0.7,0.9,30",
        "twice,AUC,0.9,0.8,1,30",
        "twice,false alarms,0.1,0,0.2,9",
    )
    lines = "\n".join(rows) + "\n"
    (folder / "arms.csv").write_text(lines)
    text = readme_of(folder)
    assert "| figure | scratch | twice |" in text
    assert "| AUC | 0.800 [0.700, 0.900], n 30 | 0.900 [0.800, 1.000], n 30 |" in text
    assert "| false alarms |  | 0.100 [0.000, 0.200], n 9 |" in text


def test_measured_figures_are_read_back(tmp_path: Path) -> None:
    assert read_measured(tmp_path) == []
    assert read_accepted(tmp_path) == []
    written = [metric("a, b", "c", Figure(1.5e-7, 0.12345, 3, 4)), metric("d", "e", Figure(1, 1, 1, 1))]
    write_measured(tmp_path, written)
    assert read_measured(tmp_path) == written
    assert written[0] == Metric(name="a, b", group="c", value=1.5e-7, low=0.1235, high=3, n=4, command=COMMAND)
    write_accepted(tmp_path, [("x", "y")])
    assert read_accepted(tmp_path) == [("x", "y")]


def test_without_a_card_there_is_no_readme(tmp_path: Path) -> None:
    with pytest.raises(BadModel):
        write_readme(tmp_path)
