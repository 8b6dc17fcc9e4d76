"""Opens mutated files, one after the other, in a process of its own.

Run as ``python -m tests.dicom.mutants FIRST COUNT FOLDER``; prints one JSON line per mutant:
its number, source file, what happened, and what it cost.  A crash shows as the process's end,
and the last line says which mutant came before it.
"""

from __future__ import annotations

import faulthandler
import json
import random
import resource
import sys
import time
from pathlib import Path

from radviewer.dicom.load import read_slice
from radviewer.dicom.scan import scan
from radviewer.errors import RadviewerError
from tests.dicom.pixel_files import PYDICOM, PYDICOM_DATA, image_files

SMALL = 700_000
HANG = 60  # seconds, on a busy machine too


def sources() -> list[Path]:
    """Files to mutate, always in the same order; small images come up most often."""
    images = set(image_files())
    files = [path for folder in (PYDICOM, PYDICOM_DATA) for path in sorted(folder.rglob("*")) if path.is_file()]
    small = [path for path in files if path in images and path.stat().st_size <= SMALL]
    return small * 6 + [path for path in files if "TINY_ALPHA" not in path.parts]


def _place(data: bytearray, rnd: random.Random) -> int:
    """A byte to change: in the header, where the pixel data begin, or anywhere."""
    kind = rnd.random()
    if kind < 0.45:
        return rnd.randrange(min(len(data), 3000))
    if kind < 0.7:
        start = data.rfind(b"\xe0\x7f\x10\x00")
        return min(len(data) - 1, max(0, start) + rnd.randrange(400))
    return rnd.randrange(len(data))


def mutate(data: bytes, seed: int) -> bytes:
    """Flip, overwrite, insert, remove, repeat or cut off bytes; the same for the same seed."""
    rnd = random.Random(seed)
    mutant = bytearray(data)
    for _ in range(rnd.choice((1, 1, 1, 2, 4, 16))):
        if len(mutant) < 8:
            break
        at, kind = _place(mutant, rnd), rnd.random()
        if kind < 0.35:
            mutant[at] ^= 1 << rnd.randrange(8)
        elif kind < 0.6:
            mutant[at] = rnd.choice((0, 1, 127, 128, 255, rnd.randrange(256)))
        elif kind < 0.7:
            size = rnd.choice((2, 4))
            mutant[at : at + size] = rnd.choice((b"\xff", b"\0", b"\x7f", b"\xfe")) * size
        elif kind < 0.78:
            del mutant[at : at + rnd.randrange(1, 40)]
        elif kind < 0.86:
            mutant[at:at] = bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 20)))
        elif kind < 0.94:
            other = rnd.randrange(len(mutant))
            mutant[at : at + 64] = mutant[other : other + 64]
        else:
            del mutant[at:]
    return bytes(mutant)


def open_all(path: Path) -> str:
    """Scan and decode a few slices, as the viewer would; say what came of it."""
    try:
        found = scan(path)
    except RadviewerError as error:
        return f"refused: {error}"
    stacks = [stack for study in found.studies for series in study.series for stack in series.stacks]
    said = [*(skipped.reason for skipped in found.skipped), *(other.sop_class for other in found.not_images)]
    for stack in stacks[:3]:
        last = len(stack.frames) - 1
        for index in sorted({0, last // 2, last}):
            try:
                said.append(str(read_slice(stack, index).stored.shape))
            except RadviewerError as error:
                said.append(str(error))
    assert said, "the file is nowhere in the scan's result"
    return "; ".join(said)


def cost() -> tuple[float, float]:
    """Seconds of processor time, and peak memory in MB, of this process and its children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss would begin with the parent's
    peak = int(status.split("VmHWM:")[1].split()[0])
    return seconds, max(peak, children.ru_maxrss) / 1024


def main() -> None:
    first, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    files = sources()
    path = folder / "mutant.dcm"
    for seed in range(first, first + count):
        faulthandler.dump_traceback_later(HANG, exit=True)
        source = files[random.Random(~seed).randrange(len(files))]
        path.write_bytes(mutate(source.read_bytes(), seed))
        before, _ = cost()
        started = time.monotonic()
        outcome = open_all(path)
        after, memory = cost()
        row = {"seed": seed, "file": source.name, "outcome": outcome, "seconds": after - before, "mb": memory}
        print(json.dumps(row | {"wall": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main()
