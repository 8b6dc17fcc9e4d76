"""The reading as DICOM objects by one key: what they hold, and what must not leave."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from PySide6.QtCore import Qt

from radviewer.app import reading_room
from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.domain.decision import Policy, RejectReason
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.window import Window
from tests import phantoms
from tests.app import opinions
from tests.app.opinions import FakeWorker
from tests.dicom_validator import errors
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    fake = FakeWorker(opinions.anatomy(), opinions.findings())
    monkeypatch.setattr(reading_room, "ModelWorker", lambda _models: fake)
    phantoms.film(tmp_path / "films" / "film.dcm", modality="DX", rows=8, columns=10, patient="Doe^Jane")
    one: Opened = main_window()
    exports = str(tmp_path / "exports")
    one.room.settings.change(
        policy=Policy.CONCURRENT.value, hasty_seconds=0.0, picture_folder=exports, reader="Who^Dr", picture_scale=0.5
    )
    with one.qtbot.waitSignal(one.room.opinion.prepared):
        one.room.opinion.prepare()
    one.open(tmp_path / "films")
    one.wait_image()
    one.wait(lambda: len(one.room.findings.rows(one.room.desk.active.shown)) == 5 and not one.room.ai_queue.busy)
    one.window.desk.focus_active()
    return one


def rows(one: Opened, kind: Kind) -> list[Row]:
    return [row for row in one.room.findings.rows(one.room.desk.active.shown) if row.kind is kind]


def export(one: Opened) -> dict[str, Dataset]:
    """Objects by the middle of their names."""
    before = len(one.notices)
    one.key("e", CTRL)
    one.wait(lambda: not one.room.export_queue.busy and len(one.notices) > before)
    folders = sorted(Path(one.room.settings.now.picture_folder).glob("radviewer-dicom-*"))
    if not folders:
        return {}
    return {path.stem[4:]: pydicom.dcmread(path) for path in sorted(folders[-1].iterdir())}


def decide(one: Opened) -> None:
    tuberculosis, pneumonia = rows(one, Kind.FINDING)
    one.room.findings.accept(tuberculosis)
    one.room.findings.reject(pneumonia, RejectReason.ARTEFACT)
    shown = one.room.desk.active.shown
    assert shown is not None
    one.room.findings.accept_anatomy(shown)


def test_a_reading_becomes_valid_objects(opened: Opened, tmp_path: Path) -> None:
    decide(opened)
    reference = opened.room.desk.active.reference
    assert reference is not None
    opened.room.marks.add(Mark(MarkKind.LENGTH, reference, ((1.0, 2.0), (3.0, 4.0))))
    opened.room.marks.add(Mark(MarkKind.KEY_IMAGE, reference))
    opened.room.desk.active.set_voi(Window(1000.0, 2000.0))
    found = export(opened)
    outlined = {f"seg-{row.label.replace(' ', '-')}" for row in rows(opened, Kind.ANATOMY)}
    expected = {"sr-ai-results", "sr-decisions", "ko-key-images", "pr-presentation", "sc-picture"}
    assert set(found) == expected | outlined
    source = errors(tmp_path / "films" / "film.dcm")
    for path in next((tmp_path / "exports").iterdir()).iterdir():
        assert errors(path) - source == set(), path.name
        assert "Doe" not in path.name
    for row in rows(opened, Kind.ANATOMY):
        mask = found[f"seg-{row.label.replace(' ', '-')}"].pixel_array
        np.testing.assert_array_equal(mask.reshape(8, 10) > 0, row.mask[0] if row.mask is not None else None)
    judged = highdicom.sr.Comprehensive3DSR.from_dataset(found["sr-decisions"])
    assert judged.VerificationFlag == "VERIFIED"
    text = str(judged.content)
    for words in ("Tuberculosis", "Pneumonia", "Rejected", "Artefact", "Accepted", "Who^Dr"):
        assert words in text


def test_without_anything_there_is_nothing_to_export(opened: Opened) -> None:
    opened.room.close_study()
    opened.window.run("export-dicom")
    opened.wait(lambda: any("nothing to export" in text for text in opened.notices))


def test_findings_about_images_that_were_changed_are_not_exported(opened: Opened, tmp_path: Path) -> None:
    decide(opened)
    path = tmp_path / "films" / "film.dcm"
    changed = pydicom.dcmread(path)
    changed.StudyDescription = "another"
    changed.save_as(path)
    found = export(opened)
    assert set(found) == {"sc-picture"}
    opened.wait(lambda: any("tuberculosis: the images were changed" in text for text in opened.notices))


def test_a_folder_that_cannot_be_written_is_said(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    opened.room.settings.change(picture_folder=str(tmp_path / "file"))
    export(opened)
    opened.wait(lambda: any("cannot be written" in text for text in opened.notices))


def test_nothing_is_replaced_and_nothing_half_done_stays(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(opened)
    export(opened)
    export(opened)
    folders = list((tmp_path / "exports").iterdir())
    assert len(folders) == 2

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Dataset, "save_as", full)
    opened.key("e", CTRL)
    opened.wait(lambda: any("No space left" in text for text in opened.notices))
    assert list((tmp_path / "exports").iterdir()) == folders


def test_a_folder_that_holds_its_export_shows_it_again(
    opened: Opened, tmp_path: Path, main_window: WindowOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(opened)
    export(opened)
    masks = {row.label: row.mask for row in rows(opened, Kind.ANATOMY)}
    opened.room.opinion_store.forget()
    opened.close()
    exported = next((tmp_path / "exports").iterdir())
    exported.rename(tmp_path / "films" / "exported")
    monkeypatch.setenv("RADVIEWER_HOME", str(tmp_path / "another computer"))
    again: Opened = main_window(tmp_path / "films")
    again.wait(lambda: len(rows(again, Kind.SAVED)) == len(masks) + 2)
    outlined = [row for row in rows(again, Kind.SAVED) if row.mask is not None]
    assert {row.label for row in outlined} == set(masks)
    decided = {row.label: row for row in rows(again, Kind.SAVED) if row.mask is None}
    assert decided["tuberculosis"].state is RowState.ACCEPTED
    assert decided["tuberculosis"].probability == pytest.approx(0.9)
    assert decided["pneumonia"].state is RowState.REJECTED
    assert "Rejected (artefact) by Who^Dr" in decided["pneumonia"].reason
    for row in outlined:
        assert row.state is RowState.ACCEPTED
        expected = masks[row.label]
        assert row.mask is not None
        assert expected is not None
        np.testing.assert_array_equal(row.mask, expected)
        assert "Drawn by a program" in row.reason
    again.room.findings.reject(outlined[0], RejectReason.WRONG_SITE)
    assert {row.label: row for row in rows(again, Kind.SAVED)}[outlined[0].label].state is RowState.REJECTED


def test_outlines_on_the_screen_are_not_shown_twice(opened: Opened, tmp_path: Path) -> None:
    decide(opened)
    export(opened)
    next((tmp_path / "exports").iterdir()).rename(tmp_path / "films" / "exported")
    opened.open(tmp_path / "films")
    opened.wait_image()
    opened.wait(lambda: not opened.room.queue.busy and len(rows(opened, Kind.ANATOMY)) == 3)
    assert rows(opened, Kind.SAVED) == []


def test_a_presentation_is_applied_when_asked_for(
    opened: Opened, tmp_path: Path, main_window: WindowOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = opened.room.desk.active.reference
    assert reference is not None
    drawn = (
        Mark(MarkKind.LENGTH, reference, ((1.0, 2.0), (3.0, 4.5))),
        Mark(MarkKind.COBB, reference, ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0))),
        Mark(MarkKind.ELLIPSE, reference, ((1.0, 2.0), (3.0, 8.0))),
        Mark(MarkKind.FREEHAND, reference, ((1.0, 2.0), (3.0, 8.0), (5.0, 5.0))),
        Mark(MarkKind.ARROW, reference, ((1.0, 2.0), (3.0, 8.0)), "Längsriß"),
    )
    for mark in drawn:
        opened.room.marks.add(mark)
    opened.room.desk.active.set_voi(Window(1000.0, 2000.0))
    export(opened)
    opened.window.run("apply-presentation")
    opened.wait(lambda: any("No presentation state" in text for text in opened.notices))
    opened.close()
    next((tmp_path / "exports").iterdir()).rename(tmp_path / "films" / "exported")
    monkeypatch.setenv("RADVIEWER_HOME", str(tmp_path / "another computer"))
    again: Opened = main_window(tmp_path / "films")
    again.wait_image()
    assert list(again.room.marks.all) == []
    for _ in range(2):  # the second time nothing is new
        again.window.run("apply-presentation")
        again.wait(lambda: not again.room.export_queue.busy and any("a window" in text for text in again.notices))
    again.wait(lambda: any(text.startswith("Applied: 0 marks") for text in again.notices))
    found = {mark.mark_id: mark for mark in again.room.marks.all}
    for mark in drawn:
        assert found[mark.mark_id].kind is mark.kind
        assert found[mark.mark_id].text == mark.text
        np.testing.assert_allclose(found[mark.mark_id].points, mark.points)
    assert again.room.desk.active.presentation.voi == Window(1000.0, 2000.0)
