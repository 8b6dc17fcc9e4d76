"""The decision log: appended to, never changed, hash-chained; SQLite in the user's data folder.

Each row holds the hash of the row before; a head record holds the last one, so that a tail that was cut off is
missed.  Rows name DICOM UIDs and the reader, never a patient.  A chain without a secret cannot tell a log
from one that was made anew as a whole: a site that wants that too sets a key, and rows and head are signed.
An older copy of the whole file that is put back is whole: only a copy kept elsewhere tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radviewer.app.log_chain import Head, Verification, check, following, head_of
from radviewer.app.log_entries import Entry, LogRow, column, entry_of, row_from, row_of
from radviewer.app.log_schema import COLUMNS, DamagedLog, open_log, transaction
from radviewer.app.sqlite_files import is_damaged, set_aside
from radviewer.domain.decision import Decision, Impression, Reveal
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ROWS = f"SELECT {COLUMNS} FROM entry"
_PAGE = 1000
_BEFORE_ALL = -(2**63)
_HELD = "It is held and tried again; free some space or check the folder's permissions."
_UNREAD = "Nothing was changed; open the study again, or check the folder's permissions."


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
        with self._kept(write=True) as connection:
            last = connection.exec_driver_sql(f"{_ROWS} ORDER BY sequence DESC LIMIT 1").one_or_none()
            after = following(None if last is None else row_from(last), _head(connection), self._key)
            row = row_of(entry, after.sequence, after.previous, after.key)
            places = ", ".join("?" * 11)
            connection.exec_driver_sql(f"INSERT INTO entry ({COLUMNS}) VALUES ({places})", astuple(row))
            head = astuple(head_of(row, self._key))
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
        return tuple(entry for entry in map(entry_of, self.rows()) if isinstance(entry, Decision))

    def rows(self) -> Iterator[LogRow]:
        """Every row, in order; entries may be appended meanwhile."""
        last = _BEFORE_ALL
        while self._path.exists():
            query = f"{_ROWS} WHERE sequence > ? ORDER BY sequence LIMIT {_PAGE}"
            with self._kept() as connection:
                page = [row_from(row) for row in connection.exec_driver_sql(query, (last,))]
            if not page:
                return
            yield from page
            last = page[-1].sequence

    def verify(self) -> Verification:
        """Check every row, the chain, the head and, with a key, the signatures; nothing is changed or set aside."""
        found = Verification(0)
        if self._path.exists():
            try:
                with self._transaction(_UNREAD) as connection:  # one: others may append meanwhile
                    head = _head(connection)
                    rows = connection.exec_driver_sql(f"{_ROWS} ORDER BY sequence")
                    found = check(map(row_from, rows), head, self._key)
            except DamagedLog as error:
                return Verification(0, None, f"{self._path} is damaged: {error}.")
        return found if found.problem else self._with_set_aside(found)

    def _with_set_aside(self, found: Verification) -> Verification:
        names = sorted(path.name for path in self._path.parent.glob(f"{self._path.name}-damaged-*"))
        whole = [name for name in names if not name.endswith(("-wal", "-shm", "-journal"))]
        if not whole:
            return found
        problem = (
            f"A damaged log was set aside as {' and '.join(whole)}: its entries are in no chain. "
            "Have it looked at, then keep it in another folder."
        )
        return Verification(found.entries, None, problem)

    def _entries(self, study_uid: str, kind: str) -> Iterator[Entry]:
        if not self._path.exists():
            return
        query = f"{_ROWS} WHERE study_uid = ? AND kind = ? ORDER BY sequence"
        with self._kept() as connection:
            rows = [row_from(row) for row in connection.exec_driver_sql(query, (column(study_uid), kind))]
        for row in rows:
            entry = entry_of(row)
            if entry is not None:  # `verify` names those that cannot be understood
                yield entry

    @contextmanager
    def _kept(self, *, write: bool = False) -> Iterator[Connection]:
        """A transaction; a damaged file is set aside."""
        try:
            with self._transaction(_HELD if write else _UNREAD, write=write) as connection:
                yield connection
        except DamagedLog as error:
            raise NotSaved(set_aside(self._path, "decisions")) from error

    @contextmanager
    def _transaction(self, advice: str, *, write: bool = False) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with transaction(self._opened(), write=write) as connection:
                yield connection
        except DamagedLog:
            self.close()
            raise
        except (SQLAlchemyError, OSError, OverflowError) as error:  # overflow: a forged number no row can follow
            self.close()
            cause = getattr(error, "orig", None) or error
            if is_damaged(cause):
                raise DamagedLog(str(cause)) from error
            what = "The decision could not be kept in" if write else "Decisions could not be read from"
            raise NotSaved(f"{what} {self._path}: {cause}. {advice}") from error

    def _opened(self) -> Engine:
        if self._engine is not None and not self._path.exists():
            self.close()  # the file was removed: what is written to it now would be lost
        if self._engine is None:
            self._engine = open_log(self._path)
        return self._engine


def _head(connection: Connection) -> Head | None:
    found: Any = connection.exec_driver_sql("SELECT sequence, hash, signature FROM head").one_or_none()
    return None if found is None else Head(*found)
