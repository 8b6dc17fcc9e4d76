from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")

HEAPS = """
import threading
from pathlib import Path
from radviewer.allocator import share_heaps

if {asked}:
    assert share_heaps()
ready, done = threading.Barrier(13), threading.Event()

def work():
    held = [bytearray(1000) for _ in range(10)]
    ready.wait()
    done.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
ready.wait()
# A heap of its own begins at a multiple of 64 MB, and so much address space is set aside for it.
starts = [int(line.split("-")[0], 16) for line in Path("/proc/self/maps").read_text().splitlines()]
ends = [int(line.split("-")[1].split()[0], 16) for line in Path("/proc/self/maps").read_text().splitlines()]
print(sum(start % (64 << 20) == 0 and start + (64 << 20) in ends for start in starts))
done.set()
"""


def heaps(*, asked: bool) -> int:
    code = HEAPS.format(asked=asked)
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def test_threads_share_few_heaps() -> None:
    assert heaps(asked=True) <= 2
    assert heaps(asked=False) > 2  # else there was nothing to ask for
