"""A FLAIR series through `read`: what is found lies on the series' own grid, however it was acquired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radviewer.ai import slice_ensemble
from radviewer.ai.axial import axial_of
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.glioma import measured, prepared, volume_logit
from radviewer.ai.reading import read
from radviewer.domain.opinion import Finding, Opinion, Outcome
from radviewer.domain.overlap import dice
from radviewer.domain.volume import Volume
from tests.ai.lesion_models import SIZE, BrightSlices, glioma_model
from tests.ai.series import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    STRAIGHT,
    Axes,
    Flips,
    acquired,
    at_depths,
    ellipsoid,
    head,
    plain,
    tumour,
    turned,
    without,
)

FLAIR = Context(modality="MR", body_part="BRAIN", description="AX T2 FLAIR")
WAYS = [
    (AXIAL, (True, False, False)),
    (AXIAL, (True, True, False)),
    (AXIAL, (False, False, True)),
    ((0, 2, 1), (False, False, True)),
    (CORONAL, (False, True, False)),
    (SAGITTAL, STRAIGHT),
    (SAGITTAL, (True, True, False)),
]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    models = tmp_path_factory.mktemp("models")
    glioma_model(models)
    return Catalogue(models)


@pytest.fixture
def _bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_ensemble, "members", lambda _catalogue, card: (BrightSlices() for _ in card.weights))


def opinion(catalogue: Catalogue, volume: Volume, context: Context = FLAIR) -> Opinion:
    (found,) = read(volume, context, catalogue)
    return found


def finding(catalogue: Catalogue, volume: Volume, context: Context = FLAIR) -> Finding:
    found = opinion(catalogue, volume, context)
    assert found.outcome is Outcome.RAN, found.reason
    return found.findings[0]


def _parts(found: Finding) -> tuple[np.ndarray, np.ndarray]:
    assert found.mask is not None
    assert found.heatmap is not None
    return found.mask, found.heatmap


@pytest.mark.parametrize(("axes", "flips"), WAYS, ids=str)
def test_any_acquisition_gives_the_same_opinion_on_its_own_grid(catalogue: Catalogue, axes: Axes, flips: Flips) -> None:
    spacing = (3.0, 2.0, 1.0)
    straight = finding(catalogue, acquired(head(), spacing=spacing))
    volume = acquired(head(), axes, flips, spacing)
    found = finding(catalogue, volume)
    mask, heat = _parts(found)
    assert 0.001 < mask.mean() < 0.9
    assert mask.shape == heat.shape == volume.stored.shape
    assert (mask.dtype.name, heat.dtype.name) == ("bool", "float32")
    plain_mask, plain_heat = _parts(straight)
    np.testing.assert_array_equal(mask, turned(plain_mask, axes, flips))
    np.testing.assert_allclose(heat, turned(plain_heat, axes, flips), atol=1e-5)
    assert heat.max() > 0
    assert found.probability == pytest.approx(straight.probability)
    assert found.measurements == straight.measurements
    own = straight.slice_probabilities[::-1] if flips[0] else straight.slice_probabilities
    assert found.slice_probabilities == (pytest.approx(own) if axes[0] == 0 else ())


@pytest.mark.usefixtures("_bright")
@pytest.mark.parametrize(("axes", "flips"), [(AXIAL, STRAIGHT), *WAYS], ids=str)
def test_the_outline_lies_where_the_tumour_is(catalogue: Catalogue, axes: Axes, flips: Flips) -> None:
    values = head()
    values = np.where((values > 650) & ~tumour(), 420, values)  # no bright scalp
    found = finding(catalogue, acquired(values, axes, flips, (5.0, 1.0, 1.0)))
    mask, heat = _parts(found)
    truth = turned(tumour(), axes, flips)
    assert dice(mask, truth) > 0.85
    assert heat[truth].mean() > 20 * heat[~truth].mean()
    assert found.measurements[0].value == pytest.approx(truth.sum() * 5 / 1000, rel=0.2)
    if axes == AXIAL:
        on = truth.any(axis=(1, 2))
        chances = np.array(found.slice_probabilities)
        assert chances[on].min() > chances[~on].max()
        assert found.key_slice == int(truth.sum(axis=(1, 2)).argmax())


def test_it_says_what_was_read_and_how(catalogue: Catalogue) -> None:
    said = opinion(catalogue, acquired(head(), spacing=(3.0, 1.0, 1.0)))
    assert said.reason == 'Read as FLAIR: the description says "FLAIR".'
    assert [name for name, _ in said.weights_sha256] == ["fold0.safetensors", "fold1.safetensors"]
    sagittal = opinion(catalogue, without(acquired(head(), SAGITTAL, spacing=(3.0, 1.0, 1.0)), 4))
    assert "Acquired in sagittal planes" in (sagittal.reason or "")
    assert "1 of the series' slices could not be read: their neighbours stand" in (sagittal.reason or "")
    axial = opinion(catalogue, without(acquired(head(), spacing=(3.0, 1.0, 1.0)), 4, 5))
    assert "2 of the series' slices could not be read: nothing is outlined there, and" in (axial.reason or "")
    assert (axial.reason or "").endswith("4.dcm is cut off.")
    silent = opinion(catalogue, plain(head()), Context())
    assert silent.reason == (
        "The header does not say which sequence this is; it was read as FLAIR for its looks. "
        "The header does not say which way is up; it was read as it is shown."
    )
    uneven = opinion(catalogue, at_depths(head(), [0, 3, 6, 9, 12, 21, 24, 27, 30, 33]))
    assert "unevenly spaced" in (uneven.reason or "")


def test_slices_that_could_not_be_read_are_left_empty(catalogue: Catalogue) -> None:
    found = finding(catalogue, without(acquired(head(), AXIAL, (True, False, False), (3.0, 1.0, 1.0)), 2, 5))
    mask, heat = _parts(found)
    assert mask.any()
    for part in (mask, heat):
        assert not part[[2, 5]].any()
    assert [i for i, p in enumerate(found.slice_probabilities) if p is None] == [2, 5]
    assert len(found.slice_probabilities) == 10


@pytest.mark.parametrize(
    ("step", "read_for", "apart"),
    [
        (0.5, [1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 10], 8),
        (1.0, list(range(11)), 4),
        (0.3, [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10], 13),
        (5.0, list(range(11)), 1),
        (20.0, list(range(11)), 1),
    ],
)
def test_of_thin_slices_some_stand_for_their_neighbours(step: float, read_for: list[int], apart: int) -> None:
    ready = prepared(axial_of(acquired(head((11, 64, 56)), spacing=(step, 1.0, 1.0))), SIZE)
    assert ready.read.tolist() == read_for
    assert ready.apart == apart


@pytest.mark.parametrize("depths", [[5.0] * 10, [0.0] * 6 + [4.0] * 4], ids=["one place", "two places"])
def test_repeated_positions_are_read_one_by_one(catalogue: Catalogue, depths: list[float]) -> None:
    volume = at_depths(head(), depths)
    ready = prepared(axial_of(volume), SIZE)
    assert ready.read.tolist() == list(range(10))
    assert ready.apart == 1
    found = finding(catalogue, volume)
    assert [m.unit for m in found.measurements] == ["{voxels}", "mm", "mm"]


def test_thin_slices_give_an_opinion_on_every_slice(catalogue: Catalogue) -> None:
    thin = finding(catalogue, acquired(np.repeat(head(), 2, axis=0), spacing=(0.5, 1.0, 1.0)))
    mask, heat = _parts(thin)
    np.testing.assert_array_equal(mask[::2], mask[1::2])
    np.testing.assert_array_equal(heat[::2], heat[1::2])
    assert thin.slice_probabilities[::2] == thin.slice_probabilities[1::2]
    assert len(set(thin.slice_probabilities)) > 5


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_slices_are_enough(catalogue: Catalogue, count: int) -> None:
    found = finding(catalogue, plain(head()[4 : 4 + count]))
    assert len(found.slice_probabilities) == count
    assert _parts(found)[1].shape[0] == count


def _ball() -> tuple[Volume, np.ndarray]:
    shape = (9, 40, 30)
    return acquired(np.zeros(shape), spacing=(4.0, 2.0, 1.0)), ellipsoid(shape, (4.5, 20, 15), (2.5, 5.0, 10.0))


def test_a_known_outline_is_measured() -> None:
    volume, mask = _ball()
    size, longest, across = measured(axial_of(volume), mask)
    assert (size.name, size.unit) == ("volume", "ml")
    assert size.value == pytest.approx(mask.sum() * 8 / 1000)
    assert size.value == pytest.approx(4 / 3 * np.pi * 10 * 10 * 10 / 1000, rel=0.06)
    assert [(q.name, q.unit) for q in (longest, across)] == [
        ("largest diameter", "mm"),
        ("perpendicular diameter", "mm"),
    ]
    assert (longest.value, across.value) == pytest.approx((20, 20), abs=1.9)


def test_slices_that_could_not_be_read_count_like_their_neighbours() -> None:
    volume, mask = _ball()
    axial = axial_of(without(volume, 3, 4))
    seen = mask.copy()
    seen[3:5] = False
    areas = mask.sum(axis=(1, 2)).astype(float)
    areas[3:5] = np.interp([3, 4], [2, 5], areas[[2, 5]])
    assert measured(axial, seen)[0].value == pytest.approx(areas.sum() * 8 / 1000)
    assert areas.sum() > 1.3 * seen.sum()


def test_gaps_count_and_what_is_not_known_is_not_claimed() -> None:
    volume, mask = _ball()
    gap = axial_of(at_depths(volume.stored, [0, 4, 8, 12, 16, 28, 32, 36, 40]))
    counted = mask.sum(axis=(1, 2)) @ np.array([4, 4, 4, 4, 8, 8, 4, 4, 4])
    assert measured(gap, mask)[0].value == pytest.approx(counted * 2 / 1000)
    blind = axial_of(plain(volume.stored))
    units = [(q.unit, q.value) for q in measured(blind, mask)]
    assert [unit for unit, _ in units] == ["{voxels}", "{pixels}", "{pixels}"]
    assert units[0][1] == mask.sum()
    single = axial_of(acquired(volume.stored[4:5], spacing=(4.0, 2.0, 1.0)))
    assert [q.unit for q in measured(single, mask[4:5])] == ["{voxels}", "mm", "mm"]


def test_a_series_is_judged_by_its_two_likeliest_neighbours() -> None:
    assert volume_logit(np.array([-3, 9, -3, 2, 4, -5], np.float32)) == 3
    assert volume_logit(np.array([1.5], np.float32)) == 1.5


@pytest.mark.parametrize("times", [2, 3, 8])
def test_a_series_of_thinner_slices_is_no_likelier_to_show_a_tumour(times: int) -> None:
    logits = np.random.default_rng(times).normal(0, 2, 30).astype(np.float32)
    assert volume_logit(np.repeat(logits, times), times) == pytest.approx(volume_logit(logits))
    assert volume_logit(np.repeat(logits[:1], times), times) == pytest.approx(logits[0])


def test_thin_slices_of_a_series_give_the_same_probability(catalogue: Catalogue) -> None:
    thick = finding(catalogue, acquired(head(), spacing=(4.0, 1.0, 1.0)))
    thin = finding(catalogue, acquired(np.repeat(head(), 8, axis=0), spacing=(0.5, 1.0, 1.0)))
    assert thin.probability == pytest.approx(thick.probability, abs=1e-4)


def test_slices_that_could_not_be_read_are_no_neighbours() -> None:
    logits, read = np.array([1, 9, 9, 2, -3, 4], np.float32), np.array([True, False, False, True, True, True])
    assert volume_logit(logits, read=read) == 0.5
    assert volume_logit(logits, read=np.arange(6) == 3) == 2


def test_the_series_probability_is_that_of_its_slices(catalogue: Catalogue) -> None:
    found = finding(catalogue, without(acquired(head(), spacing=(3.0, 1.0, 1.0)), 0))
    chances = np.array(found.slice_probabilities[1:])
    logits = ((np.log(chances / (1 - chances)) - 0.3) / 0.7).astype(np.float32)  # the card's calibration of slices
    assert found.probability == pytest.approx(1 / (1 + np.exp(0.2 - 1.5 * volume_logit(logits))))  # and of series
    assert found.probability != pytest.approx(1 / (1 + np.exp(0.2 - 1.5 * logits.mean())))


def test_the_member_that_has_not_seen_a_fold_is_asked_alone(catalogue: Catalogue) -> None:
    from radviewer.ai.glioma import judged
    from radviewer.ai.request import Request
    from radviewer.progress import Progress

    card: Card = catalogue.card("brain-glioma")
    request = Request(catalogue, card, plain(head()), FLAIR, Progress())
    ready = prepared(axial_of(request.volume), SIZE)
    one, two, both = (judged(request, ready, only_fold=fold) for fold in (0, 1, None))
    np.testing.assert_allclose((one.logits + two.logits) / 2, both.logits, atol=1e-4)
    assert np.abs(one.logits - two.logits).max() > 0.01
    assert one.features.shape[0] == 1


def test_memory_order_of_a_volume_does_not_matter(catalogue: Catalogue, tmp_path: Path) -> None:
    values = head().astype(np.int16)
    np.save(tmp_path / "series.npy", values)
    mapped = np.load(tmp_path / "series.npy", mmap_mode="r")
    found = finding(catalogue, plain(mapped))
    other = finding(catalogue, plain(np.asfortranarray(values)))
    np.testing.assert_array_equal(_parts(found)[0], _parts(other)[0])
    assert replace(found, mask=None, heatmap=None).probability == other.probability
