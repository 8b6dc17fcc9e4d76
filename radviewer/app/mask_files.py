"""Masks as files: packed to bits, and read back without ever allocating more than they may hold."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from radviewer.domain.opinion import Mask

_LARGEST = 1 << 30  # bytes of one member of a file
_MOST_VOXELS = 1 << 31
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    MemoryError,
    RuntimeError,  # an encrypted member; a nesting without end
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a file may raise that is not what this program wrote."""


def packed_mask(mask: Mask) -> bytes:
    """A mask ``(slices, rows, columns)`` as a file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("shape.json", json.dumps(mask.shape))
        archive.writestr("bits", np.packbits(mask).tobytes())
    return packed.getvalue()


def read_mask(path: Path) -> Mask | None:
    """What `packed_mask` made; None for anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            shape = shape_of(read_json(archive, "shape.json", 1000))
            return unpacked(read_exactly(archive, "bits", -(-math.prod(shape) // 8)), shape)
    except DAMAGED:
        return None


def mask_name(mask: Mask) -> str:
    """SHA-256 over shape and bits."""
    return hashlib.sha256(json.dumps(mask.shape).encode() + b"\x00" + np.packbits(mask).tobytes()).hexdigest()


def shape_of(values: Any) -> tuple[int, int, int]:
    """Shape of a mask or heatmap as it was written.

    Raises
    ------
    ValueError, TypeError
        If it is none, or of more voxels than any stack.

    """
    slices, rows, columns = values
    if not all(isinstance(v, int) and 0 < v < 1 << 20 for v in values) or slices * rows * columns > _MOST_VOXELS:
        raise ValueError("not a shape")
    return slices, rows, columns


def read_exactly(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    """One member, if it has exactly the size it must have: nothing larger is ever unpacked.

    Raises
    ------
    ValueError

    """
    member = archive.getinfo(name)
    if member.file_size != size or size > _LARGEST or member.compress_type not in _METHODS:
        raise ValueError(f"{name} is not what was written")
    return archive.read(member)


def read_json(archive: zipfile.ZipFile, name: str, most: int) -> Any:
    """What a member of at most so many bytes says.

    Raises
    ------
    ValueError

    """
    size = archive.getinfo(name).file_size
    if size > most:
        raise ValueError(f"{name} is too long")
    return json.loads(read_exactly(archive, name, size))


def unpacked(bits: bytes, shape: tuple[int, int, int]) -> Mask:
    """Bits as a mask."""
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=math.prod(shape)).reshape(shape).view(np.bool_)
