"""RLE Lossless (PS3.5 annex G).

The header's offsets are checked here and each segment is unpacked on its own: a decoder that
was given the whole frame with a damaged header read beyond it.
"""

from __future__ import annotations

import struct
import threading
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.codecs import CODEC_REFUSALS
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.domain.study import PixelFormat

_HEADER = 64
_LARGEST_SCRATCH = 4 << 20
_SLACK = 256
"""Bytes a segment may unpack to beyond its plane: writers pad."""


def _segments(data: bytes, expected: int) -> list[bytes]:
    """Cut the frame at the offsets of its header."""
    if len(data) < _HEADER:
        raise BadPixels("its RLE header is cut short")
    count, *offsets = struct.unpack_from("<16I", data)
    if count != expected:
        raise BadPixels(f"its RLE frame has {count} segments, but its header describes {expected}")
    bounds = [*offsets[:count], len(data)]
    if bounds[0] < _HEADER or any(a >= b for a, b in pairwise(bounds)):
        raise BadPixels("the segment offsets of its RLE frame contradict its length")
    return [data[a:b] for a, b in pairwise(bounds)]


class _Scratch(threading.local):
    """A buffer of each thread: giving it back to the system after every frame costs more than decoding."""

    buffer = bytearray()


_scratch = _Scratch()


def _buffer(size: int) -> memoryview:
    if size > _LARGEST_SCRATCH:
        return memoryview(bytearray(size))
    if len(_scratch.buffer) < size:
        _scratch.buffer = bytearray(size)
    return memoryview(_scratch.buffer)[:size]


def decode_rle(data: bytes, form: PixelFormat, target: NDArray[Any] | None = None) -> NDArray[Any]:
    """Unpack one frame, into `target` if it is given.

    Parameters
    ----------
    data : bytes
        The frame.
    form : PixelFormat
        What the DICOM header describes.
    target : ndarray, optional
        C-contiguous, (rows, columns), words of BitsAllocated bits; for one sample per pixel.

    Returns
    -------
    ndarray of unsigned integers, shape (rows, columns) or (rows, columns, samples)
        Little-endian words of BitsAllocated bits, not yet masked.

    Raises
    ------
    BadPixels
        When the header or a segment is damaged; before anything is allocated when the
        segments cannot hold the image.

    """
    import imagecodecs

    width = form.bits_allocated // 8
    samples = form.samples_per_pixel
    if width not in (1, 2, 4, 8):
        raise BadPixels(f"RLE with {form.bits_allocated} bits allocated does not exist")
    plane = form.rows * form.columns
    segments = _segments(data, samples * width)
    if any(len(segment) * 64 < plane for segment in segments):
        raise BadPixels("its RLE segments are too short for its Rows and Columns")
    words = np.empty(samples * plane, f"<u{width}") if target is None else target.reshape(-1)
    pixels = words.view(np.uint8).reshape(samples, plane, width)
    scratch = _buffer(plane + _SLACK)
    for n, segment in enumerate(segments):
        try:
            unpacked = imagecodecs.packbits_decode(segment, out=scratch)
        except CODEC_REFUSALS:
            raise BadPixels(f"segment {n + 1} of its RLE frame is damaged or cut short") from None
        if len(unpacked) < plane:
            raise BadPixels(f"segment {n + 1} of its RLE frame holds {len(unpacked):,} of {plane:,} bytes")
        # the most significant byte comes first (G.3.1)
        pixels[n // width, :, width - 1 - n % width] = np.frombuffer(unpacked, np.uint8, plane)
    planes = words.view(f"<u{width}").reshape(samples, form.rows, form.columns)
    return planes[0] if samples == 1 else np.moveaxis(planes, 0, -1)
