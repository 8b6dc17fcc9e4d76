from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from radviewer.training import anatomy
from radviewer.training.anatomy import HEART, LEFT, RIGHT, SIDE, UNION, Films, batches, loss_of, score, sides
from radviewer.training.data import Row


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
    rows, images, outlines = [], [], []
    rng = np.random.default_rng(0)
    for i in range(4):
        source = ("jsrt", "shenzhen")[i % 2]
        rows.append(Row(source, Path(f"{i}.png"), f"{source}/{i}", {"label": "x"}))
        outline = sides(_mask((100, 80, 400, 220), (100, 300, 400, 440)))
        if source == "jsrt":
            outline[300:380, 240:320] |= HEART
        outlines.append(outline)
        images.append(
            (np.where(outline & (RIGHT | LEFT), 60, 170) + rng.integers(0, 40, outline.shape)).astype(np.uint8)
        )
    return Films(rows, [0, 0, 1, 1], np.stack(images), np.stack(outlines))


def test_batches_repeat_and_show_both_sources_and_polarities(films: Films) -> None:
    made = list(batches(films, [0, 1, 2, 3], steps=2, size=8, seed=1, epoch=0))
    again = list(batches(films, [0, 1, 2, 3], steps=2, size=8, seed=1, epoch=0))
    torch.testing.assert_close(made, again)
    assert made[0]["image"].shape == (8, 1, anatomy.SIZE, anatomy.SIZE)
    assert made[0]["heart"].tolist() == [0, 1] * 4
    assert 0 < torch.cat([b["negative"] for b in made]).mean() < 1


class Perfect(nn.Module):
    """Knows the outlines; `logit` is how sure it is."""

    def __init__(self, outline: torch.Tensor, logit: float) -> None:
        super().__init__()
        self.outline, self.logit = outline, logit

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        bits = [(self.outline & bit).ne(0).float() for bit in (RIGHT, LEFT, HEART)]
        maps = torch.nn.functional.avg_pool2d(torch.stack(bits, dim=1), 2)
        return (2 * maps - 1) * self.logit, torch.full((len(x),), -self.logit), torch.zeros(len(x), 320)


def test_the_loss_rewards_right_outlines_and_ignores_unlabelled_hearts(films: Films) -> None:
    (batch,) = batches(films, [0, 1], steps=1, size=4, seed=3, epoch=0)
    batch["negative"].zero_()
    right = float(loss_of(Perfect(batch["outline"], 8.0), batch))
    wrong = float(loss_of(Perfect(batch["outline"], -8.0), batch))
    assert right < 0.15
    assert wrong > 10 * right
    drawn = batch["outline"].clone()
    drawn[batch["heart"] == 0] |= HEART  # hearts all over films whose heart nobody outlined
    assert float(loss_of(Perfect(drawn, 8.0), batch)) == pytest.approx(right, abs=1e-4)


def test_held_out_scores_leave_out_what_is_not_labelled(films: Films) -> None:
    outline = torch.from_numpy(films.outlines[0])[None, ::2, ::2]
    lines = score(films, [0, 1], Perfect(outline, 8.0))
    assert lines[0]["lungs"] > 0.98
    assert lines[0]["heart"] > 0.97
    assert np.isnan(lines[1]["heart"])
