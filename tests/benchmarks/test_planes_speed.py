"""Planes through a volume of 512² × 300: how soon they are there, and how fast they turn.

``xvfb-run -s "-screen 0 1600x1000x24 +extension GLX" python -m pytest -m benchmark -s
tests/benchmarks/test_planes_speed.py`` on a quiet machine.
"""

from __future__ import annotations

import math
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from radviewer.domain.geometry import Geometry
from radviewer.domain.planes import Orientation, Slab, axes_of, planes_through
from radviewer.render.cross_lines import grips
from radviewer.ui.viewport_widget import ViewportWidget
from radviewer.volumes.reslice import Reslicer
from tests.benchmarks.ct_series import CODINGS, slices, write_series
from tests.benchmarks.paint_bench import Bench, report

pytestmark = [pytest.mark.benchmark, pytest.mark.ui, pytest.mark.timeout(900)]

SLICES = 300
FIRST_S, TURN_MS, WHEEL_MS = 0.7, 40.0, 33.0


@pytest.fixture(autouse=True)  # before there is a window: Qt asks its widgets once for how they paint
def painted(monkeypatch: pytest.MonkeyPatch) -> list[ViewportWidget]:
    """Viewports in the order in which they were painted."""
    paint = ViewportWidget.paintEvent
    widgets: list[ViewportWidget] = []

    def noted(self: ViewportWidget, event: QPaintEvent) -> None:
        paint(self, event)
        widgets.append(self)

    monkeypatch.setattr(ViewportWidget, "paintEvent", noted)
    return widgets


@pytest.fixture
def planes(bench: Bench, tmp_path: Path, qtbot: QtBot) -> Bench:
    write_series(tmp_path / "ct", slices(SLICES), CODINGS[0])
    bench.open(tmp_path / "ct", bench.loaded, qtbot)
    return bench


def all_painted(bench: Bench) -> list[ViewportWidget]:
    return [widget for widget in bench.window.desk.widgets[:3] if widget.viewport.cut is not None]


def test_first_planes_of_a_loaded_volume(planes: Bench) -> None:
    room = planes.window.room
    planes.rest(1000)
    start = perf_counter()
    room.mpr.open(room.desk.active.shown)
    for widget in all_painted(planes):
        assert widget.viewport.image is not None
        widget.repaint()
    seconds = perf_counter() - start
    print(f"\n| first planes, 512² × {SLICES} | n 1 | {seconds:.2f} s | limit {FIRST_S} s |")
    assert seconds <= FIRST_S


def test_three_planes_while_they_are_turned(planes: Bench, painted: list[ViewportWidget]) -> None:
    room = planes.window.room
    room.mpr.open(room.desk.active.shown)
    room.desk.viewports[3].set_in_3d(False)
    planes.rest(2000)
    times = []
    for place, orientation in enumerate((Orientation.CORONAL, Orientation.AXIAL)):
        times += _turn(planes, place, orientation, painted)
    assert report(f"turning planes of 512² × {SLICES}, 2 cut and 3 painted a frame", times, TURN_MS) <= TURN_MS


def _turn(
    planes: Bench, place: int, orientation: Orientation, painted: list[ViewportWidget], frames: int = 100
) -> list[float]:
    """Milliseconds from a move of the mouse to the end of the paint of all three planes.

    They are painted as the window paints them: once, together with all else that has changed.
    """
    room, widget = planes.window.room, planes.window.desk.widgets[place]
    room.desk.activate(place)
    line = next(line for line in widget.cross_lines() if line.orientation is orientation)
    middle = widget.placement.to_logical(*widget.transform.to_view(*line.centre))
    grip = widget.placement.to_logical(*grips(line, widget.transform)[0])
    radius = math.hypot(grip.x() - middle.x(), grip.y() - middle.y())
    start = math.atan2(grip.y() - middle.y(), grip.x() - middle.x())
    widget.mousePressEvent(planes.mouse(QEvent.Type.MouseButtonPress, grip.x(), grip.y(), Qt.MouseButton.LeftButton))
    times = []
    for i in range(1, frames + 1):
        angle = start + math.radians(0.5 * i)
        at = (middle.x() + radius * math.cos(angle), middle.y() + radius * math.sin(angle))
        event = planes.mouse(QEvent.Type.MouseMove, *at, Qt.MouseButton.NoButton)
        painted.clear()
        began = perf_counter()
        widget.mouseMoveEvent(event)
        QApplication.sendPostedEvents(planes.window, QEvent.Type.UpdateRequest.value)
        times.append((perf_counter() - began) * 1000)
        assert {*all_painted(planes)} <= {*painted}
        planes.rest(5)
    widget.mouseReleaseEvent(planes.mouse(QEvent.Type.MouseButtonRelease, *at, Qt.MouseButton.LeftButton))
    return times


def test_wheel_through_planes(planes: Bench) -> None:
    room = planes.window.room
    room.mpr.open(room.desk.active.shown)
    room.desk.activate(1)
    planes.rest(3000)
    times = []
    for i in range(200):
        times.append(planes.wheel(-120 if i // 40 % 2 == 0 else 120))
        planes.rest(5)
    assert report("wheel to paint, coronal planes beside 3D", times, WHEEL_MS) <= WHEEL_MS


def test_reslicing_alone() -> None:
    volume = slices(SLICES)
    affine = np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
    geometry = Geometry((SLICES, *volume.shape[1:]), affine)
    reslicer = Reslicer(volume, geometry, -2000)
    along = axes_of(geometry)
    oblique = along.turned(Orientation.AXIAL, 25).turned(Orientation.SAGITTAL, 15)
    for name, axes in (("along the grid", along), ("oblique", oblique)):
        for thickness in (0.0, 20.0):
            times = []
            for orientation in Orientation:
                found = planes_through(geometry, axes.of(orientation))
                for index in range(found.count // 3, 2 * found.count // 3, found.count // 12):
                    start = perf_counter()
                    reslicer.plane(found.grid(index), slab=Slab.MIP, thickness=thickness)
                    times.append((perf_counter() - start) * 1000)
            report(f"one plane, {name}, {thickness:.0f} mm", times, math.inf)
