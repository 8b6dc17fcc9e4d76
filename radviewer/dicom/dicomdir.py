"""The files a DICOMDIR names (PS3.10 section 8, PS3.3 F.5).

Records are read one after the other as they lie in the sequence; the offsets
that chain them are not followed, so that a cycle among them cannot be one here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from radviewer.dicom import attributes as a
from radviewer.dicom.folder import Found, location_of, readable_name
from radviewer.dicom.headers import BrokenHeader, NotDicom, read_header
from radviewer.dicom.recognise import MEDIA_STORAGE_DIRECTORY
from radviewer.dicom.sources import bytes_of
from radviewer.domain.study import FileLocation, Skipped

MAX_RECORDS = 1_000_000
_RECORD = frozenset({a.RECORD_IN_USE_FLAG, a.REFERENCED_FILE_ID})
_INACTIVE = 0


def is_dicomdir(location: FileLocation) -> bool:
    """Whether a file is a DICOMDIR, by its content."""
    try:
        with bytes_of(location) as source:
            header = read_header(source, frozenset())
    except (OSError, NotDicom, BrokenHeader):
        return False
    return header.meta_uid(a.MEDIA_STORAGE_SOP_CLASS_UID) == MEDIA_STORAGE_DIRECTORY


def files_of_dicomdir(location: FileLocation) -> Iterator[Found]:
    """Yield the DICOMDIR itself and every file it refers to, once, only inside its folder."""
    yield location
    folder = _Folder(location.path.parent)
    seen = {location.name}
    for parts in _file_ids(location):
        name = "/".join(parts)
        shown = FileLocation(location.path, None, readable_name(name))
        if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
            found: Found = Skipped(shown, "The DICOMDIR names a file outside its folder; it is not read.")
        else:
            path = folder.find(parts)
            if path is None:
                found = Skipped(shown, "The DICOMDIR names this file, but it is not there.")
            elif not folder.holds(path):
                found = Skipped(shown, "The DICOMDIR leads out of its folder through a link; it is not read.")
            else:
                found = location_of(path, folder.root)
        key = found.location.name if isinstance(found, Skipped) else found.name
        if key not in seen:
            seen.add(key)
            yield found


def _file_ids(location: FileLocation) -> Iterator[tuple[str, ...]]:
    """Referenced File IDs of the records in use."""
    try:
        with bytes_of(location) as source:
            header = read_header(source, frozenset({a.DIRECTORY_RECORD_SEQUENCE}))
            records = header.items(a.DIRECTORY_RECORD_SEQUENCE, _RECORD)
            for _, record in zip(range(MAX_RECORDS), records, strict=False):
                parts = record.texts(a.REFERENCED_FILE_ID)
                if parts and any(parts) and record.integer(a.RECORD_IN_USE_FLAG) != _INACTIVE:
                    yield parts
    except (OSError, NotDicom, BrokenHeader):
        return


class _Folder:
    """Finds files below a folder, tolerating another case, as media are copied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._names: dict[Path, dict[str, str]] = {}

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """Path of a File ID, or None if there is no such file."""
        path = self.root
        for part in parts:
            name = self._listed(path).get(part.lower())
            if name is None:
                return None
            path = path / (part if (path / part).exists() else name)
        return path if path.is_file() else None

    def _listed(self, folder: Path) -> dict[str, str]:
        if folder not in self._names:
            try:
                names = sorted(entry.name for entry in folder.iterdir())
            except OSError:
                names = []
            self._names[folder] = {name.lower().rstrip("."): name for name in names} | {n.lower(): n for n in names}
        return self._names[folder]

    def holds(self, path: Path) -> bool:
        """Whether a path stays inside once links are followed."""
        return Path(os.path.realpath(path)).is_relative_to(self._real)
