"""Compiled graphs in the user's cache folder: each a file that begins with the SHA-256 of the rest.

A damaged file is as good as none.  Nothing depends on the folder: where it cannot be written, graphs are made at
each start of the program.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from radviewer import paths

LARGEST = 600_000_000
"""Bytes of all files together: some forty graphs."""
_END, _PART = ".graph", ".part"
_DIGEST = hashlib.sha256().digest_size
_ABANDONED = 3600  # seconds, after which whoever began a file has died


def folder() -> Path:
    """Where the files lie."""
    return paths.user_cache() / "graphs"


def load(key: str) -> bytes | None:
    """What was saved as `key`; None if nothing was, or it is damaged."""
    path = folder() / (key + _END)
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    digest, data = whole[:_DIGEST], whole[_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        return None
    with suppress(OSError):
        path.touch()  # the longest unused go first
    return data


def save(key: str, data: bytes) -> None:
    """Keep `data` under its key; the longest unused files go when there is too much, or nothing is kept at all."""
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), suffix=_PART, delete=False) as file:
            part = Path(file.name)
        try:
            part.write_bytes(hashlib.sha256(data).digest() + data)
            part.replace(folder() / (key + _END))  # another process reads the old file or the new one
        finally:
            part.unlink(missing_ok=True)
        _make_room(key)


def _make_room(newest: str) -> None:
    """Remove what has been unused longest, never `newest`, and what other processes left half-written."""
    used = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder().glob("*" + _END))
    total = sum(size for _, size, _ in used)
    for _, size, path in used:
        if total <= LARGEST:
            break
        if path.name != newest + _END:
            path.unlink(missing_ok=True)
            total -= size
    for path in folder().glob("*" + _PART):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            path.unlink(missing_ok=True)
