"""Marks: their lines, what is under the pointer, what is written beside them."""

from __future__ import annotations

import itertools
import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPainter

from radviewer.domain.geometry import PixelSpacing, SpacingOrigin
from radviewer.domain.measurement import ImageReference, Mark, MarkKind, Point, Quantity
from radviewer.domain.measuring import PIXELS
from radviewer.domain.volume import SliceImage
from radviewer.render.hit import HANDLE_REACH, LINE_REACH, distance_to, hit
from radviewer.render.lettering import Lettering
from radviewer.render.mark_text import label, number, shown
from radviewer.render.marks import MarkPainter
from radviewer.render.outline import box_corners, handles, moved, moved_handle, polylines
from radviewer.render.placing import Box, beyond, clipped, place
from radviewer.render.view import Camera, ViewTransform
from tests.render.pictures import bytes_of

IMAGE = ImageReference("1", "2", "3", 0)
VIEW = ViewTransform(Camera(zoom=4.0), (100, 100), (400, 400))
FLAT = SliceImage(np.full((100, 100), 43, np.int16), unit="HU")

LENGTH = Mark(MarkKind.LENGTH, IMAGE, ((20, 20), (20, 60)), mark_id="length")
ANGLE = Mark(MarkKind.ANGLE, IMAGE, ((10, 10), (40, 10), (40, 50)), mark_id="angle")
COBB = Mark(MarkKind.COBB, IMAGE, ((10, 10), (12, 60), (50, 12), (44, 60)), mark_id="cobb")
RECTANGLE = Mark(MarkKind.RECTANGLE, IMAGE, ((30, 30), (70, 80)), mark_id="rectangle")
ELLIPSE = Mark(MarkKind.ELLIPSE, IMAGE, ((70, 80), (30, 30)), mark_id="ellipse")
FREEHAND = Mark(MarkKind.FREEHAND, IMAGE, ((10, 10), (10, 40), (40, 40), (35, 20)), mark_id="freehand")
ARROW = Mark(MarkKind.ARROW, IMAGE, ((50, 50), (20, 70)), "look <b>here</b>", "arrow")
KEY = Mark(MarkKind.KEY_IMAGE, IMAGE, mark_id="key")
EVERY = (LENGTH, ANGLE, COBB, RECTANGLE, ELLIPSE, FREEHAND, ARROW, KEY)

places = st.tuples(st.floats(-50, 450), st.floats(-50, 450))


def at(row: float, column: float) -> tuple[float, float]:
    return VIEW.to_view(row, column)


# ── what is under the pointer ──


@pytest.mark.parametrize(
    ("mark", "on"),
    [
        (LENGTH, (20, 40)),
        (ANGLE, (25, 10)),
        (ANGLE, (40, 30)),
        (COBB, (11, 35)),
        (COBB, (47, 36)),
        (RECTANGLE, (30, 55)),
        (RECTANGLE, (50, 80)),
        (ELLIPSE, (50, 30)),
        (ELLIPSE, (70, 55)),
        (FREEHAND, (10, 25)),
        (FREEHAND, (22.5, 15)),  # the closing side
        (ARROW, (35, 60)),
    ],
    ids=lambda v: v.mark_id if isinstance(v, Mark) else str(v),
)
def test_a_mark_is_met_on_its_lines(mark: Mark, on: Point) -> None:
    x, y = at(*on)
    found = hit((mark,), VIEW, x, y)
    assert found is not None
    assert (found.mark, found.handle) == (mark, None)
    assert hit((mark,), VIEW, x + LINE_REACH * 0.5, y + LINE_REACH * 0.5) is not None


@pytest.mark.parametrize("mark", [RECTANGLE, ELLIPSE, FREEHAND], ids=lambda m: m.mark_id)
def test_the_inside_of_a_region_stays_free(mark: Mark) -> None:
    assert hit((mark,), VIEW, *at(50 if mark is not FREEHAND else 25, 55 if mark is not FREEHAND else 28)) is None


def test_between_the_lines_of_a_cobb_angle_there_is_nothing() -> None:
    assert hit((COBB,), VIEW, *at(30, 35)) is None


@pytest.mark.parametrize("mark", EVERY, ids=lambda m: m.mark_id)
def test_each_handle_is_met(mark: Mark) -> None:
    for index, point in enumerate(handles(mark)):
        x, y = at(*point)
        found = hit((mark,), VIEW, x + HANDLE_REACH * 0.5, y)
        assert found is not None
        assert (found.mark, found.handle) == (mark, index)


