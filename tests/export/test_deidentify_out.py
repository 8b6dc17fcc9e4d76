"""Folders that copies cannot be written into, and the command as it is typed."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from radviewer.__main__ import main
from radviewer.dicom.scan import scan
from radviewer.errors import NotSaved
from radviewer.export import deidentify_file
from radviewer.export.deidentify import DeidentifyOptions, deidentify
from tests import phantoms


@pytest.fixture
def study(tmp_path: Path) -> Path:
    phantoms.volume(tmp_path / "study", 3, names=["Müller.dcm", "李.dcm", "x.dcm"])
    return tmp_path / "study"


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(study: Path, out: Path) -> str:
    with pytest.raises(NotSaved) as problem:
        deidentify(scan(study), out, DeidentifyOptions())
    return str(problem.value)


def test_nothing_is_overwritten(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "1").mkdir(parents=True)
    (out / "1" / "1.dcm").write_text("mine")
    assert refused(study, out) == f"{out} holds files already, and none is overwritten. Name a new or an empty folder."
    assert listing(out) == ["1", "1/1.dcm"]
    assert (out / "1" / "1.dcm").read_text() == "mine"


def test_what_appears_meanwhile_is_not_overwritten(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "out", deidentify_file.write

    def with_company(*arguments: Any) -> None:
        write(*arguments)
        (out / "1").mkdir(exist_ok=True)
        (out / "1" / "1.dcm").write_text("mine")

    monkeypatch.setattr("radviewer.export.deidentify.write", with_company)
    assert "by somebody else meanwhile" in refused(study, out)
    assert listing(out) == ["1", "1/1.dcm"]


def test_a_file_is_no_folder(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "is not a folder" in refused(study, tmp_path / "out")
    assert "is not a folder" in refused(study, tmp_path / "out" / "below")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_that_may_not_be_written(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", denied)  # permissions mean nothing to root, who runs these tests in CI
    assert "there is no permission to write there" in refused(study, tmp_path / "out")


def test_a_missing_folder_is_made_with_its_parents(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "name with ünïcode 名前"
    assert deidentify(scan(study), out, DeidentifyOptions()).instances == 3
    assert listing(out) == ["1", "1/1.dcm", "1/2.dcm", "1/3.dcm", "deidentification.json", "deidentification.txt"]


def test_a_full_disk_leaves_nothing(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = deidentify_file.write, []

    def full(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments)

    monkeypatch.setattr("radviewer.export.deidentify.write", full)
    assert "no space left on device. Free some space" in refused(study, tmp_path / "out")
    assert listing(tmp_path) == ["study", *(f"study/{name}" for name in sorted(["Müller.dcm", "李.dcm", "x.dcm"]))]


def test_the_command_reports(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phantoms.save(phantoms.image(modality="US", study="other"), study / "Frau Müller.dcm")
    assert main(["deidentify", str(study), "--out", str(tmp_path / "out")]) == 0
    printed, err = capsys.readouterr()
    assert "Copied: 3 instances, 1 series, 1 studies, 1 patients." in printed
    assert "  Frau Müller.dcm: There may be writing in its pixels" in printed
    assert err == ""
    assert "Müller" not in (tmp_path / "out" / "deidentification.txt").read_text()


def test_the_command_prints_json(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phantoms.save(phantoms.image(modality="US", study="other"), study / "us.dcm")
    options = ["--shift-dates", "--clean-descriptors", "--retain-safe-private", "--keep-burned-in", "--json"]
    assert main(["deidentify", str(study), "--out", str(tmp_path / "out"), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert found["copied"] == {"patients": 1, "studies": 2, "series": 2, "instances": 4}
    assert found["patient_identity_removed"] == {"YES": 3, "NO": 1}
    assert found["options"]["keep_burned_in"]
    assert found["attributes"]["shifted in time"]["StudyDate"] == 4


def test_the_command_copies_chosen_series(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = phantoms.make_uid("study", "series")
    assert main(["deidentify", str(study), "--out", str(tmp_path / "out"), "--series", chosen]) == 0
    assert main(["deidentify", str(study), "--out", str(tmp_path / "none"), "--series", "1.2.3", "--json"]) == 1
    out, err = capsys.readouterr()
    assert err == f"radviewer: There is no series 1.2.3 in {study}. Check its Series Instance UID.\n"
    assert json.loads(out[out.index("{") :])["copied"]["instances"] == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_the_command_refuses_in_a_sentence(
    tmp_path: Path, json_too: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deidentify", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"), *json_too]) == 1
    out, err = capsys.readouterr()
    assert "does not exist" in err
    assert len(err.splitlines()) == 1
    assert bool(out) == bool(json_too)


def test_when_nothing_could_be_copied_the_status_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phantoms.save(phantoms.image(modality="US"), tmp_path / "in" / "a.dcm")
    assert main(["deidentify", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert "a.dcm: There may be writing in its pixels" in out
    assert "could be copied; the report says why" in err


def test_the_folder_has_to_be_named() -> None:
    with pytest.raises(SystemExit) as status:
        main(["deidentify", "folder"])
    assert status.value.code == 2
