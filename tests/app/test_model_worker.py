"""The worker process and who supervises it: real processes, models that misbehave in every way."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from radviewer import paths
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context, context_of
from radviewer.ai.reading import read
from radviewer.ai.worker_messages import Ask, Report
from radviewer.app.model_worker import ModelWorker
from radviewer.app.worker_process import WorkerProcess
from radviewer.dicom.load import load
from radviewer.dicom.scan import scan
from radviewer.domain.opinion import Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.errors import WorkerFailed
from radviewer.progress import Cancelled, Progress

TASKS = "tests.app.model_tasks:fake"
_FOREVER = 60  # seconds; longer than anything here takes, so that a fault fails instead of hanging


def volume() -> Volume:
    stored = np.arange(30, dtype=np.uint16).reshape(1, 6, 5)
    return Volume(stored, (SliceImage(stored[0], intercept=-10.0),), None, {})


@pytest.fixture
def worker() -> Iterator[ModelWorker]:
    worker = ModelWorker(Path(), tasks=TASKS)
    yield worker
    worker.close()


class Watching(Progress):
    """Knows when the first report came."""

    def __init__(self) -> None:
        super().__init__(self._note)
        self.reports: list[tuple[int, int, str]] = []
        self.there = threading.Event()

    def _note(self, done: int, total: int, text: str) -> None:
        self.reports.append((done, total, text))
        self.there.set()


def pid(worker: ModelWorker) -> str:
    """Process id of a worker, as it says itself."""
    (found,) = worker.run(volume(), Context(), Progress())
    return found.version


def test_an_answer_and_its_progress_arrive(worker: ModelWorker) -> None:
    progress = Watching()
    assert not worker.alive
    (found,) = worker.run(volume(), Context(modality="DX"), progress, override=True)
    assert worker.alive
    assert progress.reports == [(0, 2, "first"), (1, 2, "second")]
    (finding,) = found.findings
    assert (finding.probability, finding.evidence, found.overridden) == (0.7, "DX", "it")
    np.testing.assert_array_equal(finding.mask, volume().stored > 10)
    assert pid(worker) == found.version


def test_models_are_loaded_in_the_process_that_reads_until_it_is_asked(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "warming")
    worker = ModelWorker(tmp_path, tasks=TASKS)
    worker.start()
    loading = (tmp_path / "warming").read_text()  # waits until it has begun
    assert pid(worker) == loading
    worker.close()
    worker.start()  # for good
    assert not worker.alive


@pytest.mark.parametrize(
    ("model", "words"),
    [("exits", "crashed .status 3."), ("aborts", "crashed .SIGABRT."), ("is killed", "memory ran out")],
)
def test_a_crash_is_said_and_the_next_run_starts_another_process(worker: ModelWorker, model: str, words: str) -> None:
    before = pid(worker)
    with pytest.raises(WorkerFailed, match=words):
        worker.run(volume(), Context(), Progress(), model=model)
    assert not worker.alive
    assert pid(worker) != before


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("raises", "internal fault .KeyError."),
        ("leaves", "internal fault .SystemExit."),
        ("has no memory", "not enough memory"),
        ("torch has no memory", "not enough memory"),
        ("explains", "It needs what is not there"),
        ("unsendable", "internal fault"),
        ("junk", "no opinion"),
    ],
)
def test_what_a_model_raises_is_said_without_the_patients_name(worker: ModelWorker, model: str, words: str) -> None:
    before = pid(worker)
    with pytest.raises(WorkerFailed, match=words) as failure:
        worker.run(volume(), Context(), Progress(), model=model)
    assert "Mustermann" not in str(failure.value)
    assert pid(worker) == before


def test_a_model_that_hangs_is_ended(worker: ModelWorker) -> None:
    before = pid(worker)
    worker._patience = 0.2  # the start of the process may take longer
    with pytest.raises(WorkerFailed, match=r"no sign of life for 0\.2 s"):
        worker.run(volume(), Context(), Progress(), model="hangs")
    assert not worker.alive
    worker._patience = _FOREVER
    assert pid(worker) != before


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nan", "a probability that is not between 0 and 1"),
        ("two", "a probability that is not between 0 and 1"),
        ("mask shape", r"a mask of another size than the image \(1 × 2 × 3 instead of 1 × 6 × 5\)"),
        ("mask kind", "a mask of numbers"),
        ("heat shape", "a heatmap of another size"),
        ("heat kind", "a heatmap of another kind"),
        ("heat nan", "a heatmap with values that are not between"),
        ("heat high", "a heatmap with values that are not between"),
        ("slices", "probabilities of 2 slices instead of 1"),
        ("slice nan", "a probability of a slice that is not between"),
        ("likeliest", "a slice that is not there"),
        ("slice two", "a probability of a slice that is not between"),
        ("outline", "a mask of another size"),
    ],
)
def test_what_cannot_be_shown_becomes_a_failure(worker: ModelWorker, model: str, words: str) -> None:
    found = worker.run(volume(), Context(), Progress(), model=model)
    assert found[0].outcome is Outcome.FAILED
    with pytest.raises(AssertionError, match=f"The model returned {words}"):
        raise AssertionError(found[0].reason)
    assert found[0].anatomy == ()
    (finding,) = found[0].findings
    assert (finding.label, finding.outcome, finding.probability) == ("spot", Outcome.REFUSED, None)
    assert finding.mask is None
    assert finding.heatmap is None
    assert all(other.outcome is Outcome.RAN for other in found[1:])


@pytest.mark.parametrize(("model", "stays"), [("polite", True), ("hangs", False)])
def test_a_cancelled_run_brings_nothing(model: str, stays: bool) -> None:
    worker = ModelWorker(Path(), grace=_FOREVER if stays else 0.1, tasks=TASKS)
    before, progress = pid(worker), Watching()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(worker.run, volume(), Context(), progress, model=model)
        assert progress.there.wait(_FOREVER)
        progress.cancel()
        with pytest.raises(Cancelled):
            future.result(_FOREVER)
    assert worker.alive is stays
    assert (pid(worker) == before) is stays
    worker.close()


def test_a_run_cancelled_before_it_began_starts_nothing(worker: ModelWorker) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        worker.run(volume(), Context(), progress)
    assert not worker.alive


@pytest.mark.parametrize("model", [None, "aborts late", "raises late"])
def test_whatever_comes_after_the_cancellation_is_dropped(worker: ModelWorker, model: str | None) -> None:
    progress = Progress(lambda *_: progress.cancel())
    with pytest.raises(Cancelled):
        worker.run(volume(), Context(), progress, model=model)
    assert pid(worker)


def test_closing_ends_a_run_in_another_thread(worker: ModelWorker) -> None:
    progress = Watching()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(worker.run, volume(), Context(), progress, model="hangs")
        assert progress.there.wait(_FOREVER)
        worker.close()
        with pytest.raises(Cancelled):
            future.result(_FOREVER)
    assert not worker.alive
    worker.close()
    with pytest.raises(Cancelled):
        worker.run(volume(), Context(), Progress())


def test_late_reports_of_an_earlier_run_are_dropped(worker: ModelWorker) -> None:
    worker.run(volume(), Context(), Progress(), model="stale")
    progress = Watching()
    worker.run(volume(), Context(), progress, model="stale")
    assert [text for _, _, text in progress.reports] == ["first", "second"]


def test_a_fault_of_who_listens_ends_the_process(worker: ModelWorker) -> None:
    def fail(*_: object) -> None:
        raise ValueError("of the caller")

    with pytest.raises(ValueError, match="caller"):
        worker.run(volume(), Context(), Progress(fail))
    assert not worker.alive
    assert pid(worker)


def test_no_process_to_be_had_is_said(worker: ModelWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(WorkerFailed, match="cannot be started"):
        worker.run(volume(), Context(), Progress())


@pytest.mark.parametrize("model", [None, "hangs"])
def test_the_process_ends_with_the_pipe(model: str | None) -> None:
    process = WorkerProcess(Path(), TASKS)
    process.post(Ask.about(1, volume(), Context(), model, False))
    reply = None
    while reply is None:
        reply = process.receive(0.1)
    assert isinstance(reply, Report)
    process._connection.close()  # as when the program is killed
    assert process.wait(_FOREVER) == 0
    process.end()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_the_bundled_models_say_the_same_as_in_this_process(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("data_store")  # what pydicom-data installs
    assert spec is not None
    shutil.copy(Path(spec.origin or "").parent / "data" / "RG1_UNCR.dcm", tmp_path)
    (study,) = scan(tmp_path).studies
    (series,) = study.series
    film, context = load(series.stacks[0]), context_of(study, series, series.stacks[0])
    expected = read(film, context, Catalogue())
    worker = ModelWorker(paths.models(), tasks="tests.app.model_tasks:watched")
    worker.start()
    *found, process = worker.run(film, context, Progress())
    refused = worker.run(film, Context(view_position="LL"), Progress(), model="chest-findings")[0]
    worker.close()
    qt, nice, policy = (process.reason or "").split("|")
    assert qt == ""
    assert int(nice) >= 10
    assert policy == "PASSIVE"
    assert [f.outcome for f in refused.findings] == [Outcome.REFUSED, Outcome.REFUSED]
    assert [o.model for o in found] == [o.model for o in expected]
    for here, there in zip(expected, found, strict=True):
        assert there.weights_sha256 == here.weights_sha256
        for a, b in zip(here.anatomy, there.anatomy, strict=True):
            assert (a.mask != b.mask).mean() < 1e-3
        for x, y in zip(here.findings, there.findings, strict=True):
            assert y.probability == pytest.approx(x.probability, abs=1e-3)
            assert x.heatmap is not None
            assert y.heatmap is not None
            np.testing.assert_allclose(x.heatmap, y.heatmap, atol=0.01)