def test_reach_is_in_logical_pixels_at_any_zoom_and_ratio() -> None:
    for zoom, ratio in ((0.5, 1.0), (30.0, 1.0), (4.0, 2.0)):
        view = ViewTransform(Camera(zoom=zoom), (100, 100), (400, 400), ratio=ratio)
        x, y = view.to_view(20, 40)
        assert hit((LENGTH,), view, x, y + LINE_REACH * ratio - 0.1) is not None
        assert hit((LENGTH,), view, x, y + LINE_REACH * ratio + 0.1) is None


def test_the_selected_mark_comes_first_then_the_last_painted() -> None:
    below, above = (Mark(MarkKind.LENGTH, IMAGE, LENGTH.points, mark_id=name) for name in ("below", "above"))
    x, y = at(20, 40)
    for selected, expected in ((None, "above"), ("below", "below"), ("above", "above")):
        found = hit((below, above), VIEW, x, y, selected)
        assert found is not None
        assert found.mark.mark_id == expected


def test_a_handle_comes_before_a_line_that_crosses_it() -> None:
    crossing = Mark(MarkKind.LENGTH, IMAGE, ((5, 20), (35, 20)), mark_id="crossing")
    found = hit((LENGTH, crossing), VIEW, *at(20, 20))
    assert found is not None
    assert (found.mark, found.handle) == (LENGTH, 0)


def test_nothing_is_under_the_pointer_far_away() -> None:
    assert hit(EVERY, VIEW, *at(90, 5)) is None
    assert hit((), VIEW, 5, 5) is None
    assert distance_to(KEY, VIEW, 0, 0) == math.inf


@given(places)
def test_distance_to_a_segment(place_: tuple[float, float]) -> None:
    """Against a fine subdivision of the line."""
    start, end = np.array(at(20, 20)), np.array(at(20, 60))
    along = start + np.linspace(0, 1, 2001)[:, None] * (end - start)
    expected = np.hypot(*(along - place_).T).min()
    assert distance_to(LENGTH, VIEW, *place_) == pytest.approx(expected, abs=0.1)


# ── moving ──


@pytest.mark.parametrize("mark", EVERY[:-1], ids=lambda m: m.mark_id)
def test_moving_a_mark_moves_every_point(mark: Mark) -> None:
    there = moved(mark, 3.5, -2)
    assert there.points == tuple((row + 3.5, column - 2) for row, column in mark.points)
    assert (there.mark_id, there.kind, there.text) == (mark.mark_id, mark.kind, mark.text)


@pytest.mark.parametrize("mark", EVERY, ids=lambda m: m.mark_id)
def test_a_dragged_handle_goes_where_the_pointer_is(mark: Mark) -> None:
    for index in range(len(handles(mark))):
        after = moved_handle(mark, index, 1.5, 99.0)
        assert (1.5, 99.0) in handles(after)
        assert after.mark_id == mark.mark_id


@pytest.mark.parametrize("mark", [RECTANGLE, ELLIPSE], ids=lambda m: m.mark_id)
@pytest.mark.parametrize("handle", range(4))
def test_the_corner_opposite_to_a_dragged_one_stays(mark: Mark, handle: int) -> None:
    after = moved_handle(mark, handle, 5.0, 6.0)
    opposite = box_corners(mark)[(handle + 2) % 4]
    assert set(after.points) == {(5.0, 6.0), opposite}
    # The handle keeps its meaning while the drag goes on.
    assert set(moved_handle(after, handles(after).index((5.0, 6.0)), 7.0, 8.0).points) == {(7.0, 8.0), opposite}


def test_there_is_no_handle_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="no handle"):
        moved_handle(LENGTH, 2, 0, 0)
    with pytest.raises(IndexError, match="no handle"):
        moved_handle(FREEHAND, 0, 0, 0)


def test_an_ellipse_touches_its_box() -> None:
    (outline,) = polylines(ELLIPSE)
    rows, columns = zip(*outline, strict=True)
    assert (min(rows), max(rows)) == pytest.approx((30, 70))
    assert (min(columns), max(columns)) == pytest.approx((30, 80))
    assert outline[0] == pytest.approx(outline[-1])


# ── what is written ──


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-20, "−20"),
        (43.21, "43.2"),
        (2.346, "2.35"),
        (0.01234, "0.0123"),
        (1234.4, "1234"),
        (-1024.0, "−1024"),
        (0.5, "0.50"),
        (12345678.0, "1.23e+07"),
        (99.96, "100.0"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity("length", 23.44, "mm"), "23.4 mm"),
        (Quantity("length", 0.256, "mm"), "0.26 mm"),
        (Quantity("length", 57.2, PIXELS), "57.2 px"),
        (Quantity("angle", 34.56, "deg"), "34.6°"),
        (Quantity("area", 85.31, "mm2"), "85.3 mm²"),
        (Quantity("area", 320.0, "mm2"), "3.20 cm²"),
        (Quantity("area", 57.0, PIXELS), "57 px"),
        (Quantity("mean", 43.2, "[hnsf'U]"), "43.2 HU"),
        (Quantity("mean", 43.2, "1"), "43.2"),
    ],
)
def test_quantities(quantity: Quantity, text: str) -> None:
    assert shown(quantity) == text


