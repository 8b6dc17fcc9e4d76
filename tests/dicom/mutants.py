"""Opens mutated files or codestreams, one after the other, in a process of its own.

Run as ``python -m tests.dicom.mutants files|codestreams FIRST COUNT FOLDER``; prints one JSON line
per mutant: its number, where it is from, what happened, and what it cost.  A crash shows as the
process's end, and the last line says which mutant came before it.
"""

from __future__ import annotations

import faulthandler
import json
import random
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np

from radviewer.dicom.decode import decode_frame
from radviewer.dicom.fragments import frames_of, read_frame, walk_fragments
from radviewer.dicom.guard import Guard
from radviewer.dicom.load import read_slice
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.pixel_source import MemoryPixels
from radviewer.dicom.pixels_fit import Refused
from radviewer.dicom.scan import scan
from radviewer.dicom.stored import word_type
from radviewer.domain.study import PixelFormat
from radviewer.errors import RadviewerError
from tests.dicom.pixel_files import PYDICOM, PYDICOM_DATA, image_files, stack_of

SMALL = 700_000
HANG = 60  # seconds, on a busy machine too


def sources() -> list[Path]:
    """Files to mutate, always in the same order; small images come up most often."""
    images = set(image_files())
    files = [path for folder in (PYDICOM, PYDICOM_DATA) for path in sorted(folder.rglob("*")) if path.is_file()]
    small = [path for path in files if path in images and path.stat().st_size <= SMALL]
    return small * 6 + [path for path in files if "TINY_ALPHA" not in path.parts]


@dataclass(frozen=True)
class Stream:
    """One compressed frame and the image its header describes."""

    name: str
    data: bytes
    form: PixelFormat


def streams() -> list[Stream]:
    """First frames of the small compressed images, and codecs that none of them uses."""
    found = []
    for path in image_files():
        if path.stat().st_size > SMALL:
            continue
        try:
            file = stack_of(path).frames[0].file
        except Refused:
            continue
        if file.pixel_length is None and file.pixel_offset is not None:
            source = MemoryPixels(path.read_bytes())
            parts = frames_of(source, walk_fragments(source, file.pixel_offset, source.size), file.number_of_frames)
            found.append(Stream(path.name, read_frame(source, parts[0]), file.format))
    y, x = np.mgrid[:61, :67]
    pixels = ((np.sin(x / 5) * np.cos(y / 7) + 1) * 2000).astype(np.uint16)
    form = PixelFormat(61, 67, 1, "MONOCHROME2", 16, 12, 11, False, 0, "1.2.840.10008.1.2.4.201")
    encoded = {
        "HTJ2K": imagecodecs.htj2k_encode(pixels, reversible=True),
        "HTJ2K, lossy": imagecodecs.htj2k_encode(pixels, reversible=False),
        "HTJ2K, tiles": imagecodecs.htj2k_encode(pixels, tile=(16, 16)),
        "JPEG 2000, lossy": imagecodecs.jpeg2k_encode(pixels, level=45, codecformat="j2k", reversible=False),
        "JPEG-LS": imagecodecs.jpegls_encode(pixels),
        "JPEG XL": imagecodecs.jpegxl_encode(pixels, lossless=True),
        **{
            f"lossless JPEG, predictor {predictor}": imagecodecs.jpeg8_encode(
                pixels, lossless=True, predictor=predictor, bitspersample=12
            )
            for predictor in range(1, 8)
        },
    }
    return found + 3 * [Stream(name, bytes(data), form) for name, data in encoded.items()]


def decode(data: bytes, form: PixelFormat, guard: Guard) -> str:
    """Decode one mutated codestream; say what came of it."""
    try:
        target = np.zeros((form.rows, form.columns), word_type(form)) if form.samples_per_pixel == 1 else None
        return str(decode_frame(data, form, guard, target=target).pixels.shape)
    except BadPixels as error:
        return str(error)


def _place(data: bytearray, rnd: random.Random) -> int:
    """A byte to change: in the header, where the pixel data begin, or anywhere."""
    kind = rnd.random()
    if kind < 0.45:
        return rnd.randrange(min(len(data), max(200, min(3000, len(data) // 4))))
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


def open_files(folder: Path) -> Callable[[int], tuple[str, str]]:
    """What opens the mutant of a number: where it is from, what came of it."""
    files, path = sources(), folder / "mutant.dcm"

    def one(seed: int) -> tuple[str, str]:
        source = files[random.Random(~seed).randrange(len(files))]
        path.write_bytes(mutate(source.read_bytes(), seed))
        return source.name, open_all(path)

    return one


def decode_codestreams(guard: Guard) -> Callable[[int], tuple[str, str]]:
    """What decodes the mutant of a number: where it is from, what came of it."""
    found = streams()

    def one(seed: int) -> tuple[str, str]:
        stream = found[random.Random(~seed).randrange(len(found))]
        return stream.name, decode(mutate(stream.data, seed), stream.form, guard)

    return one


def main() -> None:
    kind, first, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    with Guard() as guard:
        run = open_files(folder) if kind == "files" else decode_codestreams(guard)
        for seed in range(first, first + count):
            faulthandler.dump_traceback_later(HANG, exit=True)
            before, _ = cost()
            name, outcome = run(seed)
            after, memory = cost()
            row = {"seed": seed, "from": name, "outcome": outcome, "seconds": after - before, "mb": memory}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
