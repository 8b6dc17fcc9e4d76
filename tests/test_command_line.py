"""The contract other programs rely on: exit status, JSON on stdout, one sentence on stderr."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from radviewer import __version__, paths
from radviewer.__main__ import main
from radviewer.errors import TooLarge
from tests import phantoms


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a user does, stdout and stderr captured."""
    return subprocess.run(
        [sys.executable, "-m", "radviewer", *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


def test_scan_prints_json_and_nothing_else(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3, SeriesDescription="Schädel <b>", SpecificCharacterSet="ISO_IR 192")
    done = run("scan", tmp_path, "--json", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout.decode("utf-8"))
    assert found["studies"][0]["series"][0]["description"] == "Schädel <b>"


@pytest.mark.parametrize("order", [["scan", "{}", "--json"], ["scan", "--json", "{}"]])
def test_options_in_any_order(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], order: list[str]) -> None:
    phantoms.film(tmp_path / "film.dcm")
    assert main([word.format(tmp_path) for word in order]) == 0
    assert len(json.loads(capsysbinary.readouterr().out)["studies"]) == 1


def test_scan_without_json_is_for_people(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    phantoms.volume(tmp_path, 3)
    assert main(["scan", str(tmp_path)]) == 0
    out, err = capsysbinary.readouterr()
    assert "volume  3 × 8 × 10" in out.decode("utf-8")
    assert err == b""


def nothing_to_show(tmp_path: Path, name: str) -> Path:
    target = tmp_path / name
    if name == "empty":
        target.mkdir()
    elif name == "text.txt":
        target.write_text("text")
    elif name == "report.dcm":
        phantoms.not_image(target, "report")
    elif name == "broken.zip":
        target.write_bytes(b"PK\x03\x04")
    return target


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", r"radviewer: .*nowhere does not exist\. Check the path and try again\.\n"),
        ("empty", r"radviewer: No image was found in .*empty\.\n"),
        ("text.txt", r"radviewer: No image was found in .*text\.txt: it is not a DICOM file but text\.\n"),
        ("report.dcm", r"radviewer: No image was found in .*report\.dcm: it holds Comprehensive SR Storage\.\n"),
        (
            "broken.zip",
            r"radviewer: No image was found in .*broken\.zip: the archive cannot be read: it is damaged or cut off\.\n",
        ),
        ("n" * 300, r"radviewer: .* cannot be opened: file name too long\.\n"),
    ],
)
def test_nothing_usable_is_one_sentence_and_valid_json(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], name: str, sentence: str
) -> None:
    target = nothing_to_show(tmp_path, name)
    assert main(["scan", str(target), "--json"]) == 1
    out, err = capsysbinary.readouterr()
    assert re.fullmatch(sentence, err.decode())
    found: Any = json.loads(out)
    assert found["studies"] == []
    assert list(found) == ["studies", "not_images", "skipped"]
    assert len(found["not_images"]) + len(found["skipped"]) == (name in ("text.txt", "report.dcm", "broken.zip"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan"],
        ["scan", "a", "b"],
        ["scan", "a", "--yaml"],
        ["a", "b"],
        ["--no-such"],
        ["--demo", "a"],
        ["read", "a"],
        ["read", "--out", "b"],
        ["read", "a", "--out", "b", "--model", "no-such-model"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: radviewer" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["scan", "--help"], ["read", "--help"]])
def test_asking_is_not_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"radviewer {__version__}\n" if arguments == ["--version"] else "usage: radviewer")


def test_read_writes_opinions_and_prints_them(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "study" / "film.dcm")
    phantoms.volume(tmp_path / "study" / "ct", 3)
    done = run("read", tmp_path / "study", "--out", tmp_path / "out", "--json", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout.decode("utf-8"))
    assert found == json.loads((tmp_path / "out" / "opinions.json").read_bytes())
    assert list(found) == ["radviewer", "stacks"]
    assert sorted(len(stack["files"]) for stack in found["stacks"]) == [1, 3]
    assert [stack["results"] for stack in found["stacks"] if len(stack["files"]) == 3] == [[]]


def test_read_without_json_is_for_people(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    phantoms.volume(tmp_path / "ct", 3)
    assert main(["read", str(tmp_path / "ct"), "--out", str(tmp_path / "out")]) == 0
    out, err = capsysbinary.readouterr()
    assert re.fullmatch(rb"Stack 0: \w+\.dcm and 2 more\n  no bundled model applies\n", out)
    assert err == b""


@pytest.mark.parametrize("name", ["nowhere", "empty", "text.txt", "report.dcm", "broken.zip"])
def test_read_with_nothing_to_read_is_one_sentence_and_valid_json(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    target = nothing_to_show(tmp_path, name)
    assert main(["read", str(target), "--out", str(tmp_path / "out"), "--json"]) == 1
    out, err = capsysbinary.readouterr()
    assert re.fullmatch(r"radviewer: .*\.\n", err.decode())
    assert json.loads(out)["stacks"] == json.loads((tmp_path / "out" / "opinions.json").read_bytes())["stacks"] == []


def test_read_does_not_replace_what_is_not_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phantoms.film(tmp_path / "film.dcm")
    (tmp_path / "opinions.json").write_text("mine")
    assert main(["read", str(tmp_path / "film.dcm"), "--out", str(tmp_path), "--json"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"opinions\.json is not a file radviewer wrote", err)
    assert json.loads(out)["stacks"] == []
    assert (tmp_path / "opinions.json").read_text() == "mine"


def test_bad_input_never_prints_a_traceback(tmp_path: Path) -> None:
    path = phantoms.film(tmp_path / "film.dcm")
    phantoms.splice(path, 0x00100010, phantoms.nested(10_000))
    (tmp_path / "garbage").write_bytes(bytes(128) + b"DICM" + os.urandom(1000))
    (tmp_path / os.fsdecode(b"\xff\xfe.dcm")).write_bytes(b"")
    done = run("scan", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout.decode("utf-8"))
    assert len(found["studies"]) == 1
    assert len(found["skipped"]) == 2


def test_an_output_that_is_closed_early_is_no_error(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 400, PatientComments="x" * 64)
    with subprocess.Popen(
        [sys.executable, "-m", "radviewer", "scan", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "radviewer", "scan", str(tmp_path), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "radviewer: The result could not be printed: no space left on device.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="closes a descriptor with the shell")
@pytest.mark.parametrize(("closed", "status", "lines"), [("2>&-", 0, 1), ("1>&-", 1, 0), ("1>&- 2>&-", 1, 0)])
def test_outputs_that_are_not_there(tmp_path: Path, closed: str, status: int, lines: int) -> None:
    """Started from a desktop or a scheduler, a program may have no stdout or stderr at all."""
    phantoms.film(tmp_path / "film.dcm")
    command = f'"$0" -m radviewer scan "$1" --json {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(tmp_path)], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert len(json.loads(done.stdout or b'{"studies": []}')["studies"]) == lines


def test_without_stderr_a_refusal_does_not_spoil_the_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["scan", str(tmp_path / "nowhere"), "--json"]) == 1
    assert json.loads(capsysbinary.readouterr().out)["studies"] == []


def test_an_error_for_the_reader_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: list[str]) -> int:
        raise TooLarge("The study is too large.")

    monkeypatch.setitem(sys.modules["radviewer.__main__"].COMMANDS, "scan", refuse)
    assert main(["scan", "x"]) == 1
    assert capsys.readouterr() == ("", "radviewer: The study is too large.\n")


def test_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules["radviewer.__main__"].COMMANDS, "scan", interrupt)
    assert main(["scan", "x"]) == 130
    assert capsys.readouterr() == ("", "")


def test_the_window_gets_the_folder_or_the_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[tuple[Path | None, bool]] = []

    def open_window(target: Path | None, demo: bool) -> int:
        opened.append((target, demo))
        return 0

    window: Any = types.ModuleType("radviewer.ui.main")
    window.run = open_window
    monkeypatch.setitem(sys.modules, "radviewer.ui.main", window)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert [main([]), main([str(tmp_path)]), main(["--demo"])] == [0, 0, 0]
    assert opened == [(None, False), (tmp_path, False), (None, True)]


def test_scanning_imports_neither_a_toolkit_nor_pydicom_before_it_needs_them(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    code = (
        "import sys; from pathlib import Path; from radviewer.dicom.scan import scan; scan(Path(sys.argv[1]));"
        "print([m for m in ('PySide6', 'pydicom', 'torch', 'vtkmodules', 'SimpleITK', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"[]\n"


def test_a_result_that_cannot_be_kept_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phantoms.film(tmp_path / "study" / "film.dcm")
    kept = tmp_path / "home" / "without-display"
    (kept / "scan.json").mkdir(parents=True)
    monkeypatch.setattr(paths, "user_data", lambda: tmp_path / "home")
    monkeypatch.setattr(sys.modules["radviewer.__main__"], "_has_display", lambda: False)
    assert main([str(tmp_path / "study")]) == 1
    assert "scan.json could not be written" in capsys.readouterr().err
    assert [path.name for path in kept.iterdir()] == ["scan.json"]


def test_an_evaluation_that_fails_still_prints_json(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "index.csv").write_text("image,label\n")
    asked = ["evaluate", "no-model", "--index", str(tmp_path / "index.csv"), "--label", "label", "--positive", "x"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 1
    printed = capfdbinary.readouterr()
    assert json.loads(printed.out)["figures"] == {}
    assert b"no-model" in printed.err


@pytest.mark.parametrize("command", [["scan"], ["read", "--out"]])
def test_the_first_file_that_was_skipped_is_named_without_steering_the_terminal(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], command: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a\x1b[31m.txt", "b.txt"):
        (tmp_path / "in" / name).write_text("text")
    phantoms.not_image(tmp_path / "in" / "report.dcm", "report")
    more = [str(tmp_path / "out")] if "--out" in command else []
    assert main([command[0], str(tmp_path / "in"), *command[1:], *more]) == 1
    said = capsysbinary.readouterr().err.decode()
    assert "2 files were skipped, the first, a\ufffd[31m.txt: it is not a DICOM file but text." in said
    assert "\x1b" not in said
