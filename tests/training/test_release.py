from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from radviewer.ai import anatomy
from radviewer.ai.anatomy import Outlines
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.findings import Scores, score
from radviewer.ai.networks import AnatomyNet, FindingNet
from radviewer.ai.strangeness import distance
from radviewer.errors import NothingToRead
from radviewer.evaluation.metrics import threshold_for_sensitivity
from radviewer.evaluation.tables import write_table
from radviewer.training import held_out, release_anatomy, release_findings
from radviewer.training.anatomy import averaged
from radviewer.training.anatomy_films import FOLDS, SECOND, load_films
from radviewer.training.findings import runs_of
from radviewer.training.findings_films import FOLDS as FINDING_FOLDS
from radviewer.training.findings_films import NO_FOLD, TUBERCULOSIS
from radviewer.training.release_findings import FindingTexts, Texts
from tests.ai.drawings import Seeing, chest, lungs

SHAPE = (512, 512)


@pytest.fixture(autouse=True)
def _seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four tiny sources, laid out like the real ones."""
    folder = tmp_path_factory.mktemp("data")
    right, left, heart = lungs(SHAPE)
    for source in ("jsrt", "shenzhen", "adult-pneumonia", "paediatric-pneumonia"):
        (folder / source).mkdir()
        cv2.imwrite(str(folder / source / "bits.png"), (right * 1 + left * 2 + heart * 4).astype(np.uint8))
        cv2.imwrite(str(folder / source / "lungs.png"), ((right | left) * 255).astype(np.uint8))
        lines = ["image,patient,label,structures,lung_mask"]
        for i in range(6):
            film = chest(SHAPE) / 16 + np.random.default_rng(i).normal(0, 3, SHAPE)
            (folder / source / "images").mkdir(exist_ok=True)
            cv2.imwrite(str(folder / source / "images" / f"{source}{i}.png"), np.clip(film, 0, 255).astype(np.uint8))
            masks = {"jsrt": "bits.png,", "shenzhen": ",lungs.png"}.get(source, ",")
            lines.append(f"images/{source}{i}.png,{i},{'tuberculosis' if i % 2 else 'normal'},{masks}")
        (folder / source / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


def _checkpoint(folder: Path, network: nn.Module, seed: int, epoch: int = 2) -> None:
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    state = {"epoch": epoch, "schedule": {"epochs": 2}, "lines": [{"seconds": 5.0}], "average": network.state_dict()}
    torch.save(state, folder / "checkpoint.pt")


def test_an_anatomy_release_measures_itself(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_anatomy, "_AXES", 4)
    monkeypatch.setattr(release_anatomy, "_REFERENCE", (("jsrt", 1), ("adult-pneumonia", 3)))
    for fold in range(FOLDS):
        for phase in ("", "-exact", "-finer"):
            _checkpoint(tmp_path / "anatomy" / f"fold{fold}{phase}", AnatomyNet(), fold)
    films = load_films(data, tmp_path / "cache")
    target = tmp_path / "models" / "chest-anatomy"
    release_anatomy.release(films, data, tmp_path, target, "the command")
    catalogue = Catalogue(target.parent)
    catalogue.verify("chest-anatomy")
    card = catalogue.card("chest-anatomy")
    assert card.distance is not None
    assert 0 < card.distance.limit < 1e9
    measured = {(m.name, m.group.split(",")[0]): m for m in card.metrics}
    refused = measured["share refused", "jsrt"]
    assert refused.n == 6  # random members measure other distances alone than together, so some are refused
    assert measured["mean Dice, heart", "jsrt"].n == round(6 * (1 - refused.value))
    assert measured["mean Dice, lungs", "shenzhen"].value > 0.9
    assert ("mean Dice, heart", "shenzhen") not in measured
    assert card.training.seconds == 45
    with (target / "folds.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 12  # films without outlines are in no fold
    assert sum(path.stat().st_size for path in target.iterdir()) < 25_000_000


def test_an_unfinished_fold_is_not_released(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "anatomy" / "fold0-exact", AnatomyNet(), 0, epoch=1)
    with pytest.raises(NothingToRead, match="not finished: 1 of 2"):
        averaged(tmp_path / "anatomy", 0, SECOND)
    with pytest.raises(NothingToRead, match="missing"):
        averaged(tmp_path / "anatomy", 1, SECOND)


def test_the_reference_accepts_its_own_kind() -> None:
    rng = np.random.default_rng(0)
    basis = rng.normal(0, 1, (5, 320))
    films = (rng.normal(0, 1, (300, 5)) @ basis + rng.normal(0, 0.1, (300, 320))).astype(np.float32)
    reference = release_anatomy.reference_of(films[:200])
    own = [distance(film, reference) for film in films[200:]]
    strange = [distance(film, reference) for film in rng.normal(0, 1, (50, 320)).astype(np.float32)]
    assert np.quantile(own, 0.99) < 2
    assert min(strange) > 3


_FOLDED = ((0, 1), (2,), (3,), (4,), (5,))


def _choose(positive: np.ndarray, probability: np.ndarray) -> float:
    return threshold_for_sensitivity(positive, probability, 0.9)


_ABOUT = FindingTexts("drawings", {"youngest": 15}, ("shenzhen",), "sensitivity 0.90", _choose)
_TEXTS = Texts(
    title="For tests",
    intended_use="Tests.",
    not_intended="Everything else.",
    failure_modes=(),
    sources=({"name": "drawings", "n": 6, "licence": "none", "citation": "none"},),
    licence="none",
    findings={"tuberculosis": _ABOUT},
)


@pytest.fixture
def released(data: Path, tmp_path: Path, random_models: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Release with made-up logits; every second film is positive; signed by the argument."""

    def scored(catalogue: Catalogue, card: Card, outlines: Outlines, *rest: Any, **named: Any) -> Scores:
        film, folds = next(order)
        assert named["only_fold"] == folds
        return replace(score(catalogue, card, outlines, *rest, **named), logits=np.array([film], np.float32))

    order: Iterator[tuple[float, int | None]] = iter(())

    def run(sign: int) -> Path:
        nonlocal order
        made = [(sign * v, f) for v, f in zip([-1.0, 1.5, 0.3, 0.2, -2.0, 2.0], [0, 0, 1, 2, 3, 4], strict=True)]
        others: list[tuple[float, int | None]] = [(0.0, None)] * 18  # of the sources that no member has seen
        order = iter([*made, *others])
        monkeypatch.setattr(held_out, "score", scored)
        models, runs = tmp_path / "models", runs_of(tmp_path, "tuberculosis")
        models.mkdir()
        (models / "chest-anatomy").symlink_to(random_models / "chest-anatomy")
        for fold in range(FINDING_FOLDS):
            _checkpoint(runs / f"fold{fold}", FindingNet(1), fold)
            lines = [(f"shenzhen/shenzhen{i}.png", f"shenzhen/{i}", fold, "x") for i in _FOLDED[fold]]
            write_table(runs / f"fold{fold}" / "held-out.csv", ("film", "patient", "fold", "label"), lines)
        target = models / "chest-findings"
        release_findings.release(TUBERCULOSIS, tmp_path, data, target, _TEXTS, "the command")
        return target

    return run


