from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from radviewer import paths
from radviewer.dicom import demo
from radviewer.errors import NothingToRead, NotSaved
from radviewer.progress import Cancelled, Progress


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo study, written once for the tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADVIEWER_HOME", str(tmp_path_factory.mktemp("demo")))
        yield demo.write_demo_study()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the brain where the images do not matter."""
    monkeypatch.setattr("radviewer.dicom.demo_brain.write_brain", lambda *_: None)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_holds_films_a_cine_and_a_volume(study: Path) -> None:
    headers = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in study.rglob("*.dcm")}
    assert len(headers) == len(files(study))
    assert {ds.Modality for ds in headers.values()} == {"CR", "CT", "MR", "NM", "SEG", "US"}
    assert max(int(ds.get("NumberOfFrames") or 1) for ds in headers.values() if ds.Modality == "US") == 120
    assert sum("axial" in path.parts for path in headers) > 100
    assert len({ds.SOPInstanceUID for ds in headers.values()}) == len(headers)


def test_the_brain_lies_in_the_patient_as_in_the_template(study: Path) -> None:
    spec = find_spec("nilearn")
    assert spec is not None
    assert spec.submodule_search_locations
    template = nibabel.Nifti1Image.from_filename(
        Path(spec.submodule_search_locations[0], "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    )
    voxels, to_index = np.asarray(template.dataobj), np.linalg.inv(np.asarray(template.affine))
    axial = sorted(str(path) for path in (study / "brain-mr/axial").iterdir())
    image: Any  # SimpleITK has no complete types
    for image in (SimpleITK.ReadImage(axial), SimpleITK.ReadImage(str(study / "brain-mr/sagittal/sagittal.dcm"))):
        assert sorted(image.GetSize()) == sorted(voxels.shape)
        for index in np.random.default_rng(7).integers(0, image.GetSize(), (500, 3)).tolist():
            x, y, z = image.TransformIndexToPhysicalPoint(index)
            i, j, k = np.rint(to_index @ (-x, -y, z, 1))[:3].astype(int)  # LPS → the template's RAS
            assert image[tuple(index)] == voxels[i, j, k]


def test_the_brain_names_no_patient_but_its_source(study: Path) -> None:
    for path in (study / "brain-mr/axial/axial-100.dcm", study / "brain-mr/sagittal/sagittal.dcm"):
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        assert str(ds.PatientName).startswith("DEMO")
        assert ds.PatientIdentityRemoved == "YES"
        assert not ds.PatientBirthDate
        assert "Copyright (C) 1993-2009 Louis Collins" in ds.ImageComments
        assert ds.SOPInstanceUID != ds.SeriesInstanceUID


def test_both_brain_series_share_the_patients_coordinates(study: Path) -> None:
    axial, sagittal = (
        pydicom.dcmread(path, stop_before_pixels=True)
        for path in (study / "brain-mr/axial/axial-100.dcm", study / "brain-mr/sagittal/sagittal.dcm")
    )
    assert axial.FrameOfReferenceUID == sagittal.FrameOfReferenceUID
    assert axial.StudyInstanceUID == sagittal.StudyInstanceUID
    assert axial.SeriesInstanceUID != sagittal.SeriesInstanceUID


def test_written_again_it_is_the_same(study: Path) -> None:
    again = demo.write_demo_study()  # into this test's own home
    assert again != study
    assert files(again) == files(study)
    for name in files(study):
        assert (again / name).read_bytes() == (study / name).read_bytes()


@pytest.mark.usefixtures("quick")
def test_is_written_once() -> None:
    first = demo.write_demo_study()
    (first / "chest-film" / "chest.dcm").unlink()
    assert demo.write_demo_study() == first
    assert not (first / "chest-film" / "chest.dcm").exists()


@pytest.mark.usefixtures("quick")
def test_several_at_once_do_not_disturb_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3)
    publish = demo._publish

    def publish_together(study: Path, target: Path) -> None:
        together.wait(timeout=30)
        publish(study, target)

    monkeypatch.setattr(demo, "_publish", publish_together)
    with ThreadPoolExecutor(3) as pool:
        written = {future.result() for future in [pool.submit(demo.write_demo_study) for _ in range(3)]}
    assert len(written) == 1
    assert [path.name for path in paths.demo_study().iterdir()] == [written.pop().name]


def test_cancelled_it_leaves_nothing() -> None:
    progress = Progress(lambda done, _total, text: progress.cancel() if "Writing" in text and done == 3 else None)
    with pytest.raises(Cancelled):
        demo.write_demo_study(progress)
    assert list(paths.demo_study().iterdir()) == []


@pytest.mark.parametrize("missing", ["data_store", "nilearn", "nibabel"])
def test_says_how_to_install_what_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(NothingToRead, match=r"pip install 'radviewer\[demo\]'"):
        demo.write_demo_study()
    assert not paths.demo_study().exists()


def test_says_when_it_cannot_be_written() -> None:
    paths.demo_study().write_text("in the way")
    with pytest.raises(NotSaved, match="demo study could not be written"):
        demo.write_demo_study()


@pytest.mark.usefixtures("quick")
def test_removes_what_a_killed_program_left_but_not_what_is_being_written() -> None:
    old, new = paths.demo_study() / ".writing-old", paths.demo_study() / ".writing-new"
    for folder in (old, new):
        (folder / "study").mkdir(parents=True)
    os.utime(old, (0, 0))
    demo.write_demo_study()
    assert not old.exists()
    assert new.exists()
