from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from radviewer.training.loop import Batch, Run, Schedule

SCHEDULE = Schedule(epochs=4, steps=6, rate=0.05, average=0.5)


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.05), nn.Linear(8, 1))


def _batches(epoch: int) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(epoch)
    for _ in range(6):
        x = torch.randn(16, 3, generator=generator)
        yield {"x": x, "y": x.sum(dim=1)}


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    return torch.nn.functional.mse_loss(network(batch["x"])[:, 0], batch["y"])


def test_a_run_that_was_stopped_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    straight = Run(tmp_path / "straight", _network(), SCHEDULE, seed=7).train(_batches, _loss)

    def stops(epoch: int) -> Iterator[Batch]:
        if epoch == 2:
            raise RuntimeError("stopped")
        return _batches(epoch)

    with pytest.raises(RuntimeError, match="stopped"):
        Run(tmp_path / "broken", _network(), SCHEDULE, seed=7).train(stops, _loss)
    resumed = Run(tmp_path / "broken", _network(), SCHEDULE, seed=7)
    assert resumed.epoch == 2
    for a, b in zip(straight.state_dict().values(), resumed.train(_batches, _loss).state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert (tmp_path / "broken" / "log.csv").read_text().count("\n") == 5
    assert (tmp_path / "broken" / "curves.png").stat().st_size > 0


def test_training_lowers_the_loss_and_the_average_follows(tmp_path: Path) -> None:
    run = Run(tmp_path, _network(), Schedule(epochs=30, steps=6, rate=0.1, average=0.5), seed=1)
    average = run.train(_batches, _loss)
    assert run.lines[-1]["loss"] < 0.5 * run.lines[0]["loss"]
    assert not average.training
    with torch.inference_mode():
        assert float(_loss(average, next(_batches(0)))) < 1.5


def test_another_schedule_does_not_continue_a_run(tmp_path: Path) -> None:
    Run(tmp_path, _network(), SCHEDULE, seed=7).train(_batches, _loss)
    with pytest.raises(ValueError, match="another schedule"):
        Run(tmp_path, _network(), Schedule(epochs=9, steps=6), seed=7)


def test_validation_is_logged_at_the_end(tmp_path: Path) -> None:
    run = Run(tmp_path, _network(), SCHEDULE, seed=7)
    run.train(_batches, _loss, lambda _network: {"auc": 0.75})
    assert [line.get("auc") for line in run.lines] == [None, None, None, 0.75]


def test_an_error_while_making_batches_is_raised(tmp_path: Path) -> None:
    def breaks(epoch: int) -> Iterator[Batch]:
        yield from _batches(epoch)
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        Run(tmp_path, _network(), SCHEDULE, seed=7).train(breaks, _loss)
