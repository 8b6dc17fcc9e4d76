"""Folders radviewer writes its results into, with a record of what it wrote.

Files of one batch are written beside their places first and then moved there, so that none is ever half
there.  The record (``.radviewer.json``) holds the hash of each file: what radviewer did not write, or what was
changed since, is never replaced and never deleted.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from radviewer.errors import NotSaved

RECORD = ".radviewer.json"
_MARK = "radviewer results"
_PART, _PART_END = ".radviewer-", ".part"
_LARGEST = 64 << 20  # bytes of a record


def digest(stream: IO[bytes]) -> str:
    """SHA-256 of what is left of a stream, read in blocks."""
    found = hashlib.sha256()
    while block := stream.read(1 << 20):
        found.update(block)
    return found.hexdigest()


class OwnFolder:
    """One folder and its record.

    Attributes
    ----------
    path : Path
    notes : dict
        What was kept beside the files with the last batch.

    Raises
    ------
    NotSaved
        If there is a record that is not radviewer's.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        record = _read(path / RECORD)
        self.notes: dict[str, Any] = record.get("notes", {})
        self._complete = bool(record.get("complete", False))
        self._hashes: dict[str, list[str]] = record.get("files", {})

    def check(self, name: str) -> None:
        """Refuse to replace a file that radviewer did not write.

        Raises
        ------
        NotSaved

        """
        path = self.path / name
        try:
            foreign = self._is_linked(name) or (path.exists() and not self._is_own(name))
        except OSError as error:
            raise NotSaved(_sentence(path, error)) from error
        if foreign:
            raise NotSaved(
                f"{path} is not a file radviewer wrote, or it was changed since. "
                "Move it away or choose another folder for the results."
            )

    def complete(self) -> bool:
        """Whether the last batch was finished, and every file of it is still there."""
        return self._complete and all(self._is_there(name) for name in self._hashes)

    def _is_linked(self, name: str) -> bool:
        """Whether the file, or a folder on the way to it, is a link: it may lead out of this folder."""
        path = PurePosixPath(name)
        return any((self.path / part).is_symlink() for part in (path, *path.parents[:-1]))

    def _is_there(self, name: str) -> bool:
        return (self.path / name).is_file() and not self._is_linked(name)

    def _is_own(self, name: str) -> bool:
        if not self._is_there(name):
            return False
        with (self.path / name).open("rb") as stream:
            return digest(stream) in self._hashes.get(name, ())

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Write files that appear together; what is not committed leaves nothing behind.

        Raises
        ------
        NotSaved
            If the disk is full, a folder cannot be written or a foreign file is in the way.

        """
        batch = Batch(self)
        try:
            yield batch
        except OSError as error:
            raise NotSaved(_sentence(Path(error.filename or self.path), error)) from error
        finally:
            batch.discard()

    @staticmethod
    def sweep(path: Path) -> None:
        """Delete files of a batch whose process was ended before it could: they may name patients."""
        for part in path.rglob(f"{_PART}*{_PART_END}"):
            with suppress(OSError):
                part.unlink()

    def remove(self) -> None:
        """Delete radviewer's own files, the record, and the folder if nothing else is in it."""
        self._delete(self._hashes)
        with suppress(OSError):
            (self.path / RECORD).unlink(missing_ok=True)
            self.path.rmdir()

    def _delete(self, names: Iterable[str]) -> None:
        for name in list(names):
            with suppress(OSError):  # what cannot be deleted stays: no result names it any more
                if self._is_own(name):
                    (self.path / name).unlink()
                    if "/" in name:
                        (self.path / name).parent.rmdir()

    def _save(self, notes: dict[str, Any], hashes: dict[str, list[str]], *, complete: bool) -> None:
        record = {"kind": _MARK, "complete": complete, "notes": notes, "files": hashes}
        text = json.dumps(record, ensure_ascii=True, allow_nan=False)
        _place(_staged(self.path / RECORD, writer(text.encode())), self.path / RECORD)
        self.notes, self._hashes, self._complete = notes, hashes, complete


class Batch:
    """Files that wait to be moved to their places."""

    def __init__(self, folder: OwnFolder) -> None:
        self._folder = folder
        self._waiting: dict[str, Path] = {}

    def add(self, name: str, write: Callable[[IO[bytes]], None]) -> None:
        """Write one file; `name` is relative to the folder, POSIX."""
        self._folder.check(name)
        self._waiting[name] = _staged(self._folder.path / name, write)

    def commit(self, notes: dict[str, Any]) -> None:
        """Move all files to their places, and delete own files of earlier batches that are not among them."""
        folder, before = self._folder, dict(self._folder._hashes)
        written = {}
        for name, path in self._waiting.items():
            with path.open("rb") as stream:
                written[name] = [digest(stream)]
        # Both hashes stand in the record while files are moved: whenever the program dies, it knows its files again.
        both = {name: [*before.get(name, []), *written.get(name, [])] for name in {**before, **written}}
        folder._save(notes, both, complete=False)
        for name, path in self._waiting.items():
            _place(path, folder.path / name)
        self._waiting.clear()
        folder._delete(name for name in before if name not in written)
        folder._save(notes, written, complete=True)

    def discard(self) -> None:
        """Delete what was not committed."""
        for path in self._waiting.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._waiting.clear()


def _staged(target: Path, write: Callable[[IO[bytes]], None]) -> Path:
    """Write a file under another name beside `target`; readable by its owner only, as it may name patients."""
    path: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_PART, suffix=_PART_END, delete=False) as stream:
            path = Path(stream.name)
            write(stream)
        done, path = path, None
        return done
    except OSError as error:
        raise NotSaved(_sentence(target, error)) from error
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def _place(ready: Path, target: Path) -> None:
    try:
        ready.replace(target)
    except OSError as error:
        ready.unlink(missing_ok=True)
        raise NotSaved(_sentence(target, error)) from error


def write_whole(target: Path, data: bytes) -> None:
    """Write a file completely or not at all, readable by its owner only; one of that name is replaced.

    Raises
    ------
    NotSaved

    """
    _place(_staged(target, writer(data)), target)


def writer(data: bytes) -> Callable[[IO[bytes]], None]:
    """What `Batch.add` asks for, of bytes that are ready."""

    def write(stream: IO[bytes]) -> None:
        stream.write(data)

    return write


def _sentence(target: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{target} could not be written: {reason}. Free some space or choose another folder for the results."


def _read(path: Path) -> dict[str, Any]:
    """Record at `path`; empty when there is none."""
    foreign = NotSaved(
        f"{path} is not a record radviewer wrote. Move it away or choose another folder for the results."
    )
    try:
        if path.stat().st_size > _LARGEST:
            raise foreign
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise NotSaved(f"{path} could not be read: {(error.strerror or str(error)).lower()}.") from error
    except (ValueError, RecursionError) as error:
        raise foreign from error
    if not _is_record(record):
        raise foreign
    return dict(record)


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("kind") != _MARK or not isinstance(record.get("notes"), dict):
        return False
    files = record.get("files")
    return isinstance(files, dict) and all(
        _is_below(name) and isinstance(hashes, list) and all(isinstance(one, str) for one in hashes)
        for name, hashes in files.items()
    )


def _is_below(name: str) -> bool:
    """Whether a name stays inside the folder: a record made by somebody else must not name other files."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and not PureWindowsPath(name).drive
