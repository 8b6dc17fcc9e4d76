"""Zip archives, DICOMDIR, links: never out of the folder, never without end."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from radviewer.dicom import folder as folder_module
from radviewer.dicom import sources
from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.dicom.sources import open_file
from radviewer.domain.study import FileLocation, ScanResult, Stack
from radviewer.errors import NothingToRead, UnreadableImage
from tests import phantoms


def stacks(result: ScanResult) -> list[Stack]:
    return [stack for study in result.studies for series in study.series for stack in series.stacks]


def reasons(result: ScanResult) -> dict[str, str]:
    return {s.location.name: s.reason for s in result.skipped}


def packed(folder: Path, slices: int = 3) -> dict[str, bytes]:
    paths = phantoms.volume(folder, slices, names=[f"IM{k}" for k in range(slices)])
    return {f"inner/{path.name}": path.read_bytes() for path in paths}


# --- zip -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_target", [True, False])
def test_members_of_an_archive_are_read_where_they_are(tmp_path: Path, as_target: bool) -> None:
    members = packed(tmp_path / "source")
    home = tmp_path / "home"
    home.mkdir()
    path = phantoms.archive(home / "study.ZIP", members)
    result = scan(path if as_target else home)
    (stack,) = stacks(result)
    assert [frame.file.location.name for frame in stack.frames] == [f"study.ZIP/inner/IM{k}" for k in range(3)]
    assert stack.geometry is not None
    for frame in stack.frames:
        with open_file(frame.file.location) as stream:
            assert stream.read() == members[f"inner/{frame.file.location.name[-3:]}"]
    assert sorted(p.name for p in home.rglob("*")) == ["study.ZIP"]


def test_an_archive_without_the_ending_can_be_the_target(tmp_path: Path) -> None:
    path = phantoms.archive(tmp_path / "export", packed(tmp_path / "source"))
    assert len(stacks(scan(path))[0].frames) == 3


def test_names_that_leave_the_archive_are_not_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    data = phantoms.film(tmp_path / "film.dcm").read_bytes()
    names = ["../../evil.dcm", "/etc/evil.dcm", "a/../../evil.dcm", "..\\evil.dcm", "good.dcm", "./also good.dcm"]
    phantoms.archive(home / "z.zip", dict.fromkeys(names, data))
    result = scan(home)
    found = reasons(result)
    leaving = [name for name, reason in found.items() if "leads out of the archive" in reason]
    assert sorted(leaving) == [
        "z.zip/(..)/(..)/evil.dcm",
        "z.zip/(..)/evil.dcm",
        "z.zip/a/(..)/(..)/evil.dcm",
        "z.zip/etc/evil.dcm",
    ]
    assert [f.file.location.name for s in stacks(result) for f in s.frames] == ["z.zip/also good.dcm"]
    assert found["z.zip/good.dcm"].startswith("duplicate of z.zip/also good.dcm")


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_BZIP2) as bomb:
        bomb.writestr("bomb.dcm", b"\0" * 50_000_000)
    phantoms.film(tmp_path / "film.dcm")
    result = scan(tmp_path)
    assert reasons(result) == {
        "bomb.zip/bomb.dcm": "The file cannot be read: it is packed more tightly than real files are (an archive bomb)."
    }
    assert len(stacks(result)) == 1


def test_too_many_members_refuse_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_MEMBERS", 2)
    phantoms.archive(tmp_path / "z.zip", packed(tmp_path / "source"))
    assert reasons(scan(tmp_path / "z.zip")) == {
        "z.zip": "The archive is refused: 3 files, 0 GB unpacked are more than radviewer reads."
    }


def claims(path: Path, size: int) -> None:
    """Overwrite the size every member of an archive claims in the directory."""
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    while data[at : at + 4] == b"PK\x01\x02":
        struct.pack_into("<I", data, at + 24, size)
        at += 46 + sum(struct.unpack_from("<3H", data, at + 28))
    path.write_bytes(data)


def test_an_archive_that_claims_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_UNPACKED", 5_000_000_000)
    path = phantoms.archive(tmp_path / "z.zip", packed(tmp_path / "source"))
    claims(path, 4_000_000_000)
    (reason,) = reasons(scan(path)).values()
    assert reason == "The archive is refused: 3 files, 12 GB unpacked are more than radviewer reads."


def test_a_size_that_lies_is_noticed(tmp_path: Path) -> None:
    path = phantoms.archive(tmp_path / "z.zip", packed(tmp_path / "source"))
    claims(path, 100)
    found = reasons(scan(path))
    assert sorted(found) == [f"z.zip/inner/IM{k}" for k in range(3)]


def test_nested_archives_links_and_encrypted_members_are_named(tmp_path: Path) -> None:
    inner = phantoms.archive(tmp_path / "inner.zip", packed(tmp_path / "source")).read_bytes()
    home = tmp_path / "home"
    home.mkdir()
    with zipfile.ZipFile(home / "z.zip", "w") as archive:
        archive.writestr("nested.zip", inner)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("secret.dcm", b"secret")
        archive.writestr("folder/", b"")
    data = bytearray((home / "z.zip").read_bytes())
    with zipfile.ZipFile(home / "z.zip") as archive:
        data[archive.getinfo("secret.dcm").header_offset + 6] |= 1
    data[data.rindex(b"secret.dcm") - 46 + 8] |= 1  # its flags in the directory
    (home / "z.zip").write_bytes(data)
    assert reasons(scan(home)) == {
        "z.zip/nested.zip": "It is an archive inside an archive; unpack the outer one first.",
        "z.zip/link": "It is a symbolic link inside an archive; it is not followed.",
        "z.zip/secret.dcm": "The file cannot be read: it is encrypted; unpack the archive with its password first.",
    }


def test_a_damaged_archive_is_named_and_the_rest_opens(tmp_path: Path) -> None:
    path = phantoms.archive(tmp_path / "a.zip", packed(tmp_path / "source"))
    data = bytearray(path.read_bytes())
    data[60:400] = bytes(340)  # inside the first member's data
    path.write_bytes(data)
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "c.zip").write_bytes(b"")
    phantoms.archive(tmp_path / "d.zip", {})
    result = scan(tmp_path)
    found = reasons(result)
    assert found["b.zip"] == "The archive cannot be read: it is damaged or cut off."
    assert found["c.zip"] == "The file is empty (0 bytes)."
    assert found["d.zip"] == "The archive is empty."
    assert found["a.zip/inner/IM0"].startswith("The file cannot be read: ")


def test_a_file_that_is_only_called_zip_is_read_as_what_it_is(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.zip")
    (tmp_path / "note.zip").write_text("text")
    result = scan(tmp_path)
    assert [stack.frames[0].file.location.name for stack in stacks(result)] == ["film.zip"]
    assert reasons(result) == {"note.zip": "It is not a DICOM file but text."}
    assert len(stacks(scan(tmp_path / "film.zip"))) == 1


def test_members_that_would_be_shown_alike_keep_names_of_their_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("a/b", "a\\b", "./a/b", "a/b (2)"):
            archive.writestr(name, "text")
    assert sorted(reasons(scan(tmp_path))) == ["z.zip/a/b", "z.zip/a/b (2)", "z.zip/a/b (2) (2)", "z.zip/a/b (3)"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_members_of_any_method_are_named(tmp_path: Path, method: int) -> None:
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a", phantoms.film(tmp_path / "film").read_bytes() + os.urandom(2000))
        archive.writestr("b", "text")
    data = bytearray(path.read_bytes())
    data[50:250] = b"\xa5" * 200
    path.write_bytes(data)
    (tmp_path / "film").unlink()
    assert reasons(scan(tmp_path)) == {
        "z.zip/a": "The file cannot be read: it is damaged or cut off.",
        "z.zip/b": "It is not a DICOM file but text.",
    }


def test_a_huge_table_of_contents_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of nothing but names takes ten times its size in memory once they are listed."""
    phantoms.archive(tmp_path / "z.zip", {f"folder/{index:05d}": b"" for index in range(400)})
    monkeypatch.setattr(sources, "MAX_DIRECTORY", 10_000)
    tracemalloc.start()
    result = scan(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reasons(result) == {
        "z.zip": "The archive cannot be read: it names more files than radviewer reads; unpack it first."
    }
    assert peak < 400_000
    monkeypatch.setattr(sources, "MAX_DIRECTORY", 100_000)
    assert len(scan(tmp_path).skipped) == 400


def test_a_member_that_needs_too_much_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LZMA takes the size of its dictionary from the archive."""
    phantoms.archive(tmp_path / "z.zip", {"a": b"text"})

    def read(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(zipfile.ZipExtFile, "read", read)
    assert reasons(scan(tmp_path)) == {"z.zip/a": "The file cannot be read: it needs more memory than there is."}


def test_of_members_with_one_name_the_last_counts(tmp_path: Path) -> None:
    members = list(packed(tmp_path / "source").values())
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("same.dcm", members[0])
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("same.dcm", members[1])
    result = scan(tmp_path / "z.zip")
    (stack,) = stacks(result)
    with open_file(stack.frames[0].file.location) as stream:
        assert stream.read() == members[1]
    assert stack.frames[0].instance_number == 2


def test_a_big_multi_frame_member_is_not_unpacked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = phantoms.enhanced(tmp_path / "e", 300)
    phantoms.archive(tmp_path / "z.zip", {"e.dcm": path.read_bytes()})
    seeks: list[int] = []
    real = zipfile.ZipExtFile.seek

    def seek(self: zipfile.ZipExtFile, offset: int, whence: int = 0) -> int:
        seeks.append(offset)
        return real(self, offset, whence)

    monkeypatch.setattr(zipfile.ZipExtFile, "seek", seek)
    (stack,) = stacks(scan(tmp_path / "z.zip"))
    assert stack.shape[0] == 300
    assert seeks == sorted(seeks)  # never back


# --- DICOMDIR --------------------------------------------------------------------------------------------------------


IDS = ["CT\\IM1", "CT\\IM2", "CT\\IM3", "FILM"]


def file_set(folder: Path) -> list[Path]:
    """Three slices and a film, with the names a medium has."""
    film = phantoms.film(folder / "FILM", series="film")
    return [*phantoms.volume(folder / "CT", 3, names=["IM1", "IM2", "IM3"]), film]


def test_a_dicomdir_opens_the_files_it_names(tmp_path: Path) -> None:
    file_set(tmp_path)
    path = phantoms.dicomdir(tmp_path / "DICOMDIR", IDS[:3])
    result = scan(path)
    assert [stack.shape for stack in stacks(result)] == [(3, 8, 10)]
    assert [(n.location.name, n.sop_class) for n in result.not_images] == [
        ("DICOMDIR", "Media Storage Directory Storage")
    ]
    assert result.skipped == ()
    everything = scan(tmp_path)
    assert sorted(stack.shape for stack in stacks(everything)) == [(1, 12, 10), (3, 8, 10)]
    assert [n.location.name for n in everything.not_images] == ["DICOMDIR"]


def test_files_a_dicomdir_names_outside_or_in_vain_are_listed(tmp_path: Path) -> None:
    file_set(tmp_path / "cd")
    shutil.copy(tmp_path / "cd" / "FILM", tmp_path / "outside")
    names = ["..\\outside", "/etc/passwd", "CT/../../outside", "NOT\\THERE", "CT", "FILM", "FILM", ""]
    result = scan(phantoms.dicomdir(tmp_path / "cd" / "DICOMDIR", names))
    assert [stack.shape for stack in stacks(result)] == [(1, 12, 10)]
    outside = "The DICOMDIR names a file outside its folder; it is not read."
    missing = "The DICOMDIR names this file, but it is not there."
    assert reasons(result) == {
        "../outside": outside,
        "/etc/passwd": outside,
        "CT/../../outside": outside,
        "NOT/THERE": missing,
        "CT": missing,
    }


def test_records_that_are_not_in_use_are_left_out(tmp_path: Path) -> None:
    file_set(tmp_path)
    assert scan(phantoms.dicomdir(tmp_path / "DICOMDIR", IDS, in_use=0)).studies == ()


def test_a_link_does_not_lead_a_dicomdir_out_of_its_folder(tmp_path: Path) -> None:
    outside = phantoms.film(tmp_path / "outside")
    (tmp_path / "cd").mkdir()
    (tmp_path / "cd" / "LINK").symlink_to(outside)
    result = scan(phantoms.dicomdir(tmp_path / "cd" / "DICOMDIR", ["LINK"]))
    assert reasons(result) == {"LINK": "The DICOMDIR leads out of its folder through a link; it is not read."}


def test_cycles_among_directory_records_do_no_harm(tmp_path: Path) -> None:
    file_set(tmp_path)
    result = scan(phantoms.dicomdir(tmp_path / "DICOMDIR", IDS, next_offset=380))
    assert sum(stack.shape[0] for stack in stacks(result)) == 4


def test_file_names_in_another_case_are_found(tmp_path: Path) -> None:
    for path in file_set(tmp_path):
        path.rename(path.with_name(path.name.lower()))
    (tmp_path / "CT").rename(tmp_path / "ct")
    result = scan(phantoms.dicomdir(tmp_path / "dicomdir", IDS))
    assert sum(stack.shape[0] for stack in stacks(result)) == 4
    assert result.skipped == ()


# --- links and special files -----------------------------------------------------------------------------------------


def test_links_are_named_and_never_followed_out(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    phantoms.volume(home / "ct", 3, names=["1", "2", "3"])
    phantoms.volume(outside, 3, patient="P2", study="other")
    (home / "loop").symlink_to(home)
    (home / "ct" / "loop").symlink_to("..")
    (home / "self").symlink_to("self")
    (home / "away").symlink_to(outside)
    (home / "file-away").symlink_to(next(outside.iterdir()))
    (home / "broken").symlink_to("nowhere")
    (home / "copy").symlink_to("ct/2")
    result = scan(home)
    assert [study.patient_id for study in result.studies] == ["P1"]
    assert [stack.shape[0] for stack in stacks(result)] == [3]
    assert reasons(result) == {
        "self": "It is a link that leads nowhere.",
        "away": "It is a link that leads out of the folder; open its target instead.",
        "file-away": "It is a link that leads out of the folder; open its target instead.",
        "broken": "It is a link that leads nowhere.",
        "copy": "duplicate of ct/2: it is a link to that file.",
    }


def test_the_target_itself_may_be_a_link(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "ct", 3)
    (tmp_path / "link").symlink_to("ct")
    assert [stack.shape[0] for stack in stacks(scan(tmp_path / "link"))] == [3]


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.film(tmp_path / "film.dcm")
    os.mkfifo(tmp_path / "pipe.dcm")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        result = scan(tmp_path)
    assert reasons(result) == dict.fromkeys(["pipe.dcm", "socket"], "It is a pipe, socket or device, not a file.")
    with pytest.raises(NothingToRead, match="is neither a folder nor a file"):
        scan(tmp_path / "pipe.dcm")
    with pytest.raises(UnreadableImage, match=r"pipe\.dcm cannot be opened: it is not a regular file\."):
        open_file(FileLocation(tmp_path / "pipe.dcm", None, "pipe.dcm"))


def test_folders_and_files_without_permission_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.volume(tmp_path / "ct", 3, names=["1", "2", "3"])
    shutil.copytree(tmp_path / "ct", tmp_path / "closed")
    real_scandir, real_open = os.scandir, os.open

    def scandir(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real_scandir(path)

    def opened(path: Any, *args: Any, **more: Any) -> int:
        if Path(path).name == "2":
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *args, **more)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "open", opened)
    result = scan(tmp_path)
    assert reasons(result) == {
        "closed": "The folder cannot be read: there is no permission to read it.",
        "ct/2": "The file cannot be read: there is no permission to read it.",
    }
    assert [stack.shape[0] for stack in stacks(result)] == [2]
    with pytest.raises(NothingToRead, match="cannot be opened"):
        scan(tmp_path / "closed")


def test_file_names_that_are_not_unicode_are_listed_and_opened(tmp_path: Path) -> None:
    (path,) = phantoms.volume(tmp_path, 1)
    path.rename(tmp_path / os.fsdecode(b"caf\xe9.dcm"))
    result = scan(tmp_path)
    (stack,) = stacks(result)
    assert stack.frames[0].file.location.name == "caf\\xe9.dcm"
    with open_file(stack.frames[0].file.location) as stream:
        assert stream.read(132)[128:] == b"DICM"
    str(listing(result)).encode("utf-8")


def test_file_names_that_are_not_unicode_stay_apart(tmp_path: Path) -> None:
    paths = phantoms.volume(tmp_path, 2)
    for path, name in zip(paths, (b"\xe4.dcm", b"\xf6.dcm"), strict=True):
        path.rename(tmp_path / os.fsdecode(name))
    (stack,) = stacks(scan(tmp_path))
    assert [frame.file.location.name for frame in stack.frames] == ["\\xe4.dcm", "\\xf6.dcm"]
