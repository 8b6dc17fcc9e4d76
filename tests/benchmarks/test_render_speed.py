"""How long a picture takes, against what Qt alone needs to scale one it is handed ready-made.

``python -m pytest -m benchmark -s tests/benchmarks/test_render_speed.py`` on a quiet machine.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from radviewer.domain.geometry import ImagePlane, PixelSpacing
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import Window
from radviewer.render.annotations import CornerTexts
from radviewer.render.picture import View, ViewPainter
from radviewer.render.presentation import STEP_STRENGTHS, ContrastStep, Presentation, StepKind
from radviewer.render.slice_renderer import SliceRenderer
from radviewer.render.view import Camera, ViewTransform

pytestmark = [pytest.mark.benchmark, pytest.mark.usefixtures("qapp")]

VIEWPORT = (1600, 1000)
SPACING = PixelSpacing(0.7, 0.7)
PLANE = ImagePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), 0.7, 0.7)
N = 60


def ct(slices: int, size: int = 512) -> list[SliceImage]:
    """Slices like a CT's: air, a body, noise."""
    rows, columns = np.mgrid[:size, :size]
    body = np.hypot((rows - size / 2) / 0.7, columns - size / 2) < size * 0.45
    rng = np.random.default_rng(0)
    volume = np.stack([np.where(body, 40 + i, -1000) + rng.normal(0, 20, (size, size)) for i in range(slices)]).astype(
        np.int16
    )
    window = Window(40, 400)
    return [SliceImage(plane, unit="HU", vois=(window,), plane=PLANE, spacing=SPACING) for plane in volume]


def film(size: int = 2000) -> SliceImage:
    rows, columns = np.mgrid[:size, :size]
    values = (
        2000 + 1200 * np.sin(rows / 300) * np.cos(columns / 200) + np.random.default_rng(1).normal(0, 40, (size, size))
    )
    return SliceImage(values.astype(np.uint16), vois=(Window(2000, 3000),))


Times = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def measure(ours: Callable[[int], object], image: SliceImage, transform: ViewTransform, n: int = N) -> list[Times]:
    """Milliseconds of `n` calls with 1 … n, and of Qt's smooth scaling of a picture windowed already.

    They take turns, so that whatever else the machine does hits both.

    """
    rows, columns = image.stored.shape
    ready = QImage(columns, rows, QImage.Format.Format_Grayscale8)
    ready.fill(90)
    target = canvas()
    left, top, right, bottom = transform.image_rectangle()

    def peer(_: int) -> None:
        target.fill(0)
        painter = QPainter(target)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(left, top, right - left, bottom - top), ready)
        painter.end()

    found: list[list[float]] = [[], []]
    ours(0)
    peer(0)
    gc.collect()
    gc.disable()
    for i in range(1, n + 1):
        for times, work in zip(found, (ours, peer), strict=True):
            start = perf_counter()
            work(i)
            times.append((perf_counter() - start) * 1e3)
    gc.enable()
    return [np.array(times) for times in found]


def canvas() -> QImage:
    return QImage(*VIEWPORT, QImage.Format.Format_RGB32)


def report(name: str, found: list[Times], limit: float) -> None:
    """Print a line of the table; the ratio is that of the medians."""
    ours, peer = found
    p50, p95 = np.percentile(ours, (50, 95))
    qt = float(np.median(peer))
    ratio = float(p50) / qt
    print(f"| {name:<36} | {p50:6.2f} | {p95:6.2f} | {qt:6.2f} | {ratio:5.2f} | {limit:5.2f} | {len(ours):3} |")
    assert ratio <= limit


@pytest.fixture(scope="module", autouse=True)
def _table() -> None:
    print(f"\n| {'1600 × 1000 device pixels, ms':<36} |    p50 |    p95 | Qt p50 | ratio | limit |   n |")


