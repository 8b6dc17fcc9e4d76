"""An asymmetric phantom from its file to the screen to the decision: overlays lie where the pixels are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtGui import QImage

from radviewer.app import reading_room
from radviewer.app.finding_rows import RowState
from radviewer.domain.decision import Policy
from radviewer.domain.opinion import Opinion, Outcome, Structure
from tests import phantoms
from tests.app import opinions
from tests.app.opinions import FakeWorker
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = pytest.mark.ui
SHAPE = (60, 80)


def letter() -> np.ndarray:
    """An F, which looks like none of its mirror images and turns."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[8:52, 14:24] = True
    mask[8:18, 14:60] = True
    mask[26:36, 14:44] = True
    return mask


def _says(mask: np.ndarray) -> Opinion:
    outlined = (Structure("heart", mask[None]),)
    return Opinion(opinions.ANATOMY, opinions.VERSION[opinions.ANATOMY], Outcome.RAN, anatomy=outlined)


@pytest.fixture
def opened(main_window: WindowOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setattr(reading_room, "ModelWorker", lambda _models: FakeWorker(_says(letter())))
    pixels = letter().astype(np.uint16) * np.uint16(3000)
    film = phantoms.image(pixels, modality="DX", WindowCenter=1500, WindowWidth=3000, PixelSpacing=[0.3, 0.2])
    phantoms.save(film, tmp_path / "film.dcm")
    one: Opened = main_window()
    one.room.settings.change(policy=Policy.CONCURRENT.value, hasty_seconds=0.0, density="none", smooth=False)
    with one.qtbot.waitSignal(one.room.opinion.prepared):
        one.room.opinion.prepare()
    one.open(tmp_path / "film.dcm")
    one.wait_image()
    one.wait(lambda: bool(one.room.findings.rows(one.room.desk.active.shown)))
    one.window.desk.focus_active()
    return one


def screen(one: Opened) -> np.ndarray:
    """What the viewport's widget shows, RGB."""
    picture: QImage = one.window.desk.active.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return data[:, : picture.width() * 3].reshape(picture.height(), picture.width(), 3).astype(int)


WAYS = [(), ("rotate-right",), ("flip-horizontal",), ("rotate-left", "flip-vertical"), ("zoom-in", "rotate-right")]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_overlay_lies_on_the_letter_however_it_is_turned(opened: Opened, way: tuple[str, ...]) -> None:
    for name in way:
        opened.trigger(name)
    overlays = opened.room.overlays
    overlays.change(on=False)
    plain = screen(opened)
    overlays.change(on=True, fill=True, opacity=1.0)
    tinted = np.abs(screen(opened) - plain).max(axis=2) > 20
    bright = (plain.min(axis=2) > 150).astype(np.uint8)
    square = np.ones((9, 9), np.uint8)
    seam = cv2.dilate(bright, square) != cv2.erode(bright, square)
    assert bright.sum() > 2000
    assert tinted[(bright > 0) & ~seam].all()
    outside = (bright == 0) & ~seam
    assert tinted[outside].mean() < 0.001  # letters beside the image may differ by nothing else


def test_what_is_decided_is_what_was_on_the_screen(opened: Opened) -> None:
    (row,) = opened.room.findings.rows(opened.room.desk.active.shown)
    opened.room.findings.select(row.key)
    opened.key("e")
    opened.room.mask_edit.fill_holes(0)
    edit = opened.room.mask_edit
    shown = opened.room.desk.active
    assert shown.image is not None
    edit.size(1.0)
    edit.stroke(0, [(40.0, 70.0)], shown.image)
    opened.key("e")
    (kept,) = opened.room.findings.rows(shown.shown)
    assert kept.state is RowState.EDITED
    assert kept.mask is not None
    expected = letter()
    changed = np.argwhere(kept.mask[0] != expected)
    assert changed.mean(axis=0).tolist() == pytest.approx([40, 70], abs=0.3)
    decision = kept.decision
    assert decision is not None
    assert decision.mask is not None
    stored = opened.room.opinion_store.load_mask(decision.mask)
    np.testing.assert_array_equal(stored, kept.mask)
    assert shown.stack is not None
    assert decision.circumstances.instances == (shown.stack.frames[0].file.sop_instance_uid,)
