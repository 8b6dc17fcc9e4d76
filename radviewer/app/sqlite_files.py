"""What the program's SQLite files have in common: their journal, and what becomes of damaged ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

PATIENCE = 1.0
"""Seconds to wait for another program that writes; then what was to be written is tried again later."""


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, unless another program is at it: the file then keeps the mode it has.

    SQLite does not wait for a lock here.  Both modes are safe, and the next opening tries again.
    """
    import sqlite3

    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise


def is_damaged(error: BaseException | None) -> bool:
    """Whether SQLite says that a file is not a database of its own any more."""
    import sqlite3

    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path, what: str) -> str:
    """Rename a damaged file with its journals, so that a new one can begin; a sentence that says so.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it keeps ("marks"), for the sentence.

    """
    name = f"{path.name}-damaged-{time.strftime('%Y%m%dT%H%M%S')}"
    aside, number = path.with_name(name), 1
    while aside.exists():  # one that was damaged a moment ago is kept, too
        number += 1
        aside = path.with_name(f"{name}-{number}")
    try:
        path.replace(aside)
        for ending in ("-journal", "-wal", "-shm"):  # must not be applied to a new file
            part = path.with_name(path.name + ending)
            if part.exists():
                part.replace(aside.with_name(aside.name + ending))
    except OSError as error:
        return f"{path} is damaged and could not be set aside: {error.strerror}. New {what} stay only on screen."
    return f"{path} was damaged. It was set aside as {aside.name}; new {what} are kept in a new file."
