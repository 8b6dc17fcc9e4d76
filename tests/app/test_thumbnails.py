"""Thumbnails: made behind everything else, kept within bounds, gone with the study."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from radviewer.app import thumbnails as module
from radviewer.app.jobs import JobQueue
from radviewer.app.series_cache import LOAD_PRIORITY, SeriesCache
from radviewer.app.thumbnails import THUMBNAIL_PRIORITY, Thumbnails
from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.progress import Progress
from radviewer.render.thumbnail import thumbnail
from tests import phantoms
from tests.app.hand_made import HandCache, heard
from tests.app.hand_made import stack as hand_stack
from tests.qt_objects import destroy

WAIT = 20_000


@pytest.fixture
def thumbnails(qapp: object) -> Iterator[Thumbnails]:
    assert qapp is not None
    queue = JobQueue("test")
    cache = SeriesCache(queue, 1 << 20)
    made = Thumbnails(queue, cache)
    yield made
    queue.close()
    destroy(made, cache, queue)


def stacks(folder: Path) -> list[Stack]:
    return [stack for study in scan(folder).studies for series in study.series for stack in series.stacks]


def test_a_picture_arrives_later_and_is_square(qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    (stack,) = stacks(tmp_path)
    assert thumbnails.picture(stack, 64) is None
    with qtbot.waitSignal(thumbnails.ready, timeout=WAIT) as caught:
        assert thumbnails.picture(stack, 64) is None  # asked twice, made once
    assert caught.args == [stack.key]
    picture = thumbnails.picture(stack, 64)
    assert picture is not None
    assert (picture.width(), picture.height()) == (64, 64)


def test_a_damaged_image_has_none_and_is_not_tried_again(qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path) -> None:
    phantoms.encapsulated(tmp_path / "bad.dcm", [b"not a codestream"], "1.2.840.10008.1.2.4.90")
    (stack,) = stacks(tmp_path)
    with qtbot.waitSignal(thumbnails.ready, timeout=WAIT):
        thumbnails.picture(stack, 64)
    assert thumbnails.failed(stack)
    ready = heard(thumbnails.ready)
    assert thumbnails.picture(stack, 64) is None
    qtbot.wait(20)
    assert ready == []


def test_only_the_latest_are_kept(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", 2)
    for n in range(3):
        phantoms.film(tmp_path / f"{n}.dcm", series=f"s{n}")
    found = stacks(tmp_path)
    for stack in found:
        with qtbot.waitSignal(thumbnails.ready, timeout=WAIT):
            thumbnails.picture(stack, 32)
    assert thumbnails.picture(found[0], 32) is None
    assert thumbnails.picture(found[2], 32) is not None


def test_nothing_arrives_once_the_study_is_left(qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm")
    ready = heard(thumbnails.ready)
    thumbnails.picture(stacks(tmp_path)[0], 32)
    thumbnails.clear()
    qtbot.wait(50)
    assert ready == []


def test_a_series_that_is_being_loaded_gives_its_thumbnail_at_once(
    qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THUMBNAIL_PRIORITY", 0)
    parent = QObject()
    cache = HandCache(parent)
    queue = JobQueue("busy", parent)
    began, go_on = threading.Event(), threading.Event()

    def loading(_progress: Progress) -> None:
        began.set()
        assert go_on.wait(20)

    queue.submit(loading, "loading")
    assert began.wait(20)
    thumbnails = Thumbnails(queue, cache, parent)
    one = hand_stack(first_shown=2)
    assert thumbnails.picture(one, 32) is None
    ready = heard(thumbnails.ready)
    cache.deliver(one, 1)
    assert ready == []
    cache.deliver(one, 2)
    assert ready == [(one.key,)]
    assert thumbnails.picture(one, 32) is not None
    go_on.set()
    queue.close()
    assert qapp is not None
    assert ready == [(one.key,)]
    destroy(parent)


def test_loading_goes_first() -> None:
    assert THUMBNAIL_PRIORITY < LOAD_PRIORITY


def test_the_picture_shows_the_image_in_its_own_window() -> None:
    stored = np.array([[-1000, 40], [40, 3000]], np.int16)
    picture = thumbnail(SliceImage(stored, vois=(Window(40, 400),)), 64)
    grey = [picture.pixelColor(x, y).red() for x, y in ((2, 2), (61, 61))]
    assert grey == [0, 255]
