"""Releases of the lesion models: every image read by the member that has not seen it, a valid card at the end."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from radviewer.ai import breast, descriptors, lesion_ensemble, slice_ensemble
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.descriptors import Descriptors
from radviewer.ai.lesion_networks import BreastNet, Judged, LesionNet, SliceNet, WholeNet
from radviewer.ai.reading import read
from radviewer.domain.opinion import Outcome
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead, RadviewerError
from radviewer.evaluation import classified, metrics
from radviewer.training import brains, breasts, finish_breast, release_anatomy, release_breast, release_glioma
from radviewer.training.brains import FIRST, SECOND
from radviewer.training.breast_tables import DESCRIPTORS, read_descriptors, read_images
from radviewer.training.breasts import Breast
from radviewer.training.held_out_series import read_slices, volume_of
from tests.ai.lesion_models import BrightSlices, DarkLesions
from tests.training.scans import SLICES, tumour, write_brains, write_breasts


class _Bright(BrightSlices):
    """Its features differ from slice to slice."""

    def forward(self, x: Tensor) -> Judged:
        judged = super().forward(x)
        return judged._replace(logit=judged.logit * 0.2, features=_features(x))


class _Dark(DarkLesions):
    def forward(self, x: Tensor) -> Judged:
        judged = super().forward(x)
        return judged._replace(features=_features(x))


def _features(x: Tensor) -> Tensor:
    means = torch.nn.functional.adaptive_avg_pool2d(x[:, :1], 8).flatten(1)
    return means.repeat(1, 5)


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_ensemble, "members", lambda _catalogue, card: (_Bright(0.75) for _ in card.weights))
    monkeypatch.setattr(lesion_ensemble, "members", lambda _catalogue, card: (_Dark() for _ in card.weights))
    for module in (release_anatomy, release_breast):
        monkeypatch.setattr(module, "_AXES", 2)
    for module in (classified, release_glioma, finish_breast):
        monkeypatch.setattr(module, "bootstrap", partial(metrics.bootstrap, rounds=10))


def _checkpoint(folder: Path, network: torch.nn.Module, epoch: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state = {"epoch": epoch, "schedule": {"epochs": 2}, "lines": [{"seconds": 5.0}], "average": network.state_dict()}
    torch.save(state, folder / "checkpoint.pt")


def _both_phases(runs: Path, fold: int, epoch: int = 2) -> None:
    _checkpoint(runs / f"fold{fold}", LesionNet())
    _checkpoint(runs / f"fold{fold}{breasts.SECOND.name}", LesionNet(), epoch)
    _checkpoint(runs / f"fold{fold}{breasts.WHOLE.name}", WholeNet())


def _measured(card: Card) -> dict[tuple[str, str], Any]:
    return {(m.name, m.group): m for m in card.metrics}


def test_a_glioma_release_reads_its_series_and_fits_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_brains(tmp_path / "data", patients=6)
    found = brains.load(tmp_path / "data", tmp_path / "cache")
    folds: dict[int, str] = {}
    for series in found.series:
        folds.setdefault(series.fold, series.patient)
    assert len(folds) == 3
    monkeypatch.setattr(release_glioma, "_held_back", lambda patient: patient not in folds.values())
    for fold in range(3):
        for name in (FIRST.name, SECOND.name):
            _checkpoint(tmp_path / "glioma" / f"without-{fold}{name}", SliceNet())
    monkeypatch.setattr(release_glioma, "_LARGE", 50)
    monkeypatch.setattr(release_glioma, "_SHORTEST", 2)
    target = tmp_path / "models" / "brain-glioma"
    release_glioma.release(found, tmp_path, target, "the command")
    catalogue = Catalogue(target.parent)
    catalogue.verify("brain-glioma")
    card = catalogue.card("brain-glioma")
    (item,) = card.findings
    assert item.slice_calibration is not None
    assert item.slice_calibration.slope > 0
    assert item.heat_scale > 0
    assert card.distance is not None
    assert 0 < card.distance.limit < 1e9
    assert (card.training.seconds, card.input_size) == (30, brains.SIZE)
    measured = _measured(card)
    assert measured["mean Dice", "patients, held-out folds"].n == 6
    assert measured["mean Dice", "patients, held-out folds"].value > 0.8
    assert measured["mean Dice", "patients of A, held-out folds"].n == 3
    assert measured["AUC", "slices, held-out folds"].n == 6 * SLICES
    assert measured["AUC", "slices, held-out folds"].value > 0.95
    slices = read_slices(target / "held-out.csv")
    assert sorted({s.fold for s in slices}) == [0, 1, 2]
    assert {s.pixels for s in slices} == set(tumour().sum(axis=(1, 2)).tolist())
    with (target / "folds.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) == 6 * SLICES
    assert listed[0]["film"] == slices[0].film
    volume = volume_of(brains.stack_of(found.series[0].rows))
    (opinion,) = read(volume, Context(modality="MR", description="FLAIR"), catalogue)
    assert opinion.outcome is Outcome.RAN, opinion.reason
    assert opinion.findings[0].flagged


def _twenty_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Breast]:
    write_breasts(folder / "data", images=20)
    monkeypatch.setattr(release_breast, "_held_back", lambda b: int(b.row.cells["patient"]) >= 10)
    return breasts.load(folder / "data")


def _released(found: list[Breast], work: Path) -> Path:
    """The folder of a release of all folds."""
    for fold in range(breasts.FOLDS):
        _both_phases(work / "breast", fold)
    target = work / "models" / "breast-lesion"
    release_breast.release(found, work, target, "the command")
    return target


def test_a_breast_release_reads_its_images_and_fits_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _twenty_images(tmp_path, monkeypatch)
    target = _released(found, tmp_path)
    catalogue = Catalogue(target.parent)
    catalogue.verify("breast-lesion")
    card = catalogue.card("breast-lesion")
    BreastNet().load_state_dict(catalogue.weights(card, card.weights[0]))
    assert card.distance is not None
    assert 0 < card.distance.limit < 1e9
    assert (card.training.seconds, card.input_size) == (75, breasts.LONGEST)
    measured = _measured(card)
    assert measured["AUC", "malignancy, all images, held-out folds"].n == 20
    assert measured["AUC", "malignancy, all images, held-out folds"].value == 1
    assert measured["mean Dice", "outline, malignant, held-out folds"].n == 10
    assert measured["mean Dice", "outline, all images, held-out folds"].value > 0.6
    assert measured["share with a false outline", "parts of images without the lesion, held-out folds"].n == 20
    images = read_images(target / "held-out.csv")
    assert [i.fold for i in images[:4]] == [0, 0, 1, 1]
    assert all(0 <= i.false_share < 0.5 for i in images)
    seen, clean = read_descriptors(target / DESCRIPTORS)
    assert [row.film for row in seen] == [row.film for row in clean] == [image.film for image in images]
    assert all(row.outlined for row in seen)
    assert _terms(card) == list(Descriptors._fields)
    judgement = breast.judged_image(catalogue, card, SliceImage(found[0].image), found[0].fold)
    assert judgement.descriptors is not None
    assert judgement.descriptors.solidity == pytest.approx(seen[0].solidity, abs=1e-4)
    added = descriptors.contribution(judgement.descriptors, card.findings[0].descriptors)
    assert judgement.logit == pytest.approx(images[0].logit + added, abs=1e-4)


def _terms(card: Card) -> list[str]:
    found = card.findings[0].descriptors
    assert found is not None
    return [term.name for term in found.terms]


def test_tables_of_different_readings_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _twenty_images(tmp_path, monkeypatch)
    target = _released(found, tmp_path)
    lines = (target / DESCRIPTORS).read_text().splitlines()
    (target / DESCRIPTORS).write_text("\n".join([*lines[:-2], ""]))
    with pytest.raises(NothingToRead, match="read again"):
        finish_breast.finish(target)


def test_a_breast_release_of_some_folds_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _twenty_images(tmp_path, monkeypatch)
    for fold in (0, 2, 3):
        _both_phases(tmp_path / "breast", fold)
    _checkpoint(tmp_path / "breast" / "fold1", LesionNet())  # its second phase is missing
    _both_phases(tmp_path / "breast", 4, epoch=1)
    target = tmp_path / "models" / "breast-lesion"
    release_breast.release(found, tmp_path, target, "the command")
    card = Catalogue(target.parent).card("breast-lesion")
    assert card.version == release_breast.PARTLY
    assert [w.fold for w in card.weights] == [0, 2, 3]
    assert {i.fold for i in read_images(target / "held-out.csv")} == {0, 2, 3}
    assert "Folds 1, 3, 4 of five are trained: figures are of their 12 images" in card.findings[0].evidence
    with (target / "folds.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 20


@pytest.mark.parametrize("kind", ["glioma", "breast"])
def test_an_unfinished_fold_is_not_released(tmp_path: Path, kind: str) -> None:
    if kind == "glioma":
        write_brains(tmp_path / "data", patients=1)
        found = brains.load(tmp_path / "data", tmp_path / "cache")
        _checkpoint(tmp_path / "glioma" / "without-0", SliceNet(), epoch=1)
        _checkpoint(tmp_path / "glioma" / f"without-0{SECOND.name}", SliceNet(), epoch=1)
        with pytest.raises(RadviewerError, match="not finished"):
            release_glioma.release(found, tmp_path, tmp_path, "")
    else:
        _both_phases(tmp_path / "breast", 0, epoch=1)
        with pytest.raises(RadviewerError, match="holds 0 finished folds"):
            release_breast.release([], tmp_path, tmp_path, "")
