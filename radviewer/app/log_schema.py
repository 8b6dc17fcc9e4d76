"""The decision log's database: its tables, how they came to be, how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radviewer.app.log_entries import BEGINNING
from radviewer.app.sqlite_files import PATIENCE, use_write_ahead_log
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection, Engine

COLUMNS = "sequence, kind, at, reader, study_uid, series_uid, stack, payload, previous, hash, signature"
_BEGIN = "radviewer_begin"


class DamagedLog(Exception):
    """The file is no decision log any more."""


def _first(connection: Connection) -> None:
    connection.exec_driver_sql(
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
)"""
    )
    connection.exec_driver_sql("CREATE INDEX entry_of_study ON entry (study_uid)")
    connection.exec_driver_sql(
        """CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT
)"""
    )
    connection.exec_driver_sql("INSERT INTO head VALUES (1, 0, ?, NULL)", (BEGINNING,))


_MIGRATIONS = (_first,)
"""Steps that bring the schema from each version to the next; their number is the file's version."""


def open_log(path: Path) -> Engine:
    """Open the log, making or migrating it where needed.

    Raises
    ------
    DamagedLog
        If its tables are not there.
    NotSaved
        If a newer program wrote it.
    sqlalchemy.exc.SQLAlchemyError, OSError

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(path)
    try:
        with transaction(engine) as connection:
            current = _version(connection, path) == len(_MIGRATIONS)
        if not current:
            with transaction(engine, write=True) as connection:
                _migrate(connection, path)
        _check_tables(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine, *, write: bool = False) -> Iterator[Connection]:
    """One transaction; a writing one keeps other writers away from its beginning: the head must not change in it."""
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    with engine.execution_options(**{_BEGIN: begin}).begin() as connection:
        yield connection


def _engine(path: Path) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        "sqlite://", creator=lambda: _connect(path), poolclass=StaticPool
    )  # a creator: a path may hold what a URL may not

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(str(connection.get_execution_options().get(_BEGIN, "BEGIN")))

    event.listen(engine, "begin", begin)
    return engine


def _connect(path: Path) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    connection.text_factory = _text  # one row that is no text must not hide the others
    return connection


def _text(data: Any) -> str:
    return bytes(data).decode("utf-8", "replace")


def _version(connection: Connection, path: Path) -> int:
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(_MIGRATIONS):
        raise NotSaved(f"{path} was written by a newer radviewer; update this one to keep decisions.")
    return max(version, 0)


def _migrate(connection: Connection, path: Path) -> None:
    for step in _MIGRATIONS[_version(connection, path) :]:  # another program may just have done it
        step(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _check_tables(engine: Engine) -> None:
    from sqlalchemy import inspect

    with transaction(engine) as connection:
        found = inspect(connection)
        wanted = {"entry": COLUMNS.split(", "), "head": ["one", "sequence", "hash", "signature"]}
        for table, columns in wanted.items():
            if not found.has_table(table) or [column["name"] for column in found.get_columns(table)] != columns:
                raise DamagedLog(f"its table '{table}' is missing or was changed")
