"""`evaluate` on made-up series and ultrasound images, with random networks."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from radviewer.ai import lesion_ensemble, slice_ensemble
from radviewer.ai.catalogue import Catalogue
from radviewer.errors import NothingToRead
from radviewer.evaluation import classified, metrics, run_lesions, run_volumes
from radviewer.evaluation.commands import evaluate_model
from radviewer.evaluation.labelled import Line
from radviewer.evaluation.question import PARTLY, UNSEEN
from radviewer.evaluation.run_lesions import Overlap, overlap_figures
from radviewer.evaluation.run_volumes import Series, _order, outline_figures
from radviewer.progress import Progress
from tests.ai.lesion_models import BrightSlices, DarkLesions, breast_model, glioma_model
from tests.ai.series import head, speckled, tumour
from tests.ai.test_breast import SHAPE, lesion

HEADER = "image,patient,slice,label,mask"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    models = tmp_path_factory.mktemp("models")
    glioma_model(models)
    breast_model(models)
    lines = [f"seen/a-{i}.png,seen/a,1" for i in range(10)]
    (models / "brain-glioma" / "folds.csv").write_text("film,patient,fold\n" + "\n".join(lines) + "\n")
    return Catalogue(models)


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw few resamples for the intervals: a thousand fits of a calibration take seconds."""
    for module in (classified, run_volumes, run_lesions):
        monkeypatch.setattr(module, "bootstrap", partial(metrics.bootstrap, rounds=20))


@pytest.fixture
def _seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_ensemble, "members", lambda _catalogue, card: (BrightSlices() for _ in card.weights))
    monkeypatch.setattr(lesion_ensemble, "members", lambda _catalogue, card: (DarkLesions() for _ in card.weights))


def _evaluate(catalogue: Catalogue, model: str, index: Path, out: Path, *more: str) -> dict[str, Any]:
    asked = [model, "--index", str(index), "--label", "label", "--positive", "tumour", "--out", str(out), *more]
    report: dict[str, Any] = json.loads(evaluate_model(asked, Progress(), catalogue))
    assert json.loads((out / "metrics.json").read_text()) == report
    for name in report["pictures"]:
        assert (out / name).stat().st_size > 0
    return report


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _series(folder: Path, name: str, seed: int, *, ill: bool = True) -> list[str]:
    """Write ten slices and masks of those with tumour; return their lines, in a strange order."""
    values = head(seed=seed)
    values = np.where((values > 650) & ~tumour(), 420, values)  # no bright scalp
    if not ill:
        values = np.where(tumour(), 420, values)
    lines = []
    for i, plane in enumerate(values):
        cv2.imwrite(str(folder / f"{name}-{i}.png"), np.clip(plane / 4, 0, 255).astype(np.uint8))
        mask = ill and bool(tumour()[i].any())
        if mask:
            cv2.imwrite(str(folder / f"{name}-{i}-mask.png"), tumour()[i].astype(np.uint8) * 255)
        label = "tumour" if mask else "none"
        lines.append(f"{name}-{i}.png,{name},{i},{label},{f'{name}-{i}-mask.png' if mask else ''}")
    return lines[::-1]