def with_spacing(origin: SpacingOrigin) -> SliceImage:
    return SliceImage(FLAT.stored, unit="HU", spacing=PixelSpacing(0.5, 0.5, origin))


def test_labels_say_where_millimetres_come_from() -> None:
    assert label(LENGTH, FLAT) == ("40.0 px",)
    assert label(LENGTH, with_spacing(SpacingOrigin.PATIENT)) == ("20.0 mm",)
    assert label(LENGTH, with_spacing(SpacingOrigin.DETECTOR)) == ("20.0 mm (detector plane)",)
    assert label(LENGTH, with_spacing(SpacingOrigin.ULTRASOUND)) == ("20.0 mm (US region)",)
    assert label(RECTANGLE, with_spacing(SpacingOrigin.SCANNED))[-1] == "area 5 cm² (scanned film)"


def test_labels_of_angles() -> None:
    assert label(ANGLE, FLAT) == ("90.0°",)
    assert label(COBB, FLAT)[0].startswith("Cobb ")
    assert label(Mark(MarkKind.ANGLE, IMAGE, ((1, 1), (1, 1), (2, 2))), FLAT) == ("no angle",)


def test_labels_of_regions() -> None:
    ramp = SliceImage(np.tile(np.arange(-50, 50, dtype=np.int16), (100, 1)), unit="HU")
    drawn = Mark(MarkKind.RECTANGLE, IMAGE, ((10, 10), (19, 19)))
    assert label(drawn, ramp) == ("mean −35.5  SD 2.89 HU", "min −40  max −31 HU", "area 81 px")
    padded = SliceImage(ramp.stored, unit="HU", padding=(-45.0, -36.0))
    assert label(drawn, padded)[-1] == "50 px of padding left out"
    outside = Mark(MarkKind.ELLIPSE, IMAGE, ((200, 200), (210, 210)))
    assert label(outside, ramp) == ("area 78.5 px", "no pixel inside")
    colour = SliceImage(np.full((100, 100, 3), 9, np.uint8))
    assert label(drawn, colour)[0] == "luminance"


def test_labels_begin_with_the_readers_text_as_it_is() -> None:
    assert label(ARROW, FLAT) == ("look <b>here</b>",)
    assert label(KEY, FLAT) == ()


# ── where the label goes ──


boxes = st.builds(Box, st.floats(-200, 600), st.floats(-200, 500), st.floats(0, 300), st.floats(0, 300))


@given(boxes, st.lists(boxes, max_size=4), st.floats(1, 200), st.floats(1, 80))
def test_a_label_lies_within_the_view(shape: Box, taken: list[Box], width: float, height: float) -> None:
    box = place([Box(shape.right + 8, shape.top, width, height)], shape, taken, (400, 300), 8)
    assert -1e-6 <= box.left <= box.right <= 400 + 1e-6
    assert -1e-6 <= box.top <= box.bottom <= 300 + 1e-6


@given(st.floats(0, 300), st.floats(0, 220), st.floats(1, 100), st.floats(1, 80))
def test_a_label_does_not_cover_what_it_belongs_to(left: float, top: float, width: float, height: float) -> None:
    shape = Box(left, top, width, height)
    box = place([Box(shape.right + 8, top, 120, 40)], shape, [], (400, 300), 8)
    assert box.overlap(shape) == 0


def test_labels_keep_out_of_each_others_way() -> None:
    shape = Box(100, 100, 50, 50)
    taken: list[Box] = []
    for _ in range(4):
        box = place([Box(158, 110, 90, 30)], shape, taken, (400, 300), 8)
        assert all(box.overlap(other) == 0 for other in taken)
        taken.append(box)


def test_a_preferred_place_on_the_shape_is_not_taken() -> None:
    shape = Box(100, 100, 200, 100)
    assert place([Box(110, 110, 60, 20)], shape, [], (400, 300), 8).overlap(shape) == 0


@given(st.floats(0, 2 * math.pi), st.floats(1, 200), st.floats(1, 60))
def test_a_box_beyond_a_point_just_clears_it(turn: float, width: float, height: float) -> None:
    box = beyond((50, 60), (math.cos(turn), math.sin(turn)), (width, height), 8)
    across = max(box.left - 50, 50 - box.right)
    down = max(box.top - 60, 60 - box.bottom)
    assert max(across, down) == pytest.approx(8)