@pytest.mark.parametrize(("name", "zoom"), [("fit", None), ("filling the view", 4.2)])
def test_scroll(name: str, zoom: float | None) -> None:
    """A slice never seen before at each step, on the screen's canvas."""
    slices = ct(N + 1)
    transform = ViewTransform(Camera(zoom=zoom), (512, 512), VIEWPORT, SPACING)
    renderer, target = SliceRenderer(), canvas()

    def work(i: int) -> None:
        picture = renderer.render(slices[i], Presentation(), transform)
        painter = QPainter(target)
        painter.drawImage(0, 0, picture)
        painter.end()

    report(f"scroll 512², {name}", measure(work, slices[0], transform), 2.0)


def test_scroll_with_everything_around() -> None:
    """Marks, corner texts that change with every slice, letters, scale bar."""
    slices = ct(N + 1)
    reference = ImageReference("1", "2", "3", 0)
    marks = (
        Mark(MarkKind.LENGTH, reference, ((100, 100), (200, 300))),
        Mark(MarkKind.ELLIPSE, reference, ((200, 200), (300, 330))),
    )
    transform = ViewTransform(Camera(), (512, 512), VIEWPORT, SPACING)
    painter_of_views, target = ViewPainter(), canvas()
    fixed = CornerTexts(("Doe, John", "ID 1", "M"), ("Study", "Series", "Date"), (), ("W 400  L 40", "Zoom 195 %"))

    def work(i: int) -> None:
        corners = replace(fixed, bottom_left=(f"Image {i} / 60", f"S {i}.0 mm"))
        painter = QPainter(target)
        painter_of_views.paint(painter, View(transform, slices[i], marks=marks, corners=corners))
        painter.end()

    report("scroll 512², fit, marks and texts", measure(work, slices[0], transform), 3.5)


def test_window_drag_on_a_film() -> None:
    image = film()
    transform = ViewTransform(Camera(), (2000, 2000), VIEWPORT)
    renderer, target = SliceRenderer(), canvas()

    def work(i: int) -> None:
        picture = renderer.render(image, Presentation(voi=Window(2000 + i, 3000 + 3 * i)), transform)
        painter = QPainter(target)
        painter.drawImage(0, 0, picture)
        painter.end()

    report("window drag 2000², fit", measure(work, image, transform), 0.5)


@pytest.mark.parametrize("zoom", [0.9, 3.0])
def test_pan_a_film(zoom: float) -> None:
    image = film()
    transform = ViewTransform(Camera(zoom=zoom), (2000, 2000), VIEWPORT)
    renderer, target = SliceRenderer(), canvas()

    def work(i: int) -> None:
        moved = transform.with_camera(transform.panned(3 * i, 2 * i))
        picture = renderer.render(image, Presentation(), moved)
        painter = QPainter(target)
        painter.drawImage(0, 0, picture)
        painter.end()

    report(f"pan 2000² at {zoom:.0%}", measure(work, image, transform), 2.0)


@pytest.mark.parametrize("kind", list(StepKind), ids=lambda kind: kind.value)
def test_contrast_steps(kind: StepKind) -> None:
    """A slice never seen before at each step; of the denoiser only the table, it has no peer here."""
    slices = ct(21)
    transform = ViewTransform(Camera(), (512, 512), VIEWPORT, SPACING)
    renderer = SliceRenderer()
    presentation = Presentation(steps=(ContrastStep(kind, STEP_STRENGTHS[kind][1]),))
    found = measure(lambda i: renderer.render(slices[i], presentation, transform), slices[0], transform, 20)
    report(f"scroll 512² with {presentation.steps[0].name}", found, 80.0 if kind is StepKind.NON_LOCAL_MEANS else 8.0)


@pytest.mark.parametrize("kind", [StepKind.CLAHE, StepKind.UNSHARP, StepKind.MEDIAN], ids=lambda kind: kind.value)
def test_contrast_steps_on_a_film(kind: StepKind) -> None:
    """The window changes at each step: CLAHE works within it and runs again."""
    image = film()
    transform = ViewTransform(Camera(), (2000, 2000), VIEWPORT)
    renderer = SliceRenderer()
    step = ContrastStep(kind, STEP_STRENGTHS[kind][1])

    def work(i: int) -> None:
        renderer.render(image, Presentation(voi=Window(2000 + i, 3000), steps=(step,)), transform)

    report(f"window drag 2000² with {step.name}", measure(work, image, transform, 10), 40.0)
