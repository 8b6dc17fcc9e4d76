"""Opening: one result, the first image early, and never anything of what was left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from radviewer import paths
from radviewer.app.jobs import JobQueue
from radviewer.app.session import Session
from radviewer.dicom import demo
from radviewer.dicom import scan as scan_module
from radviewer.domain.study import ScanResult
from radviewer.progress import Progress
from tests import phantoms
from tests.app.hand_made import heard
from tests.qt_objects import destroy

WAIT = 20_000


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    assert qapp is not None
    queue = JobQueue("test")
    made = Session(queue)
    yield made
    queue.close()
    destroy(made, queue)


def opened(qtbot: QtBot, session: Session, target: Path) -> ScanResult:
    with qtbot.waitSignal(session.opened, timeout=WAIT):
        session.open(target)
    assert session.result is not None
    return session.result


def test_a_folder_opens_with_its_first_image_before_the_result(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 5)
    order: list[str] = []
    session.started.connect(lambda _target: order.append("started"))
    session.first_image.connect(lambda stack, image: order.append(f"image {len(stack.frames)} {image.stored.shape}"))
    session.opened.connect(lambda _result: order.append("opened"))
    result = opened(qtbot, session, tmp_path)
    assert order == ["started", "image 1 (8, 10)", "opened"]
    assert result.studies[0].series[0].stacks[0].shape == (5, 8, 10)
    assert not session.scanning


def test_a_first_image_that_cannot_be_decoded_does_not_stop_the_scan(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    phantoms.encapsulated(tmp_path / "bad.dcm", [b"not a codestream"], "1.2.840.10008.1.2.4.90")
    first = heard(session.first_image)
    assert len(opened(qtbot, session, tmp_path).studies) == 1
    assert first == []


def test_what_does_not_exist_fails_with_a_sentence(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    with qtbot.waitSignal(session.failed, timeout=WAIT) as caught:
        session.open(tmp_path / "nowhere")
    assert "nowhere does not exist" in caught.args[0]
    assert session.result is None
    assert not session.scanning


def test_opening_another_folder_drops_the_scan_on_its_way(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(tmp_path / "first", 3, study="first")
    phantoms.volume(tmp_path / "second", 4, study="second")
    scan = scan_module.scan
    began, go_on = threading.Event(), threading.Event()

    def slow(target: Path, progress: Progress, on_first: Any) -> ScanResult:
        if target.name == "first":
            began.set()
            assert go_on.wait(20)
        return scan(target, None if target.name == "first" else progress, on_first)

    monkeypatch.setattr(scan_module, "scan", slow)
    roots: list[str] = []
    session.opened.connect(lambda result: roots.append(result.root.name))
    images, cancelled = heard(session.first_image), heard(session.cancelled)
    session.open(tmp_path / "first")
    assert began.wait(20)
    with qtbot.waitSignal(session.opened, timeout=WAIT):
        session.open(tmp_path / "second")
        go_on.set()
    assert roots == ["second"]
    assert len(images) == 1
    assert cancelled == [()]


def test_cancelling_delivers_nothing_more(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def endless(_target: Path, progress: Progress, _on_first: object) -> ScanResult:
        began.set()
        while True:
            progress.report(1, 0, "Reading headers")

    monkeypatch.setattr(scan_module, "scan", endless)
    results, cancelled = heard(session.opened), heard(session.cancelled)
    session.open(tmp_path)
    assert began.wait(20)
    session.cancel()
    assert not session.scanning
    qtbot.wait(20)
    assert results == []
    assert cancelled == [()]


def test_the_demo_is_written_and_then_scanned(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.film(tmp_path / "film.dcm")
    monkeypatch.setattr(demo, "write_demo_study", lambda _progress: tmp_path)
    with qtbot.waitSignal(session.opened, timeout=WAIT):
        session.open_demo()
    assert session.is_demo
    assert session.target == paths.demo_study()
    assert session.result is not None
    assert session.result.root == tmp_path
