"""What other programs drew in presentation states, as marks."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from radviewer.app.presentation_marks import Applied, presentations_of, read_presentations
from radviewer.app.shown import stacks_of
from radviewer.dicom.scan import scan
from radviewer.domain.measurement import MarkKind
from radviewer.errors import UnreadableImage
from radviewer.progress import Progress
from tests import phantoms

DRAWN: dict[str, tuple[str, list[tuple[float, float]]]] = {
    "line": ("POLYLINE", [(1.5, 2.5), (4.5, 3.5)]),
    "closed": ("POLYLINE", [(1, 1), (4, 1), (4, 4), (1, 1)]),
    "open": ("POLYLINE", [(1, 1), (4, 1), (4, 4)]),
    "circle": ("CIRCLE", [(5, 4), (7, 4)]),
    "ellipse": ("ELLIPSE", [(1, 3), (7, 3), (4, 2), (4, 4)]),
    "point": ("POINT", [(2, 2)]),
    "outside": ("POLYLINE", [(1, 2.5), (4.5, 3.5)]),
}


def state(folder: Path, names: list[str]) -> Path:
    phantoms.film(folder / "film.dcm", modality="DX", rows=8, columns=10)
    image = pydicom.dcmread(folder / "film.dcm")
    for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "ReferringPhysicianName"):
        setattr(image, keyword, "")
    image.StudyDate, image.StudyTime = "20200101", "000000"
    layer = highdicom.pr.GraphicLayer("L", 1)
    drawn = [DRAWN[name] for name in names]
    objects = [highdicom.pr.GraphicObject(kind, np.array(points), "PIXEL") for kind, points in drawn]
    text = highdicom.pr.TextObject("seen", "PIXEL", anchor_point=(3.5, 2.5))
    annotation = highdicom.pr.GraphicAnnotation([image], layer, graphic_objects=objects or None, text_objects=[text])
    made = highdicom.pr.GrayscaleSoftcopyPresentationState(
        [image], "1.2.3", 1, "1.2.3.4", 1, "M", "N", "1", "2", "LABEL",
        graphic_layers=[layer], graphic_annotations=[annotation],
    )  # fmt: skip
    if "outside" in names:  # which highdicom would not write
        made.GraphicAnnotationSequence[0].GraphicObjectSequence[-1].GraphicData = [900.0, 2.5, 4.5, 3.5]
    made.save_as(folder / "state.dcm", enforce_file_format=True)
    return folder


def applied(folder: Path) -> Applied | None:
    result = scan(folder)
    (shown,) = stacks_of(result)
    return read_presentations(presentations_of(result), shown, Progress())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("line", MarkKind.ARROW),
        ("closed", MarkKind.FREEHAND),
        ("circle", MarkKind.ELLIPSE),
        ("ellipse", MarkKind.FREEHAND),
        ("point", MarkKind.ARROW),
    ],
)
def test_graphics_become_the_marks_that_come_nearest(name: str, kind: MarkKind, tmp_path: Path) -> None:
    found = applied(state(tmp_path, [name]))
    assert found is not None
    (mark,) = found.marks
    assert (mark.kind, mark.text, found.left_out, found.window) == (kind, "seen", 0, None)
    rows, columns = np.array(mark.points).T
    if name == "line":
        np.testing.assert_allclose(mark.points, [(2.0, 1.0), (3.0, 4.0)])
    if name == "circle":
        np.testing.assert_allclose(mark.points, [(1.5, 2.5), (5.5, 6.5)])
    if name == "ellipse":
        assert (rows.min(), rows.max()) == pytest.approx((1.5, 3.5), abs=0.01)
        assert (columns.min(), columns.max()) == pytest.approx((0.5, 6.5), abs=0.01)


def test_a_text_alone_is_an_arrow(tmp_path: Path) -> None:
    found = applied(state(tmp_path, []))
    assert found is not None
    assert [(mark.kind, mark.text, mark.points[0]) for mark in found.marks] == [(MarkKind.ARROW, "seen", (2.0, 3.0))]


def test_what_has_no_counterpart_is_counted(tmp_path: Path) -> None:
    found = applied(state(tmp_path, ["open", "line", "outside"]))
    assert found is not None
    assert (len(found.marks), found.left_out) == (1, 1)


def test_a_state_about_other_images_is_not_applied(tmp_path: Path) -> None:
    folder = state(tmp_path, ["line"])
    made = pydicom.dcmread(folder / "state.dcm")
    made.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.9"
    made.save_as(folder / "state.dcm")
    assert applied(folder) is None


def test_mutants_never_do_harm(tmp_path: Path) -> None:
    folder = state(tmp_path, ["line", "closed", "circle"])
    result = scan(folder)
    (shown,) = stacks_of(result)
    files = presentations_of(result)
    whole = (folder / "state.dcm").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        mutant = bytearray(whole)
        for place in random.integers(132, len(whole), random.integers(1, 9)):
            mutant[place] = random.integers(256)
        (folder / "state.dcm").write_bytes(bytes(mutant[: random.integers(200, len(mutant) + 1)]))
        try:
            read_presentations(files, shown, Progress())
        except UnreadableImage:
            continue
