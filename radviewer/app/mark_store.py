"""Where the reader's marks lie: SQLite in the user's data folder, written as they happen.

Rows are keyed by DICOM UIDs and hold no name, date or number of a patient.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer.app.mark_planes import read, written
from radviewer.app.sqlite_files import PATIENCE, is_damaged, set_aside, use_write_ahead_log
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    import sqlite3

_SCHEMA = 2
_CREATE = (
    """CREATE TABLE IF NOT EXISTS mark (
  mark_id TEXT PRIMARY KEY,
  study_uid TEXT NOT NULL,
  series_uid TEXT NOT NULL,
  sop_instance_uid TEXT NOT NULL,
  frame INTEGER NOT NULL,
  kind TEXT NOT NULL,
  points TEXT NOT NULL,
  text TEXT NOT NULL,
  planes TEXT NOT NULL DEFAULT ''
)""",
    "CREATE INDEX IF NOT EXISTS mark_of_study ON mark (study_uid)",
)
_FROM_1 = "ALTER TABLE mark ADD COLUMN planes TEXT NOT NULL DEFAULT ''"


class MarkStore:
    """Marks on disk.  Safe with several programs of one computer at once.

    The journal is a write-ahead log, synced at every mark, where the file system can share
    memory (WAL), else SQLite's rollback journal.  A damaged file is set aside, never overwritten.
    Used from one thread.

    Raises
    ------
    NotSaved
        From every method, when the database cannot be opened, read or written.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let the file go; the next call opens it again."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    def read(self, study_uid: str) -> tuple[Mark, ...]:
        """All marks of one study; rows that are no valid mark are left out."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT kind, study_uid, series_uid, sop_instance_uid, frame, points, text, mark_id, planes"
                " FROM mark WHERE study_uid = ? ORDER BY rowid",
                (study_uid,),
            ).fetchall()
        return tuple(mark for mark in map(_mark_of_row, rows) if mark is not None)

    def write(self, mark: Mark) -> None:
        """Add a mark, or replace the one with the same id; on disk when this returns."""
        image = mark.image
        row = (mark.mark_id, image.study_uid, image.series_uid, image.sop_instance_uid, image.frame)
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO mark VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mark_id) DO UPDATE SET"
                " kind = excluded.kind, points = excluded.points, text = excluded.text",  # keeps its place in the order
                (*row, mark.kind.value, json.dumps(mark.points), mark.text, written(image.planes)),
            )

    def remove(self, mark_id: str) -> None:
        """Remove a mark; no error when it is not there."""
        with self._connection() as connection:
            connection.execute("DELETE FROM mark WHERE mark_id = ?", (mark_id,))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        import sqlite3  # at first use: not on the way to the first window

        try:
            connection = self._connected()
            with connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            self.close()
            if is_damaged(error):
                raise NotSaved(set_aside(self._path, "marks")) from error
            raise NotSaved(
                f"The marks could not be kept in {self._path}: {error}. They stay on screen and are tried again; "
                "free some space or check the folder's permissions."
            ) from error

    def _connected(self) -> sqlite3.Connection:
        import sqlite3

        if self._open is not None and not self._path.exists():
            self.close()  # the file was removed: what is written to it now would be lost
        if self._open is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=PATIENCE)
            try:
                self._prepare(connection)
            except (sqlite3.Error, NotSaved):
                connection.close()
                raise
            self._open = connection
        return self._open

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA:
            raise NotSaved(f"{self._path} was written by a newer radviewer; update this one to keep marks.")
        use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        if version < _SCHEMA:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                if version == 1:
                    connection.execute(_FROM_1)
                for statement in _CREATE:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")


def _mark_of_row(row: tuple[str, str, str, str, int, str, str, str, str]) -> Mark | None:
    kind, study, series, instance, frame, points, text, mark_id, planes = row
    try:
        places = tuple((float(r), float(c)) for r, c in json.loads(points))
        if not isinstance(frame, int) or not all(isinstance(t, str) for t in (series, instance, text)):
            return None
        image = ImageReference(study, series, instance, frame, read(planes))
        return Mark(MarkKind(kind), image, places, text, mark_id)
    except (ValueError, TypeError, RecursionError):
        return None
