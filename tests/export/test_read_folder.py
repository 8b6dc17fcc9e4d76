"""The command without the command line: models, files, what is kept and what is read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest

from radviewer.ai.catalogue import Catalogue
from radviewer.export import read_into as module
from radviewer.export import read_stack as reader
from radviewer.export.read_folder import read_folder
from radviewer.export.result_files import Options
from tests import phantoms
from tests.ai.drawings import SHAPE, lungs
from tests.dicom.pixel_files import PYDICOM_DATA
from tests.export.conftest import chest_film, damaged_film, files_below, reasons, results_of

pytestmark = pytest.mark.usefixtures("qapp")

RESULT = ["model", "version", "weights_sha256", "status", "reason", "seconds", "findings", "anatomy"]
FINDING = ["label", "status", "reason", "probability", "threshold", "flagged", "mask", "heatmap", "seg", "picture"]
FINDING += ["measurements", "slices", "key_slice"]


def test_a_chest_film_gets_everything_the_contract_names(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm")
    reading = read_folder(study, out, catalogue, Options(nifti=True))
    assert reading.problem == ""
    assert json.loads((out / "opinions.json").read_bytes()) == reading.found
    (entry,) = reading.found["stacks"]
    assert list(entry) == ["study_uid", "series_uid", "stack", "files", "results"]
    assert entry["files"][0]["path"] == "film.dcm"
    anatomy, findings = entry["results"]
    assert list(anatomy) == list(findings) == RESULT
    assert [s["label"] for s in anatomy["anatomy"]] == ["right lung", "left lung", "heart"]
    tuberculosis, pneumonia = findings["findings"]
    assert list(tuberculosis) == list(pneumonia) == FINDING
    assert (tuberculosis["flagged"], pneumonia["flagged"], pneumonia["picture"]) == (True, False, None)
    named = [value for item in (*anatomy["anatomy"], tuberculosis, pneumonia) for value in item.values()]
    paths = {value for value in named if isinstance(value, str) and "/" in value}
    assert files_below(out) == paths | {"opinions.json", "summary.csv", "summary.html"}
    assert paths >= {"stack-0/chest-anatomy/right-lung.seg.dcm", "stack-0/chest-findings/tuberculosis.png"}
    assert not any("Test" in name or "P1" in name for name in paths)


def test_segmentation_and_nifti_hold_the_same_mask(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm")
    for structure in results_of(read_folder(study, out, catalogue, Options(nifti=True)))["chest-anatomy"]["anatomy"]:
        seg = pydicom.dcmread(out / structure["seg"]).pixel_array
        nifti = np.asarray(nibabel.Nifti1Image.from_filename(out / structure["mask"]).dataobj)
        assert seg.shape == SHAPE
        assert np.array_equal(seg.T, nifti[:, :, 0])
        truth = dict(zip(("right lung", "left lung", "heart"), lungs(), strict=True))[structure["label"]]
        assert (seg > 0)[truth].mean() > 0.7


@pytest.mark.parametrize("options", [Options(), Options(dicom=False), Options(model="chest-findings", nifti=True)])
def test_only_what_is_asked_for_is_written(study: Path, out: Path, catalogue: Catalogue, options: Options) -> None:
    chest_film(study / "film.dcm")
    results = results_of(read_folder(study, out, catalogue, options))
    assert list(results) == ([options.model] if options.model else ["chest-anatomy", "chest-findings"])
    ends = {name.split(".", 1)[1] for name in files_below(out) if name != "opinions.json"}
    assert "png" in ends
    assert ("seg.dcm" in ends) == (options.dicom and options.model is None)
    assert ("heatmap.nii.gz" in ends) == options.nifti


NOT_READ: dict[str, tuple[dict[str, Any], str]] = {
    "lateral": ({"ViewPosition": "LL"}, "not a frontal view"),
    "hand": ({"BodyPartExamined": "HAND"}, "not a chest"),
    "black": ({"pixels": np.zeros(SHAPE, np.int16)}, "blank"),
    "white": ({"pixels": np.full(SHAPE, 4095, np.int16)}, "blank"),
    "nan": ({"RescaleSlope": b"NaN", "RescaleIntercept": b"0"}, ""),
    "colour": ({"pixels": np.random.default_rng(0).integers(0, 255, (120, 130, 3)).astype(np.uint8)}, "colour image"),
    "tiny": ({"pixels": np.arange(64, dtype=np.int16).reshape(8, 8)}, "too small"),
    "damaged": ({}, "film.dcm"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_no_chest_film_is_refused_and_the_next_one_is_read(
    study: Path, out: Path, catalogue: Catalogue, name: str
) -> None:
    own, reason = NOT_READ[name]
    (damaged_film if name == "damaged" else chest_film)(study / "film.dcm", **own)
    chest_film(study / "next.dcm", series="next")
    reading = read_folder(study, out, catalogue, Options())
    assert reading.problem == ""
    numbers = {e["files"][0]["path"]: i for i, e in enumerate(reading.found["stacks"])}
    assert {r["status"] for r in results_of(reading, numbers["next.dcm"]).values()} == {"ran"}
    if reason:
        refused = results_of(reading, numbers["film.dcm"])
        assert {r["status"] for r in refused.values()} == {"refused"}
        assert all(reason in r["reason"] for r in refused.values())
        assert [f["label"] for f in refused["chest-findings"]["findings"]] == ["tuberculosis", "pneumonia"]
        assert all(f["probability"] is None and f["reason"] for f in refused["chest-findings"]["findings"])


def test_a_child_gets_no_finding_that_was_not_made_for_children(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm", PatientAge="003Y")
    found = results_of(read_folder(study, out, catalogue, Options()))["chest-findings"]
    assert found["status"] == "ran"
    assert [finding["status"] for finding in found["findings"]] == ["ran", "refused"]


def test_other_modalities_are_listed_and_never_decoded(
    study: Path, out: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantoms.volume(study / "ct", 4)
    phantoms.volume(study / "cr", 3, modality="CR", series="several")
    monkeypatch.setattr("radviewer.export.read_stack.load", lambda *_: pytest.fail("decoded"))
    reading = read_folder(study, out, catalogue, Options())
    assert reading.problem == ""
    assert sorted(len(entry["results"]) for entry in reading.found["stacks"]) == [0, 2]
    assert [entry["stack"] for entry in reading.found["stacks"]] == [0, 0]


def test_without_a_modality_the_models_are_asked(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "film.dcm", Modality=None)
    assert reasons(read_folder(study, out, catalogue, Options()))["chest-anatomy"] == ("ran", None)


def test_a_huge_image_is_refused_before_it_is_decoded(
    study: Path, out: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged_film(study / "film.dcm", Rows=20_000, Columns=20_000)
    monkeypatch.setattr("radviewer.export.read_stack.load", lambda *_: pytest.fail("decoded"))
    reading = read_folder(study, out, catalogue, Options())
    status, reason = reasons(reading)["chest-anatomy"]
    assert (status, "20,000 × 20,000" in reason) == ("refused", True)
    assert reading.problem == ""  # refused, not unreadable


@pytest.mark.parametrize("damage", ["cut off", "exchanged", "missing"])
@pytest.mark.usefixtures("catalogue")
def test_damaged_weights_fail_alone(study: Path, out: Path, models: Path, damage: str) -> None:
    chest_film(study / "film.dcm")
    weights = models / "chest-findings" / "fold0.safetensors"
    data = weights.read_bytes()
    if damage == "missing":
        weights.unlink()
    else:
        weights.write_bytes(data[:1000] if damage == "cut off" else data[:-1] + b"\0\1")
    first = read_folder(study, out, Catalogue(models), Options())
    found = reasons(first)
    assert found["chest-anatomy"] == ("ran", None)
    assert found["chest-findings"][0] == "failed"
    assert "fold0.safetensors" in found["chest-findings"][1]
    weights.write_bytes(data)  # installed again: what failed is read again
    assert reasons(read_folder(study, out, Catalogue(models), Options()))["chest-findings"] == ("ran", None)


def test_a_model_without_its_lungs_fails(study: Path, out: Path, models: Path) -> None:
    chest_film(study / "film.dcm")
    (models / "chest-anatomy" / "fold1.safetensors").write_bytes(b"")
    found = reasons(read_folder(study, out, Catalogue(models), Options()))
    assert [status for status, _ in found.values()] == ["failed", "failed"]


def test_a_film_that_goes_away_meanwhile_fails_alone(
    study: Path, out: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    chest_film(study / "a.dcm", series="a")
    path = chest_film(study / "b.dcm", series="b")
    read = reader.read_stack

    def steal(stack: Any, *rest: Any) -> Any:
        found = read(stack, *rest)
        if stack.frames[0].file.location.path == path:
            path.unlink()
        return found

    monkeypatch.setattr(module, "read_stack", steal)
    reading = read_folder(study, out, catalogue, Options())
    states = {e["files"][0]["path"]: e["results"][0] for e in reading.found["stacks"]}
    assert states["a.dcm"]["status"] == "ran"
    assert states["b.dcm"]["status"] == "failed"
    assert "b.dcm" in states["b.dcm"]["reason"]
    assert states["b.dcm"]["anatomy"] == []


@pytest.mark.parametrize("name", ["nowhere", "empty", "unreadable"])
def test_nothing_readable_is_a_problem_with_valid_json(study: Path, out: Path, catalogue: Catalogue, name: str) -> None:
    if name == "empty":
        study.mkdir()
    elif name == "unreadable":
        damaged_film(study / "film.dcm")
    reading = read_folder(study, out, catalogue, Options())
    assert str(study) in reading.problem
    assert json.loads((out / "opinions.json").read_bytes()) == reading.found
    assert len(reading.found["stacks"]) == (name == "unreadable")


def test_an_archive_is_read_like_a_folder(study: Path, out: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    film = chest_film(study / "film.dcm")
    phantoms.archive(tmp_path / "study.zip", {"inner/film.dcm": film.read_bytes()})
    reading = read_folder(tmp_path / "study.zip", out, catalogue, Options())
    assert reading.found["stacks"][0]["files"][0]["path"] == "study.zip/inner/film.dcm"
    assert reasons(reading)["chest-anatomy"] == ("ran", None)


def test_a_dicomdir_is_read_like_a_folder(study: Path, out: Path, catalogue: Catalogue) -> None:
    chest_film(study / "IMAGES" / "FILM")
    phantoms.dicomdir(study / "DICOMDIR", ["IMAGES\\FILM"])
    reading = read_folder(study / "DICOMDIR", out, catalogue, Options())
    assert reasons(reading)["chest-anatomy"] == ("ran", None)


def test_a_real_film_without_geometry(study: Path, out: Path, catalogue: Catalogue) -> None:
    study.mkdir()
    shutil.copy(PYDICOM_DATA / "RG1_UNCR.dcm", study)
    reading = read_folder(study, out, catalogue, Options(nifti=True))
    assert {status for status, _ in reasons(reading).values()} <= {"ran", "refused"}
