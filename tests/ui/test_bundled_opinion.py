"""The bundled models on a real film, in the real window, by keyboard alone."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.domain.decision import RejectReason
from tests.dicom_validator import errors
from tests.ui.conftest import WindowOpener
from tests.ui.windows import Opened

pytestmark = [pytest.mark.ui, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]
CTRL = Qt.KeyboardModifier.ControlModifier
PATIENCE = 120_000
_SPEC = importlib.util.find_spec("data_store")  # what pydicom-data installs
FILM = Path(_SPEC.origin or "" if _SPEC else "").parent / "data" / "RG1_UNCR.dcm"


def rows(one: Opened) -> dict[str, Row]:
    return {row.label: row for row in one.room.findings.rows(one.room.desk.active.shown)}


def test_a_real_film_is_read_judged_and_found_again(main_window: WindowOpener, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    shutil.copy(FILM, films)
    one: Opened = main_window()
    one.room.opinion.prepare()
    one.open(films)
    one.wait_image()
    one.window.desk.focus_active()
    one.qtbot.waitUntil(lambda: "heart" in rows(one), timeout=PATIENCE)  # on request: anatomy comes by itself
    assert "tuberculosis" not in rows(one)
    one.wait(one.window.actions_set["run-opinion"].isEnabled)
    one.key(Qt.Key.Key_Return, CTRL)
    one.qtbot.waitUntil(lambda: "tuberculosis" in rows(one), timeout=PATIENCE)
    one.key(Qt.Key.Key_Period)
    selected = one.room.findings.selected
    assert selected is not None
    assert selected.kind is Kind.FINDING
    one.key(Qt.Key.Key_Return)
    assert rows(one)[selected.label].state is RowState.ACCEPTED
    one.key(Qt.Key.Key_Period)
    other = one.room.findings.selected
    assert other is not None
    assert other.label != selected.label
    one.key("x")
    one.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert menu is not None
    QTest.keyClick(menu.windowHandle(), Qt.Key.Key_1)
    one.wait(lambda: rows(one)[other.label].state is RowState.REJECTED)
    one.room.settings.change(picture_folder=str(tmp_path / "exports"), reader="Who^Dr")
    shown = one.room.desk.active.shown
    assert shown is not None
    one.room.findings.accept_anatomy(shown)
    one.key("e", CTRL)
    one.wait(lambda: any("DICOM objects into" in text for text in one.notices))
    (exported,) = (tmp_path / "exports").iterdir()
    for path in exported.iterdir():
        assert errors(path) - errors(FILM) == set(), path.name
    kinds = {path.stem[4:] for path in exported.iterdir()}
    assert kinds == {"seg-heart", "seg-left-lung", "seg-right-lung", "sr-ai-results", "sr-decisions", "sc-picture"}
    one.close()
    again: Opened = main_window(films)
    again.room.opinion.prepare()
    again.qtbot.waitUntil(lambda: "tuberculosis" in rows(again), timeout=PATIENCE)
    assert rows(again)[selected.label].state is RowState.ACCEPTED
    decision = rows(again)[other.label].decision
    assert decision is not None
    assert decision.reason is RejectReason.ARTEFACT
    assert rows(again)["heart"].mask is not None
