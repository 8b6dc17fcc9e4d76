"""The report of a study by one key: what it holds, what it leaves out, and that no text is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from radviewer.app import reading_room
from radviewer.app.finding_rows import Row
from radviewer.domain.decision import Policy, Presence, RejectReason
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.export.report import DISCLAIMER
from radviewer.ui.dialogs.report import ReportDialog
from tests import pdfs, phantoms
from tests.app import opinions
from tests.app.opinions import FakeWorker
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
CTRL = Qt.KeyboardModifier.ControlModifier


def open_film(main_window: WindowOpener, tmp_path: Path, policy: Policy) -> Opened:
    phantoms.film(tmp_path / "films" / "film.dcm", modality="DX", rows=8, columns=10, patient="Doe^Jane")
    one: Opened = main_window()
    folder = str(tmp_path / "reports")
    one.room.settings.change(policy=policy.value, hasty_seconds=0.0, picture_folder=folder, reader="Dr Who")
    with one.qtbot.waitSignal(one.room.opinion.prepared):
        one.room.opinion.prepare()
    one.open(tmp_path / "films")
    one.wait_image()
    one.window.desk.focus_active()
    return one


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    fake = FakeWorker(opinions.anatomy(), opinions.findings())
    monkeypatch.setattr(reading_room, "ModelWorker", lambda _models: fake)
    return fake


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path) -> Opened:
    one = open_film(main_window, tmp_path, Policy.CONCURRENT)
    one.wait(lambda: len(one.room.findings.rows(one.room.desk.active.shown)) == 5)
    return one


def dialog(one: Opened) -> ReportDialog:
    one.window.activateWindow()  # without a window manager it stays with a dialog that was closed
    one.wait(one.window.isActiveWindow)
    one.key("p", CTRL)
    found = one.window.commands.reports.dialog
    assert found is not None
    return found


def write(one: Opened, text: str = "") -> tuple[Path, Path]:
    """Write a report; the PDF and the page."""
    asked = dialog(one)
    if text:
        asked.entry.setPlainText(text)
    asked.write.click()
    one.wait(lambda: one.window.commands.reports.dialog is None)
    folder = Path(one.room.settings.now.picture_folder)
    return newest(folder, "pdf"), newest(folder, "html")


def newest(folder: Path, ending: str) -> Path:
    return max(folder.glob(f"*.{ending}"), key=lambda path: path.stat().st_mtime_ns)


def said(path: Path) -> str:
    return " ".join(pdfs.pages(path.read_bytes()))


def row(one: Opened, label: str) -> Row:
    return next(r for r in one.room.findings.rows(one.room.desk.active.shown) if r.label == label)


def test_one_key_writes_a_pdf_and_a_page_that_name_no_patient(opened: Opened) -> None:
    paths = write(opened, "Opacity at the left.")
    assert [path.suffix for path in paths] == [".pdf", ".html"]
    assert all(path.name.startswith("report-2") for path in paths)
    words, page = said(paths[0]), re.sub('base64,[^"]*', "", paths[1].read_text(encoding="utf-8"))
    for text in (words, page):
        assert "Doe" not in text
        assert "Not named in this report" in text
        assert "Opacity at the left." in text
        assert "0.90" in text
        assert "Not decided" in text
        assert DISCLAIMER in text
    assert any(text.startswith("Wrote report-") for text in opened.notices)


def test_decisions_marks_and_models_are_in_it(opened: Opened) -> None:
    room = opened.room
    room.findings.accept(row(opened, "tuberculosis"))
    shown, reference = room.desk.active.shown, room.desk.active.reference
    assert shown is not None
    assert reference is not None
    room.findings.add_missed(shown, "nodule", "at the hilum", (0, 3.0, 4.0))
    room.marks.add(Mark(MarkKind.LENGTH, reference, ((1.0, 1.0), (1.0, 5.0)), "hilum"))
    room.marks.toggle_key_image(reference)
    words = said(write(opened)[0])
    for text in (
        "Accepted", "Dr Who", "Nodule", "Marked by the reader", "at the hilum", "Length: hilum", "Key image",
        "ran, flagged tuberculosis (0.90) (tested for: tuberculosis, pneumonia)", "Pneumonia", "0.10", "Not flagged",
        "Intended use", "explanation, not segmentation", "nothing else",
    ):  # fmt: skip
        assert text in words, text
    assert words.count("Left: the image alone.") == 2


def test_rejected_findings_are_listed_without_their_image(opened: Opened) -> None:
    opened.room.findings.reject(row(opened, "tuberculosis"), RejectReason.ARTEFACT)
    pdf, page = write(opened)
    assert "Rejected: artefact" in said(pdf)
    assert "data:image" not in page.read_text(encoding="utf-8")


def test_the_patient_is_named_where_the_settings_say_so(opened: Opened) -> None:
    opened.room.settings.change(picture_patient="full")
    words = said(write(opened)[0])
    assert words.count("Test, Doe Jane") > 1  # in the header of the report and of its pages
    assert "2024-02-29" in words


def test_the_locked_impression_is_the_text_to_begin_with(main_window: WindowOpener, tmp_path: Path) -> None:
    one = open_film(main_window, tmp_path, Policy.READ_FIRST)
    words = said(write(one)[0])
    assert "not shown before the reader's impression is locked" in words
    assert "0.90" not in words
    shown = one.room.desk.active.shown
    assert shown is not None
    one.room.lock_impression(shown, (("tuberculosis", Presence.ABSENT),), "Clear lungs.")
    one.wait(lambda: len(one.room.findings.rows(shown)) == 5)
    asked = dialog(one)
    assert asked.text == "Clear lungs."
    asked.write.click()
    one.wait(lambda: one.window.commands.reports.dialog is None)
    words = said(newest(tmp_path / "reports", "pdf"))
    assert "before the second opinion was shown" in words
    assert "the model differs from the locked impression" in words


def test_a_study_without_models_says_so(main_window: WindowOpener, tmp_path: Path, worker: FakeWorker) -> None:
    worker.opinions.clear()
    phantoms.volume(tmp_path / "ct", 3)
    one: Opened = main_window()
    one.room.settings.change(picture_folder=str(tmp_path / "reports"))
    one.open(tmp_path / "ct")
    one.wait_image()
    one.window.desk.focus_active()
    words = said(write(one)[0])
    assert "No model was run" in words
    assert "normal" not in words.lower()


def test_a_folder_that_cannot_be_written_keeps_the_text(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    opened.room.settings.change(picture_folder=str(tmp_path / "file"))
    asked = dialog(opened)
    asked.entry.setPlainText("Long thought about.")
    asked.write.click()
    opened.wait(asked.problem.isVisible)
    assert "could not be written" in asked.problem.text() or "cannot be written" in asked.problem.text()
    assert asked.text == "Long thought about."
    opened.room.settings.change(picture_folder=str(tmp_path / "reports"))
    asked.write.click()
    opened.wait(lambda: opened.window.commands.reports.dialog is None)
    assert "Long thought about." in said(newest(tmp_path / "reports", "pdf"))


def test_a_dialog_that_is_closed_writes_nothing_and_keeps_the_text(opened: Opened, tmp_path: Path) -> None:
    asked = dialog(opened)
    asked.entry.setPlainText("Not yet.")
    asked.reject()
    opened.wait(lambda: opened.window.commands.reports.dialog is None)
    asked = dialog(opened)
    assert asked.text == "Not yet."
    asked.reject()
    assert not (tmp_path / "reports").exists()
    assert QApplication.activeModalWidget() is None


def test_without_a_study_there_is_nothing_to_report(opened: Opened) -> None:
    opened.room.close_study()
    opened.window.run("report")
    opened.wait(lambda: "There is no study to report on." in opened.notices)
