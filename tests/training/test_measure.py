from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

from radviewer.ai import anatomy
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import FindingNet
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.tables import write_table
from radviewer.training import measure_alarms, measure_breast, measure_gate, measure_heat
from radviewer.training.findings_films import NO_FOLD
from radviewer.training.held_out import Read, write_read
from radviewer.training.measure import measure, write_breast
from radviewer.training.measured import COMMAND, read_accepted, read_measured
from tests.ai.conftest import card_values
from tests.ai.drawings import Seeing, chest
from tests.ai.lesion_models import breast_model
from tests.ai.series import speckled
from tests.training.scans import write_breasts

SHAPE = (300, 300)
LABELS = {
    "jsrt": ("nodule", "no nodule"),
    "shenzhen": ("tuberculosis", "normal"),
    "adult-pneumonia": ("pneumonia", "normal"),
    "paediatric-pneumonia": ("pneumonia", "normal"),
}
FILMS = 8
_BOARD = SliceImage(np.eye(200, dtype=np.uint8))


@pytest.fixture(autouse=True)
def _seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))


def _source(folder: Path, films: list[np.ndarray], labels: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    lines = ["image,patient,label"]
    for i, film in enumerate(films):
        cv2.imwrite(str(folder / f"{i}.png"), film)
        lines.append(f"{i}.png,p{i},{labels[i % len(labels)]}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn chests of four sources, and noise for the other modalities."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for source, labels in LABELS.items():
        films = [np.clip(chest(SHAPE) / 16 + rng.normal(0, 2, SHAPE), 0, 255).astype(np.uint8) for _ in range(FILMS)]
        _source(root / "chest" / source, films, labels)
    for source, _ in measure_gate.OTHER_MODALITIES:
        _source(root / source, [rng.integers(0, 255, SHAPE).astype(np.uint8) for _ in range(11)], ("x",))
    return root / "chest"


def _finding(label: str, **intended: Any) -> dict[str, Any]:
    calibration = {"slope": 1, "intercept": 0}
    return {
        "label": label,
        "threshold": 0.5,
        "operating_point": "none",
        "calibration": calibration,
        "heat_scale": 1,
        "intended": intended,
        "evidence": "none",
    }


def _films() -> list[Read]:
    """One line per film; the second finding is seen everywhere, the last film of each source is refused."""
    films = []
    for source, labels in LABELS.items():
        for i in range(FILMS):
            fold = i % 2 if source in ("shenzhen", "adult-pneumonia") else NO_FOLD
            logits = ((-1.0, 1.0)[i % 4 == 1], 2.0)
            film = Read(f"{source}/{i}.png", f"{source}/p{i}", labels[i % 2], fold, logits, (0.1, 0.1))
            films.append(film if i < FILMS - 1 else replace(film, logits=None, hottest=None, reason="No lungs."))
    return films


@pytest.fixture
def catalogue(random_models: Path, tmp_path: Path) -> Catalogue:
    """Random findings with the table of their release, and the random anatomy."""
    models = tmp_path / "models"
    (models / "chest-anatomy").mkdir(parents=True)
    for path in (random_models / "chest-anatomy").iterdir():
        (models / "chest-anatomy" / path.name).symlink_to(path)
    folder = models / "chest-findings"
    folder.mkdir()
    weights = []
    for fold in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(fold)
            state = FindingNet(2).state_dict()
        state["classifier.weight"] *= 20
        file = folder / f"fold{fold}.safetensors"
        safetensors.torch.save_file(state, file)
        weights.append({"file": file.name, "sha256": sha256(file), "fold": fold})
    card = card_values(weights) | {
        "name": "chest-findings",
        "task": "chest findings",
        "labels": ["tuberculosis", "pneumonia"],
        "findings": [_finding("tuberculosis", youngest=15), _finding("pneumonia", youngest=1)],
        "requires": "chest-anatomy",
    }
    (folder / "card.json").write_text(json.dumps(card))
    films = _films()
    folded = [(film.name, film.patient, film.fold) for film in films if film.fold != NO_FOLD]
    write_table(folder / "folds.csv", ("film", "patient", "fold"), folded)
    write_read(folder / "held-out.csv", films, card["labels"])
    return Catalogue(models)


def test_all_figures_are_written(data: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    films = [("a", "a", SliceImage(chest())), ("a", "b", SliceImage(np.zeros((9, 9), np.uint8)))]
    monkeypatch.setattr(measure_gate, "dicom_files", lambda: iter(films))
    monkeypatch.setattr(measure_gate, "made_up", lambda: iter([("board", _BOARD)]))
    monkeypatch.setattr(measure_gate, "OTHER_MODALITIES", (("breast-ultrasound", 4), ("brain-mr", 10)))
    monkeypatch.setattr(measure_gate, "_ENSEMBLE_STEP", 4)
    monkeypatch.setattr(measure_gate, "_NEGATIVES", 2)
    monkeypatch.setattr(measure_heat, "_STEP", 1)
    monkeypatch.setattr(measure_heat, "_LAYERS", (1,))
    measure(catalogue, data)
    gate = {(m.group, m.name): m for m in read_measured(catalogue.folder / "chest-anatomy")}
    assert {m.command for m in gate.values()} == {COMMAND}
    jsrt = gate["jsrt, members that have not seen the film", "share refused"]
    assert (jsrt.value, jsrt.n) == (1 / FILMS, FILMS)
    whole = gate["shenzhen, whole ensemble", "share refused"]
    assert (whole.value, whole.high, whole.n) == (0, 0, 2)
    noise = gate["no chest film: breast-ultrasound, every 4th", "share refused"]
    assert (noise.value, noise.n) == (1, 3)
    files = "no chest film: files of pydicom and pydicom-data"
    assert gate[files, "share refused"].value == 0.5
    assert gate[files, "share refused, of grey images of sufficient size"].value == 0
    assert read_accepted(catalogue.folder / "chest-anatomy") == [("files of pydicom and pydicom-data", "a")]
    said = {(m.group, m.name): m for m in read_measured(catalogue.folder / "chest-findings")}
    negative = "films and their negatives, all sources"
    assert said[negative, "share of which one of the two is refused"].value == 0
    assert said[negative, "largest change in the probability of tuberculosis"].value < 1e-3
    heat = "tuberculosis: shenzhen"
    assert said[heat, "largest |sum of the map + bias - logit|"].value < 1e-3
    assert said[heat, "correlation between two members' maps, cells of the lungs"].value < 0.9
    assert said[heat, "similarity (SSIM) of the map with the last 1 layers drawn anew"].value < 0.9
    assert said[heat, "share of the map's energy inside the lungs"].value > 0.5
    before = said[heat, "mean probability, nothing covered"].value
    hottest, random = (
        said[heat, f"mean probability, {which} 30% of the lungs' cells covered"].value
        for which in ("hottest", "random")
    )
    assert min(before, random) >= 0
    assert hottest <= random


def test_false_alarms_are_counted_where_the_finding_is_absent_or_unknown(catalogue: Catalogue) -> None:
    card = catalogue.card("chest-findings")
    found = {(m.group, m.name): m for m in measure_alarms.alarms(card, _films())}
    every = found["tuberculosis: jsrt, all", "share flagged"]
    assert (every.value, every.n) == (round(2 / 7, 4), 7)  # films 1 and 5; the last was refused
    assert found["tuberculosis: jsrt, no nodule", "share flagged"].value == round(2 / 3, 4)
    assert found["tuberculosis: jsrt, nodule", "share flagged"].value == 0
    assert found["pneumonia: shenzhen, normal", "share flagged"].value == 1
    assert ("tuberculosis: shenzhen, tuberculosis", "share flagged") not in found
    refused = {group: m.value for (group, name), m in found.items() if name == "share refused"}
    assert refused == {"tuberculosis: paediatric-pneumonia, all, with the age in the header": 1}


def test_an_anatomy_model_is_measured_alone(data: Path, random_models: Path, tmp_path: Path) -> None:
    (tmp_path / "chest-anatomy").mkdir()
    for path in (random_models / "chest-anatomy").iterdir():
        (tmp_path / "chest-anatomy" / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure_gate, "dicom_files", lambda: iter(()))
        patch.setattr(measure_gate, "made_up", lambda: iter([("board", _BOARD)]))
        measure(Catalogue(tmp_path), data)
    assert [m.group for m in read_measured(tmp_path / "chest-anatomy")][-1] == "no chest film: made-up images"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_files_of_pydicom_are_shown_but_for_its_chest_film() -> None:
    shown = {patient: image for _, patient, image in measure_gate.dicom_files()}
    assert shown.keys() >= {"CT_small.dcm", "RG3_UNCR.dcm", "MR2_J2KR.dcm"}
    assert not shown.keys() & set(measure_gate.CHEST_FILMS)
    assert len(shown) > 80


def test_the_breast_model_is_measured_beside_its_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_breasts(tmp_path / "data", images=24)
    for source, _ in measure_breast.OTHERS:
        _source(tmp_path / "data" / source, [np.full(SHAPE, 7, np.uint8) for _ in range(3)], ("x",))
    breast_model(tmp_path / "models")
    shown: dict[str, np.ndarray] = {"US": speckled((150, 200)), "CT": np.zeros((90, 90))}
    files = {name: SliceImage(image.astype(np.float32)) for name, image in shown.items()}
    monkeypatch.setattr(
        measure_breast, "dicom_files", lambda of: ((name, name, image) for name, image in files.items() if of(name))
    )
    write_breast(Catalogue(tmp_path / "models"), tmp_path / "data")
    folder = tmp_path / "models" / "breast-lesion"
    found = {(m.group, m.name): m for m in read_measured(folder)}
    assert {m.command for m in found.values()} == {"python -m radviewer.training measure-breast --data DATA"}
    assert found["its own images, every 12th, whole ensemble, no attributes", "share refused"].n == 2
    assert found["no ultrasound: files of pydicom and pydicom-data", "share refused"].value == 1  # blank
    assert ("ultrasound of other organs: files of pydicom and pydicom-data", "US") in read_accepted(folder)
    heat = {name: m.value for (group, name), m in found.items() if group == "every 12th image"}
    assert heat["mean |sum of the map + bias - logit|"] < 1e-4
    assert 0 < heat["share of all contributions, for and against, inside the lesion"] < 1
    assert heat["similarity (SSIM) of the map with the last 10 convolutions drawn anew"] < 1
