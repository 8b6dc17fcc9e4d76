from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom.data
import pytest
import safetensors.torch
import torch

from radviewer.ai import anatomy
from radviewer.ai.cards import BadModel
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import AnatomyNet, FindingNet
from radviewer.errors import NothingToRead, NotSaved, RadviewerError
from radviewer.evaluation.commands import evaluate_model, list_models
from radviewer.evaluation.labelled import Line, read_image, read_lines, subgroups
from radviewer.evaluation.metrics import Figure
from radviewer.evaluation.question import PARTLY, UNSEEN, as_json
from radviewer.evaluation.run_outlines import truth_of
from radviewer.progress import Progress
from tests.ai.conftest import card_values, finding_values
from tests.ai.drawings import Seeing, chest, lungs


def _weights(folder: Path, network: torch.nn.Module) -> list[dict[str, Any]]:
    folder.mkdir(parents=True)
    file = folder / "fold0.safetensors"
    safetensors.torch.save_file(network.state_dict(), file)
    return [{"file": file.name, "sha256": sha256(file), "fold": 0}]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    values = card_values(_weights(folder / "chest-anatomy", AnatomyNet()))
    (folder / "chest-anatomy" / "card.json").write_text(json.dumps(values))
    weights = _weights(folder / "chest-tuberculosis", FindingNet(1))
    values = card_values(weights) | {
        "name": "chest-tuberculosis",
        "task": "chest findings",
        "labels": ["tuberculosis"],
        "findings": [finding_values("tuberculosis")],
        "requires": "chest-anatomy",
    }
    (folder / "chest-tuberculosis" / "card.json").write_text(json.dumps(values))
    (folder / "chest-tuberculosis" / "folds.csv").write_text("film,patient,fold\nseen/0.png,seen/0,0\n")
    return folder


@pytest.fixture
def catalogue(models: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))
    return Catalogue(models)


def _data(folder: Path, count: int = 3) -> Path:
    """Drawn chests, noise and a missing file, with labels and masks."""
    folder.mkdir()
    right, left, heart = lungs()
    mask = (right * 1 + left * 2 + heart * 4).astype(np.uint8)
    cv2.imwrite(str(folder / "mask.png"), mask)
    lines = []
    for i in range(count):
        film = np.clip(chest() / 16 + np.random.default_rng(i).normal(0, 2, chest().shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i}.png"), film)
        lines.append(f"{i}.png,p{i},{'tuberculosis' if i % 2 else 'normal'},mask.png")
    noise = np.random.default_rng(9).integers(0, 255, (300, 300)).astype(np.uint8)
    cv2.imwrite(str(folder / "noise.png"), noise)
    lines += ["noise.png,p8,normal,", "gone.png,p9,tuberculosis,"]
    index = folder / "index.csv"
    index.write_text("image,patient,label,mask\n" + "\n".join(lines) + "\n")
    return index


def _evaluate(catalogue: Catalogue, model: str, index: Path, out: Path, *more: str) -> dict[str, Any]:
    arguments = [
        model,
        "--index",
        str(index),
        "--label",
        "label",
        "--positive",
        "tuberculosis",
        "--out",
        str(out),
        *more,
    ]
    report: dict[str, Any] = json.loads(evaluate_model(arguments, Progress(), catalogue))
    return report


def test_a_finding_is_scored_film_by_film(catalogue: Catalogue, tmp_path: Path) -> None:
    report = _evaluate(catalogue, "chest-tuberculosis", _data(tmp_path / "films"), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == report
    assert report["data"] == UNSEEN
    assert report["figures"]["share refused"] == pytest.approx({"value": 0.4, "low": 0, "high": 0.8, "n": 5}, abs=0.21)
    assert report["figures"]["AUC"]["n"] == 3
    with (tmp_path / "out" / "films.csv").open(newline="") as file:
        films = {line["film"]: line for line in csv.DictReader(file)}
    assert films["films/0.png"]["probability"] != ""
    assert "lungs" in films["films/noise.png"]["refused"]
    assert "gone.png" in films["films/gone.png"]["refused"]
    for name in report["pictures"]:
        assert (tmp_path / "out" / name).stat().st_size > 0


def test_outlines_are_scored_against_masks(catalogue: Catalogue, tmp_path: Path) -> None:
    report = _evaluate(catalogue, "chest-anatomy", _data(tmp_path / "films"), tmp_path / "out", "--mask", "mask")
    for name in ("lungs", "right lung", "left lung", "heart"):
        assert report["figures"][f"mean Dice, {name}"]["n"] == 3
        assert report["figures"][f"mean Dice, {name}"]["value"] > 0.9
    assert report["figures"]["share refused"]["value"] == pytest.approx(0.4)
    assert {name.split("-")[0] for name in report["pictures"]} == {"best", "median", "worst"}
    assert all((tmp_path / "out" / name).stat().st_size > 0 for name in report["pictures"])


@pytest.mark.parametrize("model", ["chest-tuberculosis", "chest-anatomy"])
def test_films_of_one_name_keep_their_own_pictures(catalogue: Catalogue, tmp_path: Path, model: str) -> None:
    index = _data(tmp_path / "films", count=0)
    for i, folder in enumerate(("wide", "high")):
        shape = ((300, 400), (400, 300))[i]
        (tmp_path / "films" / folder).mkdir()
        cv2.imwrite(str(tmp_path / "films" / folder / "a.png"), (chest(shape) / 16).astype(np.uint8))
        right, left, _ = lungs(shape)
        mask = (right | left) * 255 if i else right * 255  # the wide film is outlined worse
        cv2.imwrite(str(tmp_path / "films" / folder / "mask.png"), mask)
    index.write_text("image,label,mask\nwide/a.png,normal,wide/mask.png\nhigh/a.png,tuberculosis,high/mask.png\n")
    _evaluate(catalogue, model, index, tmp_path / "out", "--mask", "mask")
    pictures = [cv2.imread(str(tmp_path / "out" / f"{kind}-1.png")) for kind in ("best", "worst")]
    assert {picture.shape for picture in pictures if picture is not None} == {(664, 480, 3), (504, 640, 3)}


@pytest.mark.parametrize("line", ["normal", "normal,", "normal,.", "normal,,"])
def test_a_line_without_an_image_is_refused_alone(catalogue: Catalogue, tmp_path: Path, line: str) -> None:
    index = _data(tmp_path / "films", count=1)
    shutil.copy(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False)), index.parent)  # never read instead
    index.write_text(f"label,image\nnormal,0.png\n{line}\n")
    _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    with (tmp_path / "out" / "films.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["refused"] == ""
    assert "is a folder" in second["refused"]


@pytest.mark.parametrize("model", ["chest-tuberculosis", "chest-anatomy"])
def test_names_that_are_no_text_are_written_all_the_same(catalogue: Catalogue, tmp_path: Path, model: str) -> None:
    index = _data(tmp_path / "films", count=2)
    folder = index.parent.rename(tmp_path / os.fsdecode(b"films\xff"))
    index = (folder / "index.csv").rename(folder / os.fsdecode(b"index\xff.csv"))
    _evaluate(catalogue, model, index, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "metrics.json").read_bytes())
    assert written["index"] == "index\udcff.csv"
    assert "films\\udcff/0.png" in (tmp_path / "out" / "films.csv").read_text(encoding="utf-8")


