"""The main window: opening, being told, being kept."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QToolButton, QWidget

from radviewer import paths
from radviewer.app import mark_store, settings
from radviewer.app.actions import ACTIONS
from radviewer.app.settings import SettingsFile
from radviewer.dicom import scan as scan_module
from radviewer.domain.measurement import Mark
from radviewer.errors import NotSaved
from radviewer.ui.browser.rows import ObjectRow, PatientRow, StackRow
from radviewer.ui.dialogs.lists import SkippedDialog
from tests import phantoms
from tests.ui.conftest import WindowOpener

pytestmark = pytest.mark.ui
CTRL = Qt.KeyboardModifier.ControlModifier


def study_folder(folder: Path) -> Path:
    phantoms.volume(folder / "ct", 5, series="ct")
    return folder


def study_file(folder: Path) -> Path:
    return phantoms.film(folder / "film.dcm")


def study_zip(folder: Path) -> Path:
    slices = phantoms.volume(folder / "slices", 3)
    return phantoms.archive(folder / "study.zip", {f"in/{p.name}": p.read_bytes() for p in slices})


def study_dicomdir(folder: Path) -> Path:
    slices = phantoms.volume(folder / "slices", 3, names=["A", "B", "C"])
    return phantoms.dicomdir(folder / "DICOMDIR", [f"slices\\{path.name}" for path in slices])


def test_without_a_study_the_start_page_offers_to_open_one(main_window: WindowOpener) -> None:
    opened = main_window()
    window = opened.window
    assert window.pages.currentWidget() is window.start_page
    texts = [b.text() for b in window.start_page.buttons.values() if b.isVisible()]
    assert texts == ["Open folder…   Ctrl+O", "Open file, DICOMDIR or .zip…   Ctrl+Shift+O", "Open the demo study",
                     "Keys and mouse   F1"]  # fmt: skip
    assert window.status.research.isVisible()
    assert window.windowTitle() == "radviewer"


@pytest.mark.parametrize("make", [study_folder, study_file, study_zip, study_dicomdir])
def test_folder_file_zip_and_dicomdir_open_and_show(main_window: WindowOpener, tmp_path: Path, make: Any) -> None:
    target = make(tmp_path)
    opened = main_window(target)
    opened.wait_image()
    assert opened.window.pages.currentWidget() is opened.window.desk
    assert opened.window.windowTitle() == f"{target.name} – radviewer"
    assert sum(isinstance(row, StackRow) for row in opened.rows) == 1
    assert opened.room.settings.now.last_folder == str(target)
    assert opened.window.desk.active.hasFocus()


def test_a_dropped_folder_opens(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window()
    study_folder(tmp_path)
    with opened.qtbot.waitSignal(opened.room.session.opened, timeout=20_000):
        assert opened.drop(tmp_path)
    opened.wait_image()


def test_a_folder_dropped_on_an_image_opens_in_its_place(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.film(tmp_path / "old" / "film.dcm")
    opened = main_window(tmp_path / "old")
    study_folder(tmp_path / "new")
    with opened.qtbot.waitSignal(opened.room.session.opened, timeout=20_000):
        assert opened.drop(tmp_path / "new", on=opened.window.desk.active)
    assert opened.room.session.target == tmp_path / "new"


def test_of_several_dropped_things_the_first_opens_and_the_reader_is_told(
    main_window: WindowOpener, tmp_path: Path
) -> None:
    opened = main_window()
    one, two = phantoms.film(tmp_path / "one.dcm"), phantoms.film(tmp_path / "two.dcm")
    with opened.qtbot.waitSignal(opened.room.session.opened, timeout=20_000):
        assert opened.drop(one, two)
    assert opened.room.session.target == one
    assert "2 items were dropped" in opened.notices[0]


def test_a_drop_without_files_is_left_alone(main_window: WindowOpener) -> None:
    assert main_window().drop() is False


def test_an_empty_folder_is_told_calmly(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(tmp_path)
    window = opened.window
    assert window.pages.currentWidget() is window.start_page
    assert "holds no files" in window.banners.notice.text.text()
    assert window.banners.notice.isVisible()
    window.banners.notice.dismiss.click()
    assert not window.banners.notice.isVisible()
    assert window.status.notices.text() == "1 notice"


def test_broken_files_are_counted_and_listed_with_their_reasons(main_window: WindowOpener, tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "letter.txt").write_text("Dear colleague")
    opened = main_window(tmp_path)
    window = opened.window
    assert window.status.skipped.text() == "2 skipped files"
    window.status.skipped.click()
    dialog = window.commands.dialog("panel-skipped")
    assert isinstance(dialog, SkippedDialog)
    assert [row[0] for row in dialog.model.rows] == ["empty.dcm", "letter.txt"]
    assert all(row[1] for row in dialog.model.rows)
    dialog.search.setText("letter")
    assert dialog.counted.text() == "1 of 2 files"
    dialog.copy()
    assert QGuiApplication.clipboard().text().startswith("letter.txt\t")


def test_a_missing_folder_is_named(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window()
    opened.room.open(tmp_path / "gone")
    opened.wait(lambda: bool(opened.notices))
    assert "gone does not exist" in opened.notices[0]
    assert opened.window.pages.currentWidget() is opened.window.start_page


def test_cancelling_a_scan_brings_the_start_page_back(
    main_window: WindowOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def endless(_target: Path, progress: Any, _on_first: Any) -> None:
        while True:
            progress.report(3, 10, "Reading headers")
            began.set()

    monkeypatch.setattr(scan_module, "scan", endless)
    opened = main_window()
    window = opened.window
    opened.room.open(tmp_path)
    assert began.wait(20)
    opened.wait(window.status.work.isVisible)  # after half a second
    assert window.status.work.text.text() == "Reading headers 3 of 10"
    window.activateWindow()
    opened.key(Qt.Key.Key_Period, CTRL)
    assert not opened.room.session.scanning
    assert window.pages.currentWidget() is window.start_page
    assert not window.status.work.isVisible()


def test_opening_another_folder_while_scanning_never_shows_the_first(
    main_window: WindowOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(tmp_path / "first", 3, study="first", patient="First")
    phantoms.volume(tmp_path / "second", 3, study="second", patient="Second")
    scan = scan_module.scan
    began, go_on = threading.Event(), threading.Event()

    def slow(target: Path, _progress: Any, on_first: Any) -> Any:
        result = scan(target, None, on_first)
        if target.name == "first":
            began.set()
            assert go_on.wait(20)
        return result

    monkeypatch.setattr(scan_module, "scan", slow)
    opened = main_window()
    opened.room.open(tmp_path / "first")
    assert began.wait(20)
    with opened.qtbot.waitSignal(opened.room.session.opened, timeout=20_000):
        opened.room.open(tmp_path / "second")
        go_on.set()
    opened.wait_image()
    assert [row.title for row in opened.rows if isinstance(row, PatientRow)] == ["Test, Second"]
    shown = opened.room.desk.active.shown
    assert shown is not None
    assert shown.study.patient_id == "Second"


def test_two_patients_are_kept_apart_and_told(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.film(tmp_path / "a.dcm", study="a", patient="A")
    phantoms.film(tmp_path / "b.dcm", study="b", patient="B")
    opened = main_window(tmp_path)
    assert [row.title for row in opened.rows if isinstance(row, PatientRow)] == ["Test, A", "Test, B"]
    assert any("2 different patients" in notice for notice in opened.notices)


def test_other_densities_hide_the_patient_everywhere_around_the_images(
    main_window: WindowOpener, tmp_path: Path
) -> None:
    folder = tmp_path / "Doe Jane"
    phantoms.film(folder / "a.dcm", patient="Secret")
    opened = main_window(folder)
    window = opened.window
    assert any("Secret" in row.title for row in opened.rows if isinstance(row, PatientRow))
    opened.key(Qt.Key.Key_Space)
    assert opened.room.settings.now.density == "anonymous"
    assert [row.title for row in opened.rows if isinstance(row, PatientRow)] == ["Patient 1"]
    model = window.browser.browser_model
    shown = [str(model.data(model.index(i), role)) for i in range(model.rowCount())
             for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)]  # fmt: skip
    assert not any("Secret" in text for text in shown)
    assert window.windowTitle() == "radviewer"


def test_markup_in_files_is_shown_as_text(main_window: WindowOpener, tmp_path: Path) -> None:
    evil = "<h1>big</h1><img src=x>"
    phantoms.volume(tmp_path, 3, SeriesDescription=evil, StudyDescription=evil, tilt=10, PatientName=evil)
    opened = main_window(tmp_path)
    model = opened.window.browser.browser_model
    for i in range(model.rowCount()):
        tip = str(model.data(model.index(i), Qt.ItemDataRole.ToolTipRole))
        assert "<h1>" not in tip
        assert "<img" not in tip
    assert any("<h1>" in str(model.data(model.index(i))) for i in range(model.rowCount()))
    for label in opened.window.findChildren(QWidget):
        text_format = getattr(label, "textFormat", None)
        if callable(text_format):
            assert text_format() in (Qt.TextFormat.PlainText, Qt.TextFormat.AutoText)
            assert text_format() is Qt.TextFormat.PlainText or "<" not in label.property("text")


def test_a_warning_of_the_geometry_is_visible_with_its_series(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "tilted", 5, tilt=12, series="tilted", SeriesNumber=1)
    phantoms.volume(tmp_path / "straight", 5, series="straight", SeriesNumber=2)
    opened = main_window(tmp_path)
    opened.room.desk.active.show(next(s for s in opened.room.all_shown() if s.series.number == 1))
    strip = opened.window.banners.warning
    assert strip.isVisible()
    assert "tilt" in strip.text.text().lower()
    opened.trigger("next-series")
    assert not strip.isVisible()
    opened.trigger("layout-1x2")
    assert strip.text.text().startswith("CT 1: ")


def test_objects_without_images_are_listed_with_their_kind(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "ct", 3)
    for kind in ("segmentation", "report", "pdf", "structures"):
        phantoms.not_image(tmp_path / f"{kind}.dcm", kind)
    opened = main_window(tmp_path)
    titles = {row.title for row in opened.rows if isinstance(row, ObjectRow)}
    assert titles == {"Segmentation", "Comprehensive SR", "Encapsulated PDF", "RT Structure Set"}


def test_every_action_does_something(main_window: WindowOpener) -> None:
    window = main_window().window
    done = window.desk.commands.names | window.commands.names
    assert {action.name for action in ACTIONS} == done
    assert window.desk.commands.names.isdisjoint(window.commands.names)


def test_undo_names_what_it_takes_back(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.wait_image()
    undo = opened.window.actions_set["undo"]
    opened.key("k")
    opened.wait(lambda: undo.text() == "Undo: Add key image")
    opened.key("z", CTRL)
    opened.wait(lambda: not undo.isEnabled())
    assert opened.window.actions_set["redo"].text() == "Redo: Add key image"
    assert opened.room.marks.all == ()


def test_presets_are_named_for_the_modality(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.wait_image()
    preset = opened.window.actions_set["preset-1"]
    opened.wait(lambda: preset.isVisible() and "400 / 40" in preset.text())
    opened.key("1")
    voi = opened.room.desk.active.presentation.voi
    assert (getattr(voi, "width", None), getattr(voi, "center", None)) == (400, 40)


def test_marks_that_cannot_be_saved_are_told_until_they_are(
    main_window: WindowOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.wait_image()
    bar = opened.window.banners.notice

    write, disk_is_full = mark_store.MarkStore.write, [True]

    def may_be_full(store: mark_store.MarkStore, mark: Mark) -> None:
        if disk_is_full[0]:
            raise NotSaved("The marks could not be kept: No space left on device.")
        write(store, mark)

    monkeypatch.setattr(mark_store.MarkStore, "write", may_be_full)
    opened.key("k")
    assert "No space left" in bar.text.text()
    opened.window.notices.dismiss()
    assert bar.isVisible()  # it lasts
    assert not bar.dismiss.isVisible()
    assert len(opened.room.marks.all) == 1
    disk_is_full[0] = False
    opened.room.marks.flush()
    assert not bar.isVisible()


def test_settings_that_cannot_be_saved_are_told_until_they_are(
    main_window: WindowOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = main_window()
    bar = opened.window.banners.notice

    def full(*_args: object) -> None:
        raise NotSaved("settings.json could not be written: No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(settings, "write_atomically", full)
        opened.room.settings.change(cine_rate=22.0)
        assert "No space left" in bar.text.text()
    opened.room.settings.flush()
    assert not bar.isVisible()


def test_damaged_settings_are_named_and_the_window_opens(main_window: WindowOpener) -> None:
    (paths.user_data() / "settings.json").write_text("{broken")
    opened = main_window()
    assert "not valid JSON" in opened.notices[0]


def test_an_unusable_record_of_the_layout_changes_nothing(main_window: WindowOpener) -> None:
    SettingsFile().change(window_state="äöü not base64 !!! and more")
    opened = main_window()
    assert opened.window.docks["panel-studies"].isVisible()


def test_layout_panels_and_keys_come_back_after_a_restart(main_window: WindowOpener) -> None:
    opened = main_window(size=(1200, 700))
    opened.trigger("panel-marks")
    opened.trigger("panel-studies")
    opened.trigger("layout-2x2")
    opened.room.settings.change(shortcuts={"invert": ["X"]})
    opened.close()
    again = main_window(size=(1200, 700))
    assert again.window.docks["panel-marks"].isVisible()
    assert not again.window.docks["panel-studies"].isVisible()
    assert again.room.desk.layout.value == "2x2"
    assert [key.toString() for key in again.window.actions_set["invert"].shortcuts()] == ["X"]


def test_a_fault_anywhere_becomes_a_notice(main_window: WindowOpener) -> None:
    opened = main_window()
    thread = threading.Thread(target=opened.window.fault.emit, args=("radviewer met an internal fault.",))
    thread.start()
    thread.join()
    opened.wait(lambda: bool(opened.notices))
    assert opened.window.banners.notice.text.text() == "radviewer met an internal fault."


def test_closing_while_loading_does_not_hang(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 40, shape=(64, 64))
    opened = main_window(tmp_path)
    assert opened.room.cache.loading
    opened.close()


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_nothing_in_the_bars_is_cut_off(main_window: WindowOpener, tmp_path: Path, size: tuple[int, int]) -> None:
    opened = main_window(study_folder(tmp_path), size=size)
    opened.wait_image()
    window = opened.window
    extension = window.tool_bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert extension is None or not extension.isVisible()
    for label in (window.status.research, window.status.reader):
        assert label.isVisible()
        assert label.width() >= label.sizeHint().width()
        assert window.rect().contains(label.mapTo(window, label.rect().bottomRight()))
    for name in ("panel-histogram", "panel-marks"):
        opened.trigger(name)
    assert (window.width(), window.height()) == size
    assert window.desk.width() >= 480


def test_whatever_takes_the_focus_has_a_name(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.wait_image()
    for name in ("panel-histogram", "panel-marks"):
        opened.trigger(name)
    opened.wait(lambda: opened.window.histogram.plot is not None)
    unnamed = [
        widget
        for widget in opened.window.findChildren(QWidget)
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not _name(widget)
    ]
    assert [(w, w.parentWidget()) for w in unnamed] == []


def _name(widget: QWidget) -> str:
    text = getattr(widget, "text", None)
    owner = widget.parentWidget()
    inner = widget.objectName() == "qt_spinbox_lineedit" and owner is not None
    return widget.accessibleName() or (owner.accessibleName() if inner and owner else "") or (text() if text else "")


def test_tab_reaches_the_browser_and_comes_back(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.wait_image()
    met: list[QWidget | None] = []
    for _ in range(60):
        opened.key(Qt.Key.Key_Tab)
        met.append(opened.window.focusWidget())
    assert opened.window.browser in met
    assert opened.window.desk.active in met


def test_reopening_the_last_folder(main_window: WindowOpener, tmp_path: Path) -> None:
    opened = main_window(study_folder(tmp_path))
    opened.trigger("close-study")
    assert opened.window.pages.currentWidget() is opened.window.start_page
    with opened.qtbot.waitSignal(opened.room.session.opened, timeout=20_000):
        opened.key(Qt.Key.Key_F5)
    shutil.rmtree(tmp_path / "ct")
    opened.key(Qt.Key.Key_F5)
    opened.wait(lambda: any("holds no files" in text for text in opened.notices))


def test_the_full_screen_leaves_only_images_and_gives_all_back(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    opened = main_window(tmp_path)
    opened.wait_image()
    window = opened.window
    opened.trigger("panel-marks")
    around = (window.menuBar(), window.tool_bar, window.docks["panel-studies"], window.docks["panel-marks"])
    opened.key(Qt.Key.Key_F11)
    opened.wait(window.isFullScreen)
    opened.wait(lambda: not any(widget.isVisible() for widget in around))
    assert window.status.research.isVisible()
    opened.key(Qt.Key.Key_Down)
    assert window.desk.active.hasFocus()
    opened.key(Qt.Key.Key_F11)
    opened.wait(lambda: not window.isFullScreen())
    opened.wait(lambda: all(widget.isVisible() for widget in around))
    assert not window.docks["panel-histogram"].isVisible()


def test_the_full_screen_leaves_no_trace_in_what_is_kept(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    opened = main_window(tmp_path)
    opened.trigger("full-screen")
    opened.wait(opened.window.isFullScreen)
    opened.close()
    window = main_window().window
    assert not window.isFullScreen()
    assert window.menuBar().isVisible()
    assert window.tool_bar.isVisible()
    assert window.docks["panel-studies"].isVisible()


def test_full_screen_with_the_focus_in_a_panel_gives_it_to_the_image(main_window: WindowOpener, tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 3)
    opened = main_window(tmp_path)
    opened.wait_image()
    opened.window.browser.setFocus()
    opened.trigger("full-screen")
    opened.wait(opened.window.isFullScreen)
    opened.wait(opened.window.desk.active.hasFocus)
