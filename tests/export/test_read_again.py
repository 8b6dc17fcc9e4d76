"""What a second run keeps, reads again, replaces and leaves alone."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from radviewer.ai.catalogue import Catalogue
from radviewer.errors import NotSaved
from radviewer.export import read_into as module
from radviewer.export import read_stack as reader
from radviewer.export.read_folder import read_folder
from radviewer.export.result_files import Options
from radviewer.progress import Cancelled, Progress
from tests.export.conftest import chest_film, files_below, reasons, results_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were really read."""
    files: list[str] = []
    read = reader.read_stack

    def noted(stack: Any, *rest: Any) -> Any:
        files.append(stack.frames[0].file.location.name)
        return read(stack, *rest)

    monkeypatch.setattr(module, "read_stack", noted)
    return files


def test_what_was_read_is_read_again_only_when_something_changed(
    study: Path, out: Path, models: Path, catalogue: Catalogue, asked: list[str]
) -> None:
    chest_film(study / "a.dcm", series="a")
    chest_film(study / "b.dcm", series="b")
    first = read_folder(study, out, catalogue, Options())
    assert sorted(asked) == ["a.dcm", "b.dcm"]
    assert read_folder(study, out, Catalogue(models), Options()) == first
    assert len(asked) == 2
    chest_film(study / "b.dcm", series="b", PatientComments="another file")
    read_folder(study, out, catalogue, Options())
    assert asked[2:] == ["b.dcm"]
    read_folder(study, out, catalogue, Options(nifti=True))
    assert len(asked) == 5
    next(out.rglob("*.png")).unlink()
    read_folder(study, out, catalogue, Options(nifti=True))
    assert len(asked) == 6
    card = models / "chest-findings" / "card.json"
    card.write_text(card.read_text().replace("0.0.1", "0.0.2"))
    again = read_folder(study, out, Catalogue(models), Options(nifti=True))
    assert len(asked) == 8
    assert results_of(again)["chest-findings"]["version"] == "0.0.2"


def test_a_new_model_of_another_modality_changes_nothing(
    study: Path, out: Path, models: Path, catalogue: Catalogue, asked: list[str]
) -> None:
    chest_film(study / "film.dcm")
    read_folder(study, out, catalogue, Options())
    shutil.copytree(models / "chest-anatomy", models / "other")
    card = models / "other" / "card.json"
    values = json.loads(card.read_bytes()) | {"name": "other", "modalities": ["US"]}
    card.write_text(json.dumps(values))
    read_folder(study, out, Catalogue(models), Options())
    assert asked == ["film.dcm"]


def test_results_of_what_went_away_go_too_but_nothing_else(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "a.dcm", series="a")
    path = chest_film(study / "b.dcm", series="b")
    read_folder(study, out, catalogue, Options())
    letter = out / "stack-1" / "letter.txt"
    letter.write_text("mine")
    (out / "notes.txt").write_text("mine")
    path.unlink()
    gone = "stack-1" if "b.dcm" in _folders(out, "stack-1") else "stack-0"
    read_folder(study, out, catalogue, Options())
    assert not (out / gone / "chest-anatomy").exists()
    assert letter.read_text() == (out / "notes.txt").read_text() == "mine"
    assert len(json.loads((out / "opinions.json").read_bytes())["stacks"]) == 1