def test_training_data_is_marked(catalogue: Catalogue, tmp_path: Path) -> None:
    report = _evaluate(catalogue, "chest-tuberculosis", _data(tmp_path / "seen"), tmp_path / "out")
    assert report["data"] == PARTLY


@pytest.mark.parametrize("kind", ["copied index", "link"])
def test_training_data_is_known_by_the_folder_its_images_lie_in(
    catalogue: Catalogue, tmp_path: Path, kind: str
) -> None:
    seen = _data(tmp_path / "seen")
    (tmp_path / "mine").mkdir()
    index = tmp_path / "mine" / "index.csv"
    if kind == "link":
        (tmp_path / "mine" / "films").symlink_to(seen.parent, target_is_directory=True)
    folder = "films" if kind == "link" else str(seen.parent)
    index.write_text(f"image,label\n{folder}/0.png,normal\n{folder}/1.png,tuberculosis\n")
    report = _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    assert report["data"] == PARTLY


def test_group_is_the_patient(tmp_path: Path) -> None:
    index = _data(tmp_path / "films")
    assert [line.patient for line in read_lines(index)][:2] == ["films/p0", "films/p1"]
    assert {line.patient for line in read_lines(index, "label")} == {"films/normal", "films/tuberculosis"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no image"), ("label\nx\n", "no column image"), ("image\na.png\n", "no column label")],
)
def test_an_index_that_cannot_be_used_is_named(catalogue: Catalogue, tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(NothingToRead, match=reason):
        _evaluate(catalogue, "chest-anatomy", tmp_path / "index.csv", tmp_path / "out")


def test_a_model_that_does_not_exist_is_named(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="no model named liver"):
        _evaluate(catalogue, "liver", _data(tmp_path / "films"), tmp_path / "out")


def test_results_that_cannot_be_written_are_named(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(NotSaved, match="out"):
        _evaluate(catalogue, "chest-anatomy", _data(tmp_path / "films"), tmp_path / "out")


def test_masks_of_lungs_and_of_structures() -> None:
    assert set(truth_of(np.array([[0, 255]], np.uint8))) == {"lungs"}
    found = truth_of(np.array([[0, 1, 2, 5]], np.uint8))
    assert found["lungs"].tolist() == [[False, True, True, True]]
    assert found["heart"].tolist() == [[False, False, False, True]]


def test_colour_images_are_read_as_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4, 3), (1, 2, 3), np.uint8))
    image, _ = read_image(tmp_path / "a.png")
    assert image.stored[0, 0].tolist() == [3, 2, 1]
    assert image.is_colour


