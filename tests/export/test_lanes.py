"""Stacks read side by side by real processes that misbehave in every way."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from radviewer import paths
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.dicom.scan import scan
from radviewer.export import batch_worker, lanes
from radviewer.export.batch_worker import Errand
from radviewer.export.lanes import read_side_by_side
from radviewer.export.read_folder import read_folder
from radviewer.export.result_files import Options
from radviewer.progress import Cancelled, Progress
from tests import phantoms
from tests.dicom.pixel_files import PYDICOM_DATA
from tests.export.errands import behave

pytestmark = pytest.mark.usefixtures("qapp")

GOOD = ["good1", "good2", "good3", "good4"]


def errands(folder: Path, names: list[str]) -> list[Errand]:
    for name in names:
        phantoms.film(folder / "in" / f"{name}.dcm", modality="DX", series=name, instance=name)
    (study,) = scan(folder / "in").studies
    stacks = {s.frames[0].file.location.name: s for series in study.series for s in series.stacks}
    return [
        Errand(number, folder / "out" / str(number), stacks[f"{name}.dcm"], Context(), {})
        for number, name in enumerate(names)
    ]


def read(folder: Path, names: list[str], progress: Progress | None = None, patience: float = 60.0) -> dict[int, str]:
    progress = progress or Progress()
    return read_side_by_side(errands(folder, names), behave, folder, Options(), 2, progress, patience)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("killed", "memory ran out"),
        ("exits", "crashed"),
        ("raises", "internal fault .KeyError."),
        ("explains", "The disk is full"),
        ("memory", "not enough memory"),
    ],
)
def test_one_that_fails_takes_none_along(name: str, words: str, tmp_path: Path) -> None:
    failed = read(tmp_path, [*GOOD[:2], name, *GOOD[2:]])
    assert list(failed) == [2]
    assert re.search(words, failed[2])
    assert "Mustermann" not in failed[2]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0", "1", "3", "4"]
    assert multiprocessing.active_children() == []


def test_one_that_hangs_is_given_up(tmp_path: Path) -> None:
    failed = read(tmp_path, ["hangs", "good1"], patience=15.0)
    assert list(failed) == [0]
    assert "no progress for 15 s" in failed[0]
    assert multiprocessing.active_children() == []


def test_cancelling_ends_every_process(tmp_path: Path) -> None:
    class Stopping(Progress):
        def check(self) -> None:
            if (tmp_path / "hangs").exists():
                self.cancel()
            super().check()

    with pytest.raises(Cancelled):
        read(tmp_path, ["hangs", "good1"], Stopping())
    assert multiprocessing.active_children() == []


def test_an_ended_process_leaves_no_half_file(tmp_path: Path) -> None:
    failed = read(tmp_path, ["good1", "half", "good2"])
    assert list(failed) == [1]
    assert [path for path in (tmp_path / "out" / "1").rglob("*") if path.is_file()] == []


def test_what_cannot_be_sent_is_not_taken_for_read(tmp_path: Path) -> None:
    made = errands(tmp_path, GOOD[:3])
    made[0].notes["cannot be pickled"] = lambda: None
    failed = read_side_by_side(made, behave, tmp_path, Options(), 1, Progress())
    assert list(failed) == [0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1", "2"]


def test_a_lost_lane_is_not_taken_for_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes._Lane, "run", lambda _lane: None)
    assert list(read(tmp_path, GOOD)) == [0, 1, 2, 3]


def test_signs_of_life_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = multiprocessing.Pipe()
    monkeypatch.setattr(batch_worker, "_BEAT", -1.0)
    beat = batch_worker._Beat(theirs)
    beat.check()
    beat.report(1, 2, "half")
    theirs.send("It is broken.")
    lane = lanes._Lane(
        (behave, Path(), Options(), 1), queue.SimpleQueue(), {}, queue.SimpleQueue(), threading.Event(), 9.0
    )
    assert lane._answer(ours) == "It is broken."
    assert not ours.poll()
    ours.close()
    theirs.close()


PARENT = """
import sys
from pathlib import Path
if __name__ == "__main__":
    from tests.export.test_lanes import read
    read(Path(sys.argv[1]), ["hangs", "good1"])
"""


def test_a_process_that_hangs_ends_with_a_program_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    os.mkfifo(tmp_path / "hanging")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with (
        subprocess.Popen([sys.executable, tmp_path / "parent.py", tmp_path], env=environment) as parent,
        (tmp_path / "hanging").open() as pipe,
    ):
        hanging = int(pipe.readline())
        parent.kill()
        assert hanging != parent.pid
        assert pipe.read() == ""  # its end is that of the process, which kept the pipe open


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[int] = []
    read(tmp_path, GOOD, Progress(lambda done, total, _text: seen.append(done) if total == 4 else None))
    assert seen == [1, 2, 3, 4]
    processes = {path.read_text() for path in (tmp_path / "out").glob("*/process")}
    assert str(os.getpid()) not in processes
    assert 1 <= len(processes) <= 2


def _timeless(found: Any) -> Any:
    text = json.loads(json.dumps(found))
    for entry in text["stacks"]:
        for answer in entry["results"]:
            answer["seconds"] = None
            for finding in answer["findings"]:  # the last digits of sums depend on the number of threads
                finding["probability"] = finding["probability"] and round(finding["probability"], 6)
    return text


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_the_result_is_that_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)  # one thread each, as here: the last digits of sums depend on it
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("RG1_UNCR.dcm", "RG1_J2KR.dcm", "RG1_UNCL.dcm")):
        if (PYDICOM_DATA / name).exists():
            (tmp_path / "in" / str(number)).mkdir()
            (tmp_path / "in" / str(number) / name).write_bytes((PYDICOM_DATA / name).read_bytes())
    phantoms.volume(tmp_path / "in" / "ct", 3)
    (tmp_path / "in" / "broken.dcm").write_bytes(b"junk")
    catalogue = Catalogue(paths.models())
    alone = read_folder(tmp_path / "in", tmp_path / "alone", catalogue, Options())
    together = read_folder(tmp_path / "in", tmp_path / "together", catalogue, Options(), workers=2)
    assert together.problem == alone.problem == ""
    assert _timeless(together.found) == _timeless(alone.found)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "together").glob("stack-*/**/*") if p.is_file()}
    again = read_folder(tmp_path / "in", tmp_path / "together", catalogue, Options(), workers=2)
    assert again.found == together.found
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "together").glob("stack-*/**/*") if p.is_file()}
