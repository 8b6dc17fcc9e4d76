"""A tiny catalogue: the real networks with random weights, so that everything but the weights is tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import AnatomyNet


def card_values(weights: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "chest-anatomy",
        "version": "0.0.1",
        "task": "chest anatomy",
        "title": "Outlines for tests",
        "modalities": ["CR", "DX"],
        "labels": ["right lung", "left lung", "heart"],
        "input_size": 128,
        "weights": weights,
        "intended": {"body_parts": ["CHEST"]},
        "intended_use": "Tests.",
        "not_intended": "Everything else.",
        "failure_modes": [],
        "sources": [{"name": "random numbers", "n": 1, "licence": "none", "citation": "none"}],
        "metrics": [],
        "training": {"command": "none", "seed": 0, "seconds": 0},
        "licence": "Apache-2.0",
    }


def finding_values(label: str, threshold: float = 0.5, **intended: Any) -> dict[str, Any]:
    return {
        "label": label,
        "threshold": threshold,
        "operating_point": "none",
        "calibration": {"slope": 1.5, "intercept": -0.2},
        "heat_scale": 0.05,
        "intended": intended,
        "evidence": "random numbers",
    }


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny work on one thread: on a busy machine several threads mostly wait for one another."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with an anatomy ensemble of two random members."""
    models = tmp_path_factory.mktemp("models")
    folder = models / "chest-anatomy"
    folder.mkdir()
    weights = []
    for fold in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(fold)
            state = AnatomyNet().half().state_dict()
        file = folder / f"fold{fold}.safetensors"
        safetensors.torch.save_file(state, file)
        weights.append({"file": file.name, "sha256": sha256(file), "fold": fold})
    (folder / "card.json").write_text(json.dumps(card_values(weights)))
    return models


@pytest.fixture(scope="session")
def catalogue(random_models: Path) -> Catalogue:
    return Catalogue(random_models)


@pytest.fixture(scope="session")
def card(catalogue: Catalogue) -> Card:
    return catalogue.card("chest-anatomy")
