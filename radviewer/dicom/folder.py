"""Which files there are: below a folder, in its archives, or named by a DICOMDIR."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipInfo

from radviewer.dicom.sources import ZIP_ERRORS, archive, may_be_archive, reason_of
from radviewer.domain.study import FileLocation, Skipped

MAX_DEPTH = 64
MAX_MEMBERS = 200_000
MAX_UNPACKED = 64 << 30

Found = FileLocation | Skipped


def location_of(path: Path, root: Path) -> FileLocation:
    """Location of a file on disk below `root`."""
    return FileLocation(path, None, readable_name(path.relative_to(root).as_posix()))


def readable_name(name: str) -> str:
    r"""File name as Unicode that can be written anywhere; other bytes become ``\xe4``, so that names stay apart."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def files_below(root: Path) -> Iterator[Found]:
    """Yield every file below `root` as the disk lists them; links are not followed out of it.

    The order is the disk's, so that the first file comes at once however large the
    folder is.
    """
    real_root = os.path.realpath(root)
    folders = [(os.fspath(root), "", 0)]
    while folders:
        folder, prefix, depth = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    location = FileLocation(Path(entry.path), None, prefix + readable_name(entry.name))
                    if not entry.is_dir(follow_symlinks=False):
                        yield from _entry(entry, location, real_root)
                    elif depth < MAX_DEPTH:
                        folders.append((entry.path, location.name + "/", depth + 1))
                    else:
                        yield Skipped(location, "The folder is nested too deeply.")
        except OSError as error:
            location = FileLocation(Path(folder), None, prefix.rstrip("/") or ".")
            yield Skipped(location, f"The folder cannot be read: {reason_of(error)}.")


def _entry(entry: os.DirEntry[str], location: FileLocation, real_root: str) -> Iterator[Found]:
    if entry.is_symlink():
        yield from _link(location, real_root)
    elif entry.is_file(follow_symlinks=False):
        yield from expand(location)
    else:
        yield Skipped(location, "It is a pipe, socket or device, not a file.")


def _link(location: FileLocation, real_root: str) -> Iterator[Skipped]:
    """Say why a link is left out; a folder inside `root` is read where it really is."""
    try:
        target = os.path.realpath(location.path, strict=True)
    except OSError:
        yield Skipped(location, "It is a link that leads nowhere.")
        return
    inside = target == real_root or target.startswith(real_root.rstrip(os.sep) + os.sep)
    if not inside:
        yield Skipped(location, "It is a link that leads out of the folder; open its target instead.")
    elif not Path(target).is_dir():
        name = readable_name(os.path.relpath(target, real_root).replace(os.sep, "/"))
        yield Skipped(location, f"duplicate of {name}: it is a link to that file.")


def expand(location: FileLocation, *, as_archive: bool = False) -> Iterator[Found]:
    """The file itself, or the members of an archive; `as_archive` where the name does not tell."""
    if as_archive or (location.name.lower().endswith(".zip") and may_be_archive(location.path)):
        yield from _members(location)
    else:
        yield location


def _members(location: FileLocation) -> Iterator[Found]:
    try:
        infos = archive(location.path).infolist()
    except ZIP_ERRORS as error:
        yield Skipped(location, f"The archive cannot be read: {reason_of(error)}.")
        return
    files = {info.filename: info for info in infos if not info.is_dir()}
    total = sum(info.file_size for info in files.values())
    if len(files) > MAX_MEMBERS or total > MAX_UNPACKED:
        size = f"{len(files):,} files, {total / 1e9:,.0f} GB unpacked"
        yield Skipped(location, f"The archive is refused: {size} are more than radviewer reads.")
        return
    if not files:
        yield Skipped(location, "The archive is empty.")
    taken: Counter[str] = Counter()
    for name, info in files.items():
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        shown = readable_name("/".join("(..)" if part == ".." else part for part in parts))
        yield _member(FileLocation(location.path, name, f"{location.name}/{_own_name(shown, taken)}"), parts, info)


def _own_name(shown: str, taken: Counter[str]) -> str:
    """Name no other member is shown under: an archive may hold ``a/b``, ``./a/b`` and ``a//b``."""
    own = shown
    while own in taken:
        taken[shown] += 1
        own = f"{shown} ({taken[shown]})"
    taken[own] = 1
    return own


def _member(location: FileLocation, parts: list[str], info: ZipInfo) -> Found:
    name = info.filename
    if ".." in parts or name.startswith(("/", "\\")):
        return Skipped(location, "Its name in the archive leads out of the archive; it is not read.")
    if name.lower().endswith(".zip"):
        return Skipped(location, "It is an archive inside an archive; unpack the outer one first.")
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        return Skipped(location, "It is a symbolic link inside an archive; it is not followed.")
    return location
