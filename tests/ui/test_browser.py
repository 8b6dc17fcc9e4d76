"""The study browser: what it lists, how one walks in it, what is dragged from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from radviewer.app.shown import reference_of
from radviewer.dicom.scan import scan
from radviewer.domain.study import FileLocation, NotAnImage, ScanResult, Study
from radviewer.render.annotations import Density
from radviewer.ui.browser.model import STACK_MIME, STATE_ROLE, StackState
from radviewer.ui.browser.rows import (
    ObjectRow,
    PatientRow,
    StackRow,
    StudyRow,
    rows_of,
)
from radviewer.ui.desk_widget import STACK_MIME as DROPPED_MIME
from tests import phantoms
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

ui = pytest.mark.ui


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path) -> Opened:
    for number, slices in ((1, 5), (2, 4), (3, 1)):
        phantoms.volume(tmp_path / f"s{number}", slices, series=f"s{number}", SeriesNumber=number)
    one: Opened = main_window(tmp_path)
    one.wait_image()
    return one


def state(opened: Opened, number: int) -> StackState:
    model = opened.window.browser.browser_model
    shown = next(s for s in opened.room.all_shown() if s.series.number == number)
    found = model.data(model.index_of(shown.stack), STATE_ROLE)
    assert isinstance(found, StackState)
    return found


def test_a_patient_is_headed_by_name_number_birth_sex_and_age() -> None:
    study = Study("1", "20240229", " two\nlines ", "Doe^Jane", "17", (), patient_sex="F", patient_age="045Y",
                  patient_birth_date="19790101")  # fmt: skip
    patient, head = rows_of(ScanResult(Path(), (study,), (), ()), Density.FULL)
    assert patient == PatientRow("Doe, Jane", "17 · 1979-01-01 · F · 45 y")
    assert head == StudyRow("two lines", "2024-02-29")
    for density in (Density.ANONYMOUS, Density.NONE):
        rows = rows_of(ScanResult(Path(), (study,), (), ()), density)
        assert list(rows) == [PatientRow("Patient 1", ""), StudyRow("Study 1", "")]


def test_what_is_unknown_is_said() -> None:
    patient, head = rows_of(ScanResult(Path(), (Study("1", None, None, None, None, ()),), (), ()), Density.FULL)
    assert (patient, head) == (PatientRow("Patient without a name", ""), StudyRow("Study", "No date"))


def test_studies_of_one_patient_stand_under_one_heading() -> None:
    studies = tuple(Study(uid, date, uid, name, name, ()) for uid, date, name in (
        ("1", "20200101", "A"), ("2", "20200102", "B"), ("3", "20210101", "A")))  # fmt: skip
    rows = list(rows_of(ScanResult(Path(), studies, (), ()), Density.FULL))
    assert [(type(row).__name__, row.title) for row in rows if isinstance(row, PatientRow | StudyRow)] == [
        ("PatientRow", "A"), ("StudyRow", "1"), ("StudyRow", "3"), ("PatientRow", "B"), ("StudyRow", "2"),
    ]  # fmt: skip


def test_objects_say_neither_description_nor_file_name_where_patients_are_hidden() -> None:
    place = FileLocation(Path("doe.pdf"), None, "doe.pdf")
    kind = "Encapsulated PDF Storage"
    report = NotAnImage(place, "1.2", kind, study_uid="1", description="Letter about Jane Doe")
    study = Study("1", None, None, "Doe", "17", ())
    for objects in ((report,), (replace(report, study_uid=None), replace(report, study_uid="x", description=""))):
        rows = list(rows_of(ScanResult(Path(), (study,), objects, ()), Density.ANONYMOUS))
        assert [(row.title, row.detail) for row in rows if isinstance(row, ObjectRow)] == [
            ("Encapsulated PDF", "") for _ in objects
        ]


def test_every_object_is_listed_once_even_without_a_study() -> None:
    def found(name: str, study: str | None) -> NotAnImage:
        return NotAnImage(FileLocation(Path(name), None, name), "1.2", "Segmentation Storage", study_uid=study)

    studies = tuple(Study(uid, None, None, "A", "A", ()) for uid in ("1", "1"))  # the same UID twice
    objects = (found("a", "1"), found("b", None), found("c", "elsewhere"))
    rows = list(rows_of(ScanResult(Path(), studies, objects, ()), Density.FULL))
    assert [row.found.location.name for row in rows if isinstance(row, ObjectRow)] == ["a", "b", "c"]
    assert sum(isinstance(row, StudyRow) and row.title == "Other objects" for row in rows) == 1


def test_drag_data_is_what_viewports_take() -> None:
    assert STACK_MIME == DROPPED_MIME


@ui
def test_rows_tell_modality_number_description_and_count(opened: Opened) -> None:
    texts = [(row.title, row.description, row.detail) for row in opened.rows if isinstance(row, StackRow)]
    assert texts == [
        ("CT 1", "Series s1", "5 slices, 10 × 8"),
        ("CT 2", "Series s2", "4 slices, 10 × 8"),
        ("CT 3", "Series s3", "1 image, 10 × 8"),
    ] or texts[:2] == [("CT 1", "Series s1", "5 slices, 10 × 8"), ("CT 2", "Series s2", "4 slices, 10 × 8")]


@ui
def test_arrows_walk_over_headings_and_enter_opens(opened: Opened) -> None:
    browser = opened.window.browser
    browser.setFocus()
    assert browser.hasFocus()
    before = opened.room.desk.active.stack
    browser.setCurrentIndex(browser.browser_model.index(0, 0))
    for _ in range(5):
        opened.key(Qt.Key.Key_Down)
    row = browser.browser_model.row(browser.currentIndex())
    assert isinstance(row, StackRow)
    assert row.shown.series.number == 3
    assert opened.room.desk.active.stack is before  # walking opens nothing
    opened.key(Qt.Key.Key_Return)
    assert opened.room.desk.active.stack is row.shown.stack
    assert opened.window.desk.active.hasFocus()


@ui
def test_double_click_opens_in_the_active_viewport(opened: Opened) -> None:
    opened.trigger("layout-1x2")
    opened.room.desk.activate(1)
    browser = opened.window.browser
    shown = next(s for s in opened.room.all_shown() if s.series.number == 3)
    place = browser.visualRect(browser.browser_model.index_of(shown.stack)).center()
    QTest.mouseClick(browser.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(browser.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert opened.room.desk.viewports[1].stack is shown.stack


@ui
def test_a_dragged_row_carries_the_key_of_its_stack(opened: Opened) -> None:
    model = opened.window.browser.browser_model
    shown = next(iter(opened.room.all_shown()))
    index = model.index_of(shown.stack)
    assert model.flags(index) & Qt.ItemFlag.ItemIsDragEnabled
    assert bytes(model.mimeData([index]).data(STACK_MIME).data()).decode() == shown.stack.key
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsDragEnabled


@ui
def test_what_is_on_screen_is_marked_and_the_active_series_is_current(opened: Opened) -> None:
    opened.room.desk.active.show(next(s for s in opened.room.all_shown() if s.series.number == 1))
    opened.trigger("layout-1x2")
    assert [(s.seen, s.active) for s in (state(opened, n) for n in (1, 2, 3))] == [
        (True, True), (True, False), (False, False),
    ]  # fmt: skip
    opened.key(Qt.Key.Key_F6)
    assert state(opened, 2).active
    model = opened.window.browser.browser_model
    row = model.row(opened.window.browser.currentIndex())
    assert isinstance(row, StackRow)
    assert row.shown.series.number == 2


@ui
def test_progress_marks_and_key_images_are_counted(opened: Opened) -> None:
    opened.room.desk.active.show(next(s for s in opened.room.all_shown() if s.series.number == 1))
    opened.wait(lambda: state(opened, 1).loaded == 1.0)
    shown = next(s for s in opened.room.all_shown() if s.series.number == 1)
    for index in (0, 3):
        opened.room.marks.toggle_key_image(reference_of(shown, index))
    assert (state(opened, 1).key_images, state(opened, 1).marks, state(opened, 2).key_images) == (2, 0, 0)
    opened.room.history.undo()
    assert state(opened, 1).key_images == 1


@ui
def test_thumbnails_appear(opened: Opened) -> None:
    browser = opened.window.browser
    shown = next(iter(opened.room.all_shown()))
    opened.wait(lambda: browser.thumbnails.picture(shown.stack, 64) is not None)
    picture = browser.grab().toImage()
    place = browser.visualRect(browser.browser_model.index_of(shown.stack))
    ratio = picture.devicePixelRatio()
    middle = QPoint(round((place.left() + 42) * ratio), round(place.center().y() * ratio))
    assert picture.pixelColor(middle) != picture.pixelColor(QPoint(round((place.right() - 4) * ratio), middle.y()))


@ui
def test_nothing_is_left_when_the_study_is_closed(opened: Opened) -> None:
    opened.trigger("close-study")
    assert opened.rows == []


def test_sizes_are_written_across_by_down_wherever_they_stand(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "a.dcm", rows=12, columns=10, view="", study="s", series="s")
    phantoms.film(tmp_path / "b.dcm", rows=14, columns=9, view="", study="s", series="s", instance=2)
    found = [row for row in rows_of(scan(tmp_path), Density.FULL) if isinstance(row, StackRow)]
    assert [(row.shown.stack.label, row.detail) for row in found] == [
        ("10 × 12", "1 image, 10 × 12"), ("9 × 14", "1 image, 9 × 14"),
    ]  # fmt: skip
    for number, shape in enumerate(((8, 10), (16, 4))):
        phantoms.volume(tmp_path / "v" / str(number), 3, shape=shape, series="v", first=1 + 3 * number)
    found = [row for row in rows_of(scan(tmp_path / "v"), Density.FULL) if isinstance(row, StackRow)]
    assert sorted((row.shown.stack.label, row.detail) for row in found) == [
        ("10 × 8", "3 slices, 10 × 8"), ("4 × 16", "3 slices, 4 × 16"),
    ]  # fmt: skip
