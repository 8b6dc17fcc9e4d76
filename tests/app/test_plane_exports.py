"""What the reader marked on planes leaves the program: in reports, pictures and DICOM objects, as planes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from radviewer.app.dicom_export import export_dicom
from radviewer.app.export_subjects import subjects
from radviewer.app.picture_set import save_set, with_legends
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.report import draft, finished, pictured
from radviewer.app.report_images import Slices, view_of
from radviewer.domain.measurement import Mark, MarkKind
from radviewer.domain.planes import Orientation, Slab
from radviewer.progress import Progress
from radviewer.render.scale import edge_letters
from tests.app.rooms import opened
from tests.app.test_mpr import in_planes
from tests.block_phantom import write_blocks
from tests.dicom_validator import errors

NOW = datetime(2026, 11, 26, 1, 2, 3)
NOTE = "Coronal, MIP 8 mm, P 0.0 mm. Reformatted, no acquired image: CT series 1, Thorax"


@pytest.fixture
def reading(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> ReadingRoom:
    """A key plane with a length of 10 mm, through a slab, and a length on a sagittal plane."""
    write_blocks(tmp_path / "study", SeriesNumber=1, SeriesDescription="Thorax")
    planes = in_planes(qtbot, room, tmp_path / "study")
    coronal, sagittal = planes[Orientation.CORONAL], planes[Orientation.SAGITTAL]
    room.mpr.set_slab(coronal, Slab.MIP, 8.0)
    for viewport in (coronal, sagittal):
        assert viewport.reference is not None
        room.marks.add(Mark(MarkKind.LENGTH, viewport.reference, ((30.0, 25.0), (30.0, 35.0))))
    assert coronal.reference is not None
    room.marks.toggle_key_image(coronal.reference)
    return room


def test_a_report_shows_key_planes_and_measures_on_planes(reading: ReadingRoom) -> None:
    (study,) = reading.session.result.studies if reading.session.result is not None else ()
    report = finished(draft(reading, study, "", NOW), Progress())
    (picture,) = report.pictures
    assert picture.caption.startswith(f"{NOTE}. Chosen by the reader. Research use only.")
    assert len(picture.pictures) == 1
    first, second = report.measurements
    assert (first.where, second.where) == (
        "CT series 1, Thorax, coronal, MIP 8 mm, P 0.0 mm",
        "CT series 1, Thorax, sagittal, MIP 8 mm, R 0.0 mm",
    )
    assert "10.0 mm" in first.values
    assert "could not be read" not in second.values


def test_a_key_plane_is_painted_as_it_was_seen_with_letters(reading: ReadingRoom) -> None:
    (study,) = reading.session.result.studies if reading.session.result is not None else ()
    (wanted,) = pictured(reading, study)
    image = Slices().image(wanted.source)
    assert image is not None
    coronal = reading.desk.viewports[1].image
    assert coronal is not None
    np.testing.assert_array_equal(image.stored, coronal.stored)
    view = view_of(wanted, image)
    assert view.show_orientation
    letters = edge_letters(image.plane, view.transform, image.orientation)
    assert letters is not None
    assert (letters.left, letters.right, letters.top, letters.bottom) == ("R", "L", "S", "I")
    assert len(view.marks) == 1


def test_planes_are_cut_for_a_report_when_their_volume_is_not_held(
    qtbot: QtBot, reading: ReadingRoom, tmp_path: Path
) -> None:
    opened(qtbot, reading, tmp_path / "study")
    reading.cache.close()
    (study,) = reading.session.result.studies if reading.session.result is not None else ()
    report = finished(draft(reading, study, "", NOW), Progress())
    assert len(report.pictures[0].pictures) == 1
    assert all("mm" in line.values for line in report.measurements)


def test_pictures_of_key_planes_say_what_they_are(reading: ReadingRoom, tmp_path: Path) -> None:
    (study,) = reading.session.result.studies if reading.session.result is not None else ()
    reading.settings.change(picture_folder=str(tmp_path / "pictures"))
    (wanted,) = pictured(reading, study)
    assert ". ".join(wanted.notes) == NOTE
    (path,) = save_set(with_legends(reading, (wanted,)), reading.settings.now, NOW, Progress())
    assert QImage(str(path)).text("Image") == NOTE


def test_planes_become_secondary_captures_and_are_no_instances(reading: ReadingRoom, tmp_path: Path) -> None:
    done = export_dicom(tmp_path / "out", subjects(reading, {}), "Who^Dr", NOW, Progress())
    assert done.left_out == ()
    assert done.folder is not None
    files = sorted(done.folder.iterdir())
    assert [path.stem[4:] for path in files] == ["sc-plane", "sc-plane"]  # no key object, no presentation state
    first, second = (pydicom.dcmread(path) for path in files)
    assert first.DerivationDescription == f"{NOTE}. Key image, with the reader's marks"
    assert second.DerivationDescription.startswith("Sagittal, MIP 8 mm, R 0.0 mm. Reformatted")
    codes = [item.CodeValue for item in first.DerivationCodeSequence]
    assert codes == ["113072", "113078"]  # multiplanar reformatting, maximum intensity projection
    assert list(first.ImageType)[:2] == ["DERIVED", "SECONDARY"]
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "study").iterdir()}
    assert {item.ReferencedSOPInstanceUID for item in first.SourceImageSequence} == sources
    assert len({first.SOPInstanceUID, second.SOPInstanceUID}) == 2
    for path in files:
        assert not errors(path)


def test_a_plane_without_a_slab_is_no_projection(reading: ReadingRoom, tmp_path: Path) -> None:
    for mark in reading.marks.all:
        reading.marks.remove(mark.mark_id)
    reading.mpr.set_slab(reading.desk.viewports[1], Slab.MEAN, 0.0)
    reference = reading.desk.viewports[1].reference
    assert reference is not None
    reading.marks.toggle_key_image(reference)
    done = export_dicom(tmp_path / "out", subjects(reading, {}), "", NOW, Progress())
    assert done.folder is not None
    (path,) = done.folder.iterdir()
    assert [item.CodeValue for item in pydicom.dcmread(path).DerivationCodeSequence] == ["113072"]


def test_planes_of_images_without_a_common_frame_are_pictures_all_the_same(
    qtbot: QtBot, room: ReadingRoom, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    write_blocks(folder)
    for number, path in enumerate(sorted(folder.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.FrameOfReferenceUID = f"1.2.3.{number}"
        dataset.save_as(path)
    coronal = in_planes(qtbot, room, folder)[Orientation.CORONAL]
    assert coronal.reference is not None
    room.marks.toggle_key_image(coronal.reference)
    done = export_dicom(tmp_path / "out", subjects(room, {}), "", NOW, Progress())
    assert done.left_out == ()
    assert done.folder is not None
    (path,) = done.folder.iterdir()
    assert path.stem == "001-sc-plane"
    assert not errors(path)
