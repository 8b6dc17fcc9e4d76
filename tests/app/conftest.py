"""A reading room, a study to open in it, and a second opinion alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from radviewer.domain.decision import Policy
from tests import phantoms
from tests.app.sites import Opener, Site
from tests.qt_objects import destroy


@pytest.fixture
def room(qapp: object) -> Iterator[ReadingRoom]:
    assert qapp is not None
    made = ReadingRoom(SettingsFile())
    yield made
    assert made.close()
    destroy(made)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three series of one study, one of another patient, and a segmentation."""
    for number, slices in ((1, 5), (2, 4), (3, 3)):
        phantoms.volume(tmp_path / f"s{number}", slices, series=f"s{number}", SeriesNumber=number)
    phantoms.film(tmp_path / "film" / "film.dcm", study="other", series="film", patient="P2")
    phantoms.not_image(tmp_path / "seg.dcm", "segmentation")
    return tmp_path


@pytest.fixture
def site(qtbot: QtBot, qapp: object, tmp_path: Path) -> Iterator[Opener]:
    """Make a second opinion: ``site(*opinions, policy=…)``."""
    assert qapp is not None
    made: list[Site] = []

    def make(*said: object, **values: Policy) -> Site:
        made.append(Site.made(qtbot, tmp_path, *said, **values))
        return made[-1]

    yield make
    for one in made:
        one.close()
