"""How long the bundled models take for one film, and how much memory; beside what the processor could do at best.

``python -m pytest -m benchmark -s tests/benchmarks/test_film_speed.py`` on a quiet machine.
The film is pydicom-data's chest radiograph brought to 2000 × 2000 pixels of 16 bits: a real one, for a drawing would
be refused before the networks of findings run.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest

from tests import phantoms

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]

SIDE = 2000
COLD, WARM = 3.5, 0.6  # seconds
MEMORY = 1.5 * 1024**2  # KiB
PROCESSES = 3

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import context_of
from radviewer.ai.reading import read
from radviewer.dicom.load import load
from radviewer.dicom.scan import scan
catalogue = Catalogue()
def opinions(path):
    (study,) = scan(Path(path)).studies
    (series,) = study.series
    (stack,) = series.stacks
    return read(load(stack), context_of(study, series, stack), catalogue)
def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
found = {"outcomes": [o.outcome.value for o in opinions(sys.argv[1])], "done": time.time()}
found["warm"] = min(seconds(lambda: opinions(sys.argv[2])) for _ in range(5))
found["kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found["modules"] = [name for name in ("monai", "captum") if name in sys.modules]
import torch
from torch.utils.flop_counter import FlopCounterMode
with FlopCounterMode(display=False) as counter:
    opinions(sys.argv[2])
net = torch.nn.Conv2d(256, 256, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
image = torch.rand(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)
with torch.inference_mode():
    fastest = min(seconds(lambda: net(image)) for _ in range(30))
found["gflop"] = counter.get_total_flops() / 1e9
found["peak"] = 2 * 256 * 256 * 9 * 64 * 64 / fastest / 1e9
print(json.dumps(found))
"""
"""Reads two films and prints what it found, when the first was done, and how fast a large convolution is."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two films of the same chest that differ in their noise."""
    spec = importlib.util.find_spec("data_store")  # what pydicom-data installs
    assert spec is not None
    assert spec.origin is not None
    source = pydicom.dcmread(Path(spec.origin).parent / "data" / "RG1_UNCR.dcm")
    chest = cv2.resize(source.pixel_array.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    made = []
    for i in range(2):
        noisy = chest + np.random.default_rng(i).normal(0, 4, chest.shape)
        kind = {"modality": "DX", "PhotometricInterpretation": source.PhotometricInterpretation}
        pixels = np.clip(noisy, 0, 65535).astype(np.uint16)
        film = phantoms.image(pixels, study=f"film {i}", BodyPartExamined="CHEST", ViewPosition="PA", **kind)
        made.append(phantoms.save(film, tmp_path_factory.mktemp(f"film{i}") / "film.dcm"))
    return made


def _run(films: list[Path]) -> dict[str, Any]:
    before = time.time()
    command = [sys.executable, "-c", PROGRAM, *map(str, films)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout
    found: dict[str, Any] = json.loads(printed)
    return found | {"cold": found["done"] - before}


def test_a_film_is_read_in_time_and_memory(films: list[Path]) -> None:
    _run(films)  # warm the disk's cache
    runs = [_run(films) for _ in range(PROCESSES)]
    cold, warm = (min(run[name] for run in runs) for name in ("cold", "warm"))
    peak, memory = max(run["peak"] for run in runs), max(run["kib"] for run in runs)
    floor = runs[0]["gflop"] / peak
    print(f"\nfilm of {SIDE} × {SIDE}, from the file to all opinions (best of {PROCESSES} processes)")
    print(f"cold, with the start of the interpreter  {cold:5.2f} s (limit {COLD})")
    print(f"warm, the second film                    {warm:5.2f} s (limit {WARM})")
    print(
        f"floor: {runs[0]['gflop']:.1f} GFLOP at {peak:.0f} GFLOP/s {floor:5.2f} s; warm is {warm / floor:.1f} × that"
    )
    print(f"highest memory {memory >> 10} MiB (limit {MEMORY / 1024:.0f})")
    for run in runs:
        assert run["outcomes"] == ["ran", "ran"]
        assert run["modules"] == []
    assert memory <= MEMORY
    assert cold <= COLD
    assert warm <= WARM
