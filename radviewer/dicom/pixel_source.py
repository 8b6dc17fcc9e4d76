"""Random access to the bytes of one file for its pixels, on disk or in an archive."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.sources import ZIP_ERRORS, member_info, open_descriptor, open_file, reason_of, version_of
from radviewer.domain.study import FileLocation

_IN_MEMORY = 64 << 20
"""A member of an archive up to this size is unpacked into memory, a larger one into a nameless file."""
_STEP = 1 << 20


class PixelSource(Protocol):
    """A `ByteSource` that can also read straight into an array."""

    @property
    def size(self) -> int:
        """Bytes in the file."""

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`, fewer at the end."""

    def read_into(self, offset: int, target: memoryview) -> int:
        """Fill `target` from `offset`; return how many bytes there were."""


class DiskPixels:
    """An open file; safe to use from several threads."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        data = os.pread(self._descriptor, min(length, max(0, self.size - offset)), offset)
        while 0 < len(data) < min(length, self.size - offset):  # the system may give less than asked for
            more = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def read_into(self, offset: int, target: memoryview) -> int:
        """Fill `target` without a copy in between."""
        filled = 0
        while filled < len(target):
            count = os.preadv(self._descriptor, [target[filled:]], offset + filled)
            if count == 0:
                break
            filled += count
        return filled


class MemoryPixels:
    """A file that lies in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        return self._data[offset : offset + length]

    def read_into(self, offset: int, target: memoryview) -> int:
        """Copy to `target`."""
        part = memoryview(self._data)[offset : offset + len(target)]
        target[: len(part)] = part
        return len(part)


class SpooledPixels(DiskPixels):
    """A large member of an archive, unpacked into a file without a name."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(file.fileno(), size)
        weakref.finalize(self, file.close)  # which removes it


def unpack(location: FileLocation, check: Callable[[], None]) -> MemoryPixels | SpooledPixels:
    """Unpack a member of an archive once, for access in any order.

    `check` is called again and again; what it raises stops the work.

    Raises
    ------
    BadPixels, UnreadableImage

    """
    assert location.member is not None
    try:
        size = member_info(location.path, location.member).file_size
        with open_file(location) as packed, ExitStack() as stack:
            if size <= _IN_MEMORY:
                return MemoryPixels(packed.read(size))
            file = stack.enter_context(tempfile.TemporaryFile())
            written = 0
            while written < size and (part := packed.read(_STEP)):
                written += file.write(part)
                check()
            file.flush()
            stack.pop_all()
            return SpooledPixels(file, written)
    except ZIP_ERRORS as error:
        raise BadPixels(f"it cannot be unpacked: {reason_of(error)}") from error


def check_version(opened: int | Path, version: tuple[int, int] | None) -> None:
    """Refuse a file, or an archive, that is not the one that was scanned.

    Raises
    ------
    BadPixels

    """
    try:
        same = version is None or version_of(opened) == version
    except OSError as error:
        raise BadPixels(f"it cannot be read: {reason_of(error)}") from error
    if not same:
        raise BadPixels("it changed since it was scanned; open the folder again")


@contextmanager
def open_on_disk(location: FileLocation, version: tuple[int, int] | None = None) -> Iterator[DiskPixels]:
    """Open a file on disk, if it is still of the `version` that was scanned.

    Raises
    ------
    BadPixels

    """
    try:
        descriptor, size = open_descriptor(location.path)
    except OSError as error:
        raise BadPixels(f"it cannot be opened: {reason_of(error)}") from error
    try:
        check_version(descriptor, version)
        yield DiskPixels(descriptor, size)
    except OSError as error:
        raise BadPixels(f"it cannot be read: {reason_of(error)}") from error
    finally:
        os.close(descriptor)
