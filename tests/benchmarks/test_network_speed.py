"""How long each network takes on one core, beside what the processor could do at best; why OpenVINO runs them.

``python -m pytest -m benchmark -s tests/benchmarks/test_network_speed.py`` on a quiet machine.  The floor is the
network's arithmetic at the speed of a large dense convolution, the best of both libraries, in the same run.  All
members of an ensemble are alike: the first is measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from radviewer.ai import anatomy, engine, findings, graphs
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.lesion_networks import BreastNet, SliceNet
from radviewer.ai.networks import channels_last
from radviewer.ai.running import build
from radviewer.ai.translation import translated
from radviewer.progress import Progress
from tests.ai.conftest import card_values
from tests.ai.test_graphs import uneven

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

LARGEST = 2.5  # times the floor
ROUNDS = 30
DENSE, SIDE = 256, 64  # channels and side of the large convolution
Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    title: str
    network: nn.Module
    method: str
    images: Tensor


def _bundled() -> Iterator[Case]:
    catalogue = Catalogue()
    films = (("chest-anatomy", anatomy.members, "forward", 1), ("chest-findings", findings.members, "features", 2))
    for name, members, method, count in films:
        card = catalogue.card(name)
        network = next(iter(members(catalogue, card)))
        yield Case(name, network, method, torch.rand(count, 1, card.input_size, card.input_size))


def _random(folder: Path) -> Iterator[Case]:
    """Networks as the program builds them, with random weights: they take as long."""
    sizes: tuple[tuple[type[SliceNet | BreastNet], tuple[int, ...]], ...] = (
        (SliceNet, (8, 3, 192, 192)),
        (BreastNet, (1, 1, 256, 192)),
    )
    for kind, shape in sizes:
        model = folder / kind.__name__.lower()
        model.mkdir()
        file = model / "fold0.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in uneven(kind()).state_dict().items()}, file)
        values = card_values([{"file": file.name, "sha256": sha256(file), "fold": 0}])
        (model / "card.json").write_text(json.dumps(values | {"name": model.name}))
        catalogue = Catalogue(folder)
        card = catalogue.card(model.name)
        network = build(kind, kind, catalogue, card, card.weights[0])
        yield Case(kind.__name__, network, "forward", torch.rand(shape))


def _dense() -> dict[str, Run]:
    """The large convolution in every library and precision."""
    convolution = nn.Conv2d(DENSE, DENSE, 3, padding=1, bias=False).eval()
    channels_last(convolution)
    images = torch.rand(1, DENSE, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    runs: dict[str, Run] = {"torch": torch.inference_mode()(lambda: convolution(images))}
    for precision in engine.precisions():
        runs[precision] = _graph(convolution, precision, images)
    return runs


def _graph(function: Callable[[Tensor], Any], precision: engine.Precision, images: Tensor) -> Run:
    graph = engine.Graph.compiled(translated(function, images.shape[1]), precision)
    return lambda: graph(images)


def _best(runs: dict[str, Run]) -> dict[str, float]:
    """Shortest time of each in seconds, in turns: what disturbs the machine disturbs all."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


@dataclass(frozen=True)
class Measured:
    title: str
    backend: str  # what was chosen
    gflop: float
    seconds: dict[str, float]
    speeds: dict[str, float]  # of the large convolution meanwhile, GFLOP/s


def _measured(case: Case, dense: dict[str, Run]) -> Measured:
    function = graphs.forward(case.network, case.method, tuple(case.images.shape))
    graphs.prepare(Progress())
    with FlopCounterMode(display=False) as counter:
        function.reference(case.images)
    runs: dict[str, Run] = {"chosen": lambda: function(case.images), "torch": lambda: function.reference(case.images)}
    for precision in engine.precisions():
        runs[precision] = _graph(getattr(case.network, case.method), precision, case.images)
    best = _best(runs | {f"dense {name}": run for name, run in dense.items()})
    work = 2 * DENSE * DENSE * 9 * SIDE * SIDE / 1e9
    speeds = {name: work / best.pop(f"dense {name}") for name in dense}
    title = f"{case.title} {'x'.join(map(str, case.images.shape))}"
    return Measured(title, function.backend, counter.get_total_flops() / 1e9, best, speeds)


def test_each_network_is_near_the_processors_speed(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    dense = _dense()
    found = [_measured(case, dense) for case in (*_bundled(), *_random(tmp_path))]
    peaks = {name: max(item.speeds[name] for item in found) for name in dense}
    print(f"\none core, best of {ROUNDS} in turns; ms, in brackets multiples of the floor")
    print("large convolution: " + ", ".join(f"{name} {peak:.0f} GFLOP/s" for name, peak in peaks.items()))
    ratios = {}
    for item in found:
        peak = peaks["bf16"] if item.backend == "bf16" else max(peaks["torch"], peaks["f32"])
        floor = item.gflop / peak
        ratios[item.title] = item.seconds["chosen"] / floor
        times = "  ".join(f"{name} {t * 1e3:6.1f} ({t / floor:.2f})" for name, t in item.seconds.items())
        print(f"{item.title:26} {item.gflop:5.2f} GFLOP  floor {floor * 1e3:5.1f}  {times}  chosen: {item.backend}")
    assert all(ratio <= LARGEST for ratio in ratios.values()), ratios