def _index(folder: Path, lines: list[str]) -> Path:
    (folder / "index.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    return folder / "index.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    return tmp_path / "scans"


@pytest.mark.usefixtures("_seeing")
def test_slices_are_grouped_to_series_and_outlines_compared_in_three_dimensions(
    catalogue: Catalogue, folder: Path, tmp_path: Path
) -> None:
    lines = [*_series(folder, "a", 0), *_series(folder, "b", 1), *_series(folder, "c", 2, ill=False)]
    report = _evaluate(catalogue, "brain-glioma", _index(folder, lines), tmp_path / "out", "--mask", "mask")
    assert report["data"] == UNSEEN
    assert report["figures"]["AUC"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 3}
    assert report["slices"]["AUC"]["n"] == 30
    assert report["slices"]["AUC"]["value"] > 0.95
    assert report["outlines"]["mean Dice, glioma"]["n"] == 2  # of those that have one
    assert report["outlines"]["worst Dice, glioma"]["value"] > 0.8
    assert report["outlines"]["median relative error of the volume"]["value"] < 0.3
    assert {"series-1.png", "series-2.png", "series-3.png", "roc.png"} <= set(report["pictures"])
    series = _table(tmp_path / "out" / "series.csv")
    assert [(s["patient"], s["slices"], s["positive"]) for s in series] == [
        ("scans/a", "10", "1"),
        ("scans/b", "10", "1"),
        ("scans/c", "10", "0"),
    ]
    assert int(series[0]["true voxels"]) == tumour().sum()
    slices = _table(tmp_path / "out" / "slices.csv")
    assert [s["film"] for s in slices[:10]] == [f"scans/a-{i}.png" for i in range(10)]  # by the column slice
    on = [float(s["probability"]) for s in slices if s["positive"] == "1"]
    assert min(on) > min(float(s["probability"]) for s in slices)


@pytest.mark.parametrize("spoil", ["size", "broken", "gone"])
def test_a_series_with_a_mask_that_cannot_be_used_is_left_out(
    catalogue: Catalogue, folder: Path, tmp_path: Path, spoil: str
) -> None:
    index = _index(folder, [*_series(folder, "a", 0), *_series(folder, "b", 1), *_series(folder, "c", 2)])
    bad = folder / "b-6-mask.png"
    if spoil == "size":
        cv2.imwrite(str(bad), np.zeros((5, 5), np.uint8))
    elif spoil == "broken":
        bad.write_bytes(b"no mask")
    else:
        bad.unlink()
    report = _evaluate(catalogue, "brain-glioma", index, tmp_path / "out", "--mask", "mask")
    assert report["outlines"]["mean Dice, glioma"]["n"] == 2
    series = {s["patient"]: s for s in _table(tmp_path / "out" / "series.csv")}
    assert "b-6-mask.png" in series["scans/b"]["refused"]
    assert series["scans/a"]["refused"] == ""
    assert "series-2.png" not in report["pictures"]
    plain = _evaluate(catalogue, "brain-glioma", index, tmp_path / "plain")
    assert plain["outlines"] == {}
    assert plain["figures"]["share refused"]["value"] == 0


def test_unreadable_slices_and_odd_sizes_cost_their_own_series(
    catalogue: Catalogue, folder: Path, tmp_path: Path
) -> None:
    index = _index(folder, [*_series(folder, "a", 0), *_series(folder, "b", 1), *_series(folder, "c", 2)])
    (folder / "a-3.png").write_bytes(b"")
    cv2.imwrite(str(folder / "b-3.png"), np.zeros((9, 9), np.uint8))
    report = _evaluate(catalogue, "brain-glioma", index, tmp_path / "out")
    a, b, c = _table(tmp_path / "out" / "series.csv")
    assert "a-3.png is not an image" in a["refused"]
    assert "several sizes" in b["refused"]
    assert c["refused"] == ""
    assert c["probability"] != ""
    assert report["figures"]["share refused"]["value"] == pytest.approx(0.6667, abs=1e-3)
    assert len(_table(tmp_path / "out" / "slices.csv")) == 10


def test_nothing_judged_leaves_nothing_to_say(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(folder / "blank.png"), np.zeros((64, 64), np.uint8))
    report = _evaluate(catalogue, "brain-glioma", _index(folder, ["blank.png,p,1,tumour,"]), tmp_path / "out")
    assert report["figures"]["share refused"]["value"] == 1
    assert report["slices"] == {}
    assert report["pictures"] == []


def test_patients_of_the_training_set_are_judged_by_the_member_that_left_them_out(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    seen, other = tmp_path / "seen", tmp_path / "other"
    seen.mkdir()
    other.mkdir()
    reports = [_evaluate(catalogue, "brain-glioma", _index(f, _series(f, "a", 0)), f / "out") for f in (seen, other)]
    assert [report["data"] for report in reports] == [PARTLY, UNSEEN]
    chances = [_table(f / "out" / "series.csv")[0]["probability"] for f in (seen, other)]
    assert chances[0] != chances[1]


def test_slices_without_numbers_are_in_the_order_of_their_names() -> None:
    names = ["s10.png", "s9.png", "s1.png", "t.png"]
    lines = [Line(Path(name), name, "p", {}) for name in names]
    assert [line.name for line in sorted(lines, key=_order)] == ["s1.png", "s9.png", "s10.png", "t.png"]
    numbered = [Line(Path(f"{n}.png"), n, "p", {"slice": n}) for n in ("10", "-2", "9.5", "1")]
    assert [line.name for line in sorted(numbered, key=_order)] == ["-2", "1", "9.5", "10"]


def test_outline_figures_need_two_series() -> None:
    one = Series("p", (), (True,), dice=0.5, true_voxels=10, found_voxels=15)
    assert outline_figures([one]) == {}
    empty = Series("q", (), (False,), dice=0.0, true_voxels=0, found_voxels=15)
    assert outline_figures([one, empty]) == {}
    found = outline_figures([one, Series("q", (), (True,), dice=0.9, true_voxels=10, found_voxels=10)])
    assert found["mean Dice, glioma"].value == pytest.approx(0.7)
    assert found["median relative error of the volume"].value == pytest.approx(0.25)


def _images(folder: Path) -> Path:
    """Six images, every second malignant, with masks of all kinds; noise in colour and a missing file."""
    lines = ["image,patient,label,mask"]
    cv2.imwrite(str(folder / "bits.png"), lesion().astype(np.uint8))
    cv2.imwrite(str(folder / "bytes.png"), lesion().astype(np.uint8) * 255)
    cv2.imwrite(str(folder / "small.png"), np.zeros((5, 5), np.uint8))
    (folder / "broken.png").write_bytes(b"no mask")
    for i, mask in enumerate(["bits.png", "bytes.png", "", "small.png", "broken.png", "gone.png"]):
        cv2.imwrite(str(folder / f"{i}.png"), speckled(SHAPE, i, lesion=i != 3))
        lines.append(f"{i}.png,p{i},{'tumour' if i % 2 else 'benign'},{mask}")
    cv2.imwrite(str(folder / "colour.png"), np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8))
    lines += ["colour.png,p8,benign,bits.png", "missing.png,p9,tumour,bits.png", "0.png,p10,,bits.png"]
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder / "index.csv"


@pytest.mark.usefixtures("_seeing")
def test_lesions_are_scored_image_by_image(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    report = _evaluate(catalogue, "breast-lesion", _images(folder), tmp_path / "out", "--mask", "mask")
    assert report["without_label"] == 1
    assert report["figures"]["AUC"]["n"] == 6
    assert report["figures"]["share refused"]["value"] == 0.25
    assert report["outlines"]["mean Dice, lesion"]["n"] == 2
    assert report["outlines"]["mean Dice, lesion"]["value"] > 0.85
    assert report["outlines"]["pointing game: heatmap's peak inside the lesion"]["value"] == 1
    assert report["outlines"]["share of lesions missed (Dice below 0.1)"]["value"] == 0
    small, broken, gone = report["bad_masks"]
    assert "small.png has not the size" in small
    assert "broken.png is not a mask" in broken
    assert "gone.png is not a mask" in gone
    films = {line["film"]: line for line in _table(tmp_path / "out" / "films.csv")}
    assert "colour" in films["scans/colour.png"]["refused"]
    assert "missing.png" in films["scans/missing.png"]["refused"]
    assert [line["film"] for line in _table(tmp_path / "out" / "outlines.csv")] == ["scans/0.png", "scans/1.png"]


def test_lesions_without_masks_have_no_outlines(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    report = _evaluate(catalogue, "breast-lesion", _images(folder), tmp_path / "out")
    assert "outlines" not in report
    assert not (tmp_path / "out" / "outlines.csv").exists()
    (folder / "index.csv").write_text("image,label\n0.png,\n")
    with pytest.raises(NothingToRead, match="label"):
        _evaluate(catalogue, "breast-lesion", folder / "index.csv", tmp_path / "out")


def test_overlaps_are_summed_up() -> None:
    assert overlap_figures([]) == {}
    found = overlap_figures([Overlap("a", "p", 0.05, False), Overlap("b", "q", 0.95, True)])
    values = [figure.value for figure in found.values()]
    assert values == pytest.approx([0.5, 0.5, 0.5, 0.5])
