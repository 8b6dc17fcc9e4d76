from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from radviewer.ai.networks import AnatomyNet
from radviewer.errors import NothingToRead
from radviewer.training import anatomy
from radviewer.training.anatomy import folder_of, score, train_fold
from radviewer.training.anatomy_films import (
    FIRST,
    HEART,
    LEFT,
    NO_FOLD,
    RIGHT,
    SECOND,
    SIDE,
    THIRD,
    UNION,
    Films,
    Phase,
    barred_from_heart,
    batches,
    reduced_outline,
    sides,
)
from radviewer.training.anatomy_loss import believable, loss_of, taught
from radviewer.training.data import Row
from radviewer.training.loop import Batch

SIZE = FIRST.size


def _mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


def test_separate_lungs_get_their_sides() -> None:
    found = sides(_mask((100, 80, 400, 220), (100, 300, 400, 440), (60, 120, 70, 130)))
    assert found[200, 150] == RIGHT  # the patient's right is at the image's left
    assert found[200, 350] == LEFT
    assert found[65, 125] == RIGHT
    assert found[10, 10] == 0


@pytest.mark.parametrize(
    "mask",
    [
        _mask((100, 80, 400, 440)),
        _mask((100, 80, 400, 220)),
        _mask((50, 200, 200, 300), (250, 210, 400, 310)),
    ],
    ids=["joined", "one lung", "one above the other"],
)
def test_lungs_that_are_not_side_by_side_stay_a_union(mask: np.ndarray) -> None:
    assert set(np.unique(sides(mask))) == {0, UNION}


@pytest.fixture(scope="module")
def films() -> Films:
    """JSRT with hearts, Shenzhen without, and a film that nobody outlined."""
    rows, images, outlines = [], [], []
    rng = np.random.default_rng(0)
    for i, source in enumerate(("jsrt", "shenzhen", "adult-pneumonia")):
        rows.append(Row(source, Path(f"{i}.png"), f"{source}/{i}", {"label": "x"}))
        outline = sides(_mask((100, 80, 400, 220), (100, 300, 400, 440)))
        if source == "jsrt":
            outline[300:380, 240:320] |= HEART
        images.append(
            (np.where(outline & (RIGHT | LEFT), 60, 170) + rng.integers(0, 40, outline.shape)).astype(np.uint8)
        )
        outlines.append(outline if i < 2 else np.zeros_like(outline))
    return Films(rows, [0, 1, NO_FOLD], np.stack(images), np.stack(outlines))


def _short(steps: int) -> Phase:
    return replace(FIRST, steps=steps)


def test_the_second_phase_shows_more_pixels(films: Films) -> None:
    (batch,) = batches(films, [0, 1, 2], replace(SECOND, steps=1), seed=1, epoch=0)
    assert batch["image"].shape == batch["clean"].shape == (9, 1, SECOND.size, SECOND.size)
    assert batch["outline"].shape == (9, SECOND.size, SECOND.size)


def test_batches_repeat_and_mix_sources_and_polarities(films: Films) -> None:
    made = list(batches(films, [0, 1, 2], phase=_short(2), seed=1, epoch=0))
    torch.testing.assert_close(made, list(batches(films, [0, 1, 2], phase=_short(2), seed=1, epoch=0)))
    first = made[0]
    assert first["image"].shape == first["clean"].shape == (12, 1, SIZE, SIZE)
    assert first["heart"].tolist() == [1] * 5 + [0] * 7
    assert first["lungs"].tolist() == [1] * 10 + [0] * 2
    assert 0 < torch.cat([b["negative"] for b in made]).mean() < 1
    assert first["barred"].flatten(1).any(dim=1).tolist() == [False] * 5 + [True] * 5 + [False] * 2


