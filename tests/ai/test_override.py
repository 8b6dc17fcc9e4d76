"""A reader may have a model run although it would refuse; what was overridden is on record."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from radviewer.ai import anatomy
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_anatomy
from radviewer.ai.films import Refused
from radviewer.ai.reading import cards_for, complete, read, warm_up
from radviewer.dicom.load import load
from radviewer.dicom.scan import scan
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress
from tests.ai.drawings import SHAPE, Seeing, chest, lungs


@pytest.fixture
def ensemble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing() for _ in card.weights))


def _read(
    catalogue: Catalogue, image: SliceImage | None, context: Context | None = None, *, override: bool = True
) -> Opinion:
    stored = np.zeros((1, 1, 1), np.uint8) if image is None else image.stored[None]
    volume = Volume(stored, (image,), None, {})
    (found,) = read(volume, context or Context(), catalogue, model="chest-anatomy", override=override)
    return found


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (Context(modality="CT"), "It reads radiographs"),
        (Context(body_part="HAND"), "not a chest: HAND"),
        (Context(view_position="LL", body_part="FOOT"), "FOOT. The header says this is not a frontal view: LL."),
    ],
)
def test_the_header_may_be_overridden(catalogue: Catalogue, context: Context, reason: str) -> None:
    found = _read(catalogue, SliceImage(chest()), context)
    plain = _read(catalogue, SliceImage(chest()))
    assert reason in (found.overridden or "")
    assert found.outcome is Outcome.RAN
    assert found.reason is None
    assert plain.overridden is None
    for a, b in zip(plain.anatomy, found.anatomy, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (SliceImage(np.maximum(chest(), np.where(lungs()[1], 2400, 0)).astype(np.int16)), "No pair of lungs"),
        (SliceImage(chest()[::6, ::6].copy()), "too small"),
        (SliceImage(np.stack([chest() // 16, *[np.zeros(SHAPE, np.int16)] * 2], axis=-1).astype(np.uint8)), "colour"),
    ],
    ids=["one lung", "small", "colour"],
)
def test_the_picture_may_be_overridden(catalogue: Catalogue, image: SliceImage, reason: str) -> None:
    strict = _read(catalogue, image, override=False)
    assert strict.outcome is Outcome.REFUSED
    found = _read(catalogue, image)
    assert found.outcome is Outcome.RAN
    assert found.anatomy
    assert (found.overridden or "").startswith(strict.reason or "-")
    assert reason in (found.overridden or "")
    assert all(structure.mask.shape == (1, *image.stored.shape[:2]) for structure in found.anatomy)


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize(
    ("image", "context", "reason"),
    [
        (None, Context(), "could not be read"),
        (SliceImage(np.zeros(SHAPE, np.uint16)), Context(), "blank"),
        (SliceImage(chest(), slope=float("inf")), Context(), "finite"),
        (SliceImage(chest()), Context(slices=9), "single films"),
    ],
    ids=["unreadable", "blank", "not finite", "many"],
)
def test_what_holds_nothing_to_read_is_refused_all_the_same(
    catalogue: Catalogue, image: SliceImage | None, context: Context, reason: str
) -> None:
    found = _read(catalogue, image, context)
    assert found.outcome is Outcome.REFUSED
    assert reason in (found.reason or "")
    assert found.overridden is None


def test_a_film_without_any_lung_is_refused_all_the_same(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Seeing(doubt=9.0) for _ in card.weights))
    found = _read(catalogue, SliceImage(chest()))
    assert found.outcome is Outcome.REFUSED
    assert "No pair of lungs" in (found.reason or "")


def test_every_reason_is_asked_about_lungs() -> None:
    right, left = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    right[0], left[1:9] = True, True
    reasons: list[str] = []
    check_anatomy((right, left), 0.1, refuse=reasons.append)
    assert [reason.split(":")[0].split(",")[0][:20] for reason in reasons] == [
        "What was found is to",
        "The two sides found ",
        "The lungs do not lie",
        "The model is not sur",
    ]
    with pytest.raises(Refused, match="No pair"):
        check_anatomy((np.zeros_like(right), np.zeros_like(left)), 1.0, refuse=reasons.append)


def test_a_model_that_is_named_need_not_apply(catalogue: Catalogue) -> None:
    context = Context(modality="CT")
    assert cards_for(catalogue, context, override=True) == ()
    assert cards_for(catalogue, context, "chest-anatomy") == ()
    assert [card.name for card in cards_for(catalogue, context, "chest-anatomy", override=True)] == ["chest-anatomy"]


class Broken(Seeing):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, polarity, pooled = super().forward(x)
        return torch.full_like(logits, torch.nan), polarity, pooled


def test_a_network_that_returns_nothing_finite_has_failed(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, card: (Broken() for _ in card.weights))
    found = _read(catalogue, SliceImage(chest()))
    assert found.outcome is Outcome.FAILED
    assert "not numbers" in (found.reason or "")


def test_warming_up_loads_every_model_and_heeds_cancellation(catalogue: Catalogue) -> None:
    seen: list[str] = []
    progress = Progress(lambda _done, _total, text: seen.append(text))
    warm_up(catalogue, progress)
    assert seen == ["Outlines for tests"]
    progress.cancel()
    with pytest.raises(Cancelled):
        warm_up(catalogue, progress)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_the_bundled_models_name_what_was_overridden(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("data_store")  # what pydicom-data installs
    assert spec is not None
    shutil.copy(Path(spec.origin or "").parent / "data" / "RG1_UNCR.dcm", tmp_path)
    (study,) = scan(tmp_path).studies
    film = load(study.series[0].stacks[0])
    child, catalogue = Context(age_years=4, view_position="LL"), Catalogue()
    (strict,) = complete(read(film, child, catalogue, model="chest-findings"), cards_for(catalogue, child))
    assert {finding.reason for finding in strict.findings} == {strict.reason}
    (found,) = read(film, child, catalogue, model="chest-findings", override=True)
    assert found.outcome is Outcome.RAN
    assert {finding.outcome for finding in found.findings} == {Outcome.RAN}
    assert "not a frontal view" in (found.overridden or "")
    assert "tuberculosis: Outside intended use" in (found.overridden or "")
