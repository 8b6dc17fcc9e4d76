"""How long the registration of two full MR series takes, and how well it finds a known displacement.

``python -m pytest -m benchmark -s tests/benchmarks/test_registration_speed.py`` on a quiet machine with two cores.
The two series are one head in two contrasts, 512 × 512 pixels and 25 slices each, 12 mm and 8° apart.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from radviewer.progress import Progress
from radviewer.volumes.registration import moved, register, rotation_degrees
from tests.volumes.heads import CENTRE, displacement, grid, head

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

FULL = grid((25, 512, 512), (5.0, 0.43, 0.43))
SECONDS, MM, DEGREES = 20.0, 0.5, 0.5
THREADS = 2


@pytest.mark.parametrize("contrast", [1, 2])
def test_two_full_series_are_registered_in_time(contrast: int) -> None:
    truth = displacement()
    fixed, moving = head(FULL), head(FULL, truth, contrast=contrast, name="series 2")
    begin = time.perf_counter()
    result = register(fixed, moving, Progress(), threads=THREADS)
    seconds = time.perf_counter() - begin
    error = np.linalg.inv(truth) @ result.matrix
    mm, degrees = float(np.linalg.norm(np.subtract(moved(error, CENTRE), CENTRE))), rotation_degrees(error)
    print(
        f"\ncontrast 1 to {contrast}: {seconds:.1f} s, missed by {mm:.2f} mm and {degrees:.2f}°, "
        f"quality {result.quality_words}, directions agree to {result.inconsistency:.2f} mm"
    )
    assert not result.failed
    assert mm <= MM
    assert degrees <= DEGREES
    assert seconds <= SECONDS
