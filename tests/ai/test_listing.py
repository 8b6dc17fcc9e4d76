from __future__ import annotations

import json
import shutil
from pathlib import Path

from radviewer.ai.catalogue import Catalogue
from radviewer.ai.listing import models, summary


def test_a_sound_model_is_listed_with_checked_hashes(random_models: Path) -> None:
    (listed,) = models(Catalogue(random_models))
    assert (listed["name"], listed["version"], listed["available"], listed["reason"]) == (
        "chest-anatomy",
        "0.0.1",
        True,
        None,
    )
    assert listed["sha256_checked"]
    assert json.loads(json.dumps(listed)) == listed
    assert "right lung, left lung, heart" in summary([listed])


def test_broken_models_are_listed_and_the_others_go_on(random_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(random_models, tmp_path / "models"))
    weights = folder / "chest-anatomy" / "fold1.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (folder / "unreadable").mkdir()
    (folder / "unreadable" / "card.json").write_text("{")
    (folder / "README.md").write_text("not a model")
    first, second = models(Catalogue(folder))
    assert not first["available"]
    assert "fold1.safetensors" in str(first["reason"])
    assert (second["name"], second["version"], second["available"]) == ("unreadable", None, False)
    assert "not available" in summary([first, second])


def test_a_model_listed_before_the_damaged_one_it_needs_is_not_available(random_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(random_models, tmp_path / "models"))
    shutil.copytree(folder / "chest-anatomy", folder / "a-first")
    card = folder / "a-first" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_bytes()) | {"name": "a-first", "requires": "chest-anatomy"}))
    weights = folder / "chest-anatomy" / "fold1.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    first, second = models(Catalogue(folder))
    assert (first["available"], second["available"]) == (False, False)
    assert "chest-anatomy" in str(first["reason"])


def test_no_models() -> None:
    assert summary([]) == "No model is bundled."
