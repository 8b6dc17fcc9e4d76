"""Decodes codestreams in a process of its own that may crash, hang or run out of memory.

Run as ``python -m radviewer.dicom.guard_worker``; see `guard`.  One request on standard input:
a JSON line ``{"codec", "colour", "length", "limit"}`` and `length` bytes.  One answer on
standard output: a JSON line ``{"error"}`` or ``{"dtype", "shape"}`` and the array's bytes.
"""

from __future__ import annotations

import json
import sys
from typing import BinaryIO

MEMORY = 1 << 30
"""Address space of the process in bytes, the interpreter included."""


def _confine() -> None:
    """Limit memory and leave no core file behind, where the system can."""
    try:
        import resource
    except ImportError:  # not on Windows; the time limit still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(request: dict[str, object], data: bytes) -> tuple[dict[str, object], bytes]:
    """Decode one request."""
    from radviewer.dicom.codecs import JpegColour, run_codec
    from radviewer.dicom.codestream import Codec
    from radviewer.dicom.pixel_errors import BadPixels

    try:
        array = run_codec(Codec(request["codec"]), data, JpegColour(request["colour"]))
    except BadPixels as error:
        return {"error": str(error)}, b""
    if array.nbytes > int(str(request["limit"])):
        return {"error": "its codestream decodes to more than its header describes"}, b""
    return {"dtype": array.dtype.str, "shape": list(array.shape)}, array.tobytes()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until standard input closes."""
    while line := source.readline(1000):
        request = json.loads(line)
        reply, body = answer(request, source.read(int(request["length"])))
        sink.write(json.dumps(reply).encode() + b"\n" + body)
        sink.flush()


if __name__ == "__main__":
    _confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)
