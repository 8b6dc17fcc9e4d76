"""One training run: seeded, resumable after every epoch, logged to CSV and a PNG of curves.

The weights kept are an exponential moving average at the end of a fixed schedule: no epoch is
chosen by its validation figure.
"""

from __future__ import annotations

import copy
import csv
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radviewer.errors import NothingToRead
from radviewer.training.curves import draw_curves

Batch = dict[str, Tensor]
MakeBatches = Callable[[int], Iterator[Batch]]
"""``batches(epoch)``: the batches of one epoch; the same for the same epoch."""
LossOf = Callable[[nn.Module, Batch], Tensor]
Validate = Callable[[nn.Module], dict[str, float]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs, steps : int
        Epochs, and optimiser steps per epoch.
    rate, slow : float
        Peak learning rate of the heads, and the factor for parameters named ``encoder.*``.
    decay : float
        Weight decay (AdamW).
    average : float
        Decay of the moving average per step.

    """

    epochs: int
    steps: int
    rate: float = 1e-3
    slow: float = 0.5
    decay: float = 0.02
    average: float = 0.99


def finished_run(folder: Path) -> dict[str, Any]:
    """Last checkpoint of the run in a folder.

    Raises
    ------
    NothingToRead
        If it is not trained to its end.

    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise NothingToRead(f"{path} is missing: train this run first.")
    state: dict[str, Any] = torch.load(path, weights_only=True)
    if state["epoch"] < state["schedule"]["epochs"]:
        raise NothingToRead(f"{path} is not finished: {state['epoch']} of {state['schedule']['epochs']} epochs.")
    return state


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """Encoder and heads, each with and without weight decay (norms and biases without)."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": schedule.decay if decays else 0.0,
            "peak": schedule.rate * (schedule.slow if encoder else 1.0),
        }
        for (encoder, decays), parameters in groups.items()
    ]


def _rate(step: int, total: int) -> float:
    """Share of the peak rate: a short linear rise, then half a cosine to 1 %."""
    warm = max(1, total // 10)
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
    return 0.01 + 0.99 * 0.5 * (1 + float(torch.cos(torch.tensor(done * torch.pi))))


def _ahead(batches: Iterator[Batch], depth: int = 4) -> Iterator[Batch]:
    """Prepare batches in a thread while the network computes; order and errors are kept."""
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(depth)

    def produce() -> None:
        try:
            for batch in batches:
                ready.put(batch)
            ready.put(None)
        except (ValueError, TypeError, IndexError, RuntimeError, OSError) as problem:
            ready.put(problem)

    threading.Thread(target=produce, daemon=True).start()
    while (item := ready.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


class Run:
    """A training run in a folder: ``checkpoint.pt``, ``log.csv``, ``curves.png``.

    Parameters
    ----------
    folder : Path
        Created; an existing checkpoint is continued.
    network : nn.Module
        Trained in place.

    """

    def __init__(self, folder: Path, network: nn.Module, schedule: Schedule, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.network, self.schedule, self.seed = folder, network, schedule, seed
        self.average = copy.deepcopy(network).eval()
        self.optimizer = torch.optim.AdamW(_groups(network, schedule), lr=schedule.rate)
        self.epoch = 0
        self.lines: list[dict[str, float]] = []
        if self._checkpoint.is_file():
            self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.schedule.epochs

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        if state["schedule"] != asdict(self.schedule) or state["seed"] != self.seed:
            raise ValueError(f"{self._checkpoint} belongs to another schedule or seed; use another folder.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.lines = state["epoch"], state["lines"]

    def _save(self) -> None:
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "epoch": self.epoch,
                "lines": self.lines,
                "schedule": asdict(self.schedule),
                "seed": self.seed,
            },
            partial,
        )
        partial.replace(self._checkpoint)

    def train(self, batches: MakeBatches, loss_of: LossOf, validate: Validate | None = None) -> nn.Module:
        """Run the epochs that are left and return the averaged network, in evaluation mode."""
        while not self.finished:
            started = time.monotonic()
            line = {"epoch": float(self.epoch), "loss": self._one_epoch(batches, loss_of)}
            self.epoch += 1
            if validate is not None and (self.finished or self.epoch % 5 == 0):
                line |= validate(self.average)
            line["seconds"] = round(time.monotonic() - started, 1)
            self.lines.append(line)
            _log.info("%s %s", self.folder.name, " ".join(f"{k}={v:.4g}" for k, v in line.items()))
            self._save()
            self._write_log()
        return self.average

    def _one_epoch(self, batches: MakeBatches, loss_of: LossOf) -> float:
        torch.manual_seed(self.seed * 100_003 + self.epoch)
        self.network.train()
        total, count = 0.0, 0
        for batch in _ahead(batches(self.epoch)):
            step = self.epoch * self.schedule.steps + count
            share = _rate(step, self.schedule.epochs * self.schedule.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak"] * share
            loss = loss_of(self.network, batch)
            self.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimizer.step()
            self._update_average(step)
            total, count = total + float(loss.detach()), count + 1
        return total / max(1, count)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        decay = min(self.schedule.average, (1 + step) / (10 + step))
        ours = self.average.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                ours[name].lerp_(value, 1 - decay)
            else:
                ours[name].copy_(value)

    def _write_log(self) -> None:
        header = list(dict.fromkeys(key for line in self.lines for key in line))
        with (self.folder / "log.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.lines)
        draw_curves(self.folder / "curves.png", self.lines)
