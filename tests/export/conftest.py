"""Models with random weights, and films they can read: everything but the weights is real."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from pydicom.uid import JPEG2000Lossless

from radviewer.ai import anatomy
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import FindingNet
from radviewer.export.own_files import RECORD
from radviewer.export.read_folder import Reading
from tests import phantoms
from tests.ai.conftest import card_values, finding_values, one_thread, random_models
from tests.ai.drawings import Seeing, chest

__all__ = ["one_thread", "random_models"]


@pytest.fixture(scope="session")
def pristine_models(random_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anatomy and findings; "tuberculosis" is always flagged, "pneumonia" never."""
    folder = tmp_path_factory.mktemp("pristine") / "models"
    shutil.copytree(random_models / "chest-anatomy", folder / "chest-anatomy")
    (folder / "chest-findings").mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = FindingNet(2).half().state_dict()
    state["classifier.weight"] *= 20
    file = folder / "chest-findings" / "fold0.safetensors"
    safetensors.torch.save_file(state, file)
    values = card_values([{"file": file.name, "sha256": sha256(file), "fold": 0}]) | {
        "name": "chest-findings",
        "task": "chest findings",
        "labels": ["tuberculosis", "pneumonia"],
        "findings": [finding_values("tuberculosis", 0.0), finding_values("pneumonia", 1.0, youngest=15)],
        "requires": "chest-anatomy",
    }
    (folder / "chest-findings" / "card.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def models(pristine_models: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(pristine_models, tmp_path / "models")


@pytest.fixture
def catalogue(models: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    return Catalogue(models)


def chest_film(path: Path, **own: Any) -> Path:
    """A drawing of a chest as a DX image."""
    pixels = own.pop("pixels", chest())
    return phantoms.save(
        phantoms.image(np.asarray(pixels), **({"modality": "DX", "ViewPosition": "PA", "instance": path.stem} | own)),
        path,
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results"


def damaged_film(path: Path, **own: Any) -> Path:
    """A film whose pixel data no decoder can read."""
    return phantoms.encapsulated(path, [b"no code stream at all" * 50_000], JPEG2000Lossless, modality="DX", **own)


def files_below(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and path.name != RECORD}


def results_of(reading: Reading, number: int = 0) -> dict[str, Any]:
    return {result["model"]: result for result in reading.found["stacks"][number]["results"]}


def reasons(reading: Reading, number: int = 0) -> dict[str, tuple[str, Any]]:
    return {name: (r["status"], r["reason"]) for name, r in results_of(reading, number).items()}
