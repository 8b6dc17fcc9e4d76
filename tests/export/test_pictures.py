"""Pictures of findings: what is on them, where it lies, and that nothing is cut."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.opinion import Finding, Outcome, Structure
from radviewer.domain.volume import SliceImage
from radviewer.export.pictures import LEGEND, LONGEST, SHORTEST, Panel, picture, png
from radviewer.render.contours import COLOURS
from tests.ai.drawings import SHAPE, chest, lungs
from tests.render.pictures import bytes_of

pytestmark = pytest.mark.usefixtures("qapp")


def panel(shape: tuple[int, int] = SHAPE, **own: Any) -> Panel:
    image = SliceImage(chest(shape), spacing=PixelSpacing(0.5, 0.5))
    heat = np.zeros((1, *shape), np.float32)
    heat[0, shape[0] // 4 : shape[0] // 3, shape[1] // 4 : shape[1] // 3] = 1
    found = Finding("tuberculosis", Outcome.RAN, 0.87, 0.5, heatmap=heat)
    labels = ("right lung", "left lung", "heart")
    anatomy = tuple(Structure(label, mask[None]) for label, mask in zip(labels, lungs(shape), strict=True))
    return replace(Panel(image, 0, found, "m 1.0.0", anatomy), **own)


def near(shown: np.ndarray[Any, Any], colour: QColor, tolerance: int = 30) -> np.ndarray[Any, Any]:
    close: np.ndarray[Any, Any] = (
        np.abs(shown.astype(int) - (colour.red(), colour.green(), colour.blue())).max(axis=2) <= tolerance
    )
    return close


@pytest.mark.parametrize("shape", [(420, 380), (3000, 2400), (900, 1400), (2000, 150), (150, 2000)])
def test_sizes(shape: tuple[int, int]) -> None:
    made = picture(panel(shape))
    film = (made.width() - LEGEND, round((made.width() - LEGEND) * shape[0] / shape[1]))
    assert SHORTEST - 2 <= max(film) <= LONGEST + 2 or min(shape) < 200
    assert max(made.width(), made.height()) <= 1600


def test_outlines_and_heat_lie_where_the_film_shows_them() -> None:
    shown = bytes_of(picture(panel()))
    scale = 800 / SHAPE[0]
    film = shown[:, : shown.shape[1] - LEGEND]
    for (label, colour), mask in zip(list(COLOURS.items())[:3], lungs(), strict=True):
        rows, columns = np.nonzero(near(film, colour))
        box = (rows.min(), rows.max(), columns.min(), columns.max())
        inside_rows, inside_columns = np.nonzero(mask)
        truth = (inside_rows.min(), inside_rows.max(), inside_columns.min(), inside_columns.max())
        assert np.allclose(np.array(box) / scale, truth, atol=4), label
    plain = bytes_of(picture(panel(finding=replace(panel().finding, heatmap=None))))
    rows, columns = np.nonzero((shown != plain)[:, : film.shape[1]].any(axis=2))
    assert np.allclose([rows.min(), rows.max()], [SHAPE[0] // 4 * scale, SHAPE[0] // 3 * scale], atol=5)
    assert np.allclose([columns.min(), columns.max()], [SHAPE[1] // 4 * scale, SHAPE[1] // 3 * scale], atol=5)


def test_the_outline_of_a_lesion_is_drawn_too() -> None:
    mask = np.zeros((1, *SHAPE), bool)
    mask[0, 100:200, 100:200] = True
    colour = COLOURS["tuberculosis"]
    assert not near(bytes_of(picture(panel())), colour, 10).any()
    marked = panel(finding=replace(panel().finding, mask=mask))
    assert near(bytes_of(picture(marked))[:, :-LEGEND], colour, 10).sum() > 200


def test_the_legend_is_not_cut() -> None:
    long = Finding("malignant lesion", Outcome.RAN, 1.0, 0.5, heatmap=panel().finding.heatmap)
    shown = bytes_of(picture(panel(finding=long, source="a-model-with-quite-a-long-name 10.20.30")))
    legend = shown[:, shown.shape[1] - LEGEND :]
    ground = legend[-1, -1]
    assert (legend[:, :8] == ground).all()
    assert (legend[:, -8:] == ground).all()
    assert (legend[-40:] == ground).all()
    assert (legend != ground).any()


def test_a_png_in_colour_without_any_text() -> None:
    data = png(panel())
    read = QImage.fromData(data)
    assert not read.isNull()
    assert read.textKeys() == []
    assert bytes_of(read).shape[2] == 3


def test_without_a_display_and_without_an_application() -> None:
    code = (
        "import numpy as np; from radviewer.export.pictures import *;"
        "f = Finding('x', __import__('radviewer.domain.opinion').domain.opinion.Outcome.RAN, 0.9, 0.5);"
        "print(len(png(Panel(SliceImage(np.arange(40000).reshape(200, 200)), 0, f, 'm'))) > 1000)"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, timeout=60, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
