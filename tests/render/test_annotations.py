"""What is written around an image, and that it finds room in any viewport."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radviewer.domain.geometry import Geometry, ImagePlane, PixelSpacing, SpacingOrigin
from radviewer.domain.study import (
    FileLocation,
    Frame,
    ImageFile,
    PixelFormat,
    Series,
    Stack,
    StackKind,
    Study,
)
from radviewer.domain.volume import SliceImage
from radviewer.domain.window import LookupTable, VoiFunction, Window
from radviewer.render.annotations import (
    CornerTexts,
    Density,
    age_text,
    corner_texts,
    date_text,
    initials,
    person_name,
    position,
    time_text,
    window_text,
)
from radviewer.render.layout import lay_out
from radviewer.render.lettering import Lettering, plain
from radviewer.render.presentation import ContrastStep, Interpolation, Presentation, StepKind
from radviewer.render.scale import EdgeLetters, edge_letters, scale_bar, spacing_label
from radviewer.render.view import Camera, ViewTransform
from tests.render.pictures import ORIENTATIONS, camera

AXIAL = ImagePlane((-100, -100, 45.25), (1, 0, 0), (0, 1, 0), 0.5, 0.5)
CORONAL = ImagePlane((-100, -30.5, 100), (1, 0, 0), (0, 0, -1), 0.5, 0.5)
SAGITTAL = ImagePlane((12, -100, 100), (0, 1, 0), (0, 0, -1), 0.5, 0.5)
OBLIQUE = ImagePlane((0, 0, 10), (0.8, 0.6, 0), (-0.6, 0.8, 0), 0.5, 0.5)

_FORMAT = PixelFormat(4, 4, 1, "MONOCHROME2", 16, 12, 11, True, 0, "1.2.840.10008.1.2.1")
_FILE = ImageFile(FileLocation(Path("a"), None, "a"), "1.2", "1.2.3", _FORMAT, 1, 0, 32, False)


def stack_of(count: int, kind: StackKind = StackKind.VOLUME, label: str = "", frame_label: str = "") -> Stack:
    frames = tuple(
        Frame(_FILE, i, replace(AXIAL, position=(0, 0, 45.25 + 2 * i)), label=frame_label) for i in range(count)
    )
    affine = np.diag([2.0, 0.5, 0.5, 1.0])[[2, 1, 0, 3]]
    return Stack(kind, frames, Geometry((count, 4, 4), affine), label)


STACK = stack_of(20, label="b 1000", frame_label="t 120 ms")
SERIES = Series("1.2", 4, "CT", "Thorax <b>1.0</b>", "CHEST", (STACK,), "L", "PA")
STUDY = Study(
    "1",
    "20260131",
    "CT chest",
    "Doe^John^Quincy",
    "0815-4711",
    (SERIES,),
    "142501.5",
    "M",
    "045Y",
    "19590102",
    "ACC9",
    "Saint Elsewhere",
)
IMAGE = SliceImage(np.zeros((4, 4), np.int16), unit="HU", vois=(Window(40, 400),))
VIEW = ViewTransform(Camera(zoom=1.5), (4, 4), (400, 300))


def texts(density: Density = Density.FULL, presentation: Presentation | None = None) -> CornerTexts:
    return corner_texts(STUDY, SERIES, STACK, 11, IMAGE, presentation or Presentation(), VIEW, density)


def test_full() -> None:
    assert texts() == CornerTexts(
        top_left=("Doe, John Quincy", "ID 0815-4711", "*1959-01-02  M  45 y", "Acc ACC9"),
        top_right=(
            "CT chest",
            "Series 4 · CT · Thorax <b>1.0</b>",
            "CHEST PA L",
            "b 1000",
            "2026-01-31 14:25",
            "Saint Elsewhere",
        ),
        bottom_left=("Image 12 / 20", "t 120 ms", "S 67.2 mm", "Step 2.00 mm"),
        bottom_right=("W 400  L 40", "Zoom 150 %"),
    )


def test_anonymous_names_neither_patient_nor_place_nor_day() -> None:
    found = texts(Density.ANONYMOUS)
    assert found.top_left == ()
    written = " ".join((*found.top_right, *found.bottom_left, *found.bottom_right))
    for secret in ("Doe", "John", "0815", "1959", "ACC9", "2026", "14:25", "Elsewhere", "45", "CT chest"):
        assert secret not in written.replace("S 67.2 mm", "")
    assert "Series 4 · CT" in written


def test_none() -> None:
    assert texts(Density.NONE) == CornerTexts()


def test_densities_go_round() -> None:
    following = [density.following for density in (Density.FULL, Density.ANONYMOUS, Density.NONE)]
    assert following == [Density.ANONYMOUS, Density.NONE, Density.FULL]  # initials are for pictures alone


def test_what_was_done_to_the_display_is_said() -> None:
    steps = (ContrastStep(StepKind.CLAHE, 2.0), ContrastStep(StepKind.MEDIAN, 1))
    shown = Presentation(
        voi=Window(-600, 1500, VoiFunction.SIGMOID), inverted=True, steps=steps, interpolation=Interpolation.NEAREST
    )
    assert texts(presentation=shown).bottom_right == (
        "W 1500  L −600  sigmoid",
        "Zoom 150 %",
        "CLAHE 2.0, Median 3×3",
        "inverted",
        "pixels as squares",
    )


def test_window_text() -> None:
    plain_image = SliceImage(np.arange(100, dtype=np.int16).reshape(10, 10))
    table = LookupTable(0, np.arange(9, dtype=np.uint16), 16, "chest")
    assert window_text(plain_image, Presentation()).endswith("auto")
    assert window_text(plain_image, Presentation(fallback=Window(5, 7))) == "W 7  L 5  auto"
    assert window_text(plain_image, Presentation(voi=table)) == "VOI LUT chest"
    colour = SliceImage(np.zeros((4, 4, 3), np.uint8))
    assert window_text(colour, Presentation()) == ""
    assert window_text(colour, Presentation(voi=Window(100, 50))) == "W 50  L 100"


def test_a_study_without_anything() -> None:
    stack = Stack(StackKind.CINE, (Frame(_FILE, 0),))
    series = Series("1", None, None, None, None, (stack,))
    study = Study("1", None, None, None, None, (series,))
    assert corner_texts(study, series, stack, 0, None, Presentation(), None) == CornerTexts(
        top_left=("Patient without a name",), bottom_left=("Frame 1 / 1",)
    )


@pytest.mark.parametrize(
    ("plane", "text"),
    [
        (AXIAL, "S 45.2 mm"),
        (replace(AXIAL, position=(0, 0, -7.5)), "I 7.5 mm"),
        (CORONAL, "A 30.5 mm"),
        (SAGITTAL, "L 12.0 mm"),
        (replace(SAGITTAL, position=(-3, 0, 0)), "R 3.0 mm"),
        (None, ""),
    ],
)
def test_position(plane: ImagePlane | None, text: str) -> None:
    assert position(plane) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Doe^John^^Dr", "Doe, John Dr"),
        ("Doe", "Doe"),
        ("^John", "John"),
        ("", ""),
        (None, ""),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎, やまだ, たろう)"),
        ("=山田^太郎", "山田, 太郎"),
        ("  Doe ^ John ", "Doe, John"),
        ("^^^^", ""),
    ],
)
def test_person_names(value: str | None, text: str) -> None:
    assert person_name(value) == text


def test_dates_times_and_ages() -> None:
    assert [date_text(v) for v in ("20261123", "2026", None, "about 1950")] == ["2026-11-23", "2026", "", "about 1950"]
    assert [time_text(v) for v in ("142501.5", "14", None)] == ["14:25", "14", ""]
    assert [age_text(v) for v in ("045Y", "003M", None, "old")] == ["45 y", "3 m", "", "old"]


# ── letters and scale ──


@pytest.mark.parametrize(
    ("plane", "letters"),
    [
        (AXIAL, EdgeLetters("R", "L", "A", "P")),
        (CORONAL, EdgeLetters("R", "L", "S", "I")),
        (SAGITTAL, EdgeLetters("A", "P", "S", "I")),
        (OBLIQUE, EdgeLetters("RA", "LP", "AL", "PR")),
    ],
)
def test_letters_of_the_standard_planes(plane: ImagePlane, letters: EdgeLetters) -> None:
    assert edge_letters(plane, ViewTransform(Camera(), (50, 50), (100, 100))) == letters


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("plane", [AXIAL, CORONAL, SAGITTAL])
def test_letters_follow_the_picture(plane: ImagePlane, orientation: tuple[int, bool]) -> None:
    """Found by walking: what lies in the patient where one arrives at the edge of the view."""
    transform = ViewTransform(camera(orientation), (50, 50), (100, 100))
    letters = edge_letters(plane, transform)
    assert letters is not None
    middle = np.array(plane.to_patient(*transform.to_image(50, 50)))
    for letter, (x, y) in zip(
        (letters.left, letters.right, letters.top, letters.bottom),
        ((0, 50), (100, 50), (50, 0), (50, 100)),
        strict=True,
    ):
        step = np.array(plane.to_patient(*transform.to_image(x, y))) - middle
        axis = int(np.argmax(np.abs(step)))
        assert letter == ("LPS" if step[axis] > 0 else "RAI")[axis]


def test_no_orientation_no_letters() -> None:
    assert edge_letters(None, VIEW) is None


@given(st.floats(0.01, 20), st.floats(0.05, 40), st.floats(30, 500))
def test_scale_bar_has_a_nice_length_and_fits(spacing: float, zoom: float, longest: float) -> None:
    transform = ViewTransform(Camera(zoom=zoom), (100, 100), (500, 500), PixelSpacing(spacing, spacing))
    bar = scale_bar(transform, longest)
    assert bar is not None
    assert longest * 0.39 <= bar.length <= longest * (1 + 1e-9)
    assert bar.length == pytest.approx(bar.millimetres / spacing * zoom)
    mantissa = f"{bar.millimetres:.3e}".split("e")[0]
    assert mantissa in ("1.000", "2.000", "5.000")


@pytest.mark.parametrize(
    ("zoom", "label"), [(0.2, "10 cm"), (1.0, "2 cm"), (2.0, "1 cm"), (4.0, "5 mm"), (110.0, "200 µm")]
)
def test_scale_bar_labels(zoom: float, label: str) -> None:
    transform = ViewTransform(Camera(zoom=zoom), (100, 100), (500, 500), PixelSpacing(0.5, 0.5))
    bar = scale_bar(transform, 50)
    assert bar is not None
    assert bar.label == label


def test_without_spacing_there_is_no_bar_and_it_is_said() -> None:
    assert scale_bar(VIEW, 100) is None
    assert spacing_label(VIEW) == "uncalibrated – pixels"
    detector = replace(VIEW, spacing=PixelSpacing(1, 1, SpacingOrigin.DETECTOR))
    assert spacing_label(detector) == "spacing: detector plane"
    assert spacing_label(replace(VIEW, spacing=PixelSpacing(1, 1))) == ""


# ── layout ──

MANY = CornerTexts(
    ("A very long name of a patient, with titles and all", "ID 0815", "born long ago", "Acc 1", "more", "and more"),
    ("CT chest with contrast medium and a long description", "Series 4", "CHEST", "2026", "Hospital"),
    ("Image 100 / 200", "t 120 ms", "S 45.2 mm", "Step 1 mm"),
    ("W 400  L 40", "Zoom 150 %", "CLAHE 2.0, Median 3×3", "inverted", "pixels as squares"),
)
LETTERING = Lettering()


@pytest.mark.usefixtures("qapp")
@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 1700), st.integers(1, 1100)),
    st.sampled_from([1.0, 1.25, 2.0]),
    st.sampled_from([None, PixelSpacing(0.5, 0.5), PixelSpacing(0.5, 0.5, SpacingOrigin.DETECTOR)]),
    st.booleans(),
)
def test_nothing_overlaps_and_nothing_leaves_the_view(
    size: tuple[int, int], ratio: float, spacing: PixelSpacing | None, oriented: bool
) -> None:
    transform = ViewTransform(Camera(), (100, 100), size, spacing, ratio)
    letters = EdgeLetters("RA", "LP", "AL", "PR") if oriented else None
    placed = lay_out(LETTERING, transform, MANY, letters)
    for box in placed.boxes:
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= size[0]
        assert box.bottom <= size[1]
    for one, other in combinations(placed.boxes, 2):
        assert one.overlap(other) == 0


@pytest.mark.usefixtures("qapp")
def test_in_a_large_view_everything_is_written_in_full() -> None:
    transform = ViewTransform(Camera(), (100, 100), (1600, 1000), PixelSpacing(0.5, 0.5))
    placed = lay_out(LETTERING, transform, MANY, EdgeLetters("R", "L", "A", "P"))
    written = {line.text for line in placed.lines}
    assert written >= {*MANY.top_left, *MANY.top_right, *MANY.bottom_left, *MANY.bottom_right, *"RLAP"}
    assert placed.bar is not None


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_lower_letter_stands_clear_of_the_scale_bars_label(ratio: float) -> None:
    size = (round(800 * ratio), round(600 * ratio))
    transform = ViewTransform(Camera(), (100, 100), size, PixelSpacing(0.5, 0.5), ratio)
    placed = lay_out(LETTERING, transform, MANY, EdgeLetters("R", "L", "A", "P"))
    letter = next(line.box for line in placed.lines if line.text == "P")
    label = next(line.box for line in placed.lines if line.text.endswith("m") and line.box.top > letter.top)
    assert label.top - letter.bottom >= 6 * ratio


@pytest.mark.usefixtures("qapp")
def test_a_small_view_keeps_the_first_lines() -> None:
    transform = ViewTransform(Camera(), (100, 100), (300, 120), PixelSpacing(0.5, 0.5))
    written = [line.text for line in lay_out(LETTERING, transform, MANY, None).lines]
    assert any(text.startswith("A very") for text in written)
    assert "Image 100 / 200" in written
    assert "and more" not in written


@pytest.mark.usefixtures("qapp")
def test_lengths_scale_with_the_screens_ratio() -> None:
    single = lay_out(LETTERING, ViewTransform(Camera(), (9, 9), (800, 600)), MANY, None)
    double = lay_out(LETTERING, ViewTransform(Camera(), (9, 9), (1600, 1200), ratio=2.0), MANY, None)
    assert [line.text for line in single.lines] == [line.text for line in double.lines]
    for one, two in zip(single.lines, double.lines, strict=True):
        assert two.box.height == pytest.approx(2 * one.box.height, abs=2)
        assert two.box.left == pytest.approx(2 * one.box.left, abs=12)


@pytest.mark.usefixtures("qapp")
def test_hostile_text_is_one_short_plain_line() -> None:
    assert plain("a\nb\tc\x00d\u2028e\u202egnp.exe") == "a b c d e gnp.exe"
    assert len(plain("x" * 1_000_000)) < 1000
    corners = CornerTexts(("<img src=x onerror=alert(1)>\n" * 1000,), ("\U0001f600" * 5000,))
    placed = lay_out(LETTERING, ViewTransform(Camera(), (9, 9), (400, 300)), corners, None)
    assert placed.lines[-2].text.startswith("<img")
    assert all(line.box.width <= 200 for line in placed.lines)


@pytest.mark.parametrize(
    ("camera", "letters"),
    [
        (Camera(), EdgeLetters("R", "L", "S", "I")),
        (Camera(flipped=True), EdgeLetters("L", "R", "S", "I")),
        (Camera(quarter_turns=1), EdgeLetters("I", "S", "R", "L")),
        (Camera(quarter_turns=2), EdgeLetters("L", "R", "I", "S")),
    ],
)
def test_letters_from_the_headers_words(camera: Camera, letters: EdgeLetters) -> None:
    transform = ViewTransform(camera, (64, 64), (400, 300))
    assert edge_letters(None, transform, ("L", "I")) == letters


def test_letters_of_oblique_words() -> None:
    transform = ViewTransform(Camera(), (64, 64), (400, 300))
    assert edge_letters(None, transform, ("LA", "IP")) == EdgeLetters("RP", "LA", "SA", "IP")


def test_geometry_goes_before_words() -> None:
    transform = ViewTransform(Camera(), (64, 64), (400, 300))
    plane = ImagePlane((0, 0, 0), (1, 0, 0), (0, 1, 0), 1, 1)
    assert edge_letters(plane, transform, ("R", "S")) == EdgeLetters("R", "L", "A", "P")


def test_a_key_image_says_so() -> None:
    texts = corner_texts(STUDY, SERIES, STACK, 1, None, Presentation(), None, key_image=True)
    assert "★ Key image" in texts.bottom_left
    assert not any(
        "Key image" in line for line in corner_texts(STUDY, SERIES, STACK, 1, None, Presentation(), None).bottom_left
    )


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Doe^Jane", "D. J."),
        ("", ""),
        (None, ""),
        ("Müller-Lüdenscheidt^Änne^^Dr.", "M. L. Ä. D."),
        ("=山田^太郎", "山. 太."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Y. T."),
        ("^^", ""),
    ],
)
def test_initials_are_first_letters(name: str | None, letters: str) -> None:
    assert initials(name) == letters
