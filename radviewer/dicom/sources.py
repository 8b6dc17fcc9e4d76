"""Where bytes come from: files on disk and members of a .zip, always bounded.

`open_file` is the only way the program opens a file of a study.  Nothing is ever
extracted, so a member's name cannot write anywhere; special files (pipes,
devices) are refused before they could block.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import sys
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from radviewer.domain.study import FileLocation
from radviewer.errors import UnreadableImage

MAX_MEMBER = 4 << 30  # uncompressed bytes of one archive member
MAX_DIRECTORY = 32 << 20  # bytes of an archive's table of contents: ten times that in memory
MAX_KEPT = 64 << 20  # bytes of an unpacked header kept while it is read
MAX_RATIO = 1100  # deflate cannot do better than 1032:1
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
ZIP_ERRORS = (*_DAMAGED, NotImplementedError, RuntimeError, OSError, ValueError, MemoryError)
"""What zipfile raises on hostile bytes: bad structure, bad data, unknown method, encryption (RuntimeError),
an LZMA dictionary as large as the archive pleases (MemoryError)."""

DISK_ERRORS = (OSError,)

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_descriptor(path: Path | str) -> tuple[int, int]:
    """Open a regular file for reading: ``(file descriptor, size)``.

    Raises
    ------
    OSError
        If it cannot be opened or is not a regular file.

    """
    descriptor = os.open(path, _FLAGS)  # O_NONBLOCK: opening a pipe must not wait for a writer
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError("it is not a regular file")
    return descriptor, status.st_size


def version_of(opened: int | Path) -> tuple[int, int]:
    """Size and time of change in ns of an open file, or of the one at a path.

    Raises
    ------
    OSError

    """
    status = os.fstat(opened) if isinstance(opened, int) else opened.stat()
    return status.st_size, status.st_mtime_ns


class DiskBytes:
    """Random access to a file on disk (a `ByteSource`)."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.version = version_of(descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        return os.pread(self._descriptor, length, offset)


class StreamBytes:
    """Random access to a stream that is slow to go back in (a `ByteSource`): the beginning is kept."""

    def __init__(self, stream: BinaryIO, size: int, version: tuple[int, int]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self.size = size
        self.version = version

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        end = min(offset + length, self.size)
        if end > MAX_KEPT:
            self._stream.seek(offset)
            return self._stream.read(length)
        if end > len(self._kept):
            self._stream.seek(len(self._kept))
            self._kept += self._stream.read(end - len(self._kept))
        return bytes(self._kept[offset:end])


@contextmanager
def bytes_of(location: FileLocation) -> Iterator[DiskBytes | StreamBytes]:
    """Open `location` for reading its header.

    Raises
    ------
    One of `errors_of` the location.

    """
    if location.member is None:
        descriptor, size = open_descriptor(location.path)
        try:
            yield DiskBytes(descriptor, size)
        finally:
            os.close(descriptor)
    else:
        info = member_info(location.path, location.member)
        with _open_member(location.path, info) as stream:
            yield StreamBytes(stream, info.file_size, version_of(location.path))


def open_file(location: FileLocation) -> BinaryIO:
    """Open a file of the study, on disk or in an archive, for reading; seekable.

    Raises
    ------
    UnreadableImage
        If it cannot be opened; the message names the file and the cause.

    """
    try:
        if location.member is None:
            descriptor, _ = open_descriptor(location.path)
            return os.fdopen(descriptor, "rb")
        return _open_member(location.path, member_info(location.path, location.member))
    except ZIP_ERRORS as error:
        raise UnreadableImage(f"{location.name} cannot be opened: {reason_of(error)}.") from error


def errors_of(location: FileLocation) -> tuple[type[Exception], ...]:
    """Return what reading `location` may raise."""
    return DISK_ERRORS if location.member is None else ZIP_ERRORS


def reason_of(error: BaseException) -> str:
    """Say why the system or an archive refused, without a path or an error number."""
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    if isinstance(error, NotImplementedError):
        return "its compression method is not supported"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is encrypted; unpack the archive with its password first"
    if isinstance(error, _DAMAGED) or str(error) == "Invalid data stream":  # bz2 says OSError
        return "it is damaged or cut off"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    text = str(error).strip().rstrip(".")
    return text[:200] or type(error).__name__


class _ArchiveFile(io.BufferedReader):
    """An archive on disk; refuses a huge table of contents, which `zipfile` reads in one piece."""

    within = 0  # bytes one read may ask for, at least `MAX_DIRECTORY`

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does.

        Raises
        ------
        OSError
            If it is more than `within`.

        """
        if size is not None and size > max(self.within, MAX_DIRECTORY):
            raise OSError("it names more files than radviewer reads; unpack it first")
        return super().read(size)


@lru_cache(maxsize=4)
def _archive(path: Path, identity: tuple[int, int, int]) -> zipfile.ZipFile:
    file = _ArchiveFile(io.FileIO(path))
    try:
        opened = zipfile.ZipFile(file)
    except BaseException:
        file.close()
        raise
    file.within = sys.maxsize
    weakref.finalize(opened, file.close)  # streams of members keep it alive
    if _identity(path) != identity:
        opened.close()
        raise OSError("it changed while it was being read")
    return opened


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a regular file")
    return status.st_ino, status.st_mtime_ns, status.st_size


def archive(path: Path) -> zipfile.ZipFile:
    """The archive at `path`, its directory read once; reading members is thread-safe."""
    return _archive(path, _identity(path))


def is_archive(path: Path) -> bool:
    """Whether a file begins like a .zip."""
    try:
        with bytes_of(FileLocation(path, None, path.name)) as source:
            return source.read(0, 4) == b"PK\x03\x04"
    except OSError:
        return False


def may_be_archive(path: Path) -> bool:
    """Whether a file that is called .zip is one, whole or damaged, or cannot be read to tell."""
    try:
        with bytes_of(FileLocation(path, None, path.name)) as source:
            return source.read(0, 2) == b"PK" or zipfile.is_zipfile(path)  # a program may come before it
    except OSError:
        return True


def member_info(path: Path, member: str) -> zipfile.ZipInfo:
    """Directory entry of a member."""
    try:
        return archive(path).getinfo(member)
    except KeyError:
        raise OSError("the archive holds no such file") from None


def refusal(info: zipfile.ZipInfo) -> str:
    """Why a member must not be unpacked, or "": too large, or a bomb."""
    if info.flag_bits & 0x1:
        return "it is encrypted; unpack the archive with its password first"
    if info.file_size > MAX_MEMBER:
        return f"it would unpack to {info.file_size / 1e9:,.1f} GB, more than radviewer unpacks of one file"
    if info.file_size > MAX_RATIO * max(info.compress_size, 1) + 1024:
        return "it is packed more tightly than real files are (an archive bomb)"
    return ""


def _open_member(path: Path, info: zipfile.ZipInfo) -> BinaryIO:
    problem = refusal(info)
    if problem:
        raise OSError(problem)
    return cast(BinaryIO, archive(path).open(info))
