"""Loading 200 × 512² CT against VTK and SimpleITK on the same files, in turns, warm cache, minima.

``python -m pytest -m benchmark -s tests/benchmarks/test_load_speed.py`` on a quiet machine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
import SimpleITK
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from radviewer.dicom.load import load, read_slice
from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack
from tests.benchmarks.ct_series import CODINGS, SIDE, slices, write_series

pytestmark = pytest.mark.benchmark

SLICES = 200
ITK: Any = SimpleITK
VTK: Any = vtk
FASTER_ROUNDS, SLOWER_ROUNDS = 7, 3

Folders = dict[str, Path]


@pytest.fixture(scope="module")
def volume() -> NDArray[np.int16]:
    return slices(SLICES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, volume: NDArray[np.int16]) -> Folders:
    """One folder per coding, 100 MB uncompressed."""
    root = tmp_path_factory.mktemp("ct")
    for coding in CODINGS:
        write_series(root / coding.name, volume, coding)
    return {coding.name: root / coding.name for coding in CODINGS}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[str]]:
    """Lines of the table that is printed at the end."""
    lines = [f"{'':44}{'ours':>9}{'peer':>9}{'ratio':>8}{'must':>7}"]
    yield lines
    print("\n\n" + "\n".join(lines))


def only_stack(folder: Path) -> Stack:
    return scan(folder).studies[0].series[0].stacks[0]


def by_vtk(folder: Path) -> Any:
    reader = VTK.vtkDICOMImageReader()
    reader.SetDirectoryName(str(folder))
    reader.Update()
    return reader.GetOutput()


def by_simpleitk(folder: Path) -> Any:
    reader = ITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def race(ours: Callable[[], Any], peer: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Shortest of `rounds` turns each, in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, found in zip((ours, peer), times, strict=True):
            start = perf_counter()
            work()
            found.append(perf_counter() - start)
    return min(times[0]), min(times[1])


def note(table: list[str], what: str, seconds: tuple[float, float], most: float) -> None:
    ours, peer = seconds
    table.append(f"{what:44}{ours * 1e3:6.0f} ms{peer * 1e3:6.0f} ms{ours / peer:8.3f}{most:7.2f}")
    assert ours / peer <= most, table[-1]


def test_the_peers_read_the_same_values(folders: Folders, volume: NDArray[np.int16]) -> None:
    for name, folder in folders.items():
        loaded = load(only_stack(folder))
        assert loaded.problems == {}
        first, last = loaded.slices[0], loaded.slices[-1]
        assert first is not None
        assert last is not None
        np.testing.assert_array_equal(first.modality_values(), volume[0], err_msg=name)
        np.testing.assert_array_equal(last.modality_values(), volume[-1], err_msg=name)
    image = ITK.GetArrayFromImage(by_simpleitk(folders["uncompressed"]))
    np.testing.assert_array_equal(image, volume)
    output = by_vtk(folders["uncompressed"])
    values = vtk_to_numpy(output.GetPointData().GetScalars()).reshape(SLICES, SIDE, SIDE)
    np.testing.assert_array_equal(values[::-1, ::-1], volume)  # VTK counts both from the other end


def test_uncompressed_after_the_scan(folders: Folders, table: list[str]) -> None:
    stack, folder = only_stack(folders["uncompressed"]), folders["uncompressed"]
    seconds = race(lambda: load(stack), lambda: by_vtk(folder), FASTER_ROUNDS)
    note(table, "uncompressed, after the scan / VTK", seconds, 0.4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "most", "rounds"),
    [
        ("uncompressed", 0.8, FASTER_ROUNDS),
        ("JPEG 2000", 0.85, SLOWER_ROUNDS),
        ("JPEG-LS", 0.45, SLOWER_ROUNDS),
        ("RLE", 0.05, SLOWER_ROUNDS),
    ],
)
def test_folder_to_volume(folders: Folders, table: list[str], name: str, most: float, rounds: int) -> None:
    folder = folders[name]
    seconds = race(lambda: load(only_stack(folder)), lambda: by_simpleitk(folder), rounds)
    note(table, f"{name}, folder to volume / SimpleITK", seconds, most)


def test_one_slice_is_far_quicker_than_its_stack(folders: Folders, table: list[str]) -> None:
    stack = only_stack(folders["JPEG 2000"])
    seconds = race(lambda: read_slice(stack, 100), lambda: load(stack), 2)
    note(table, "JPEG 2000, one slice / whole stack", seconds, 0.05)


MEASURE_MEMORY = """
import sys
from pathlib import Path
from radviewer.dicom.load import load, read_slice
from radviewer.dicom.scan import scan
stack = scan(Path(sys.argv[1])).studies[0].series[0].stacks[0]
read_slice(stack, 0)
def peak():
    status = Path("/proc/self/status").read_text()  # ru_maxrss would begin with the parent's
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
empty = peak()
volume = load(stack)
print((peak() - empty) / volume.stored.nbytes)
"""


@pytest.mark.parametrize("name", [coding.name for coding in CODINGS])
def test_memory_above_the_empty_program(folders: Folders, table: list[str], name: str) -> None:
    command = [sys.executable, "-c", MEASURE_MEMORY, str(folders[name])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    ratio = float(done.stdout)
    table.append(f"{name + ', peak memory / volume':44}{'':18}{ratio:8.3f}{1.5:7.2f}")
    assert ratio <= 1.5
