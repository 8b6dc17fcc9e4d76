"""What is under the pointer is the pixel of the file, however the image is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from radviewer.domain.measurement import MarkKind
from radviewer.render.view import Camera
from tests.phantoms import image, save
from tests.ui.conftest import Opener
from tests.ui.desks import Reading, pixels

pytestmark = pytest.mark.ui

ROWS, COLUMNS, LAMP = 24, 40, (5, 31)  # one bright pixel, far from every axis of symmetry


@pytest.fixture
def lamp(tmp_path: Path) -> Path:
    stored = np.zeros((ROWS, COLUMNS), np.int16)
    stored[LAMP] = 1000
    return save(image(stored, WindowCenter=500, WindowWidth=1000, PixelSpacing=[1.0, 1.0]), tmp_path / "lamp.dcm")


def brightest(reading: Reading) -> tuple[float, float]:
    """Centre of the bright spot, in logical pixels of the widget."""
    bright = np.argwhere(pixels(reading.widget).min(axis=2) > 250)
    y, x = (bright.min(axis=0) + bright.max(axis=0)) / 2
    ratio = reading.widget.devicePixelRatioF()
    return (x / ratio, y / ratio)


CAMERAS = [Camera(quarter_turns=turns, flipped=flipped) for turns, flipped in product(range(4), (False, True))]


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 1.25), (2.0, 0.8)], ids=str)
@pytest.mark.parametrize("zoomed", [False, True], ids=["fit", "zoomed"])
def test_what_is_seen_hovered_and_drawn_is_the_pixel_of_the_file(
    reading: Opener, tmp_path: Path, spacing: tuple[float, float], zoomed: bool
) -> None:
    stored = np.zeros((ROWS, COLUMNS), np.int16)
    stored[LAMP] = 1000
    file = save(
        image(stored, WindowCenter=500, WindowWidth=1000, PixelSpacing=list(spacing), RescaleIntercept=0,
              RescaleSlope=1, ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        tmp_path / "lamp.dcm",
    )  # fmt: skip
    opened = reading(file)
    opened.room.settings.change(density="none", smooth=False)
    opened.choose("length")
    told: list[str] = []
    opened.desk.probed.connect(told.append)
    mouse = opened.mouse()
    for camera in CAMERAS:
        opened.viewport.set_camera(camera)
        if zoomed:
            x, y = opened.widget.transform.to_view(*LAMP)
            opened.viewport.set_camera(opened.widget.transform.zoomed(2.7, x, y))
        spot = brightest(opened)
        mouse.move(spot)
        assert f"row {LAMP[0]}, column {LAMP[1]}" in told[-1], camera
        assert told[-1].startswith("1000 HU"), camera
        far = opened.place(20, 4) if not zoomed else (spot[0] - 60, spot[1] + 40)
        mouse.drag(spot, far)
        mark = opened.marks[-1]
        assert mark.kind is MarkKind.LENGTH
        tolerance = 0.6 / opened.widget.transform.zoom
        assert mark.points[0] == pytest.approx(LAMP, abs=tolerance), camera
        x, y = opened.widget.transform.to_view(*mark.points[1])
        assert (x - 0.5, y - 0.5) == pytest.approx(far)
        opened.room.marks.remove(mark.mark_id)


def test_the_exact_centre_of_a_pixel_is_drawn_at_whole_coordinates(reading: Opener, lamp: Path) -> None:
    opened = reading(lamp, size=(300, 200))
    opened.run("one-to-one")
    opened.choose("length")
    start, end = opened.places(LAMP, (20, 3))
    opened.mouse().drag(start, end)
    assert np.array(opened.marks[0].points) == pytest.approx(np.array([LAMP, (20, 3)]))


def test_nothing_is_told_beside_the_image_and_after_leaving(reading: Opener, lamp: Path) -> None:
    opened = reading(lamp)
    told: list[str] = []
    opened.desk.probed.connect(told.append)
    mouse = opened.mouse()
    mouse.move(opened.place(3, 3))
    assert "row 3, column 3" in told[-1]
    mouse.move((5, 5))
    assert told[-1] == ""
    mouse.move(opened.place(4, 3))
    QApplication.sendEvent(opened.widget, QEvent(QEvent.Type.Leave))
    assert told[-1] == ""


@pytest.mark.parametrize("scale", ["1", "1.25", "1.5", "2"])
def test_a_pixel_of_the_file_is_one_sharp_pixel_of_any_screen(lamp: Path, tmp_path: Path, scale: str) -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": scale, "RADVIEWER_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "tests.ui.scaled_desk", str(lamp)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["ratio"] == float(scale)
    assert found["lit"] == [255]
    assert f"row {LAMP[0]}, column {LAMP[1]}" in found["told"]
    assert found["at"] == pytest.approx(LAMP)