def test_logits_that_fall_with_the_label_are_not_released(released: Callable[[int], Path]) -> None:
    with pytest.raises(ValueError, match="do not rise with the label"):
        released(-1)


def test_a_findings_release_is_cross_fitted(released: Callable[[int], Path]) -> None:
    target = released(1)
    card = Catalogue(target.parent).card("chest-findings")
    (finding,) = card.findings
    assert finding.label == "tuberculosis"
    assert finding.heat_scale > 0
    assert 0 < finding.threshold < 1
    assert finding.intended.youngest == 15
    wanted = {"AUC", "sensitivity", "specificity", "debiased ECE", "share refused"}
    assert {metric.name for metric in card.metrics} >= wanted
    assert all(metric.n == 6 for metric in card.metrics)
    films = held_out.read_back(target / "held-out.csv", card.labels)
    assert [film.fold for film in films] == [0, 0, 1, 2, 3, 4] + [NO_FOLD] * 18
    assert (target / "roc-tuberculosis.png").is_file()
    assert (target / "reliability-tuberculosis.png").is_file()
    assert card.training.seconds == 25
    curve = finding.operating_curve
    assert [point.threshold for point in curve][:2] == [0.02, 0.04]
    sensitivities = [point.sensitivity for point in curve]
    assert sensitivities == sorted(sensitivities, reverse=True)
    assert [p.specificity for p in curve] == sorted(p.specificity for p in curve)


def test_fitting_again_reads_no_film(released: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    target = released(1)
    before = (target / "card.json").read_bytes()
    monkeypatch.setattr(held_out, "score", None)
    release_findings.finish(target, _TEXTS)
    assert (target / "card.json").read_bytes() == before


def test_films_that_are_read_back_are_the_same(tmp_path: Path) -> None:
    films = [
        held_out.Read("a/1.png", "a/1", "normal", 2, (0.5, -1.25), (0.25, 0.5)),
        held_out.Read("b/2.png", "b/2", "pneumonia", NO_FOLD, None, None, "The image is blank."),
    ]
    held_out.write_read(tmp_path / "films.csv", films, ("x", "y"))
    assert held_out.read_back(tmp_path / "films.csv", ("x", "y")) == films
