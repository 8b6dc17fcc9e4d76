"""The decision log: appended to, never changed, hash-chained; SQLite in the user's data folder.

Each row holds the hash of the row before; a head record holds the last one, so that a tail that was cut off is
missed.  Rows name DICOM UIDs and the reader, never a patient.  A chain without a secret cannot tell a log
from one that was made anew as a whole: a site that wants that too sets a key, and rows and head are signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radviewer.app.log_entries import BEGINNING, Entry, LogRow, entry_of, row_of, signature_of
from radviewer.app.sqlite_files import PATIENCE, is_damaged, set_aside, use_write_ahead_log
from radviewer.domain.decision import Decision, Impression, Reveal
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_COLUMNS = "sequence, kind, at, reader, study_uid, series_uid, stack, payload, previous, hash, signature"
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  reader TEXT NOT NULL,
  study_uid TEXT NOT NULL,
  series_uid TEXT NOT NULL,
  stack TEXT NOT NULL,
  payload TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT
)""",
        "CREATE INDEX entry_of_study ON entry (study_uid)",
        """CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT
)""",
    ),
)
"""Statements that bring the schema from each version to the next; the last one's number is the file's version."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of checking the whole chain.

    Attributes
    ----------
    entries : int
        How many rows were checked.
    row : int or None
        Sequence number of the first row that is not as it was written.
    problem : str
        What is wrong, in a sentence; "" when all is whole.

    """

    entries: int
    row: int | None = None
    problem: str = ""


class DecisionLog:
    """The log on disk.  Safe with several programs of one computer at once; used from one thread.

    Parameters
    ----------
    path : Path
        The file; made at the first entry.
    key : bytes, optional
        The site's secret: rows and head are signed with it.

    Raises
    ------
    NotSaved
        From every method, when the database cannot be opened, read or written.  A damaged file is set aside.

    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self._path, self._key = path, key
        self._engine: Engine | None = None

    def close(self) -> None:
        """Let the file go; the next call opens it again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def append(self, entry: Entry) -> None:
        """Add an entry; on disk when this returns."""
        with self._transaction() as connection:
            last = connection.exec_driver_sql("SELECT sequence, hash FROM head").one_or_none()
            sequence, previous = (0, BEGINNING) if last is None else (int(last[0]), str(last[1]))
            row = row_of(entry, sequence + 1, previous, self._key)
            places = ", ".join("?" * 11)
            connection.exec_driver_sql(f"INSERT INTO entry ({_COLUMNS}) VALUES ({places})", astuple(row))
            head = (row.sequence, row.hash, signature_of(self._key, _head_text(row.sequence, row.hash)))
            connection.exec_driver_sql("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", head)

    def decisions(self, study_uid: str) -> tuple[Decision, ...]:
        """Decisions about a study, in the order they were made."""
        return tuple(entry for entry in self._entries(study_uid, "decision") if isinstance(entry, Decision))

    def impressions(self, study_uid: str) -> tuple[Impression, ...]:
        """Impressions of a study, in the order they were locked."""
        return tuple(entry for entry in self._entries(study_uid, "impression") if isinstance(entry, Impression))

    def reveals(self, study_uid: str) -> tuple[Reveal, ...]:
        """When opinions on a study were first shown."""
        return tuple(entry for entry in self._entries(study_uid, "reveal") if isinstance(entry, Reveal))

    def all_decisions(self) -> tuple[Decision, ...]:
        """Every decision, in the order they were made."""
        entries = (entry_of(row) for row in self.rows()) if self._path.exists() else iter(())
        return tuple(entry for entry in entries if isinstance(entry, Decision))

    def rows(self) -> Iterator[LogRow]:
        """Every row, in order."""
        with self._transaction() as connection:
            result = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM entry ORDER BY sequence")
            while chunk := result.fetchmany(1000):
                yield from (LogRow(*row) for row in chunk)

    def verify(self) -> Verification:
        """Check every row, the chain, the head and, with a key, the signatures."""
        if not self._path.exists():
            return Verification(0)
        previous, count = BEGINNING, 0
        for row in self.rows():
            problem = self._problem(row, previous, count + 1)
            if problem:
                return Verification(count, row.sequence, problem)
            previous, count = row.hash, count + 1
        return Verification(count, None, self._head_problem(previous, count))

    def _problem(self, row: LogRow, previous: str, expected: int) -> str:
        if row.sequence != expected:
            return f"Row {expected} is missing: row {row.sequence} comes in its place."
        if row.previous != previous:
            return f"Row {row.sequence} does not follow the row before it: one of them was exchanged or moved."
        if row.hash != row.expected_hash():
            return f"Row {row.sequence} was changed after it was written."
        if self._key is not None and row.signature != signature_of(self._key, row.hash):
            return f"The signature of row {row.sequence} is not this site's."
        if entry_of(row) is None:
            return f"Row {row.sequence} holds nothing that can be understood."
        return ""

    def _head_problem(self, last: str, count: int) -> str:
        with self._transaction() as connection:
            head = connection.exec_driver_sql("SELECT sequence, hash, signature FROM head").one_or_none()
        if head is None:
            return "" if count == 0 else "The head record is missing: rows may have been removed at the end."
        sequence, found, signature = head
        if (sequence, found) != (count, last):
            return f"The log ends at row {count}, its head record at row {sequence}: rows were removed at the end."
        if self._key is not None and signature != signature_of(self._key, _head_text(sequence, found)):
            return "The signature of the head record is not this site's."
        return ""

    def _entries(self, study_uid: str, kind: str) -> Iterator[Entry]:
        if not self._path.exists():
            return
        query = f"SELECT {_COLUMNS} FROM entry WHERE study_uid = ? AND kind = ? ORDER BY sequence"
        with self._transaction() as connection:
            rows = connection.exec_driver_sql(query, (study_uid, kind)).fetchall()
        for row in rows:
            entry = entry_of(LogRow(*row))
            if entry is not None:  # `verify` names those that cannot be understood
                yield entry

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._opened().begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            self.close()
            cause = getattr(error, "orig", None)
            if is_damaged(cause):
                raise NotSaved(set_aside(self._path, "decisions")) from error
            raise NotSaved(
                f"The decision could not be kept in {self._path}: {cause or error}. It is held and tried again; "
                "free some space or check the folder's permissions."
            ) from error

    def _opened(self) -> Engine:
        if self._engine is not None and not self._path.exists():
            self.close()  # the file was removed: what is written to it now would be lost
        if self._engine is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            engine = _engine(self._path)
            try:
                with engine.begin() as connection:
                    _migrate(connection, self._path)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
        return self._engine


def _engine(path: Path) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        "sqlite://", creator=lambda: _connect(path), poolclass=StaticPool
    )  # a creator: a path may hold what a URL may not

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # one writer at a time: the head must not change in between

    event.listen(engine, "begin", begin)
    return engine


def _connect(path: Path) -> Any:
    import sqlite3

    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _migrate(connection: Connection, path: Path) -> None:
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(_MIGRATIONS):
        raise NotSaved(f"{path} was written by a newer radviewer; update this one to keep decisions.")
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            connection.exec_driver_sql(statement)
    if version < len(_MIGRATIONS):
        connection.exec_driver_sql(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _head_text(sequence: int, found: str) -> str:
    return f"head {sequence} {found}"
