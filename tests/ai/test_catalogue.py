from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from radviewer.ai.cards import BadModel
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.networks import AnatomyNet
from radviewer.ai.running import build


@pytest.fixture
def models(random_models: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(random_models, tmp_path / "models"))


def _edit(models: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = models / "chest-anatomy" / "card.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_no_folder_is_an_empty_catalogue(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "none").entries() == ()
    with pytest.raises(BadModel, match="no model named"):
        Catalogue(tmp_path).card("chest-anatomy")


def test_weights_are_loaded_once_as_float32(models: Path) -> None:
    catalogue = Catalogue(models)
    card = catalogue.card("chest-anatomy")
    catalogue.verify(card.name)
    first = catalogue.weights(card, card.weights[0])
    assert first is catalogue.weights(card, card.weights[0])
    assert first["outline.weight"].dtype == torch.float32
    network = build(AnatomyNet, AnatomyNet, catalogue, card, card.weights[0])
    assert build(AnatomyNet, AnatomyNet, catalogue, card, card.weights[0]) is network


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "damaged or was exchanged"),
        (lambda path: path.write_bytes(b""), "damaged or was exchanged"),
    ],
)
def test_damaged_weights_make_the_model_unavailable(
    models: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(models / "chest-anatomy" / "fold1.safetensors")
    catalogue = Catalogue(models)
    card = catalogue.card("chest-anatomy")
    with pytest.raises(BadModel, match=reason):
        catalogue.weights(card, card.weights[1])
    (entry,) = catalogue.entries()
    assert not entry.available
    assert "fold1.safetensors" in (entry.problem or "")


def test_missing_weights_are_named_at_once(models: Path) -> None:
    (models / "chest-anatomy" / "fold0.safetensors").unlink()
    (entry,) = Catalogue(models).entries()
    assert "fold0.safetensors" in (entry.problem or "")


def test_right_hash_of_something_else_is_unusable(models: Path) -> None:
    from radviewer.ai.catalogue import sha256

    path = models / "chest-anatomy" / "fold0.safetensors"
    path.write_bytes(b"not tensors")
    _edit(models, lambda values: values["weights"][0].update(sha256=sha256(path)))
    catalogue = Catalogue(models)
    card = catalogue.card("chest-anatomy")
    with pytest.raises(BadModel, match="not a safetensors file"):
        catalogue.weights(card, card.weights[0])


def test_tensors_of_another_network_are_named(models: Path) -> None:
    import safetensors.torch

    from radviewer.ai.catalogue import sha256

    path = models / "chest-anatomy" / "fold0.safetensors"
    safetensors.torch.save_file({"something": torch.zeros(3)}, path)
    _edit(models, lambda values: values["weights"][0].update(sha256=sha256(path)))
    catalogue = Catalogue(models)
    card = catalogue.card("chest-anatomy")
    with pytest.raises(BadModel, match="does not fit"):
        build(AnatomyNet, AnatomyNet, catalogue, card, card.weights[0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values.pop("version"), "version"),
        (lambda values: values.update(extra=1), "extra"),
        (lambda values: values["weights"][0].update(file="../../etc/passwd"), "weights"),
        (lambda values: values.update(name="other"), "another model"),
        (lambda values: values.update(metrics=[{"name": "Dice", "value": 1.0}]), "metrics"),
    ],
)
def test_bad_cards_are_listed_with_the_reason(
    models: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    _edit(models, change)
    (entry,) = Catalogue(models).entries()
    assert entry.card is None
    assert reason in (entry.problem or "")


def test_card_that_is_not_json(models: Path) -> None:
    (models / "chest-anatomy" / "card.json").write_bytes(b"\xff\xfe{")
    (entry,) = Catalogue(models).entries()
    assert "card.json" in (entry.problem or "")


def test_a_model_whose_requirement_is_broken_is_unavailable(models: Path) -> None:
    second = Path(shutil.copytree(models / "chest-anatomy", models / "second"))
    values = json.loads((second / "card.json").read_text())
    (second / "card.json").write_text(json.dumps(values | {"name": "second", "requires": "chest-anatomy"}))
    assert all(entry.available for entry in Catalogue(models).entries())
    (models / "chest-anatomy" / "fold0.safetensors").unlink()
    problems = [entry.problem or "" for entry in Catalogue(models).entries()]
    assert "needs the model chest-anatomy" in problems[1]
