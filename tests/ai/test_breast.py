"""Breast ultrasound through `read`: single images, colour screens, cines."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from radviewer.ai import lesion_ensemble, reading
from radviewer.ai.breast import NO_LESION, heat_of, judged_image, lesion_of
from radviewer.ai.calibration import probability
from radviewer.ai.cards import CARD, BadModel
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.lesion_networks import BreastNet, Judged
from radviewer.ai.reading import read
from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.opinion import Finding, Glimpse, Opinion, Outcome
from radviewer.domain.overlap import dice
from radviewer.domain.study import StackKind
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress
from tests.ai.lesion_models import DarkLesions, breast_model, random_state
from tests.ai.series import plain, speckled, without

SHAPE = (150, 200)
BREAST = Context(modality="US", body_part="BREAST")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    models = tmp_path_factory.mktemp("models")
    breast_model(models)
    return Catalogue(models)


@pytest.fixture
def _dark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesion_ensemble, "members", lambda _catalogue, card: (DarkLesions() for _ in card.weights))


def lesion(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, columns = (np.arange(n)[:, None] / n if i == 0 else np.arange(n) / n for i, n in enumerate(shape))
    inside: np.ndarray = ((rows - 0.45) / 0.18) ** 2 + ((columns - 0.4) / 0.2) ** 2 <= 1
    return inside


def opinion(catalogue: Catalogue, volume: Volume, context: Context = BREAST, **named: Any) -> Opinion:
    (found,) = read(volume, context, catalogue, model="breast-lesion", **named)
    return found


def finding(catalogue: Catalogue, volume: Volume, **named: Any) -> Finding:
    found = opinion(catalogue, volume, **named)
    assert found.outcome is Outcome.RAN, found.reason
    return found.findings[0]


def _chances(found: Finding) -> list[float]:
    """Of all frames."""
    chances = [p for p in found.slice_probabilities if p is not None]
    assert len(chances) == len(found.slice_probabilities)
    return chances


def test_a_single_image_has_all_on_its_own_grid(catalogue: Catalogue) -> None:
    image = speckled(SHAPE)
    said = opinion(catalogue, plain(image[None]))
    (found,) = said.findings
    assert said.reason is None
    assert found.mask is not None
    assert found.heatmap is not None
    assert found.mask.shape == found.heatmap.shape == (1, *SHAPE)
    assert (found.mask.dtype.name, found.heatmap.dtype.name) == ("bool", "float32")
    assert 0 < found.heatmap.max() <= 1
    assert found.slice_probabilities == ()
    judgement = judged_image(catalogue, catalogue.card("breast-lesion"), SliceImage(image))
    assert found.probability == probability(judgement.logit, catalogue.card("breast-lesion").findings[0].calibration)
    np.testing.assert_array_equal(found.mask[0], lesion_of(judgement, SHAPE))
    np.testing.assert_array_equal(found.heatmap[0], judgement.heat(0.05, SHAPE, flagged=found.flagged))


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_the_heatmap_shows_what_speaks_for_the_verdict(catalogue: Catalogue, threshold: float) -> None:
    card = catalogue.card("breast-lesion")
    judgement = judged_image(catalogue, card, SliceImage(speckled(SHAPE)))
    item = card.findings[0].model_copy(update={"threshold": threshold})
    shown = heat_of(judgement, item, SHAPE)
    np.testing.assert_array_equal(shown, judgement.heat(item.heat_scale, SHAPE, flagged=threshold == 0.0))
    other = judgement.heat(item.heat_scale, SHAPE, flagged=threshold == 1.0)
    assert shown.max() > 0 or other.max() > 0
    assert not np.array_equal(shown, other)


def test_grey_stored_in_three_channels_gives_the_same(catalogue: Catalogue) -> None:
    image = speckled(SHAPE)
    grey = finding(catalogue, plain(image[None]))
    rgb = finding(catalogue, plain(np.repeat(image[None, ..., None], 3, axis=3)))
    assert rgb.mask is not None
    assert rgb.mask.shape == (1, *SHAPE)
    assert rgb.probability == pytest.approx(grey.probability, abs=1e-3)
    assert dice(rgb.mask, grey.mask if grey.mask is not None else rgb.mask) > 0.98


@pytest.mark.usefixtures("_dark")
def test_the_outline_lies_where_the_lesion_is_and_is_measured(catalogue: Catalogue) -> None:
    image = np.pad(speckled(SHAPE), ((30, 10), (20, 60)))
    truth = np.pad(lesion(), ((30, 10), (20, 60)))
    found = finding(catalogue, plain(image[None]))
    assert found.mask is not None
    assert dice(found.mask[0], truth) > 0.85
    assert [(m.name, m.unit) for m in found.measurements] == [
        ("largest diameter", "{pixels}"),
        ("perpendicular diameter", "{pixels}"),
        ("area", "{pixels}"),
        ("depth-to-width ratio", "1"),
        ("area / convex hull", "1"),
    ]
    assert found.measurements[2].value == found.mask.sum()
    assert found.measurements[0].value == pytest.approx(80, rel=0.12)
    assert found.measurements[1].value == pytest.approx(54, rel=0.12)
    known = finding(catalogue, plain(image[None], spacing=PixelSpacing(0.1, 0.1)))
    assert [m.unit for m in known.measurements] == ["mm", "mm", "mm2", "1", "1"]
    for a, b, scale in zip(known.measurements, found.measurements, (0.1, 0.1, 0.01, 1, 1), strict=True):
        assert a.value == pytest.approx(b.value * scale)
    squeezed = finding(catalogue, plain(image[None], spacing=PixelSpacing(0.2, 0.15)))
    assert squeezed.measurements[0].value == pytest.approx(0.15 * 80, rel=0.12)
    assert squeezed.measurements[2].value == pytest.approx(found.measurements[2].value * 0.03, rel=0.05)
    depth_to_width, solidity = (m.value for m in found.measurements[3:])
    rows, columns = np.nonzero(truth)
    assert depth_to_width == pytest.approx((np.ptp(rows) + 1) / (np.ptp(columns) + 1), rel=0.1)
    assert solidity > 0.95
    assert [m.value for m in squeezed.measurements[3:]] == pytest.approx([depth_to_width * 4 / 3, solidity], rel=0.08)


@pytest.mark.usefixtures("_dark")
def test_pixels_that_are_no_squares_change_nothing(catalogue: Catalogue) -> None:
    image = cv2.resize(speckled(SHAPE), (400, 300), interpolation=cv2.INTER_LINEAR)
    flat = cv2.resize(image, (400, 150), interpolation=cv2.INTER_AREA)
    seen = finding(catalogue, plain(image[None], spacing=PixelSpacing(0.1, 0.1)))
    found = finding(catalogue, plain(flat[None], spacing=PixelSpacing(0.2, 0.1)))
    assert found.mask is not None
    assert seen.mask is not None
    assert found.mask.shape == (1, 150, 400)
    assert dice(np.repeat(found.mask[0], 2, axis=0), seen.mask[0]) > 0.97
    assert found.probability == pytest.approx(seen.probability, abs=0.02)
    assert [m.value for m in found.measurements] == pytest.approx([m.value for m in seen.measurements], rel=0.05)
    tall = finding(catalogue, plain(flat[None], aspect=(2.0, 1.0)))
    assert tall.probability == pytest.approx(found.probability)
    assert tall.measurements[3:] == found.measurements[3:]
    nonsense = finding(catalogue, plain(flat[None], spacing=PixelSpacing(9.0, 0.1)))
    assert nonsense.probability == finding(catalogue, plain(flat[None])).probability


def _cine() -> Volume:
    """Five frames in colour: the second cannot be read, the fourth shows flow."""
    frames = np.stack([np.repeat(speckled(SHAPE, seed)[..., None], 3, axis=2) for seed in range(5)])
    frames[3, 30:100, 30:120] = (20, 40, 220)
    return without(plain(frames), 1)


def test_a_cine_is_read_frame_by_frame_and_what_was_left_out_is_said(catalogue: Catalogue) -> None:
    glimpses: list[Glimpse] = []
    reports: list[tuple[int, int]] = []
    progress = Progress(lambda done, total, _: reports.append((done, total)))
    said = opinion(catalogue, _cine(), progress=progress, first=2, show=glimpses.append)
    (found,) = said.findings
    assert said.outcome is Outcome.RAN
    assert "2 of 5 images were not read. 1.dcm is cut off. Much of the image is in colour" in (said.reason or "")
    assert found.mask is not None
    assert found.heatmap is not None
    assert found.mask.shape == found.heatmap.shape == (5, *SHAPE)
    for part in (found.mask, found.heatmap):
        assert not part[[1, 3]].any()
    assert [p is None for p in found.slice_probabilities] == [False, True, False, True, False]
    assert [g.slice for g in glimpses] == [2, 0, 4]
    assert reports[-1] == (5, 5)
    for glimpse in glimpses:
        np.testing.assert_array_equal(glimpse.mask, found.mask[glimpse.slice])
        np.testing.assert_array_equal(glimpse.heatmap, found.heatmap[glimpse.slice])


def test_a_whole_cine_has_a_probability_for_each_frame(catalogue: Catalogue) -> None:
    glimpses: list[Glimpse] = []
    found = finding(catalogue, plain(np.stack([speckled(SHAPE, seed) for seed in range(4)])), show=glimpses.append)
    assert len(set(found.slice_probabilities)) == 4
    assert [g.slice for g in glimpses] == [0, 1, 2, 3]
    assert [g.probability for g in glimpses] == _chances(found)
    assert found.probability is not None
    assert min(_chances(found)) <= found.probability <= max(_chances(found))


def test_an_overridden_cine_shows_its_frames_of_flow(catalogue: Catalogue) -> None:
    said = opinion(catalogue, _cine(), override=True)
    assert "Doppler" in (said.overridden or "")
    assert "1 of 5 images was not read" in (said.reason or "")


@pytest.mark.parametrize("shift", [-0.02, 0.02])
def test_the_heatmaps_of_a_cine_have_one_meaning(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    """Frames on both sides of the threshold: all show what spoke for the verdict on the cine."""
    volume = plain(np.stack([speckled(SHAPE, seed) for seed in range(2)]))
    card = catalogue.card("breast-lesion")
    frames = [judged_image(catalogue, card, SliceImage(plane)) for plane in volume.stored]
    (item,) = card.findings
    own = [probability(frame.logit, item.calibration) for frame in frames]
    seen = finding(catalogue, volume)
    assert seen.probability is not None
    split = item.model_copy(update={"threshold": seen.probability + shift * abs(own[0] - own[1])})
    monkeypatch.setattr(catalogue, "card", lambda _name: card.model_copy(update={"findings": (split,)}))
    monkeypatch.setattr(reading, "cards_for", lambda *_args, **_named: (catalogue.card(""),))
    found = finding(catalogue, volume)
    assert len({p >= split.threshold for p in own}) == 2
    assert found.flagged == (shift < 0)
    assert found.heatmap is not None
    for heat, frame in zip(found.heatmap, frames, strict=True):
        np.testing.assert_allclose(heat, frame.heat(item.heat_scale, SHAPE, flagged=found.flagged), atol=1e-4)


@pytest.mark.usefixtures("_dark")
def test_the_frames_that_show_the_lesion_well_decide(catalogue: Catalogue) -> None:
    frames = np.stack([speckled(SHAPE, seed, lesion=seed < 2) for seed in range(5)])
    found = finding(catalogue, plain(frames))
    assert found.key_slice in (0, 1)
    assert found.mask is not None
    assert found.probability is not None
    assert not found.mask[2:].any()
    assert found.probability == pytest.approx(np.mean(_chances(found)[:2]), abs=0.02)
    assert found.probability > max(_chances(found)[2:])


class _SmallOnes(DarkLesions):
    """The smaller a lesion, the likelier it is malignant."""

    bias = 0.1

    def forward(self, x: Tensor) -> Judged:
        judged = super().forward(x)
        return judged._replace(logit=-judged.logit, evidence=-judged.evidence)


def test_images_acquired_one_by_one_are_judged_one_by_one(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small suspicious lesion is not outvoted by a large harmless one on another image."""
    monkeypatch.setattr(lesion_ensemble, "members", lambda _catalogue, card: (_SmallOnes() for _ in card.weights))
    large = cv2.resize(speckled(SHAPE, 1), (SHAPE[1] * 2, SHAPE[0] * 2))[60:210, 60:260]
    stack = plain(np.stack([large, speckled(SHAPE, 0), speckled(SHAPE, 2)]))
    alone = [finding(catalogue, plain(plane[None])) for plane in stack.stored]
    likeliest = int(np.argmax([f.probability or 0 for f in alone]))
    assert likeliest > 0  # not the large one
    stills = replace(BREAST, body_part=None, slices=3, kind=StackKind.IMAGES)
    said = opinion(catalogue, stack, stills)
    (found,) = said.findings
    assert found.probability == pytest.approx(alone[likeliest].probability, abs=1e-4)
    assert _chances(found) == pytest.approx([f.probability for f in alone], abs=1e-4)
    assert found.key_slice == found.likeliest == likeliest
    assert found.measurements == alone[likeliest].measurements
    assert said.reason == f"Each image was judged by itself; the likeliest is image {likeliest + 1}."
    cine = opinion(catalogue, stack, replace(BREAST, slices=3, kind=StackKind.CINE))
    assert cine.findings[0].probability != pytest.approx(found.probability, abs=1e-3)
    assert cine.findings[0].likeliest is None
    loop = opinion(catalogue, stack, replace(stills, kind=StackKind.CINE))
    assert "this loop shows a breast" in (loop.reason or "")


