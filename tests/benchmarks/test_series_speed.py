"""How long a long MR series takes: outlines, presence and heatmaps of 150 slices, and the first of them.

``python -m pytest -m benchmark -s tests/benchmarks/test_series_speed.py`` on a quiet machine.  The series is drawn, so
the gate is overridden: networks take the same time whatever they see.
"""

from __future__ import annotations

import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.graphs import prepare
from radviewer.ai.networks import channels_last
from radviewer.ai.reading import read, warm_up
from radviewer.domain.opinion import Glimpse, Opinion, Outcome
from radviewer.progress import Progress
from tests.ai.series import acquired, head

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

SLICES, SIDE = 150, 256
ALL, FIRST = 10.0, 0.3  # seconds
LARGEST = 2.5  # times the floor
THREADS = 2
ROUNDS = 3
MODEL = "brain-glioma"


def _peak() -> float:
    """FLOP/s of a large dense convolution on all threads."""
    net = torch.nn.Conv2d(256, 256, 3, padding=1, bias=False)
    channels_last(net)
    image = torch.rand(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)
    fastest = float("inf")
    with torch.inference_mode():
        for _ in range(30):
            began = time.perf_counter()
            net(image)
            fastest = min(fastest, time.perf_counter() - began)
    return 2 * 256 * 256 * 9 * 64 * 64 / fastest


def test_a_long_series_is_read_in_time() -> None:
    torch.set_num_threads(THREADS)
    volume = acquired(head((SLICES, SIDE, SIDE)), spacing=(1.2, 0.9, 0.9))
    context = Context(modality="MR", description="AX FLAIR", slices=SLICES)
    catalogue = Catalogue()
    seen: list[float] = []

    def once() -> tuple[float, Opinion]:
        seen.clear()
        began = time.perf_counter()

        def show(_glimpse: Glimpse) -> None:
            seen.append(time.perf_counter() - began)

        (opinion,) = read(volume, context, catalogue, model=MODEL, override=True, first=SLICES // 2, show=show)
        return time.perf_counter() - began, opinion

    with FlopCounterMode(display=False) as counter:
        once()  # in PyTorch, for the graphs are made after it
    warm_up(catalogue, Progress())
    prepare(Progress())
    runs = []
    for _ in range(ROUNDS):
        seconds, opinion = once()
        runs.append((seconds, min(seen), opinion.seconds.inference))
    whole, first, inference = (min(column) for column in zip(*runs, strict=True))
    floor = counter.get_total_flops() / _peak()
    print(f"\nseries of {SLICES} slices of {SIDE} × {SIDE}, {THREADS} threads, warm (best of {ROUNDS})")
    print(f"all slices    {whole:5.2f} s (limit {ALL}), of which networks and their preparation {inference:.2f} s")
    print(f"first slice   {first:5.3f} s (limit {FIRST})")
    print(f"floor {floor:5.2f} s; networks take {inference / floor:.1f} × that (limit {LARGEST})")
    assert opinion.outcome is Outcome.RAN
    assert whole <= ALL
    assert first <= FIRST
    assert inference <= LARGEST * floor
