from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from radviewer.ai import anatomy
from radviewer.errors import NothingToRead
from radviewer.training.data import Row
from radviewer.training.findings import logits_of, loss_of, runs_of, started, train_fold
from radviewer.training.findings_films import (
    FINDINGS,
    FOLDS,
    NO_FOLD,
    RECIPES,
    TARGETS,
    UNSURE,
    Labelled,
    Recipe,
    batches,
    hide,
    load,
    shown,
)
from radviewer.training.lungs import CACHED, Crops
from tests.ai.drawings import Seeing, chest

SIZE = 224
RECIPE = Recipe("tuberculosis", ("tuberculosis",), (("a", 3), ("b", 2)), seed=1, epochs=1, steps=2)


@pytest.fixture(scope="module")
def films() -> Labelled:
    rng = np.random.default_rng(0)
    labels = ["normal" if i // 2 % 2 == 0 else "tuberculosis" for i in range(10)]
    rows = [Row("ab"[i % 2], Path(f"{i}.png"), f"p/{i}", {"label": label}) for i, label in enumerate(labels)]
    grey = rng.integers(0, 255, (10, CACHED, CACHED)).astype(np.uint8)
    lungs = np.zeros_like(grey)
    lungs[:, 40:240, 30:130] = lungs[:, 40:240, 160:260] = 1
    targets = np.array([[label == "tuberculosis"] for label in labels], np.float32)
    return Labelled(rows, targets, [i % 5 for i in range(10)], Crops(grey, lungs, list(range(10))))


def test_batches_repeat_and_draw_each_source_its_share_and_labels_equally(films: Labelled) -> None:
    made = list(batches(films, range(10), RECIPE, seed=5, epoch=1))
    torch.testing.assert_close(made, list(batches(films, range(10), RECIPE, seed=5, epoch=1)))
    assert len(made) == RECIPE.steps
    assert made[0]["image"].shape == made[0]["lungs"].shape == (5, 1, SIZE, SIZE)
    assert made[0]["target"][:, 0].tolist() == [0, 1, 0, 0, 1]
    assert 0 <= float(made[0]["image"].min()) <= float(made[0]["image"].max()) <= 1


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_source_teaches_every_head_of_its_recipe(recipe: Recipe) -> None:
    for source, _ in recipe.shares:
        for head in recipe.heads:
            taught = {targets[head] for targets in TARGETS[source].values()}
            assert 0 in taught
            assert taught <= {0, UNSURE, 1}
            assert len(taught) == 2  # else the head could tell hospitals apart by it
    assert {head for head in recipe.heads if any(1 in {t[head] for t in v.values()} for v in TARGETS.values())} == set(
        recipe.heads
    )


def test_the_networks_view_is_the_middle_of_the_cut_out() -> None:
    disc = np.zeros((CACHED, CACHED), np.uint8)
    disc[CACHED // 2 - 40 : CACHED // 2 + 40, CACHED // 2 - 60 : CACHED // 2 + 60] = 1
    grey, lungs = shown(disc * np.uint8(200), disc, SIZE)
    row, column = (float(v.mean()) for v in np.nonzero(lungs))
    assert (row, column) == pytest.approx(((SIZE - 1) / 2, (SIZE - 1) / 2), abs=0.51)  # edges may tie
    assert lungs.sum() == pytest.approx(80 * 120 * (SIZE / 256) ** 2, rel=0.03)
    assert grey[lungs].min() >= 100


def test_hidden_rectangles_are_flat() -> None:
    image = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    before = image.copy()
    hide(np.random.default_rng(1), image)
    changed = image != before
    assert 64 <= changed.sum() < 64 * 64 / 4
    assert len(np.unique(image[changed])) == 1


class Bright(nn.Module):
    """Logit: mean brightness of the left half inside the lungs; knows no symmetry."""

    def forward(self, x: torch.Tensor, lungs: torch.Tensor) -> torch.Tensor:
        left = (x * lungs)[..., : SIZE // 2]
        return left.mean(dim=(1, 2, 3))[:, None]


def test_logits_are_the_mean_of_film_and_mirror_image(films: Labelled) -> None:
    mirrored = Crops(films.crops.grey[:, :, ::-1].copy(), films.crops.lungs[:, :, ::-1].copy(), films.crops.kept)
    straight = logits_of(Bright(), films.crops, [0, 3], SIZE)
    np.testing.assert_allclose(straight, logits_of(Bright(), mirrored, [0, 3], SIZE), atol=1e-5)


class Constant(nn.Module):
    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, x: torch.Tensor, _lungs: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x), 1), self.logit)


def test_softened_labels_punish_certainty(films: Labelled) -> None:
    (batch, _) = batches(films, [2, 3, 6, 7], RECIPE, seed=5, epoch=0)
    assert batch["target"][:, 0].tolist() == [1, 1, 1, 1, 1]
    losses = [float(loss_of(Constant(logit), batch)) for logit in (0.0, 3.0, 20.0)]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]


