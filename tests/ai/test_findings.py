from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from radviewer.ai import anatomy
from radviewer.ai.anatomy import outline
from radviewer.ai.calibration import probability
from radviewer.ai.cards import BadModel, Calibration, Card
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.context import Context
from radviewer.ai.films import film_of
from radviewer.ai.findings import heatmap, members, score, share_inside
from radviewer.ai.networks import FindingNet
from radviewer.ai.reading import read
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Progress
from tests.ai.conftest import card_values, finding_values
from tests.ai.drawings import SHAPE, Seeing, chest, lungs


@pytest.fixture(scope="module")
def models(random_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random anatomy and random findings."""
    folder = tmp_path_factory.mktemp("two") / "models"
    (folder / "chest-findings").mkdir(parents=True)
    (folder / "chest-anatomy").symlink_to(random_models / "chest-anatomy")
    weights = []
    for fold in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(fold)
            state = FindingNet(2).state_dict()
        state["classifier.weight"] *= 20
        file = folder / "chest-findings" / f"fold{fold}.safetensors"
        safetensors.torch.save_file(state, file)
        weights.append({"file": file.name, "sha256": sha256(file), "fold": fold})
    values = card_values(weights) | {
        "name": "chest-findings",
        "task": "chest findings",
        "labels": ["tuberculosis", "pneumonia"],
        "findings": [finding_values("tuberculosis", youngest=15), finding_values("pneumonia")],
        "requires": "chest-anatomy",
    }
    (folder / "chest-findings" / "card.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def catalogue(models: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    return Catalogue(models)


@pytest.fixture
def card(catalogue: Catalogue) -> Card:
    return catalogue.card("chest-findings")


def _read(catalogue: Catalogue, stored: np.ndarray, context: Context | None = None) -> Opinion:
    image = SliceImage(stored)
    volume = Volume(stored[None], (image,), None, {})
    (found,) = read(volume, context or Context(), catalogue, model="chest-findings")
    return found


def test_each_label_has_one_finding_with_a_map_on_the_films_grid(catalogue: Catalogue) -> None:
    found = _read(catalogue, chest())
    assert found.outcome is Outcome.RAN
    assert [f.label for f in found.findings] == ["tuberculosis", "pneumonia"]
    for finding in found.findings:
        assert finding.heatmap is not None
        assert finding.heatmap.shape == (1, *SHAPE)
        assert finding.heatmap.dtype == np.float32
        assert 0 <= finding.heatmap.min() <= finding.heatmap.max() <= 1
    right, left, _ = lungs()
    heat = np.max([f.heatmap for f in found.findings if f.heatmap is not None], axis=0)[0]
    assert heat.max() > 0
    rows = np.flatnonzero((right | left).any(axis=1))
    assert heat[: rows[0] - 60].max(initial=0) == 0


def test_the_same_film_gives_the_same_numbers_in_positive_negative_and_padded(catalogue: Catalogue) -> None:
    film = chest()
    expected = [f.probability for f in _read(catalogue, film).findings]
    again = [f.probability for f in _read(catalogue, film).findings]
    negative = [f.probability for f in _read(catalogue, (5000 - film).astype(np.int16)).findings]
    padded = [f.probability for f in _read(catalogue, np.pad(film, 40)).findings]
    assert again == expected
    assert negative == pytest.approx(expected, abs=1e-4)
    assert padded == pytest.approx(expected, abs=0.02)


def test_maps_sum_to_the_mean_logit_minus_the_bias(catalogue: Catalogue, card: Card) -> None:
    outlines = outline(catalogue, catalogue.card("chest-anatomy"), film_of(SliceImage(chest())), Progress())
    scores = score(catalogue, card, outlines, Progress())
    np.testing.assert_allclose(scores.maps.sum(axis=(1, 2)) + scores.biases, scores.logits, atol=1e-4)


def test_other_weights_draw_another_map(catalogue: Catalogue, card: Card) -> None:
    outlines = outline(catalogue, catalogue.card("chest-anatomy"), film_of(SliceImage(chest())), Progress())
    one, other = (score(catalogue, card, outlines, Progress(), only_fold=fold).maps for fold in (0, 1))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.9
    with pytest.raises(BadModel, match="fold 5"):
        score(catalogue, card, outlines, Progress(), only_fold=5)


def test_the_ensemble_is_the_mean_of_its_members(catalogue: Catalogue, card: Card) -> None:
    outlines = outline(catalogue, catalogue.card("chest-anatomy"), film_of(SliceImage(chest())), Progress())
    single = [score(catalogue, card, outlines, Progress(), only_fold=fold).logits for fold in (0, 1)]
    np.testing.assert_allclose(score(catalogue, card, outlines, Progress()).logits, np.mean(single, axis=0), atol=1e-5)


def test_the_mirrored_film_gets_the_mirrored_map(catalogue: Catalogue, card: Card) -> None:
    anatomy_card = catalogue.card("chest-anatomy")
    film = chest((400, 400))
    scores, mirrored = (
        score(catalogue, card, outline(catalogue, anatomy_card, film_of(SliceImage(f)), Progress()), Progress())
        for f in (film, film[:, ::-1].copy())
    )
    np.testing.assert_allclose(scores.logits, mirrored.logits, atol=0.05)
    assert np.corrcoef(scores.maps[0].ravel(), mirrored.maps[0][:, ::-1].ravel())[0, 1] > 0.95


def test_a_finding_outside_its_intended_use_is_refused_alone(catalogue: Catalogue) -> None:
    found = _read(catalogue, chest(), Context(age_years=4))
    assert found.outcome is Outcome.RAN
    child, other = found.findings
    assert (child.outcome, child.probability, child.heatmap) == (Outcome.REFUSED, None, None)
    assert "Outside intended use" in (child.reason or "")
    assert other.outcome is Outcome.RAN


def test_without_its_anatomy_model_it_is_named_as_failed(models: Path, tmp_path: Path) -> None:
    (tmp_path / "chest-findings").symlink_to(models / "chest-findings")
    found = _read(Catalogue(tmp_path), chest())
    assert found.outcome is Outcome.FAILED
    assert "chest-anatomy" in (found.reason or "")


def test_anatomy_is_outlined_once_for_all_models(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    original = anatomy.outline

    def counted(*arguments: Any, **named: Any) -> Any:
        calls.append("outlined")
        return original(*arguments, **named)

    monkeypatch.setattr(anatomy, "outline", counted)
    film = SliceImage(chest())
    found = read(Volume(film.stored[None], (film,), None, {}), Context(), catalogue)
    assert [opinion.outcome for opinion in found] == [Outcome.RAN, Outcome.RAN]
    assert calls == ["outlined"]


@pytest.mark.parametrize(("logit", "expected"), [(0.0, 0.5), (2.0, 0.8808), (-900.0, 0.0), (900.0, 1.0)])
def test_probability_of_a_logit(logit: float, expected: float) -> None:
    assert probability(logit, Calibration(slope=1, intercept=0)) == pytest.approx(expected, abs=1e-4)


def test_heatmaps_share_one_scale(catalogue: Catalogue, card: Card) -> None:
    outlines = outline(catalogue, catalogue.card("chest-anatomy"), film_of(SliceImage(chest())), Progress())
    scores = score(catalogue, card, outlines, Progress())
    strong = heatmap(scores, 0, 10.0, SHAPE)
    weak = heatmap(scores, 0, 20.0, SHAPE)
    np.testing.assert_allclose(weak * 2, strong, atol=1e-6)


def test_share_of_energy_inside_a_mask() -> None:
    maps = np.array([[3.0, -5.0], [1.0, 0.0]], np.float32)
    inside = np.array([[True, True], [False, False]])
    assert share_inside(maps, inside) == (0.75, 0.5)


def test_members_have_as_many_outputs_as_labels(catalogue: Catalogue, card: Card) -> None:
    assert [net.classifier.out_features for net in members(catalogue, card)] == [2, 2]