@pytest.mark.usefixtures("_dark")
def test_without_an_outline_the_reason_says_so(catalogue: Catalogue) -> None:
    said = opinion(catalogue, plain(speckled(SHAPE, lesion=False)[None]))
    (found,) = said.findings
    assert said.outcome is Outcome.RAN
    assert said.reason == NO_LESION
    assert found.mask is None
    assert found.measurements == ()
    assert found.probability is not None


@pytest.mark.parametrize(
    ("volume", "context", "reason"),
    [
        (plain(speckled(SHAPE)[None]), Context(modality="US", body_part="LIVER"), "not a breast: LIVER"),
        (plain(speckled(SHAPE)[None]), Context(modality="US", description="US_THYROID"), 'not a breast: "US_THYROID"'),
        (plain(speckled(SHAPE)[None]), Context(modality="US", male=True), "the patient is male"),
        (plain(speckled(SHAPE)[None]), Context(modality="US", age_years=7), "the patient is 7"),
        (plain(speckled((40, 300))[None]), BREAST, "too small"),
        (plain(np.full((1, 90, 90), 5, np.uint8)), BREAST, "blank"),
        (plain(speckled(SHAPE)[None], slope=float("nan")), BREAST, "not finite"),
        (without(plain(speckled(SHAPE)[None]), 0), BREAST, "0.dcm is cut off"),
    ],
)
def test_refusals(catalogue: Catalogue, volume: Volume, context: Context, reason: str) -> None:
    found = opinion(catalogue, volume, context)
    assert found.outcome is Outcome.REFUSED
    assert reason in (found.reason or "")


