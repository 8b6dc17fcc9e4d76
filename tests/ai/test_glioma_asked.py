"""What the glioma model is asked about, what it refuses, and what it shows on the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import safetensors.torch
import torch

from radviewer.ai import glioma
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.context import Context, context_of
from radviewer.ai.reading import complete, read
from radviewer.ai.slice_ensemble import FIRST_BATCH
from radviewer.dicom.demo_brain import write_brain
from radviewer.dicom.load import load
from radviewer.dicom.scan import scan
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.opinion import Glimpse, Opinion, Outcome
from radviewer.domain.volume import Volume
from radviewer.progress import Cancelled, Progress
from tests.ai.lesion_models import glioma_model
from tests.ai.series import AXIAL, SAGITTAL, STRAIGHT, Axes, Flips, acquired, at_depths, head, plain, without

FLAIR = Context(modality="MR", body_part="BRAIN", description="AX T2 FLAIR", slices=10)
SILENT = Context(modality="MR", slices=10)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    glioma_model(folder)
    return folder


@pytest.fixture(scope="module")
def catalogue(models: Path) -> Catalogue:
    return Catalogue(models)


def series() -> Volume:
    return acquired(head(), spacing=(5.0, 1.0, 1.0))


def _shown(
    catalogue: Catalogue, volume: Volume, first: int, context: Context = FLAIR, *, override: bool = False
) -> tuple[Opinion, list[Glimpse]]:
    glimpses: list[Glimpse] = []
    (found,) = read(
        volume, context, catalogue, model="brain-glioma", override=override, first=first, show=glimpses.append
    )
    return found, glimpses


@pytest.mark.parametrize(
    ("axes", "flips"), [(AXIAL, STRAIGHT), (AXIAL, (True, False, True)), ((0, 2, 1), (False, True, False))], ids=str
)
@pytest.mark.parametrize("first", [0, 7])
def test_each_slice_is_shown_once_from_the_first_on_and_as_it_is_in_the_end(
    catalogue: Catalogue, axes: Axes, flips: Flips, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glioma, "likeliest_level", lambda _: 0.0)  # known when all is read, and not before
    opinion, glimpses = _shown(catalogue, acquired(head(), axes, flips, (5.0, 1.0, 1.0)), first)
    finding = opinion.findings[0]
    assert finding.heatmap is not None
    assert finding.mask is not None
    assert sorted(g.slice for g in glimpses) == list(range(10))
    assert first in [g.slice for g in glimpses[:FIRST_BATCH]]
    away = [abs(g.slice - first) for g in glimpses]
    assert max(away[:FIRST_BATCH]) <= 1
    assert max(away[FIRST_BATCH : FIRST_BATCH + 4]) <= min(away[FIRST_BATCH + 8 :], default=99) + 4
    for glimpse in glimpses:
        assert (glimpse.model, glimpse.label) == ("brain-glioma", "glioma")
        assert glimpse.mask is not None
        assert glimpse.heatmap is not None
        np.testing.assert_array_equal(glimpse.heatmap, finding.heatmap[glimpse.slice])
        assert glimpse.probability == pytest.approx(finding.slice_probabilities[glimpse.slice])
        assert not (finding.mask[glimpse.slice] & ~glimpse.mask).any()  # small foci are dropped in the end
    assert any(g.mask is not None and g.mask.any() for g in glimpses)


def test_more_is_outlined_in_the_end_where_the_networks_are_unsure(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = acquired(head(), AXIAL, STRAIGHT, (5.0, 1.0, 1.0))
    grown = _shown(catalogue, volume, 0)[0].findings[0].mask
    monkeypatch.setattr(glioma, "likeliest_level", lambda _: 0.0)
    even = _shown(catalogue, volume, 0)[0].findings[0].mask
    assert grown is not None
    assert even is not None
    assert even.sum() < grown.sum() < grown.size / 2


def test_thin_and_unreadable_slices_are_shown_once_too(catalogue: Catalogue) -> None:
    thin = acquired(np.repeat(head(), 2, axis=0), spacing=(0.5, 1.0, 1.0))
    _, glimpses = _shown(catalogue, without(thin, 3, 12), 9)
    assert sorted(g.slice for g in glimpses) == [i for i in range(20) if i not in (3, 12)]
    assert 9 in [g.slice for g in glimpses[: 2 * FIRST_BATCH]]


def test_nothing_is_shown_of_another_plane(catalogue: Catalogue) -> None:
    opinion, glimpses = _shown(catalogue, acquired(head(), SAGITTAL, spacing=(5.0, 1.0, 1.0)), 3)
    assert opinion.outcome is Outcome.RAN
    assert glimpses == []


def test_nothing_is_shown_before_the_pixels_told_what_the_header_does_not(catalogue: Catalogue) -> None:
    opinion, glimpses = _shown(catalogue, series(), 3, SILENT)
    assert opinion.outcome is Outcome.RAN
    assert glimpses == []
    assert len(_shown(catalogue, series(), 3, SILENT, override=True)[1]) == 10


def test_cancelled_work_stops_between_batches(catalogue: Catalogue) -> None:
    progress = Progress()
    glimpses: list[Glimpse] = []

    def show(glimpse: Glimpse) -> None:
        glimpses.append(glimpse)
        progress.cancel()

    with pytest.raises(Cancelled):
        read(series(), FLAIR, catalogue, progress, show=show)
    assert len(glimpses) == FIRST_BATCH


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (Context(modality="CT"), "not CT"),
        (Context(modality="MR", description="AX T1 POST"), 'this series is T1 (the description says "T1")'),
        (Context(modality="MR", description="DWI B1000", flair='series 5 "FLAIR"'), 'Ask about series 5 "FLAIR"'),
        (Context(modality="MR", body_part="KNEE"), "not a brain: KNEE"),
        (Context(modality="MR", description="SAG FLAIR", age_years=9), "the patient is 9"),
        (Context(modality="MR", sequence=MrSequence(acquisition_contrast="T1")), "AcquisitionContrast is T1"),
    ],
)
def test_what_the_header_says_is_something_else_is_refused_and_may_be_overridden(
    catalogue: Catalogue, context: Context, reason: str
) -> None:
    (refused,) = read(series(), context, catalogue, model="brain-glioma") or (None,)
    if context.modality == "MR":
        assert refused is not None
        assert refused.outcome is Outcome.REFUSED
        assert reason in (refused.reason or "")
        (named,) = complete((refused,), [catalogue.card("brain-glioma")])
        assert [(f.label, f.outcome) for f in named.findings] == [("glioma", Outcome.REFUSED)]
    else:
        assert refused is None  # not asked at all
    found, _ = _shown(catalogue, series(), 0, context, override=True)
    assert found.outcome is Outcome.RAN
    assert reason in (found.overridden or "")
    silent = context.description is None and context.sequence is None
    assert ("does not say which sequence" in (found.reason or "")) == silent
    plain_finding = read(series(), FLAIR, catalogue)[0].findings[0]
    assert found.findings[0].probability == plain_finding.probability


@pytest.mark.parametrize("override", [False, True])
@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        (plain(np.zeros((4, 64, 64), np.int16)), "No head"),
        (plain(np.random.default_rng(0).normal(0, 1, (4, 64, 64))), "No head"),
        (plain(head(), slope=float("nan")), "not finite"),
        (plain(np.zeros((4, 64, 64, 3), np.uint8)), "colour"),
        (without(series(), *range(10)), r"0\.dcm is cut off"),
        (acquired(head()[:, :, 30:31], SAGITTAL), "not axial"),
        (plain(head()[:, 30:40]), "too small"),
    ],
)
def test_what_cannot_be_read_is_refused_even_when_overridden(
    catalogue: Catalogue, volume: Volume, reason: str, override: bool
) -> None:
    found, glimpses = _shown(catalogue, volume, 0, override=override)
    assert found.outcome is Outcome.REFUSED
    assert reason.replace("\\", "") in (found.reason or "")
    assert glimpses == []


def _with_distance(models: Path, target: Path, limit: float) -> Catalogue:
    folder = target / "brain-glioma"
    shutil.copytree(models / "brain-glioma", folder)
    tensors: dict[str, torch.Tensor] = {}
    for fold in range(2):
        parts = {"mean": torch.zeros(320), "axes": torch.eye(320)[:2], "scales": torch.ones(2), "rest": torch.ones(1)}
        tensors |= {f"fold{fold}.{name}": value.contiguous() for name, value in parts.items()}
    file = folder / "features.safetensors"
    safetensors.torch.save_file(tensors, file)
    card = json.loads((folder / "card.json").read_text())
    card["distance"] = {"weights": {"file": file.name, "sha256": sha256(file), "fold": None}, "limit": limit}
    (folder / "card.json").write_text(json.dumps(card))
    return Catalogue(target)


def test_a_series_that_looks_strange_is_refused(models: Path, tmp_path: Path) -> None:
    strict = _with_distance(models, tmp_path / "strict", 1e-6)
    found, glimpses = _shown(strict, series(), 0, SILENT)
    assert found.outcome is Outcome.REFUSED
    assert "does not look like the FLAIR" in (found.reason or "")
    assert glimpses == []
    anyway, _ = _shown(strict, series(), 0, SILENT, override=True)
    assert anyway.outcome is Outcome.RAN
    assert "does not look like the FLAIR" in (anyway.overridden or "")
    lax = _with_distance(models, tmp_path / "lax", 1e6)
    assert _shown(lax, series(), 0, SILENT)[0].outcome is Outcome.RAN


def test_frames_at_one_place_are_read(catalogue: Catalogue) -> None:
    found, glimpses = _shown(catalogue, at_depths(head(), [7.0] * 10), 4)
    assert found.outcome is Outcome.RAN
    assert len(glimpses) == 10


def test_a_card_without_calibrated_slices_fails(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "brain-glioma", tmp_path / "brain-glioma")
    path = tmp_path / "brain-glioma" / "card.json"
    card = json.loads(path.read_text())
    card["findings"][0]["slice_calibration"] = None
    path.write_text(json.dumps(card))
    (found,) = read(series(), FLAIR, Catalogue(tmp_path))
    assert found.outcome is Outcome.FAILED
    assert "calibrate single slices" in (found.reason or "")


def test_a_template_brain_says_that_it_is_t1_and_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    grid = np.clip(head((40, 64, 56)), 0, 4000).astype(np.int16).transpose(2, 1, 0)
    kind: Any = nibabel.Nifti1Image
    kind(grid, np.diag((-3.0, -3.0, 3.0, 1.0))).to_filename(tmp_path / "template.nii")
    write_brain(tmp_path / "template.nii", tmp_path / "dicom", Progress())
    (study,) = scan(tmp_path / "dicom").studies
    assert len(study.series) == 2
    for one in study.series:
        context = context_of(study, one, one.stacks[0])
        (refused,) = read(load(one.stacks[0]), context, catalogue)
        assert refused.outcome is Outcome.REFUSED
        assert "this series is T1" in (refused.reason or "")
        found, _ = _shown(catalogue, load(one.stacks[0]), 0, context, override=True)
        (finding,) = found.findings
        assert finding.mask is not None
        assert finding.mask.shape == load(one.stacks[0]).stored.shape
        assert ("sagittal" in (found.reason or "")) == (one.number == 2)
        assert finding.measurements[0].unit == "ml"
