"""Films read by one process and by as many as there are cores, in turns.

``python -m pytest -m benchmark -s tests/benchmarks/test_batch_speed.py`` on a quiet machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from tests import phantoms
from tests.benchmarks.test_opinion_speed import FILM

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]

FILMS, ROUNDS, SIDE, RATIO = 24, 2, 2000, 1.6


def _write(folder: Path) -> None:
    """Films of one chest that differ in their noise."""
    source = pydicom.dcmread(FILM)
    chest = cv2.resize(source.pixel_array.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    for i in range(FILMS):
        noisy = np.clip(chest + np.random.default_rng(i).normal(0, 4, chest.shape), 0, 65535).astype(np.uint16)
        kind = {"modality": "DX", "PhotometricInterpretation": source.PhotometricInterpretation}
        film = phantoms.image(
            noisy, study=f"film {i}", series=f"film {i}", instance=i, BodyPartExamined="CHEST", **kind
        )
        phantoms.save(film, folder / f"{i}.dcm")


def _seconds(folder: Path, out: Path, workers: int, **environment: str) -> float:
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "radviewer", "read", folder, "--out", out, "--workers", workers]
    start = time.perf_counter()
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, timeout=600, env={**os.environ, **environment}
    )
    return time.perf_counter() - start


def test_two_workers_read_more_than_one(tmp_path: Path) -> None:
    cores = os.cpu_count() or 1
    _write(tmp_path / "films")
    one, thread, many = [], [], []
    for _ in range(ROUNDS):
        many.append(_seconds(tmp_path / "films", tmp_path / "out", cores))
        one.append(_seconds(tmp_path / "films", tmp_path / "out", 1))
        thread.append(_seconds(tmp_path / "films", tmp_path / "out", 1, OMP_NUM_THREADS="1"))
    rate = {name: FILMS / min(times) for name, times in (("many", many), ("one", one), ("thread", thread))}
    print(
        f"\n{FILMS} films, best of {ROUNDS}: {cores} workers {rate['many']:.2f}/s, one with all threads "
        f"{rate['one']:.2f}/s, one with one thread {rate['thread']:.2f}/s; "
        f"ratio {rate['many'] / rate['one']:.2f} and {rate['many'] / rate['thread']:.2f} (wanted {RATIO})"
    )
    assert rate["many"] / rate["thread"] >= RATIO