@pytest.mark.parametrize(
    "words",
    ["NODULO HIPOECOICO", "ECO SENO DX", "TESTING", "LT BRST NECK", "MAMMO, OVARY", "BREAST, ABDOMEN", "RIGHT AXILLA"],
)
def test_descriptions_that_name_no_other_organ_alone_are_accepted(catalogue: Catalogue, words: str) -> None:
    found = opinion(catalogue, plain(speckled(SHAPE)[None]), Context(modality="US", description=words))
    assert found.outcome is Outcome.RAN, found.reason


def test_what_is_overridden_quotes_only_what_the_header_says(catalogue: Catalogue) -> None:
    found = opinion(catalogue, plain(speckled(SHAPE)[None]), Context(modality="US", body_part="LIVER"), override=True)
    assert found.overridden == "The header says this is not a breast: LIVER."


@pytest.mark.parametrize("part", [None, "BREAST", "RIGHT BREAST", "MAMMA", "AXILLA"])
def test_words_for_a_breast_are_accepted(catalogue: Catalogue, part: str | None) -> None:
    found = opinion(catalogue, plain(speckled(SHAPE)[None]), Context(modality="US", body_part=part))
    assert found.outcome is Outcome.RAN
    assert read(plain(speckled(SHAPE)[None]), Context(modality="MG", body_part=part), catalogue) == ()


