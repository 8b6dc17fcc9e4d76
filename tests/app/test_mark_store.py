from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from radviewer.app.mark_store import MarkStore
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.errors import NotSaved

IMAGE = ImageReference("1.study", "1.series", "1.image", 0)
LENGTH = Mark(MarkKind.LENGTH, IMAGE, ((1.25, -0.5), (3.0, 4.75)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "marks" / "marks.sqlite"


def row(path: Path, **changes: object) -> None:
    """Write a row that the program would not."""
    values: dict[str, object] = {
        "mark_id": "x",
        "study_uid": "1.study",
        "series_uid": "1.series",
        "sop_instance_uid": "1.image",
        "frame": 0,
        "kind": "length",
        "points": "[[0, 0], [1, 1]]",
        "text": "",
    } | changes
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            f"INSERT INTO mark ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )


def test_comes_back_as_it_was(path: Path) -> None:
    arrow = Mark(MarkKind.ARROW, IMAGE, ((0.1, 1 / 3), (5e-7, 6.0)), "Zyste? µ ← «x»")
    key = Mark(MarkKind.KEY_IMAGE, ImageReference("1.study", "2", "3", 7))
    for mark in (LENGTH, arrow, key):
        MarkStore(path).write(mark)
    assert MarkStore(path).read("1.study") == (LENGTH, arrow, key)
    assert MarkStore(path).read("1.other") == ()


def test_a_changed_mark_keeps_its_place(path: Path) -> None:
    store = MarkStore(path)
    marks = [Mark(MarkKind.LENGTH, IMAGE, ((0, i), (1, i))) for i in range(20)]
    for mark in marks:
        store.write(mark)
    changed = Mark(MarkKind.LENGTH, IMAGE, ((9, 9), (8, 8)), mark_id=marks[3].mark_id)
    store.write(changed)
    store.remove(marks[5].mark_id)
    store.remove("not there")
    assert store.read("1.study") == (*marks[:3], changed, marks[4], *marks[6:])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "spiral"},
        {"points": "[[0, 0]]"},
        {"points": "[[0, 0], [1, NaN]]"},
        {"points": "[[0, 0], [1, 1e300]]"},
        {"points": "[[0, 0], 3]"},
        {"points": "nonsense"},
        {"points": "[" * 5000},
        {"points": '{"a": 1}'},
        {"frame": "zero"},
        {"series_uid": b"bytes"},
        {"kind": b"length"},
        {"planes": "nonsense"},
        {"planes": "{}"},
        {"planes": "[1]"},
        {"planes": '{"image": ["1", 0], "orientation": "upside down"}'},
    ],
    ids=str,
)
def test_a_row_that_is_no_mark_is_left_out(path: Path, wrong: dict[str, object]) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    row(path, **wrong)
    assert store.read("1.study") == (LENGTH,)


def test_a_damaged_file_is_set_aside_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, but somebody's work " * 100)
    store = MarkStore(path)
    with pytest.raises(NotSaved, match=r"was damaged. It was set aside as marks.sqlite-damaged-"):
        store.read("1.study")
    (aside,) = path.parent.glob("*damaged*")
    assert aside.read_bytes().startswith(b"this is not")
    store.write(LENGTH)
    assert store.read("1.study") == (LENGTH,)


def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(NotSaved, match="newer radviewer"):
        store.write(LENGTH)
    assert path.read_bytes() == before


def test_the_journal_is_a_write_ahead_log(path: Path) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM mark").fetchone() == (1,)
    store.close()


def test_while_another_program_reads_the_journal_is_left_as_it_is(path: Path) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM mark").fetchone()  # holds a lock that WAL cannot be begun under
        assert store.read("1.study") == (LENGTH,)
        other.execute("COMMIT")
    store.close()


def test_a_file_that_was_removed_is_made_again(path: Path) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()
    store.write(LENGTH)
    assert MarkStore(path).read("1.study") == (LENGTH,)
    store.close()


def test_where_nothing_can_be_written_the_sentence_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotSaved, match=r"could not be kept in .*file"):
        MarkStore(tmp_path / "file" / "marks.sqlite").write(LENGTH)


def test_a_full_disk_is_told_and_leaves_the_file_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MarkStore(path)
    store.write(LENGTH)
    store.close()
    connect = sqlite3.connect

    def small(database: Path, timeout: float) -> sqlite3.Connection:
        connection = connect(database, timeout)
        connection.execute("PRAGMA max_page_count = 8")  # the same error as a full disk gives
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    big = Mark(MarkKind.FREEHAND, IMAGE, tuple((float(i), 0.5) for i in range(9000)))
    with pytest.raises(NotSaved, match="full"):
        store.write(big)
    assert store.read("1.study") == (LENGTH,)


def _write_many(path: Path, name: str) -> None:
    for i in range(15):
        MarkStore(path).write(Mark(MarkKind.KEY_IMAGE, IMAGE, mark_id=f"{name}{i}"))


def test_two_programs_write_at_once(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    programs = [spawn.Process(target=_write_many, args=(path, name)) for name in "ab"]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0, 0]
    assert len(MarkStore(path).read("1.study")) == 30


def test_a_file_of_an_earlier_version_goes_on(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE mark (mark_id TEXT PRIMARY KEY, study_uid TEXT NOT NULL, series_uid TEXT NOT NULL,"
            " sop_instance_uid TEXT NOT NULL, frame INTEGER NOT NULL, kind TEXT NOT NULL, points TEXT NOT NULL,"
            " text TEXT NOT NULL)"
        )
        connection.execute("PRAGMA user_version = 1")
    row(path)
    store = MarkStore(path)
    store.write(LENGTH)
    old, new = store.read("1.study")
    assert (old.mark_id, new) == ("x", LENGTH)
    assert old.image.planes is None


def test_nothing_of_the_patient_is_in_the_file(path: Path) -> None:
    MarkStore(path).write(LENGTH)
    with closing(sqlite3.connect(path)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(mark)")}
    assert columns == {
        "mark_id", "study_uid", "series_uid", "sop_instance_uid", "frame", "kind", "points", "text", "planes",
    }  # fmt: skip