def test_dicom_is_read_with_what_its_header_says() -> None:
    path = pydicom.data.get_testdata_file("CT_small.dcm", download=False)
    image, context = read_image(Path(str(path)))
    assert image.stored.shape == (128, 128)
    assert (context.modality, context.slices) == ("CT", 1)


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_files_that_are_no_image_are_named(tmp_path: Path, content: bytes) -> None:
    for name in ("a.png", "a.dcm"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RadviewerError, match=name):
            read_image(tmp_path / name)


def test_models_are_listed_as_json() -> None:
    assert isinstance(json.loads(list_models(["--json"])), list)


def test_columns_with_a_few_values_are_subgroups() -> None:
    cells = [
        {"image": f"{i}.png", "label": "ab"[i % 2], "device": "xyz"[i % 3 if i < 27 else 0], "note": str(i)}
        for i in range(30)
    ]
    lines = [Line(Path(c["image"]), c["image"], c["image"], c) for c in cells]
    found = subgroups(lines, {"label"})
    assert list(found) == ["device = x"]  # y and z have nine films each
    assert len(found["device = x"]) == 12
    assert list(subgroups(lines, set())) == ["label = a", "label = b", "device = x"]


def test_subgroups_have_their_own_figures(catalogue: Catalogue, tmp_path: Path) -> None:
    index = _data(tmp_path / "films", count=24)
    rows = index.read_text().splitlines()
    index.write_text("\n".join([rows[0] + ",site", *(f"{r},{'AB'[i % 2]}" for i, r in enumerate(rows[1:]))]) + "\n")
    asked = ["chest-tuberculosis", "--index", str(index), "--label", "label", "--positive", "tuberculosis"]
    report = json.loads(evaluate_model([*asked, "--out", str(tmp_path / "out")], Progress(), catalogue))
    sites = [figures for name, figures in report["subgroups"].items() if name in ("site = A", "site = B")]
    assert sum(group["share refused"]["n"] for group in sites) == len(rows) - 1


def test_films_nobody_labelled_are_counted_and_left_out(catalogue: Catalogue, tmp_path: Path) -> None:
    index = _data(tmp_path / "films", count=2)
    index.write_text("image,label\n0.png,normal\n1.png,tuberculosis\n1.png,\n0.png,  \n0.png\n")
    report = _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    assert report["without_label"] == 3
    assert report["figures"]["share refused"]["n"] == 2
    index.write_text("image,label\n0.png,\n")
    with pytest.raises(NothingToRead, match="label"):
        _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")


def test_a_bad_mask_costs_its_own_film_only(catalogue: Catalogue, tmp_path: Path) -> None:
    index = _data(tmp_path / "films", count=3)
    (index.parent / "broken.png").write_bytes(b"no mask")
    cv2.imwrite(str(index.parent / "small.png"), np.zeros((5, 5), np.uint8))
    index.write_text("image,label,mask\n0.png,x,mask.png\n1.png,x,broken.png\n2.png,x,small.png\n")
    report = _evaluate(catalogue, "chest-anatomy", index, tmp_path / "out", "--mask", "mask")
    assert report["figures"]["mean Dice, lungs"]["n"] == 1
    broken, small = report["bad_masks"]
    assert "broken.png is not a mask" in broken
    assert "small.png has 5 × 5 pixels" in small


def test_figures_that_cannot_be_said_are_null(catalogue: Catalogue, tmp_path: Path) -> None:
    index = _data(tmp_path / "films", count=1)
    index.write_text("image,label\nnoise.png,normal\n")
    _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    text = (tmp_path / "out" / "metrics.json").read_text()
    assert "NaN" not in text
    assert as_json({"AUC": Figure(float("nan"), float("nan"), 1.0, 3)}) == {
        "AUC": {"value": None, "low": None, "high": 1.0, "n": 3}
    }


def test_results_of_an_earlier_run_stay_whole_when_the_disk_is_full(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _data(tmp_path / "films", count=2)
    _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    with pytest.raises(NotSaved, match="no space left"):
        _evaluate(catalogue, "chest-tuberculosis", index, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