@pytest.mark.usefixtures("_dark")
def test_descriptors_of_the_outline_count_in_the_window_too(tmp_path: Path) -> None:
    folder = breast_model(tmp_path)
    volume = plain(speckled(SHAPE)[None])
    before = finding(Catalogue(tmp_path), volume)
    values = json.loads((folder / CARD).read_text())
    values["findings"][0]["descriptors"] = {
        "intercept": 0.5,
        "terms": [{"name": "solidity", "mean": 0.0, "spread": 0.1, "weight": 0.5}],  # three deviations above
    }
    (folder / CARD).write_text(json.dumps(values))
    after = finding(Catalogue(tmp_path), volume)
    slope = values["findings"][0]["calibration"]["slope"]
    assert before.probability is not None
    assert after.probability is not None
    logits = [math.log(p / (1 - p)) / slope for p in (before.probability, after.probability)]
    assert logits[1] - logits[0] == pytest.approx(2.0, abs=1e-3)


def test_cancelled_work_stops(catalogue: Catalogue) -> None:
    progress = Progress()
    with pytest.raises(Cancelled):
        opinion(catalogue, _cine(), progress=progress, show=lambda _: progress.cancel())


def test_weights_that_are_no_numbers_fail(tmp_path: Path) -> None:
    def spoilt(_fold: int) -> dict[str, Tensor]:
        state = random_state(BreastNet, 0)
        return state | {"lesion.outline.weight": torch.full_like(state["lesion.outline.weight"], float("nan"))}

    breast_model(tmp_path, members=1, state_of=spoilt)
    found = opinion(Catalogue(tmp_path), plain(speckled(SHAPE)[None]))
    assert found.outcome is Outcome.FAILED
    with pytest.raises(BadModel, match="fold 7"):
        judged_image(Catalogue(tmp_path), Catalogue(tmp_path).card("breast-lesion"), SliceImage(speckled(SHAPE)), 7)
