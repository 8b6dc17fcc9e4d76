"""What scrolls together belongs together: studies, series, stacks, duplicates."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid

from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack, StackKind
from tests import phantoms
from tests.phantoms import AXIAL, CORONAL, SAGITTAL


def stacks(folder: Path) -> list[Stack]:
    return [stack for study in scan(folder).studies for series in study.series for stack in series.stacks]


def labels(folder: Path) -> list[tuple[str, int]]:
    return [(stack.label, stack.shape[0]) for stack in stacks(folder)]


def twice(folder: Path, first: dict[str, Any], second: dict[str, Any], slices: int = 4, **both: Any) -> list[Stack]:
    """Two sets of slices at the same places in one series."""
    phantoms.volume(folder / "a", slices, **(both | first))
    phantoms.volume(folder / "b", slices, first=slices + 1, **(both | second))
    return stacks(folder)


def test_orientations_of_a_localizer_are_stacks_of_their_own(tmp_path: Path) -> None:
    for number, orientation in enumerate((AXIAL, CORONAL, SAGITTAL)):
        phantoms.volume(tmp_path / str(number), 3, orientation=orientation, modality="MR", first=10 * number + 1)
    assert labels(tmp_path) == [("axial", 3), ("coronal", 3), ("sagittal", 3)]
    assert all(stack.geometry is not None for stack in stacks(tmp_path))


def test_matrix_bits_and_spacing_split(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "a", 3)
    phantoms.volume(tmp_path / "b", 3, shape=(16, 20), first=11)
    phantoms.volume(tmp_path / "c", 3, spacing=(0.4, 0.4), first=21)
    phantoms.volume(tmp_path / "d", 3, BitsStored=12, HighBit=11, first=31)
    found = stacks(tmp_path)
    assert [
        (stack.shape, stack.format.bits_stored, stack.frames[0].spacing.row if stack.frames[0].spacing else 0)
        for stack in found
    ] == [
        ((3, 8, 10), 16, 0.8),
        ((3, 8, 10), 16, 0.4),
        ((3, 16, 20), 16, 0.8),
        ((3, 8, 10), 12, 0.8),
    ]
    assert len({stack.label for stack in found}) == 4


def test_echoes_by_number_and_by_time(tmp_path: Path) -> None:
    found = twice(tmp_path / "n", {"EchoNumbers": 1, "EchoTime": 10}, {"EchoNumbers": 2, "EchoTime": 80}, modality="MR")
    assert [stack.label for stack in found] == ["echo 1", "echo 2"]
    found = twice(tmp_path / "t", {"EchoTime": 80.0}, {"EchoTime": 10.0}, modality="MR")
    assert [(stack.label, stack.shape[0]) for stack in found] == [("echo 1", 4), ("echo 2", 4)]
    assert found[0].frames[0].instance_number == 8  # the shorter time is the first echo


def test_echoes_at_different_places_are_split_too(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 6, modality="MR", EchoTime=[10.0, 10.0, 10.0, 80.0, 80.0, 80.0])
    assert labels(tmp_path) == [("echo 1", 3), ("echo 2", 3)]


def test_echo_times_that_scatter_are_one(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 4, modality="MR", EchoTime=[10.0, 10.01, 10.02, 10.0])
    assert labels(tmp_path) == [("", 4)]


def private(creator: str, group: int, offset: int, vr: str, value: Any) -> pydicom.Dataset:
    ds = pydicom.Dataset()
    ds.private_block(group, creator, create=True).add_new(offset, vr, value)
    return ds


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ({"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}),
        (("SIEMENS MR HEADER", 0x19, 0x0C, "IS", 0), ("SIEMENS MR HEADER", 0x19, 0x0C, "IS", 1000)),
        (("GEMS_PARM_01", 0x43, 0x39, "IS", [0, 8, 0, 0]), ("GEMS_PARM_01", 0x43, 0x39, "IS", [1000001000, 8, 0, 0])),
        (("Philips Imaging DD 001", 0x2001, 0x03, "FL", 0.0), ("Philips Imaging DD 001", 0x2001, 0x03, "FL", 1000.0)),
    ],
)
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_b_values_standard_and_private(tmp_path: Path, low: Any, high: Any, syntax: str) -> None:
    for number, value in enumerate((high, low)):
        for path in phantoms.volume(tmp_path, 3, modality="MR", first=10 * number + 1):
            ds = pydicom.dcmread(path)
            ds.update(private(*value) if isinstance(value, tuple) else phantoms.item(**value))
            phantoms.save(ds, path, syntax)
    assert labels(tmp_path) == [("b 0", 3), ("b 1000", 3)]


def test_a_private_number_of_another_vendor_is_not_a_b_value(tmp_path: Path) -> None:
    for number, value in enumerate((1, 2)):
        for path in phantoms.volume(
            tmp_path, 3, modality="MR", first=10 * number + 1, at=[(0, 0, 10 * number + k) for k in range(3)]
        ):
            ds = pydicom.dcmread(path)
            ds.update(private("SOMEBODY ELSE", 0x19, 0x0C, "IS", 500 * value))
            phantoms.save(ds, path)
    assert len(stacks(tmp_path)) == 1


def test_diffusion_directions_split_where_positions_repeat(tmp_path: Path) -> None:
    directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    for number, direction in enumerate(directions):
        phantoms.volume(
            tmp_path / str(number),
            3,
            modality="MR",
            first=10 * number + 1,
            DiffusionBValue=800.0,
            DiffusionGradientOrientation=[direction] * 3,
        )
    assert labels(tmp_path) == [("direction 1", 3), ("direction 2", 3), ("direction 3", 3)]


@pytest.mark.parametrize("keyword", ["TemporalPositionIdentifier", "TriggerTime", "AcquisitionNumber"])
def test_times_in_their_own_order(tmp_path: Path, keyword: str) -> None:
    for number, time in enumerate((300, 100, 200)):
        own: dict[str, Any] = {keyword: time}
        phantoms.volume(tmp_path / str(number), 3, modality="MR", first=10 * number + 1, **own)
    found = stacks(tmp_path)
    assert [(stack.label, stack.shape[0]) for stack in found] == [("time 1", 3), ("time 2", 3), ("time 3", 3)]
    assert [stack.frames[0].instance_number for stack in found] == [13, 23, 3]


def test_times_that_differ_from_slice_to_slice_are_ranked(tmp_path: Path) -> None:
    """A gated series: every slice has its own trigger times, three phases each."""
    for number, offset in enumerate((0, 250, 500)):
        times = [offset + 7 * k for k in range(5)]
        phantoms.volume(tmp_path / str(number), 5, modality="MR", first=10 * number + 1, TriggerTime=times)
    found = stacks(tmp_path)
    assert [(stack.label, stack.shape[0]) for stack in found] == [("time 1", 5), ("time 2", 5), ("time 3", 5)]
    assert [stack.frames[0].instance_number for stack in found] == [5, 15, 25]
    assert all(stack.geometry is not None for stack in found)


def test_repeats_nothing_tells_apart_still_make_whole_volumes(tmp_path: Path) -> None:
    found = twice(tmp_path, {}, {})
    assert [(stack.label, stack.shape[0], stack.warnings) for stack in found] == [("set 1", 4, ()), ("set 2", 4, ())]
    assert [f.instance_number for f in found[0].frames] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"ImageType": "ORIGINAL\\PRIMARY\\M"}, {"ImageType": "DERIVED\\PRIMARY\\M"}, ["original m", "derived m"]),
        ({"ImageType": "ORIGINAL\\PRIMARY\\M"}, {"ImageType": "ORIGINAL\\PRIMARY\\P"}, ["original m", "original p"]),
        (
            {"ImageType": "ORIGINAL\\PRIMARY\\AXIAL\\A"},
            {"ImageType": "ORIGINAL\\PRIMARY\\AXIAL\\B"},
            ["a", "b"],
        ),
        ({"SeriesDescription": "soft"}, {"SeriesDescription": "bone"}, ["soft", "bone"]),
        ({"ConvolutionKernel": "B30"}, {"ConvolutionKernel": "B70"}, ["B30", "B70"]),
        ({"ContrastBolusAgent": ""}, {"ContrastBolusAgent": "Gd"}, ["group 1", "Gd"]),
        ({"KVP": 80}, {"KVP": 140}, ["tube voltage 80 kV", "tube voltage 140 kV"]),
        ({"SliceThickness": 2.0}, {"SliceThickness": 5.0}, ["2 mm slices", "5 mm slices"]),
        ({"InversionTime": 50}, {"InversionTime": 900}, ["inversion time 50 ms", "inversion time 900 ms"]),
    ],
)
def test_kinds_of_image_at_the_same_places(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], expected: list[str]
) -> None:
    found = twice(tmp_path, first, second)
    assert [(stack.label, stack.shape[0]) for stack in found] == [(label, 4) for label in expected]


def test_kinds_and_times_together(tmp_path: Path) -> None:
    for time in (1, 2, 3):
        for kind in ("W", "F"):
            phantoms.volume(
                tmp_path / f"{kind}{time}",
                4,
                modality="MR",
                first=100 * time + 10 * ord(kind),
                ImageType=f"DERIVED\\PRIMARY\\OTHER\\{kind}",
                TemporalPositionIdentifier=time,
            )
    assert labels(tmp_path) == [(f"{kind}, time {time}", 4) for kind in "fw" for time in (1, 2, 3)]


def test_side_by_side_is_not_one_volume(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "left", at=[(-200, 0, k) for k in range(4)])
    phantoms.volume(tmp_path / "right", at=[(200, 0, k) for k in range(4)], first=11)
    assert labels(tmp_path) == [("place 1", 4), ("place 2", 4)]


def test_one_place_again_and_again_is_a_loop_in_time(tmp_path: Path) -> None:
    phantoms.volume(
        tmp_path,
        at=[(0, 0, 0)] * 6,
        AcquisitionTime=["101500.0", "101502.0", "101504.0", "101506.0", "101508.0", "101510.0"],
    )
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.CINE
    assert stack.frame_time_ms == pytest.approx(2000)
    assert [frame.instance_number for frame in stack.frames] == [6, 5, 4, 3, 2, 1]
    assert stack.geometry is None


def test_projections_around_an_axis_scroll_together(tmp_path: Path) -> None:
    turned = [(np.cos(t), np.sin(t), 0, 0, 0, -1) for t in np.linspace(0, np.pi, 8, endpoint=False)]
    phantoms.volume(tmp_path, 8, modality="MR", ImageOrientationPatient=[list(map(float, t)) for t in turned])
    (stack,) = stacks(tmp_path)
    assert (stack.kind, stack.geometry, stack.warnings) == (StackKind.IMAGES, None, ())
    assert [frame.instance_number for frame in stack.frames] == list(range(1, 9))
    assert all(frame.plane is not None for frame in stack.frames)


def test_films_are_a_stack_each_named_by_their_view(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "pa.dcm", view="PA", InstanceNumber=2)
    phantoms.film(tmp_path / "lat.dcm", view="LL", InstanceNumber=1)
    found = stacks(tmp_path)
    assert [(stack.label, stack.shape, stack.kind) for stack in found] == [
        ("LL", (1, 12, 10), StackKind.IMAGES),
        ("PA", (1, 12, 10), StackKind.IMAGES),
    ]


def test_ultrasound_stills_share_a_stack_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        colour = np.full((8, 10, 3), number, np.uint8)
        phantoms.save(phantoms.image(colour, modality="US", instance=number), tmp_path / f"{9 - number}.dcm")
    (stack,) = stacks(tmp_path)
    assert stack.kind is StackKind.IMAGES
    assert [frame.instance_number for frame in stack.frames] == [1, 2, 3]


def test_every_loop_is_a_stack(tmp_path: Path) -> None:
    phantoms.cine(tmp_path / "a.dcm", 6, instance=2)
    phantoms.cine(tmp_path / "b.dcm", 4, instance=1)
    found = stacks(tmp_path)
    assert [(stack.label, stack.kind, stack.shape[0]) for stack in found] == [
        ("image 1", StackKind.CINE, 4),
        ("image 2", StackKind.CINE, 6),
    ]


# --- identities ------------------------------------------------------------------------------------------------------


def test_mixed_patients_are_separate_studies(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "a", 3, patient="P1", study="one")
    phantoms.volume(tmp_path / "b", 3, patient="P2", study="two")
    assert {(s.patient_id, s.study_uid) for s in scan(tmp_path).studies} == {
        ("P1", phantoms.make_uid("one")),
        ("P2", phantoms.make_uid("two")),
    }


@pytest.mark.parametrize("ids", [("P1", "P2"), ("", "")])
def test_patients_that_share_a_study_uid_are_not_merged(tmp_path: Path, ids: tuple[str, str]) -> None:
    phantoms.volume(tmp_path / "a", 3, patient="P1", PatientID=ids[0], series="a")
    phantoms.volume(tmp_path / "b", 3, patient="P2", PatientID=ids[1], series="b")
    studies = scan(tmp_path).studies
    assert [study.patient_name for study in studies] == ["Test^P1", "Test^P2"]
    for stack in stacks(tmp_path):
        assert stack.warnings[0] == "2 patients share this Study Instance UID; each is shown as a study of its own."


@pytest.mark.parametrize("other", [{"modality": "PT"}, {"SeriesNumber": 2}])
def test_different_series_that_share_a_uid_are_kept_apart(tmp_path: Path, other: dict[str, Any]) -> None:
    phantoms.volume(tmp_path / "a", 3)
    phantoms.volume(tmp_path / "b", 3, first=11, **other)
    (study,) = scan(tmp_path).studies
    assert [[stack.shape[0] for stack in series.stacks] for series in study.series] == [[3], [3]]
    for stack in stacks(tmp_path):
        assert stack.warnings[0].startswith("2 different series share this Series Instance UID")


def test_copies_are_listed_as_duplicates_of_the_first_by_name(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "b", 3, names=["1", "2", "3"])
    shutil.copytree(tmp_path / "b", tmp_path / "a")
    result = scan(tmp_path)
    assert [f.file.location.name for s in stacks(tmp_path) for f in s.frames] == ["a/1", "a/2", "a/3"]
    assert [(s.location.name, s.reason) for s in result.skipped] == [
        (f"b/{n}", f"duplicate of a/{n}: the same SOP Instance UID.") for n in "123"
    ]


def test_the_better_copy_is_kept(tmp_path: Path) -> None:
    (path,) = phantoms.volume(tmp_path, 1, names=["m"], shape=(32, 32))
    (tmp_path / "a-cut-off").write_bytes(path.read_bytes()[:-600])
    phantoms.encapsulated(
        tmp_path / "b-lossy",
        [bytes(800)],
        uid.JPEGBaseline8Bit,
        pixels=phantoms.ramp(1, 32, 32)[0],
        ImagePositionPatient=[-30, -40, 50],
        ImageOrientationPatient=list(AXIAL),
    )
    result = scan(tmp_path)
    assert [f.file.location.name for s in stacks(tmp_path) for f in s.frames] == ["m"]
    assert [(s.location.name, s.reason) for s in result.skipped] == [
        ("a-cut-off", "duplicate of m: the same SOP Instance UID, but another file size."),
        ("b-lossy", "duplicate of m: the same SOP Instance UID, encoded differently."),
    ]


def test_different_images_that_share_a_uid_are_all_shown(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 4, SOPInstanceUID=phantoms.make_uid("the same for all"))
    (stack,) = stacks(tmp_path)
    assert stack.shape[0] == 4
    assert scan(tmp_path).skipped == ()
    assert len(stack.warnings) == 4
    assert "4 different images share its SOP Instance UID; all are shown." in stack.warnings[0]


def test_files_without_any_uid_are_shown(tmp_path: Path) -> None:
    for path in phantoms.volume(tmp_path, 3, SOPInstanceUID=None, StudyInstanceUID=None, SeriesInstanceUID=None):
        phantoms.save(pydicom.dcmread(path), path, meta=False)
    (stack,) = stacks(tmp_path)
    assert stack.shape[0] == 3


def test_files_that_leave_the_patient_id_out_join_the_patient_of_that_name(tmp_path: Path) -> None:
    phantoms.volume(tmp_path / "a", 3)
    phantoms.volume(tmp_path / "b", 3, first=4, PatientID=None, at=[(-30, -40, 56 + 2 * k) for k in range(3)])
    phantoms.volume(tmp_path / "c", 3, first=7, PatientName=None, PatientID=None, series="c")
    (study,) = scan(tmp_path).studies
    assert sorted(stack.shape[0] for series in study.series for stack in series.stacks) == [3, 6]
    assert all(stack.warnings == () for stack in stacks(tmp_path))


def test_files_that_leave_the_series_number_out_join_the_series(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 4, SeriesNumber=[1, None, 1, None])
    (stack,) = stacks(tmp_path)
    assert (stack.shape[0], stack.warnings) == (4, ())


def test_a_series_of_countless_orientations_takes_no_time(tmp_path: Path) -> None:
    angles = np.linspace(0, np.pi, 1000)
    turned = [[float(np.cos(t)), float(np.sin(t)), 0.0, 0.0, 0.0, -1.0] for t in angles]
    groups = [{"PlaneOrientationSequence": phantoms.item(ImageOrientationPatient=t)} for t in turned]
    phantoms.enhanced(tmp_path / "e.dcm", at=[(0, 0, 0)] * 1000, groups=groups)
    assert sum(stack.shape[0] for stack in stacks(tmp_path)) == 1000


def test_a_window_named_twice_is_one(tmp_path: Path) -> None:
    phantoms.volume(tmp_path, 1, WindowCenter=(-450, -450, 40), WindowWidth=(2000, 2000, 400))
    (stack,) = stacks(tmp_path)
    assert [window.center for window in stack.frames[0].windows] == [-450, 40]


def test_a_mammogram_is_named_by_side_and_view(tmp_path: Path) -> None:
    for side in "RL":
        for view in ("CC", "MLO"):
            phantoms.film(tmp_path / f"{side}{view}.dcm", modality="MG", view=view, ImageLaterality=side)
    assert sorted(stack.label for stack in stacks(tmp_path)) == ["L CC", "L MLO", "R CC", "R MLO"]


def test_copies_of_other_objects_are_duplicates_too(tmp_path: Path) -> None:
    for kind in phantoms.NOT_IMAGES:
        path = phantoms.not_image(tmp_path / "a" / kind, kind)
        (tmp_path / "b").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "b" / kind)
    result = scan(tmp_path)
    assert len(result.not_images) == len(phantoms.NOT_IMAGES)
    assert {s.reason for s in result.skipped} == {
        f"duplicate of a/{kind}: the same SOP Instance UID." for kind in phantoms.NOT_IMAGES
    }


def test_other_objects_that_share_a_uid_but_differ_are_all_listed(tmp_path: Path) -> None:
    phantoms.not_image(tmp_path / "a", "report")
    phantoms.not_image(tmp_path / "b", "report", patient="P2")
    assert [n.location.name for n in scan(tmp_path).not_images] == ["a", "b"]
