from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import IO, Any

import pytest

from radviewer.errors import NotSaved
from radviewer.export.own_files import RECORD, OwnFolder, writer


def write(folder: Path, files: dict[str, bytes], **notes: Any) -> OwnFolder:
    own = OwnFolder(folder)
    with own.batch() as batch:
        for name, data in files.items():
            batch.add(name, writer(data))
        batch.commit(notes)
    return own


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_batch_is_written_with_its_record(tmp_path: Path) -> None:
    write(tmp_path / "out", {"a.txt": b"a", "sub/b.txt": b"b"}, answer=42)
    assert names(tmp_path / "out") == [RECORD, "a.txt", "sub/b.txt"]
    again = OwnFolder(tmp_path / "out")
    assert again.notes == {"answer": 42}
    assert again.complete()
    assert (tmp_path / "out" / "a.txt").stat().st_mode & 0o777 == 0o600


def test_the_next_batch_replaces_own_files_and_deletes_what_is_no_longer_there(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": b"a", "sub/b.txt": b"b"})
    write(tmp_path, {"a.txt": b"new"})
    assert names(tmp_path) == [RECORD, "a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert not (tmp_path / "sub").exists()


@pytest.mark.parametrize("kind", ["foreign", "changed", "folder", "link"])
def test_a_file_that_is_not_ours_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.txt"
    if kind == "foreign":
        path.write_bytes(b"a letter")
    elif kind == "changed":
        write(tmp_path, {"a.txt": b"a"})
        path.write_bytes(b"edited")
    elif kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "elsewhere").write_bytes(b"x")
        path.symlink_to(tmp_path / "elsewhere")
    before = names(tmp_path)
    with pytest.raises(NotSaved, match=r"a\.txt is not a file radviewer wrote.*choose another folder"):
        write(tmp_path, {"b.txt": b"b", "a.txt": b"new"})
    assert names(tmp_path) == before


def test_own_files_that_were_changed_outlive_the_folder(tmp_path: Path) -> None:
    own = write(tmp_path / "out", {"a.txt": b"a", "sub/b.txt": b"b"})
    (tmp_path / "out" / "a.txt").write_bytes(b"edited")
    own.remove()
    assert names(tmp_path / "out") == ["a.txt"]
    whole = write(tmp_path / "other", {"sub/b.txt": b"b"})
    whole.remove()
    assert not (tmp_path / "other").exists()


def test_a_missing_file_makes_the_results_incomplete(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": b"a"})
    (tmp_path / "a.txt").unlink()
    assert not OwnFolder(tmp_path).complete()


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def half(stream: IO[bytes]) -> None:
        stream.write(b"half of it")
        full()

    def two(own: OwnFolder) -> None:
        with own.batch() as batch:
            batch.add("a.txt", writer(b"a"))
            batch.add("b.txt", half)

    with pytest.raises(NotSaved, match=r"b\.txt could not be written: no space left on device"):
        two(OwnFolder(tmp_path / "out"))
    assert names(tmp_path / "out") == []


def test_a_full_disk_while_moving_loses_no_file_and_forgets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.txt": b"a", "b.txt": b"b"})
    replace = Path.replace

    def fails(path: Path, target: Path) -> Path:
        if target.name == "b.txt":
            full()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(NotSaved, match=r"b\.txt could not be written"):
        write(tmp_path, {"a.txt": b"new a", "b.txt": b"new b"})
    monkeypatch.undo()
    assert names(tmp_path) == [RECORD, "a.txt", "b.txt"]
    assert not OwnFolder(tmp_path).complete()
    write(tmp_path, {"a.txt": b"newest"})
    assert names(tmp_path) == [RECORD, "a.txt"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(NotSaved, match="out"):
        write(tmp_path / "out", {"a.txt": b"a"})
    assert (tmp_path / "out").read_bytes() == b"a file"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        json.dumps({"kind": "radviewer results", "notes": {}, "files": {"../../precious": ["0"]}}).encode(),
        json.dumps({"kind": "radviewer results", "notes": {}, "files": {"/precious": ["0"]}}).encode(),
        json.dumps({"kind": "radviewer results", "notes": {}, "files": {"C:precious": ["0"]}}).encode(),
        json.dumps({"kind": "radviewer results", "notes": {}, "files": {"a": "0"}}).encode(),
        json.dumps({"kind": "something else", "notes": {}, "files": {}}).encode(),
    ],
)
def test_a_record_somebody_else_made_is_refused(tmp_path: Path, record: bytes) -> None:
    (tmp_path / RECORD).write_bytes(record)
    with pytest.raises(NotSaved, match=r"\.radviewer\.json is not a record radviewer wrote"):
        OwnFolder(tmp_path)


@pytest.mark.parametrize("name", ["n" * 300, "a.txt"])
def test_a_place_that_cannot_be_looked_at(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    own = OwnFolder(tmp_path)
    if name == "a.txt":
        monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(NotSaved, match=r"could not be written: (file name too long|permission denied)"):
        own.check(name)


def linked(folder: Path, elsewhere: Path) -> Path:
    """Another folder with results in it, and a link to it below `folder`."""
    write(elsewhere, {"b.txt": b"b"})
    folder.mkdir(parents=True)
    (folder / "sub").symlink_to(elsewhere, target_is_directory=True)
    return elsewhere / "b.txt"


def test_no_link_is_followed_out_of_the_folder(tmp_path: Path) -> None:
    theirs = linked(tmp_path / "out", tmp_path / "elsewhere")
    with pytest.raises(NotSaved, match=r"b\.txt is not a file radviewer wrote"):
        write(tmp_path / "out", {"sub/b.txt": b"new"})
    with pytest.raises(NotSaved, match=r"c\.txt is not a file radviewer wrote"):
        write(tmp_path / "out", {"sub/c.txt": b"new"})
    assert names(tmp_path / "elsewhere") == [RECORD, "b.txt"]
    assert theirs.read_bytes() == b"b"


def test_nothing_is_deleted_through_a_link(tmp_path: Path) -> None:
    own = write(tmp_path / "out", {"sub/b.txt": b"b"})
    (tmp_path / "out" / "sub").rename(tmp_path / "away")
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "away", target_is_directory=True)
    assert not OwnFolder(tmp_path / "out").complete()
    own.remove()
    assert (tmp_path / "away" / "b.txt").read_bytes() == b"b"
