"""One viewport: wheel, placeholders, slice bar, keys; what is kept when the program dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.app.mark_store import MarkStore
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render.presentation import ContrastStep, Presentation, StepKind
from radviewer.render.slice_renderer import SliceRenderer
from tests.phantoms import cine, film, make_uid, volume
from tests.ui.conftest import Opener
from tests.ui.desks import CTRL, Reading, pixels

pytestmark = pytest.mark.ui


@pytest.fixture
def study(reading: Opener, tmp_path: Path) -> Reading:
    volume(tmp_path / "study", 9, shape=(32, 40), WindowCenter=-500, WindowWidth=2000)
    opened: Reading = reading(tmp_path / "study")
    return opened


class TestWheel:
    def test_one_notch_is_one_image(self, study: Reading) -> None:
        mouse = study.mouse()
        mouse.wheel((100, 100), -120)
        assert study.viewport.index == 5
        mouse.wheel((100, 100), 120)
        mouse.wheel((100, 100), 120)
        assert study.viewport.index == 3
        mouse.wheel((100, 100), -360)
        assert study.viewport.index == 6

    def test_small_steps_of_a_fine_wheel_add_up(self, study: Reading) -> None:
        mouse = study.mouse()
        for _ in range(7):
            mouse.wheel((100, 100), -30)
        assert study.viewport.index == 5
        mouse.wheel((100, 100), -30)
        assert study.viewport.index == 6

    def test_turning_back_begins_anew(self, study: Reading) -> None:
        mouse = study.mouse()
        mouse.wheel((100, 100), -90)
        mouse.wheel((100, 100), 90)
        mouse.wheel((100, 100), -60)
        assert study.viewport.index == 4

    def test_without_an_image_zooming_does_nothing(self, study: Reading) -> None:
        study.viewport.clear()
        study.mouse().wheel((100, 100), 120, CTRL)
        study.mouse().wheel((100, 100), 120)
        study.mouse().drag((50, 50), (80, 80))
        assert study.viewport.camera.zoom is None


class TestPlaceholder:
    def test_says_which_image_is_loading_and_does_not_wait(self, reading: Opener, tmp_path: Path) -> None:
        opened: Reading = reading(film(tmp_path / "a.dcm"))
        opened.room.cache.close()
        view = opened.widget.view()
        assert view.image is None
        assert view.message == "Loading image …"
        assert pixels(opened.widget).max() > 0

    def test_an_image_hides_it(self, study: Reading) -> None:
        assert study.widget.view().message == ""

    def test_names_the_image_of_many(self, study: Reading) -> None:
        study.room.cache.close()
        study.viewport.go_to(2)
        assert study.widget.view().message == "Loading image 3 of 9 …"

    def test_says_why_an_image_cannot_be_shown_and_the_rest_goes_on(self, reading: Opener, tmp_path: Path) -> None:
        files = volume(tmp_path / "study", 5, shape=(32, 40))
        broken = files[2]
        broken.write_bytes(broken.read_bytes()[:-900])
        opened: Reading = reading(tmp_path / "study")
        assert opened.viewport.index == 2
        assert broken.name in opened.widget.view().message
        pixels(opened.widget)
        opened.mouse().wheel((100, 100))
        assert opened.widget.view().image is not None
        opened.choose("length")
        opened.viewport.go_to(2)
        opened.mouse().drag((100, 100), (200, 200))
        assert opened.marks == []

    def test_an_empty_viewport_says_what_to_do(self, study: Reading) -> None:
        study.run("layout-1x2")
        assert study.desk.widgets[1].view().message == "Drag a series here"


class TestSliceBar:
    def test_is_there_for_stacks_only(self, reading: Opener, tmp_path: Path, study: Reading) -> None:
        assert study.widget.bar.isVisible()
        width = study.widget.transform.size[0]
        assert width == study.widget.width() - study.widget.bar.width()
        alone: Reading = reading(film(tmp_path / "a.dcm"))
        assert not alone.widget.bar.isVisible()
        assert alone.widget.transform.size[0] == alone.widget.width()

    def test_dragging_it_goes_through_the_stack(self, study: Reading) -> None:
        bar = study.widget.bar
        QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(5, 2))
        assert study.viewport.index == 0
        QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(5, 2))
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(5, bar.height() // 2))
        assert study.viewport.index == 4
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(5, bar.height() - 1))
        assert study.viewport.index == 8

    def test_shows_what_is_loaded(self, study: Reading) -> None:
        assert study.widget.bar.ready == 9
        study.room.cache.close()
        study.viewport.show(study.viewport.shown or pytest.fail("nothing shown"))
        assert study.widget.bar.ready < 9
        study.wait_loaded()
        assert study.widget.bar.ready == 9

    def test_shows_where_marks_are(self, study: Reading) -> None:
        study.viewport.go_to(7)
        study.run("key-image")
        assert list(study.widget.bar.marked) == [7]
        study.run("undo")
        assert list(study.widget.bar.marked) == []


class TestContrastAids:
    AID = ContrastStep(StepKind.NON_LOCAL_MEANS, 1.0)

    def test_the_first_time_they_are_computed_in_the_background(
        self, study: Reading, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads: list[str] = []
        prepare = SliceRenderer.prepare

        def noted(self: SliceRenderer, image: SliceImage, presentation: Presentation) -> None:
            threads.append(threading.current_thread().name)
            prepare(self, image, presentation)

        monkeypatch.setattr(SliceRenderer, "prepare", noted)
        before = pixels(study.widget)
        study.viewport.toggle_step(self.AID)
        pixels(study.widget)  # paints without it, and begins to compute
        qtbot.waitUntil(lambda: not study.room.display_queue.busy)
        assert len(threads) == 1
        assert threads[0].startswith("display")
        assert study.viewport.has_step(StepKind.NON_LOCAL_MEANS)
        after = pixels(study.widget)
        assert (before != after).any()
        study.run("undo")
        assert (pixels(study.widget)[:350] == before[:350]).all()

    def test_a_failure_is_told_once_and_the_image_stays(
        self, study: Reading, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(SliceRenderer, "prepare", fail)
        told: list[str] = []
        study.room.notice.connect(told.append)
        study.viewport.toggle_step(self.AID)
        for _ in range(3):
            pixels(study.widget)
            qtbot.waitUntil(lambda: not study.room.display_queue.busy)
        assert len(told) == 1
        assert "not enough memory" in told[0]
        assert study.widget.view().image is not None


def test_cine_says_its_rate_over_the_image(reading: Opener, tmp_path: Path) -> None:
    opened: Reading = reading(cine(tmp_path / "us.dcm"))
    still = pixels(opened.widget)
    opened.run("cine")
    assert opened.room.desk.cine.rate == 25
    opened.viewport.go_to(opened.viewport.index)
    playing = pixels(opened.widget)
    opened.run("cine")
    changed = np.argwhere((still != playing).any(axis=2))
    assert changed[:, 0].max() < still.shape[0] / 4  # the badge, at the upper edge


def test_focus_makes_a_viewport_active(study: Reading) -> None:
    study.run("layout-1x2")
    QApplication.sendEvent(study.desk.widgets[1], QFocusEvent(QEvent.Type.FocusIn))
    assert study.room.desk.active_index == 1


def test_a_kill_while_drawing_loses_no_more_than_the_gesture(tmp_path: Path) -> None:
    volume(tmp_path / "study", 3, shape=(32, 40))
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.drawing_desk", str(tmp_path / "study")],
        env=os.environ | {"RADVIEWER_HOME": str(home)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = MarkStore(home / "marks.sqlite").read(make_uid("study"))
    assert len(kept) == 2


def test_a_window_stays_with_its_series(reading: Opener, tmp_path: Path) -> None:
    volume(tmp_path / "study" / "a", 4, series="a", WindowCenter=40, WindowWidth=400)
    volume(tmp_path / "study" / "b", 4, series="b", WindowCenter=10, WindowWidth=100)
    opened: Reading = reading(tmp_path / "study")
    first = opened.viewport.shown
    opened.run("preset-2")
    opened.mouse().wheel((100, 100))
    assert opened.viewport.presentation.voi == Window(-600, 1500, explanation="Lung")
    opened.run("next-series")
    assert opened.viewport.shown is not first
    assert opened.viewport.presentation.voi is None
    opened.run("previous-series")
    assert opened.viewport.presentation.voi == Window(-600, 1500, explanation="Lung")
    opened.run("preset-0")
    assert opened.viewport.presentation.voi is None