@given(places, places)
def test_clipping_keeps_what_is_inside(start: tuple[float, float], end: tuple[float, float]) -> None:
    found = clipped(start, end, (400, 300))
    steps = [(start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])) for t in np.linspace(0, 1, 301)]
    inside = [(x, y) for x, y in steps if 0 <= x <= 400 and 0 <= y <= 300]
    if found is None:
        assert not inside
        return
    for x, y in found:
        assert -1e-6 <= x <= 400 + 1e-6
        assert -1e-6 <= y <= 300 + 1e-6
    if inside:
        length = math.dist(start, end) / 300
        assert math.dist(found[0], inside[0]) <= length + 1e-6
        assert math.dist(found[1], inside[-1]) <= length + 1e-6


# ── paint ──


def painted(marks: tuple[Mark, ...], image: SliceImage = FLAT, view: ViewTransform = VIEW, **fields: Any) -> QImage:
    canvas = QImage(*view.size, QImage.Format.Format_RGB32)
    canvas.fill(0)
    painter = QPainter(canvas)
    MarkPainter(Lettering()).paint(painter, marks, image, view, **fields)
    painter.end()
    return canvas


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("mark", EVERY[:-1], ids=lambda m: m.mark_id)
def test_every_point_of_a_mark_is_painted_over(mark: Mark) -> None:
    pixels = bytes_of(painted((mark,))).max(axis=2)
    for line in polylines(mark):
        for (r0, c0), (r1, c1) in itertools.pairwise(line):
            for t in np.linspace(0.1, 0.9, 9):
                x, y = at(r0 + t * (r1 - r0), c0 + t * (c1 - c0))
                assert pixels[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 90


@pytest.mark.usefixtures("qapp")
def test_the_selected_mark_shows_its_handles() -> None:
    plain, selected = (bytes_of(painted((LENGTH,), selected=name)) for name in (None, "length"))
    x, y = (int(v) for v in at(20, 20))
    assert (
        selected[y - 2 : y + 2, x - 2 : x + 2].min(axis=2).mean()
        > plain[y - 2 : y + 2, x - 2 : x + 2].min(axis=2).mean()
    )
    hovered = bytes_of(painted((LENGTH,), hovered="length"))
    assert not np.array_equal(hovered, plain)


@pytest.mark.usefixtures("qapp")
def test_marks_on_one_another_do_not_write_over_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Box] = []
    draw = Lettering.draw

    def record(
        self: Lettering, painter: QPainter, left: float, top: float, text: str, pixel_size: float, colour: QColor
    ) -> None:
        written.append(Box(left, top, self.width(text, pixel_size), self.line_height(pixel_size)))
        draw(self, painter, left, top, text, pixel_size, colour)

    monkeypatch.setattr(Lettering, "draw", record)
    painted(tuple(Mark(MarkKind.LENGTH, IMAGE, LENGTH.points, mark_id=name) for name in "abc"))
    assert len(written) == 3
    assert all(one.overlap(other) == 0 for one, other in combinations(written, 2))


@pytest.mark.usefixtures("qapp")
def test_what_is_measured_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def count(mark: Mark, image: SliceImage) -> tuple[str, ...]:
        counted.append(mark.mark_id)
        return label(mark, image)

    monkeypatch.setattr("radviewer.render.marks.label", count)
    painter = MarkPainter(Lettering())
    canvas = QImage(*VIEW.size, QImage.Format.Format_RGB32)
    on = QPainter(canvas)
    for _ in range(3):
        painter.paint(on, (ELLIPSE, KEY), FLAT, VIEW)
    painter.paint(on, (ELLIPSE,), SliceImage(FLAT.stored.copy()), VIEW)  # another image: measured anew
    painter.clear()
    painter.paint(on, (ELLIPSE,), FLAT, VIEW)
    on.end()
    assert counted == ["ellipse"] * 3


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("mark", EVERY[:-1], ids=lambda m: m.mark_id)
def test_marks_a_mile_away_or_without_extent_are_painted_without_harm(mark: Mark) -> None:
    far = Mark(mark.kind, IMAGE, tuple((row * 99_000, -column * 99_000) for row, column in mark.points))
    across = Mark(mark.kind, IMAGE, tuple(((-1) ** i * 9e6, (-1) ** (i // 2) * 9e6) for i in range(len(mark.points))))
    point = Mark(mark.kind, IMAGE, ((50.0, 50.0),) * len(mark.points))
    view = ViewTransform(Camera(zoom=100.0), (100, 100), (300, 200))
    assert not painted((far, across, point), view=view, selected=across.mark_id).isNull()


@pytest.mark.usefixtures("qapp")
def test_a_mark_out_of_view_leaves_no_label_behind() -> None:
    view = ViewTransform(Camera(zoom=8.0, centre=(90.0, 90.0)), (100, 100), (100, 100))
    assert bytes_of(painted((LENGTH,), view=view)).max() == 0