def test_a_linked_folder_of_results_is_left_alone(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm")
    theirs = out.parent / "theirs"
    read_folder(study, theirs, catalogue, Options())
    before = files_below(theirs)
    out.mkdir()
    (out / "stack-0").symlink_to(theirs / "stack-0", target_is_directory=True)
    (study / "film.dcm").unlink()
    chest_film(study / "other.dcm")
    reading = read_folder(study, out, catalogue, Options())
    assert results_of(reading)["chest-findings"]["findings"][0]["picture"].startswith("stack-1/")
    assert files_below(theirs) == before


def _folders(out: Path, name: str) -> list[str]:
    stacks = json.loads((out / "opinions.json").read_bytes())["stacks"]
    return [s["files"][0]["path"] for s in stacks if s["results"][0]["anatomy"][0]["seg"].startswith(name)]


def test_a_foreign_file_in_the_way_is_named(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm")
    foreign = out / "stack-0" / "chest-anatomy" / "heart.seg.dcm"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"mine")
    with pytest.raises(NotSaved, match=r"heart\.seg\.dcm is not a file radviewer wrote"):
        read_folder(study, out, catalogue, Options())
    assert [path for path in out.rglob("*") if path.is_file()] == [foreign]


def test_a_foreign_opinions_json_is_refused_before_anything_is_read(
    study: Path, out: Path, catalogue: Catalogue, asked: list[str]
) -> None:
    chest_film(study / "film.dcm")
    out.mkdir()
    (out / "opinions.json").write_text("{}")
    with pytest.raises(NotSaved, match=r"opinions\.json is not a file radviewer wrote"):
        read_folder(study, out, catalogue, Options())
    assert asked == []


@pytest.mark.parametrize("name", ["summary.csv", "summary.html"])
def test_a_foreign_summary_is_refused_before_anything_is_read(
    study: Path, out: Path, catalogue: Catalogue, asked: list[str], name: str
) -> None:
    chest_film(study / "film.dcm")
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(NotSaved, match=f"{name} is not a file radviewer wrote"):
        read_folder(study, out, catalogue, Options())
    assert asked == []


def test_what_a_killed_run_left_half_is_gone(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm")
    left = out / "stack-0" / "chest-anatomy" / ".radviewer-abc.part"
    left.parent.mkdir(parents=True)
    left.touch()
    read_folder(study, out, catalogue, Options())
    assert not left.exists()


def test_one_that_raises_is_read_again_and_stops_no_other(
    study: Path, out: Path, catalogue: Catalogue, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chest_film(study / "a.dcm", series="a")
    chest_film(study / "b.dcm", series="b")
    good = module.__dict__["read_stack"]  # as `asked` left it

    def spoilt(stack: Any, *rest: Any) -> Any:
        if stack.frames[0].file.location.name == "a.dcm":
            raise KeyError("Mustermann^Max")
        return good(stack, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(module, "read_stack", spoilt)
        reading = read_folder(study, out, catalogue, Options())
    assert reading.problem == ""
    said = {status: reason for n in (0, 1) for status, reason in reasons(reading, n).values()}
    assert said == {
        "ran": None,
        "failed": "An internal fault (KeyError) stopped reading it; the others are not affected.",
    }
    read_folder(study, out, catalogue, Options())
    assert asked == ["b.dcm", "a.dcm"]


def test_a_full_disk_leaves_no_half_file(
    study: Path, out: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    chest_film(study / "film.dcm")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NotSaved, match="no space left on device"):
        read_folder(study, out, catalogue, Options())
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_what_was_finished_before_cancelling_is_kept(
    study: Path, out: Path, catalogue: Catalogue, asked: list[str]
) -> None:
    chest_film(study / "a.dcm", series="a")
    chest_film(study / "b.dcm", series="b")

    def stop(done: int, _total: int, text: str) -> None:
        if (done, text) == (1, "Reading stacks"):
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        read_folder(study, out, catalogue, Options(), progress)
    assert not list(out.rglob("*.part"))
    assert not (out / "opinions.json").exists()
    read_folder(study, out, catalogue, Options())
    assert sorted(set(asked)) == ["a.dcm", "b.dcm"]
    assert asked.count(asked[0]) == 1


def test_results_may_lie_in_the_folder_itself(study: Path, catalogue: Catalogue, asked: list[str]) -> None:
    chest_film(study / "film.dcm")
    first = read_folder(study, study, catalogue, Options(nifti=True))
    assert read_folder(study, study, catalogue, Options(nifti=True)) == first
    assert asked == ["film.dcm"]
