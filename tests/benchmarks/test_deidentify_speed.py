"""De-identified copies of a CT of 200 slices, 512 × 512, per second; reading and writing files included."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from radviewer.dicom.scan import scan
from radviewer.export.deidentify import DeidentifyOptions, deidentify
from radviewer.export.deidentify_profile import Profile
from tests.benchmarks.ct_series import CODINGS, slices, write_series

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

SLICES, RUNS, LIMIT = 200, 5, 100.0


def test_copies_are_made_in_time(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", slices(SLICES), CODINGS[0])
    scanned = scan(tmp_path / "ct")
    for profile in (Profile(), Profile(shift_dates=True, clean_descriptors=True, retain_safe_private=True)):
        rates = []
        for run in range(RUNS):
            start = perf_counter()
            report = deidentify(scanned, tmp_path / f"{profile.shift_dates}-{run}", DeidentifyOptions(profile))
            rates.append(SLICES / (perf_counter() - start))
            assert report.instances == SLICES
        said = "with options" if profile.shift_dates else "Basic Profile"
        print(f"\n{said}: median {np.median(rates):.0f} instances/s, least {min(rates):.0f}, n {RUNS} × {SLICES}")
        assert np.median(rates) >= LIMIT
