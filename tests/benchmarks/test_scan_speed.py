"""How long a scan takes, against pydicom reading the same tags and their values.

``python -m pytest -m benchmark -s tests/benchmarks/test_scan_speed.py`` on a quiet machine.
The headers are a scanner's own (pydicom's CT_small.dcm, 200 elements, a third of them private);
the pixels are small, for neither side reads them.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from radviewer.dicom.scan import scan
from radviewer.dicom.wanted import WANTED
from tests import phantoms

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

COUNTS = (200, 1000, 5000)
ROUNDS = 5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A folder of slices in random order for each of `COUNTS`."""
    found = get_testdata_file("CT_small.dcm", read=True)
    assert isinstance(found, Dataset)
    found.Rows = found.Columns = 16
    found.PixelData = bytes(512)
    del found.DataSetTrailingPadding
    made = {}
    for count in COUNTS:
        folder = made[count] = tmp_path_factory.mktemp(f"ct-{count}")
        order = np.random.default_rng(count).permutation(count)
        for index in range(count):
            found.SOPInstanceUID = phantoms.make_uid("speed", count, index)
            found.InstanceNumber = index + 1
            found.ImagePositionPatient = [-158.135803, -179.035797, round(-75.7 + 0.625 * index, 3)]
            found.SliceLocation = found.ImagePositionPatient[2]
            phantoms.save(found, folder / f"{order[index]:05d}.dcm")
    return made


def with_pydicom(folder: Path) -> int:
    """Values of all tags a scan wants, of every file."""
    tags = list(WANTED)
    values = 0
    for path in folder.iterdir():
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        values += sum(element.value is not None for element in header)
    return values


def fastest(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Least seconds of several rounds, after one to warm up."""
    times = []
    for _ in range(rounds + 1):
        gc.collect()
        begin = perf_counter()
        work()
        times.append(perf_counter() - begin)
    return min(times[1:])


def test_scan_against_pydicom_and_flat_per_file(folders: dict[int, Path]) -> None:
    peer = fastest(lambda: with_pydicom(folders[200])) / 200
    ours = {count: fastest(partial(scan, folder)) / count for count, folder in folders.items()}
    print(f"\npydicom {peer * 1e6:6.0f} µs per file, the same {len(WANTED)} tags with their values")
    for count, seconds in ours.items():
        print(f"scan    {seconds * 1e6:6.0f} µs per file of {count:5d}   {seconds / peer:.2f} × pydicom")
    assert max(ours.values()) <= 1.3 * peer
    assert ours[5000] <= 1.3 * ours[200]


def test_the_first_image_does_not_wait_for_the_rest(folders: dict[int, Path]) -> None:
    class Found(Exception):
        pass

    def first(folder: Path) -> None:
        def stop(_: object) -> None:
            raise Found

        with pytest.raises(Found):
            scan(folder, on_first_image=stop)

    times = {count: fastest(partial(first, folder)) for count, folder in folders.items()}
    for count, seconds in times.items():
        print(f"first image of {count:5d}: {seconds * 1000:.2f} ms")
    assert max(times.values()) < 0.1
    assert times[5000] <= 3 * times[200] + 0.002


def test_memory_of_a_result(folders: dict[int, Path]) -> None:
    scan(folders[200])
    tracemalloc.start()
    result = scan(folders[5000])
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"5000 files: {kept / 5000:.0f} bytes per file kept, {peak / 5000:.0f} at most")
    assert result.studies
    assert kept / 5000 < 4000
    assert peak / 5000 < 12_000