def test_a_reduced_outline_lies_where_the_reduced_film_does() -> None:
    """Half a pixel of the film, to all sides, is a quarter of the error that is left."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = (((rows - 251.3) ** 2 + (columns - 262.9) ** 2) < 120.4**2).astype(np.uint8)
    small = reduced_outline(disc * np.uint8(LEFT), np.eye(3)[:2], SIZE) > 0
    row, column = (float(v.mean()) for v in np.nonzero(small))
    assert 2 * row + 0.5 == pytest.approx(251.3, abs=0.1)
    assert 2 * column + 0.5 == pytest.approx(262.9, abs=0.1)


def test_a_heart_is_neither_well_inside_a_lung_nor_outside_the_chest() -> None:
    barred = barred_from_heart(sides(_mask((100, 80, 400, 220), (100, 300, 400, 440))))
    assert barred[250, 150]
    assert barred[20, 20]
    assert not barred[300, 260]
    assert not barred[250, 82]  # the lung's edge, where outlines are not sure


class Perfect(nn.Module):
    """Knows the outlines; `logit` is how sure it is."""

    def __init__(self, outline: torch.Tensor, logit: float) -> None:
        super().__init__()
        self.outline, self.logit = outline, logit

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        bits = [(self.outline & bit).ne(0).float() for bit in (RIGHT, LEFT, HEART)]
        maps = torch.nn.functional.avg_pool2d(torch.stack(bits, dim=1), 2)
        return (2 * maps - 1) * self.logit, torch.full((len(x),), -self.logit), torch.zeros(len(x), 320)


def _shape(name: str) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    row, column, height, width = {
        "right": (0.45, 0.3, 0.3, 0.12),
        "left": (0.45, 0.7, 0.3, 0.12),
        "heart": (0.6, 0.51, 0.13, 0.09),
        "high heart": (0.1, 0.52, 0.1, 0.1),
        "heart in a lung": (0.5, 0.35, 0.1, 0.1),
    }[name]
    found: np.ndarray = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1
    return found


_NOTHING = np.zeros((SIZE, SIZE), bool)


@pytest.mark.parametrize(
    ("right", "left", "heart", "expected"),
    [
        (_shape("right"), _shape("left"), _shape("heart"), (True, True)),
        (_shape("right"), _shape("left"), _shape("high heart"), (True, False)),
        (_shape("right"), _shape("left"), _shape("heart in a lung"), (True, False)),
        (_shape("right"), _shape("left"), _NOTHING, (True, False)),
        (_shape("right"), _NOTHING, _shape("heart"), (False, False)),
        (_shape("left"), _shape("right"), _shape("heart"), (False, False)),
        (_shape("right"), _shape("left"), _shape("heart") & ~np.roll(_shape("heart"), 20, axis=1), (True, False)),
    ],
)
def test_shapes_that_are_believed(
    right: np.ndarray, left: np.ndarray, heart: np.ndarray, expected: tuple[bool, bool]
) -> None:
    assert believable(np.stack([right, left, heart])) == expected


class Teacher(nn.Module):
    """Draws the same chest on every film, with or without a heart."""

    def __init__(self, heart: str) -> None:
        super().__init__()
        masks = np.stack([_shape("right"), _shape("left"), _shape(heart)]).astype(np.float32)
        self.maps = torch.nn.functional.avg_pool2d(torch.from_numpy(masks), 2) * 20 - 10

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.maps.expand(len(x), -1, -1, -1), torch.zeros(len(x)), torch.zeros(len(x), 320)


def test_the_teacher_fills_in_only_what_nobody_drew(films: Films) -> None:
    (batch,) = batches(films, [0, 1, 2], phase=_short(1), seed=3, epoch=0)
    filled = taught(Teacher("heart"), batch)
    assert filled["lungs"].tolist() == [1] * 10 + [0.5] * 2
    assert filled["heart"].tolist() == [1] * 5 + [0.5] * 7
    torch.testing.assert_close(filled["outline"][:5], batch["outline"][:5])
    drawn = batch["outline"][5:10]
    torch.testing.assert_close(filled["outline"][5:10] & (RIGHT | LEFT), drawn)
    assert ((filled["outline"][5:10] & HEART) > 0).flatten(1).any(dim=1).all()
    assert not filled["barred"].any()
    assert batch["heart"].sum() == 5  # the batch itself is not changed


def test_an_unbelievable_heart_is_not_taught(films: Films) -> None:
    (batch,) = batches(films, [0, 1, 2], phase=_short(1), seed=3, epoch=0)
    filled = taught(Teacher("high heart"), batch)
    assert filled["heart"].tolist() == [1] * 5 + [0] * 7
    assert filled["barred"][5:10].any()
    assert filled["lungs"].tolist() == [1] * 10 + [0.5] * 2


def test_the_loss_rewards_right_outlines_and_ignores_unlabelled_hearts(films: Films) -> None:
    (batch,) = batches(films, [0, 1], phase=_short(1), seed=3, epoch=0)
    batch["negative"].zero_()
    right = float(loss_of(Perfect(batch["outline"], 8.0), batch))
    wrong = float(loss_of(Perfect(batch["outline"], -8.0), batch))
    assert right < 0.15
    assert wrong > 10 * right
    drawn = batch["outline"].clone()
    free = (batch["heart"] == 0)[:, None, None] & (batch["barred"] == 0)
    drawn[free] |= HEART  # hearts wherever they may be on films whose heart nobody outlined
    assert float(loss_of(Perfect(drawn, 8.0), batch)) == pytest.approx(right, abs=0.02)
    drawn[batch["barred"] > 0] |= HEART  # and where they cannot be
    assert float(loss_of(Perfect(drawn, 8.0), batch)) > right + 1


def test_held_out_scores_leave_out_what_is_not_labelled(films: Films) -> None:
    outline = torch.from_numpy(films.outlines[0])[None, ::2, ::2]
    lines = score(films, [0, 1], Perfect(outline, 8.0), SIZE)
    assert lines[0]["lungs"] > 0.98
    assert lines[0]["heart"] > 0.97
    assert np.isnan(lines[1]["heart"])


def test_the_third_phase_is_taught_by_the_first_fold_and_keeps_its_statistics(
    films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NothingToRead, match="missing"):
        train_fold(films, 1, tmp_path, THIRD)
    torch.manual_seed(0)
    before = AnatomyNet()
    for fold in (0, 1):
        folder = folder_of(tmp_path, fold, SECOND)
        folder.mkdir(parents=True)
        before.polarity.bias.data.fill_(fold)
        state = {"epoch": 1, "schedule": {"epochs": 1}, "average": before.state_dict()}
        torch.save(state, folder / "checkpoint.pt")
    teachers = []

    def teach(teacher: AnatomyNet, batch: Batch) -> Batch:
        teachers.append(float(teacher.polarity.bias.detach()))
        return batch

    monkeypatch.setattr(anatomy, "taught", teach)
    short = replace(THIRD, steps=1, epochs=1)
    monkeypatch.setattr(anatomy, "THIRD", short)
    monkeypatch.setattr(anatomy, "PHASES", (FIRST, SECOND, short))
    after = train_fold(films, 1, tmp_path, short).state_dict()
    assert teachers == [0]
    start = before.state_dict()
    assert torch.equal(after["neck.norm.running_mean"], start["neck.norm.running_mean"])
    assert not torch.equal(after["neck.convolution.weight"], start["neck.convolution.weight"])
    assert (folder_of(tmp_path, 1, short) / "held-out.csv").is_file()
