"""Pictures of viewports: what is seen, pixel for pixel, and nothing that names the patient unless asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage

from radviewer.app import reading_room
from radviewer.app.screenshots import CAUTION
from radviewer.domain.decision import Policy, RejectReason
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.export.screenshot import DISCLAIMER, screenshot
from tests import phantoms
from tests.app import opinions
from tests.app.opinions import FakeWorker
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
    pictures = str(tmp_path / "pictures")
    one.room.settings.change(policy=Policy.CONCURRENT.value, hasty_seconds=0.0, picture_folder=pictures)
    with one.qtbot.waitSignal(one.room.opinion.prepared):
        one.room.opinion.prepare()
    one.open(tmp_path / "films")
    one.wait_image()
    one.wait(lambda: len(one.room.findings.rows(one.room.desk.active.shown)) == 5)
    one.window.desk.focus_active()
    return one


def pixels(picture: QImage) -> np.ndarray:
    picture = picture.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return data[:, : picture.width() * 3].reshape(picture.height(), picture.width(), 3).copy()  # outlives the picture


def test_the_picture_is_what_is_seen_pixel_by_pixel(opened: Opened) -> None:
    opened.room.settings.change(picture_patient="none", density="none")
    opened.room.overlays.change(fill=True)
    widget = opened.window.desk.active
    picture = opened.window.commands.pictures.picture(widget)
    assert picture is not None
    width, height = widget.placement.size
    seen = pixels(widget.grab().toImage())
    np.testing.assert_array_equal(pixels(picture)[:height, :width], seen[:height, :width])
    assert picture.height() > height  # the legend stands below, not over the image


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_other_sizes_show_the_same_part(opened: Opened, scale: float) -> None:
    widget = opened.window.desk.active
    shot = opened.window.commands.pictures.shot(widget)
    assert shot is not None
    plain, other = screenshot(shot), screenshot(shot, scale)
    assert other.width() == round(plain.width() * scale)
    place = widget.transform.to_view(4, 5)
    there = pixels(other)[int(place[1] * scale), int(place[0] * scale)].astype(int)
    here = pixels(plain)[int(place[1]), int(place[0])].astype(int)
    assert np.abs(here - there).max() < 40


def test_one_key_saves_a_file_that_names_no_patient(opened: Opened, tmp_path: Path) -> None:
    opened.key("s", CTRL)
    opened.key("s", CTRL)
    first, second = sorted((tmp_path / "pictures").iterdir())
    assert first.suffix == second.suffix == ".png"
    for path in (first, second):
        assert "Doe" not in path.name
        assert b"Doe" not in path.read_bytes()
    picture = QImage(str(first))
    assert picture.text("Disclaimer") == DISCLAIMER
    assert picture.text("Software").startswith("radviewer")
    shot = opened.window.commands.pictures.shot(opened.window.desk.active)
    assert shot is not None
    assert shot.view.corners.top_left == ()
    opened.room.settings.change(picture_patient="full")
    named = opened.window.commands.pictures.shot(opened.window.desk.active)
    assert named is not None
    assert any("Doe" in line for line in named.view.corners.top_left)


def test_the_legend_says_what_the_overlays_are(opened: Opened) -> None:
    shot = opened.window.commands.pictures.shot(opened.window.desk.active)
    assert shot is not None
    version = opinions.VERSION[opinions.FINDINGS]
    assert shot.legend[0].text == f"tuberculosis: 0.90 (flagged from 0.40), pending; chest-findings {version}"
    assert [line.label for line in shot.legend][-3:] == ["right lung", "left lung", "heart"]
    assert all(line.text != CAUTION for line in shot.legend)


def test_rejected_findings_stay_at_home(opened: Opened) -> None:
    rows = {row.label: row for row in opened.room.findings.rows(opened.room.desk.active.shown)}
    opened.room.findings.select(rows["heart"].key)
    for label in ("heart", "tuberculosis"):
        opened.room.findings.reject(rows[label], RejectReason.ARTEFACT)
    shot = opened.window.commands.pictures.shot(opened.window.desk.active)
    assert shot is not None
    assert {line.label for line in shot.legend}.isdisjoint({"heart", "tuberculosis"})
    assert shot.view.opinion is not None
    assert {outline.label for outline in shot.view.opinion.outlines} == {"right lung", "left lung"}


def test_a_folder_that_cannot_be_written_is_said(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    opened.room.settings.change(picture_folder=str(tmp_path / "file"))
    opened.trigger("save-picture")
    opened.wait(lambda: any("file" in text and "written" in text for text in opened.notices))


def test_the_clipboard_takes_a_picture(opened: Opened) -> None:
    opened.trigger("copy-picture")
    assert not QGuiApplication.clipboard().image().isNull()


def test_without_an_image_there_is_nothing_to_take(opened: Opened) -> None:
    opened.room.close_study()
    for name in ("save-picture", "save-pictures", "copy-picture"):
        opened.window.run(name)
    opened.wait(lambda: any("no image" in text for text in opened.notices))


def test_a_picture_may_be_pixel_for_pixel_or_as_wide_as_wanted(opened: Opened) -> None:
    pictures, widget = opened.window.commands.pictures, opened.window.desk.active
    zoom = widget.transform.zoom
    opened.room.settings.change(picture_size="native", picture_scale=2.0)
    native = pictures.picture(widget)
    assert native is not None
    assert native.width() == round(widget.placement.size[0] * 2 / zoom)
    opened.room.settings.change(picture_size="width", picture_width=777)
    wide = pictures.picture(widget)
    assert wide is not None
    assert wide.width() == 777


def test_a_picture_may_be_a_tiff(opened: Opened, tmp_path: Path) -> None:
    opened.room.settings.change(picture_format="tiff")
    picture = opened.window.commands.pictures.picture(opened.window.desk.active)
    assert picture is not None
    opened.trigger("save-picture")
    (path,) = (tmp_path / "pictures").iterdir()
    assert path.suffix == ".tiff"
    assert path.read_bytes()[:2] in (b"II", b"MM")
    np.testing.assert_array_equal(pixels(QImage(str(path))), pixels(picture))


def test_findings_and_key_images_are_saved_as_a_set(opened: Opened, tmp_path: Path) -> None:
    tuberculosis, pneumonia = (r for r in opened.room.findings.rows(opened.room.desk.active.shown) if r.finding)
    reference = opened.room.desk.active.reference
    assert reference is not None
    opened.room.marks.add(Mark(MarkKind.KEY_IMAGE, reference))
    opened.trigger("save-picture-set")
    opened.wait(lambda: any(text.startswith("Saved 2 pictures") for text in opened.notices))
    files = sorted((tmp_path / "pictures").iterdir())
    assert len(files) == 2
    assert all(QImage(str(path)).text("Disclaimer") == DISCLAIMER for path in files)
    opened.room.findings.reject(tuberculosis, RejectReason.ARTEFACT)
    opened.trigger("save-picture-set")
    opened.wait(lambda: any(text.startswith("Saved 1 picture ") for text in opened.notices))
    assert not pneumonia.flagged
    opened.room.close_study()
    opened.window.run("save-picture-set")
    opened.wait(lambda: any("no finding and no key image" in text for text in opened.notices))


def test_a_picture_may_show_initials_only(opened: Opened) -> None:
    opened.room.settings.change(picture_patient="initials")
    shot = opened.window.commands.pictures.shot(opened.window.desk.active)
    assert shot is not None
    assert shot.view.corners.top_left == ("T. D. J.",)  # Test^Doe^Jane


def test_rejected_findings_are_shown_when_asked_for(opened: Opened) -> None:
    opened.room.overlays.change(findings=True)
    first = next(row for row in opened.room.findings.rows(opened.room.desk.active.shown) if row.finding)
    opened.room.findings.reject(first, RejectReason.ARTEFACT)
    pictures, widget = opened.window.commands.pictures, opened.window.desk.active
    without = pictures.shot(widget)
    opened.room.settings.change(picture_rejected=True)
    asked = pictures.shot(widget)
    assert without is not None
    assert asked is not None
    assert not any(first.label in line.text for line in without.legend)
    assert any(first.label in line.text and "rejected" in line.text for line in asked.legend)
