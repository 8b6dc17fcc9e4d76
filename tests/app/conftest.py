"""A reading room, and a study to open in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import SettingsFile
from tests import phantoms
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
