"""Order, grid and affine of volumes, against SimpleITK, nibabel and plain arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack, StackKind
from tests import phantoms


def stacks(folder: Path) -> list[Stack]:
    return [stack for study in scan(folder).studies for series in study.series for stack in series.stacks]


def affine(stack: Stack) -> NDArray[np.float64]:
    assert stack.geometry is not None
    return stack.geometry.affine_lps


def rotated(yaw: float, pitch: float, roll: float) -> list[float]:
    """Orientation turned about z, then y, then x, in degrees."""
    z, y, x = np.radians([yaw, pitch, roll])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    turn = about_x @ about_y @ about_z
    return [*turn[:, 0], *turn[:, 1]]


ORIENTATIONS = {
    "axial": phantoms.AXIAL,
    "coronal": phantoms.CORONAL,
    "sagittal": phantoms.SAGITTAL,
    "feet first": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "prone": (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    "oblique": tuple(rotated(12, -25, 40)),
    "double oblique": tuple(rotated(-70, 33, 110)),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("step", [2.5, -2.5])
def test_affine_equals_simpleitk(tmp_path: Path, name: str, step: float) -> None:
    phantoms.volume(tmp_path, 4, orientation=ORIENTATIONS[name], step=step)
    (stack,) = stacks(tmp_path)
    itk: Any = SimpleITK  # has no complete types
    reader = itk.ImageSeriesReader()
    reader.SetFileNames([str(frame.file.location.path) for frame in stack.frames])
    image = reader.Execute()
    for index in [(0, 0, 0), (3, 7, 9), (1, 2, 5)]:
        s, r, c = index
        point = image.TransformIndexToPhysicalPoint((c, r, s))
        np.testing.assert_allclose((affine(stack) @ (*index, 1))[:3], point, atol=1e-6)
    normal = np.cross(ORIENTATIONS[name][:3], ORIENTATIONS[name][3:])
    depths = [np.dot(normal, frame.plane.position) for frame in stack.frames if frame.plane]
    assert depths == sorted(depths)
    assert len(depths) == 4


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_affine_of_a_single_slice_equals_simpleitk(tmp_path: Path, name: str) -> None:
    (path,) = phantoms.volume(tmp_path, 1, orientation=ORIENTATIONS[name], SliceThickness=3.5)
    (stack,) = stacks(tmp_path)
    image: Any = SimpleITK.ReadImage(str(path))
    for c, r, s in [(0, 0, 0), (9, 7, 0), (2, 5, 0)]:
        point = image.TransformIndexToPhysicalPoint((c, r, s))
        np.testing.assert_allclose((affine(stack) @ (s, r, c, 1))[:3], point, atol=1e-6)
    np.testing.assert_allclose(affine(stack)[:3, 0], 3.5 * np.array(image.GetDirection())[[2, 5, 8]], atol=1e-6)
    found: Any = listing(scan(tmp_path))
    assert found["studies"][0]["series"][0]["stacks"][0]["spacing_mm"] == [None, 0.8, 0.7]


@pytest.mark.parametrize(
    ("name", "codes"),
    [("axial", "LPS"), ("coronal", "LIP"), ("sagittal", "PIR"), ("feet first", "RPI"), ("prone", "RAS")],
)
def test_axes_point_as_nibabel_says(tmp_path: Path, name: str, codes: str) -> None:
    phantoms.volume(tmp_path, 3, orientation=ORIENTATIONS[name])
    (stack,) = stacks(tmp_path)
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine(stack)
    axcodes: Any = nibabel.orientations.aff2axcodes
    assert "".join(axcodes(to_ras[:, [2, 1, 0, 3]])) == codes  # columns, rows, slices


def test_a_single_slice_without_thickness_is_one_millimetre_thick(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 1, SliceThickness=None)
    (stack,) = stacks(tmp_path)
    np.testing.assert_array_equal(affine(stack)[:3, 0], [0, 0, 1])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    step=st.floats(0.3, 12),
    tilt=st.floats(-30, 30),
    spacing=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)),
)
def test_every_pixel_lies_where_its_own_header_says(
    tmp_path_factory: pytest.TempPathFactory,
    angles: tuple[float, float, float],
    step: float,
    tilt: float,
    spacing: tuple[float, float],
) -> None:
    folder = tmp_path_factory.mktemp("volume")
    spacing = (round(spacing[0], 4), round(spacing[1], 4))
    phantoms.volume(folder, 4, orientation=rotated(*angles), step=step, tilt=tilt, spacing=spacing)
    (stack,) = stacks(folder)
    for index, frame in enumerate(stack.frames):
        ds = pydicom.dcmread(frame.file.location.path, stop_before_pixels=True)
        along_row, along_column = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        expected = np.array(ds.ImagePositionPatient, float) + 3 * along_column * spacing[0] + 5 * along_row * spacing[1]
        np.testing.assert_allclose((affine(stack) @ (index, 3, 5, 1))[:3], expected, atol=1e-4)
        assert frame.plane is not None
        np.testing.assert_allclose(frame.plane.to_patient(3, 5), expected, atol=1e-4)


def test_gantry_tilt_is_named_and_the_first_column_is_the_true_step(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 5, tilt=18.0, step=3.0)
    (stack,) = stacks(tmp_path)
    np.testing.assert_allclose(affine(stack)[:3, 0], [0, 3 * np.tan(np.radians(18)), 3])
    assert stack.warnings == (
        "The gantry was tilted by 18.0°: slices are stacked along the true step, not along their normal.",
    )
    assert stack.geometry is not None
    assert stack.geometry.tilt_degrees == pytest.approx(18)


def at(*depths: float) -> list[tuple[float, float, float]]:
    return [(0.0, 0.0, depth) for depth in depths]


def test_missing_slices_are_counted_and_named(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, at=at(0, 2, 4, 8, 10, 12, 18, 20), SliceThickness=2)
    (stack,) = stacks(tmp_path)
    assert stack.geometry is None
    assert stack.warnings == (
        "3 slices are missing: between slices 3 and 4 (4 mm instead of 2 mm), 6 and 7 (6 mm instead of 2 mm).",
    )
    found: Any = listing(scan(tmp_path))
    (json,) = found["studies"][0]["series"][0]["stacks"]
    assert (json["spacing_mm"], json["affine_lps"]) == ([None, 0.8, 0.7], None)


def test_one_missing_slice_among_three(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, at=at(0, 2, 4, 6, 10), SliceThickness=2)
    (stack,) = stacks(tmp_path)
    assert stack.warnings == ("1 slice is missing: between slices 4 and 5 (4 mm instead of 2 mm).",)


def test_varying_spacing_is_no_grid(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, at=at(0, 2, 4.5, 6, 8.3), SliceThickness=2)
    (stack,) = stacks(tmp_path)
    assert stack.geometry is None
    assert stack.warnings == (
        "The spacing between slices varies from 1.5 to 2.5 mm; distances through the slices are not measured.",
    )


@pytest.mark.parametrize("digits", [1, 2])
def test_positions_rounded_by_the_scanner_are_still_even(tmp_path: Path, digits: int) -> None:
    phantoms.volume(tmp_path, at=at(*(round(1.25 * k, digits) for k in range(40))), SliceThickness=1.25)
    (stack,) = stacks(tmp_path)
    assert stack.warnings == ()
    np.testing.assert_allclose(affine(stack)[2, 0], 1.25, atol=0.003)


def test_overlap_and_gaps_are_named(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "overlap", 4, step=1.0, SliceThickness=2.5)
    phantoms.volume(tmp_path / "gaps", 4, step=10.0, SliceThickness=1.0, series="gaps", SeriesNumber=2)
    phantoms.volume(tmp_path / "usual", 4, step=6.5, SliceThickness=5.0, series="usual", SeriesNumber=3)
    overlap, gaps, usual = stacks(tmp_path)
    assert overlap.warnings == ("The slices overlap: each is 2.5 mm thick, one every 1 mm.",)
    assert gaps.warnings == ("There are gaps between the slices: each is 1 mm thick, one every 10 mm.",)
    assert usual.warnings == ()
    assert all(stack.geometry is not None for stack in (overlap, gaps, usual))


def test_slices_shifted_within_their_plane_are_no_grid(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, at=[(0, 0, 0), (5, 0, 2), (0, 0, 4), (0, 0, 6)])
    (stack,) = stacks(tmp_path)
    assert stack.geometry is None
    assert stack.warnings == (
        "The slices are shifted against one another within their plane; they form no regular grid.",
    )


@pytest.mark.parametrize("spacing", [None, [0, 0], ["nan", "0.7"], [0.8, -1]])
def test_without_pixel_spacing_slices_are_ordered_but_not_measured(tmp_path: Path, spacing: Any) -> None:
    paths = phantoms.volume(tmp_path, 4, PixelSpacing=[spacing] * 4)
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.VOLUME
    assert [frame.file.location.path for frame in stack.frames] == paths
    assert stack.geometry is None
    assert "The images give no pixel spacing: measurements are in pixels." in stack.warnings
    found: Any = listing(scan(tmp_path))
    (json,) = found["studies"][0]["series"][0]["stacks"]
    assert (json["spacing_mm"], json["affine_lps"]) == (None, None)


@pytest.mark.parametrize(
    "elements",
    [
        {"ImagePositionPatient": None},
        {"ImageOrientationPatient": None},
        {"ImageOrientationPatient": [[0.0] * 6] * 4},
        {"ImageOrientationPatient": [[1, 0, 0, 1, 0, 0]] * 4},
        {"ImagePositionPatient": [["nan", 0, 0]] * 4},
        {"ImagePositionPatient": [["1e30", 0, 0]] * 4},
        {"ImagePositionPatient": [[0, 0]] * 4},
    ],
)
def test_without_place_slices_are_in_the_order_of_their_numbers(tmp_path: Path, elements: dict[str, Any]) -> None:
    phantoms.volume(tmp_path, 4, **elements)
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.IMAGES
    assert stack.geometry is None
    assert [frame.instance_number for frame in stack.frames] == [1, 2, 3, 4]
    assert stack.warnings == (
        "The header gives no usable position and orientation: the images are in the order of their numbers.",
    )


@pytest.mark.parametrize(("orientation", "words"), [("axial", ("L", "P")), ("sagittal", ("P", "I"))])
def test_without_a_spacing_the_directions_are_still_known(
    tmp_path: Path, orientation: str, words: tuple[str, str]
) -> None:
    directions = {"axial": phantoms.AXIAL, "sagittal": phantoms.SAGITTAL}[orientation]
    phantoms.volume(tmp_path, 3, orientation=directions, PixelSpacing=None)
    (stack,) = stacks(tmp_path)
    assert {frame.plane for frame in stack.frames} == {None}
    assert {frame.orientation for frame in stack.frames} == {words}


@pytest.mark.parametrize("modality", ["US", "DX", "MG"])
def test_directions_of_films_and_ultrasound_are_those_of_nobody(tmp_path: Path, modality: str) -> None:
    phantoms.volume(tmp_path, 1, modality=modality, PixelSpacing=None)
    (stack,) = stacks(tmp_path)
    assert stack.frames[0].orientation is None


def test_frames_of_reference_that_differ_from_image_to_image_are_named(tmp_path: Path) -> None:
    uids = [phantoms.make_uid("frame", k) for k in range(4)]
    phantoms.volume(tmp_path, 4, FrameOfReferenceUID=uids)
    (stack,) = stacks(tmp_path)
    assert stack.frame_of_reference_uid is None
    assert stack.geometry is not None
    (warning,) = stack.warnings
    assert warning.startswith("The images name 4 different frames of reference")


def test_two_frames_of_reference_are_two_stacks(tmp_path: Path) -> None:
    uids = [phantoms.make_uid("frame", k // 3) for k in range(6)]
    phantoms.volume(tmp_path, 6, FrameOfReferenceUID=uids)
    found = stacks(tmp_path)
    assert [stack.shape[0] for stack in found] == [3, 3]
    assert {stack.frame_of_reference_uid for stack in found} == set(uids)


def test_directions_that_scatter_a_little_are_one_orientation(tmp_path: Path) -> None:
    scattered = [list(rotated(0.05 * k, 0, 0)) for k in range(5)]
    phantoms.volume(tmp_path, 5, ImageOrientationPatient=scattered)
    (stack,) = stacks(tmp_path)
    assert stack.geometry is not None
