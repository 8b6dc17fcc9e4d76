from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from radviewer.ai import anatomy
from radviewer.ai.catalogue import Catalogue
from radviewer.training.data import Row
from radviewer.training.findings import (
    SIZE,
    Labelled,
    Recipe,
    batches,
    hide,
    load,
    logits_of,
    loss_of,
    started,
    train_fold,
)
from radviewer.training.lungs import CACHED, Crops
from tests.ai.drawings import Seeing, chest

RECIPE = Recipe("tuberculosis", ("films",), "tuberculosis", seed=1, epochs=1, steps=2, batch=4)


@pytest.fixture(scope="module")
def films() -> Labelled:
    rng = np.random.default_rng(0)
    rows = [Row("ab"[i % 2], Path(f"{i}.png"), f"p/{i}", {}) for i in range(10)]
    grey = rng.integers(0, 255, (10, CACHED, CACHED)).astype(np.uint8)
    lungs = np.zeros_like(grey)
    lungs[:, 40:240, 30:130] = lungs[:, 40:240, 160:260] = 1
    labels = np.array([i // 2 % 2 for i in range(10)], np.float32)
    return Labelled(rows, labels, [i % 5 for i in range(10)], Crops(grey, lungs, list(range(10))))


def test_batches_repeat_and_draw_sources_and_labels_equally(films: Labelled) -> None:
    made = list(batches(films, range(10), RECIPE, seed=5, epoch=1))
    torch.testing.assert_close(made, list(batches(films, range(10), RECIPE, seed=5, epoch=1)))
    assert len(made) == RECIPE.steps
    assert made[0]["image"].shape == made[0]["lungs"].shape == (4, 1, SIZE, SIZE)
    assert made[0]["label"].tolist() == [0, 1, 0, 1]
    assert 0 <= float(made[0]["image"].min()) <= float(made[0]["image"].max()) <= 1


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
    straight = logits_of(Bright(), films.crops, [0, 3])
    np.testing.assert_allclose(straight, logits_of(Bright(), mirrored, [0, 3]), atol=1e-5)


class Constant(nn.Module):
    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, x: torch.Tensor, _lungs: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x), 1), self.logit)


def test_softened_labels_punish_certainty(films: Labelled) -> None:
    (batch, _) = batches(films, [2, 3, 6, 7], RECIPE, seed=5, epoch=0)
    assert batch["label"].tolist() == [1, 1, 1, 1]
    losses = [float(loss_of(Constant(logit), batch)) for logit in (0.0, 3.0, 20.0)]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]


def test_arms_start_where_they_say(tmp_path: Path) -> None:
    scratch, imagenet = started("scratch", 7, None), started("imagenet", 7, None)
    assert not torch.equal(scratch.head.convolution.weight, imagenet.head.convolution.weight)
    torch.testing.assert_close(scratch.classifier.weight, imagenet.classifier.weight)
    torch.save({"average": imagenet.state_dict()}, tmp_path / "checkpoint.pt")
    twice = started("twice", 8, tmp_path / "checkpoint.pt")
    torch.testing.assert_close(twice.state_dict(), imagenet.state_dict())
    with pytest.raises(ValueError, match="first transfer"):
        started("twice", 8, None)


def test_films_are_cut_out_once_and_a_fold_is_trained(
    tmp_path: Path, random_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    folder = tmp_path / "data" / "films"
    folder.mkdir(parents=True)
    lines = ["image,patient,label"]
    for i in range(10):
        cv2.imwrite(str(folder / f"{i}.png"), np.clip(chest() / 16 + i, 0, 255).astype(np.uint8))
        lines.append(f"{i}.png,{i},{'tuberculosis' if i % 2 else 'normal'}")
    cv2.imwrite(str(folder / "blank.png"), np.zeros((200, 200), np.uint8))
    (folder / "index.csv").write_text("\n".join([*lines, "blank.png,b,normal"]) + "\n")
    films = load(RECIPE, tmp_path / "data", tmp_path / "cache", random_models)
    assert len(films.rows) == 10
    assert "blank" in (tmp_path / "cache" / "refused-films.csv").read_text()
    assert 0.2 < films.crops.lungs.mean() < 0.6
    monkeypatch.setattr(Catalogue, "card", None)  # a second time nothing is cut out
    again = load(RECIPE, tmp_path / "data", tmp_path / "cache", random_models)
    np.testing.assert_array_equal(again.crops.grey, films.crops.grey)
    train_fold(films, RECIPE, "scratch", 0, tmp_path / "runs")
    assert [(row.name, label) for row, label, _ in films.refused] == [("films/blank.png", 0)]
    held_out = (tmp_path / "runs" / "tuberculosis-scratch" / "fold0" / "held-out.csv").read_text().splitlines()
    assert held_out[0] == "film,patient,fold,label,logit"
    refused_here = sum(fold == 0 for _, _, fold in films.refused)
    assert len(held_out) == 1 + films.folds.count(0) + refused_here