def test_unsure_films_pull_towards_the_middle_and_half_as_hard(films: Labelled) -> None:
    (batch, _) = batches(films, [2, 3, 6, 7], RECIPE, seed=5, epoch=0)
    batch["target"].fill_(UNSURE)
    middle, far = (float(loss_of(Constant(logit), batch)) for logit in (0.0, 4.0))
    assert middle == pytest.approx(np.log(2) / 2)
    assert far > middle


def test_arms_start_where_they_say() -> None:
    scratch, imagenet = started("scratch", 1, 7, None), started("imagenet", 1, 7, None)
    assert not torch.equal(scratch.head.convolution.weight, imagenet.head.convolution.weight)
    torch.testing.assert_close(scratch.classifier.weight, imagenet.classifier.weight)
    twice = started("twice", 1, 8, {"average": imagenet.state_dict()})
    torch.testing.assert_close(twice.state_dict(), imagenet.state_dict())
    assert scratch.encoder.stem.convolution.weight.requires_grad
    assert not imagenet.encoder.stem.convolution.weight.requires_grad
    assert imagenet.train().encoder.stages[2].training
    assert not imagenet.encoder.stages[1].training
    with pytest.raises(NothingToRead, match="first transfer"):
        started("twice", 1, 8, None)


def test_films_are_cut_out_once_and_a_fold_is_trained(
    tmp_path: Path, random_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    monkeypatch.setitem(TARGETS, "films", TARGETS["shenzhen"])
    recipe = Recipe("findings", FINDINGS.heads, (("films", 4),), seed=1, epochs=1, steps=2)
    folder = tmp_path / "data" / "films"
    folder.mkdir(parents=True)
    lines = ["image,patient,label,published_split"]
    for i in range(12):
        cv2.imwrite(str(folder / f"{i}.png"), np.clip(chest() / 16 + i, 0, 255).astype(np.uint8))
        lines.append(f"{i}.png,{i},{'tuberculosis' if i % 2 else 'normal'},{'test' if i > 9 else ''}")
    cv2.imwrite(str(folder / "blank.png"), np.zeros((200, 200), np.uint8))
    (folder / "index.csv").write_text("\n".join([*lines, "blank.png,b,normal,"]) + "\n")
    films = load(recipe, tmp_path / "data", tmp_path / "cache", random_models)
    assert len(films.rows) == 12
    assert films.folds[10:] == [NO_FOLD, NO_FOLD]
    assert set(films.folds[:10]) == set(range(FOLDS))
    assert "blank" in (tmp_path / "cache" / "refused-films.csv").read_text()
    assert 0.2 < films.crops.lungs.mean() < 0.6
    monkeypatch.setattr(anatomy, "outline", None)  # a second time nothing is cut out
    again = load(recipe, tmp_path / "data", tmp_path / "cache", random_models)
    np.testing.assert_array_equal(again.crops.grey, films.crops.grey)
    train_fold(films, recipe, "scratch", 0, tmp_path / "runs")
    assert [(row.name, target.tolist()) for row, target, _ in films.refused] == [("films/blank.png", [0, 0])]
    held_out = (tmp_path / "runs" / "findings-scratch" / "fold0" / "held-out.csv").read_text().splitlines()
    assert held_out[0] == "film,patient,fold,label,tuberculosis,pneumonia"
    refused_here = sum(fold == 0 for _, _, fold in films.refused)
    assert len(held_out) == 1 + films.folds.count(0) + 2 + refused_here


def test_a_refinement_starts_from_the_same_fold(films: Labelled, tmp_path: Path) -> None:
    first = replace(RECIPE, heads=("tuberculosis",), steps=1)
    finer = replace(first, name="finer", follows=first.name, size=256)
    with pytest.raises(NothingToRead, match="missing"):
        train_fold(films, finer, "scratch", 0, tmp_path)
    network = started("scratch", 1, 5, None)
    folder = runs_of(tmp_path, first.name, "scratch") / "fold0"
    folder.mkdir(parents=True)
    state = {"epoch": 0, "schedule": {"epochs": 1}, "average": network.state_dict(), "lines": []}
    torch.save(state, folder / "checkpoint.pt")
    with pytest.raises(NothingToRead, match="not finished: 0 of 1"):
        train_fold(films, finer, "scratch", 0, tmp_path)
    torch.save(state | {"epoch": 1}, folder / "checkpoint.pt")
    refined = train_fold(films, finer, "scratch", 0, tmp_path).state_dict()
    near = refined["head.convolution.weight"] - network.state_dict()["head.convolution.weight"]
    assert 0 < float(near.abs().max()) < 0.01
