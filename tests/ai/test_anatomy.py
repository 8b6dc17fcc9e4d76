from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from torch import nn

from radviewer.ai import anatomy
from radviewer.ai.anatomy import cardiothoracic_ratio, outline, structures
from radviewer.ai.cards import BadModel, Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.films import Refused, film_of
from radviewer.ai.lungs import cut_out, prepared, visible_region
from radviewer.ai.reading import read
from radviewer.domain.geometry import PixelSpacing
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.volume import SliceImage, Volume
from radviewer.progress import Cancelled, Progress
from tests.ai.drawings import SHAPE, Seeing, chest, lungs


@pytest.fixture
def ensemble(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeing(_catalogue: Catalogue, card: Card) -> Iterator[nn.Module]:
        return (Seeing() for _ in card.weights)

    monkeypatch.setattr(anatomy, "members", seeing)


def opinion(catalogue: Catalogue, image: SliceImage, context: Context | None = None) -> Opinion:
    volume = Volume(image.stored[None], (image,), None, {})
    (found,) = read(volume, context or Context(), catalogue)
    return found


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize("shape", [SHAPE, (380, 900), (2100, 1700)])
def test_outlines_lie_where_the_anatomy_is(catalogue: Catalogue, shape: tuple[int, int]) -> None:
    found = opinion(catalogue, SliceImage(chest(shape)))
    assert found.outcome is Outcome.RAN
    assert [s.label for s in found.anatomy] == ["right lung", "left lung", "heart"]
    for structure, truth in zip(found.anatomy, lungs(shape), strict=True):
        assert structure.mask.shape == (1, *shape)
        assert overlap(structure.mask[0], truth) > 0.9


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize("inverted", [False, True])
def test_a_negative_gives_the_same_outlines(catalogue: Catalogue, inverted: bool) -> None:
    film = chest()
    positive = opinion(catalogue, SliceImage(film))
    negative = opinion(catalogue, SliceImage((5000 - film).astype(np.int16), inverted=inverted))
    for a, b in zip(positive.anatomy, negative.anatomy, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)


@pytest.mark.usefixtures("ensemble")
def test_padding_changes_nothing(catalogue: Catalogue) -> None:
    film = chest()
    padded = np.pad(film, ((60, 10), (0, 200)), constant_values=-1000)
    found = opinion(catalogue, SliceImage(padded, padding=(-1000, -1000)))
    for a, b in zip(opinion(catalogue, SliceImage(film)).anatomy, found.anatomy, strict=True):
        np.testing.assert_array_equal(a.mask[0], b.mask[0, 60:-10, :-200])


@pytest.mark.usefixtures("ensemble")
def test_areas_in_square_centimetres_or_pixels(catalogue: Catalogue) -> None:
    known = opinion(catalogue, SliceImage(chest(), spacing=PixelSpacing(0.8, 0.5)))
    unknown = opinion(catalogue, SliceImage(chest()))
    for a, b in zip(known.anatomy, unknown.anatomy, strict=True):
        assert (a.measurements[0].unit, b.measurements[0].unit) == ("cm2", "{pixels}")
        assert a.measurements[0].value == pytest.approx(b.measurements[0].value * 0.4 / 100)
        assert b.measurements[0].value == b.mask.sum()


@pytest.mark.usefixtures("ensemble")
def test_cardiothoracic_ratio_of_the_drawing(catalogue: Catalogue) -> None:
    heart = opinion(catalogue, SliceImage(chest())).anatomy[2]
    assert heart.measurements[1].name == "cardiothoracic ratio"
    assert heart.measurements[1].unit == "%"
    assert heart.measurements[1].value == pytest.approx(100 * 0.16 / 0.70, abs=1.5)


def test_cardiothoracic_ratio_by_hand() -> None:
    chest_mask, heart = np.zeros((10, 40), bool), np.zeros((10, 40), bool)
    chest_mask[2, [5, 24]] = chest_mask[5, [4, 33]] = True
    heart[6, 12:20] = heart[7, 15:27] = True
    assert cardiothoracic_ratio(chest_mask, heart) == pytest.approx(100 * 15 / 30)
    assert cardiothoracic_ratio(chest_mask, np.zeros_like(heart)) is None


@pytest.mark.usefixtures("ensemble")
def test_small_islands_are_dropped_and_holes_filled(catalogue: Catalogue, card: Card) -> None:
    film = chest()
    film[5:20, 5:20] = 600  # a dark label
    film[180:195, 95:110] = 2400  # a bright spot in the right lung
    found = structures(outline(catalogue, card, film_of(SliceImage(film)), Progress()), SliceImage(film))
    assert not found[0].mask[0, :40].any()
    assert found[0].mask[0, 185, 102]


@pytest.mark.usefixtures("ensemble")
@pytest.mark.parametrize(
    "stored",
    [
        np.random.default_rng(0).integers(0, 4000, (300, 300)).astype(np.uint16),
        np.maximum(chest(), np.where(lungs()[1], 2400, 0)),
        np.full(SHAPE, 900) + np.arange(SHAPE[1]),
    ],
    ids=["noise", "one lung", "ramp"],
)
def test_what_has_no_pair_of_lungs_is_refused(catalogue: Catalogue, stored: np.ndarray) -> None:
    found = opinion(catalogue, SliceImage(stored))
    assert found.outcome is Outcome.REFUSED
    assert found.reason
    assert found.anatomy == ()


def test_members_that_disagree_refuse(catalogue: Catalogue, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, _card: (Seeing(doubt) for doubt in (-0.3, 0.27)))
    with pytest.raises(Refused, match="not sure"):
        outline(catalogue, card, film_of(SliceImage(chest())), Progress())


def test_one_stray_member_refuses_no_film(catalogue: Catalogue, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, _card: (Seeing(doubt) for doubt in (0.0, 0.0, 0.25)))
    found = outline(catalogue, card, film_of(SliceImage(chest())), Progress())
    assert found.agreement > 0.95


def test_random_weights_see_nothing_believable_and_say_so(catalogue: Catalogue) -> None:
    found = opinion(catalogue, SliceImage(chest()))
    assert found.outcome is Outcome.REFUSED
    assert [name for name, _ in found.weights_sha256] == ["fold0.safetensors", "fold1.safetensors"]


def test_an_unseen_fold_is_judged_by_one_member(
    catalogue: Catalogue, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = film_of(SliceImage(chest()))

    def logits(doubts: tuple[float, float], fold: int | None) -> np.ndarray:
        def doubting(_catalogue: Catalogue, card: Card) -> Iterator[nn.Module]:
            return (Seeing(doubts[weights.fold or 0]) for weights in card.weights)

        monkeypatch.setattr(anatomy, "members", doubting)
        return outline(catalogue, card, film, Progress(), only_fold=fold).logits

    np.testing.assert_array_equal(logits((0.0, 0.05), 1), logits((0.05, 0.05), None))
    assert (logits((0.0, 0.05), 1) != logits((0.0, 0.05), None)).any()
    with pytest.raises(BadModel, match="fold 7"):
        outline(catalogue, card, film, Progress(), only_fold=7)


@pytest.mark.usefixtures("ensemble")
def test_cancelled_work_stops(catalogue: Catalogue) -> None:
    progress = Progress()
    progress.cancel()
    image = SliceImage(chest())
    with pytest.raises(Cancelled):
        read(Volume(image.stored[None], (image,), None, {}), Context(), catalogue, progress)


def test_other_modalities_are_not_asked_and_unknown_ones_are(catalogue: Catalogue) -> None:
    image = SliceImage(chest())
    volume = Volume(image.stored[None], (image,), None, {})
    assert read(volume, Context(modality="MR"), catalogue) == ()
    assert len(read(volume, Context(), catalogue)) == 1
    assert read(volume, Context(), catalogue, model="another") == ()


def test_unreadable_image_is_refused_with_its_reason(catalogue: Catalogue) -> None:
    volume = Volume(np.zeros((1, 4, 4)), (None,), None, {0: "a.dcm is cut off."})
    (found,) = read(volume, Context(), catalogue)
    assert (found.outcome, found.reason) == (Outcome.REFUSED, "a.dcm is cut off.")


@pytest.mark.usefixtures("ensemble")
def test_lungs_fill_the_cut_out_whatever_the_film(catalogue: Catalogue, card: Card) -> None:
    crops = []
    for film in (chest((700, 600)), np.pad(chest((700, 600)), ((0, 0), (300, 100)), constant_values=0)):
        crops.append(cut_out(outline(catalogue, card, film_of(SliceImage(film)), Progress()), 128))
    for crop in crops:
        assert crop.grey.shape == crop.lungs.shape == (128, 128)
        columns = np.flatnonzero(crop.lungs.any(axis=0))
        assert columns[0] == pytest.approx(128 * 0.06 / 1.12, abs=3)
        assert columns[-1] == pytest.approx(128 * 1.06 / 1.12, abs=3)
    assert overlap(crops[0].lungs, crops[1].lungs) > 0.98
    back = crops[0].placement.mask(np.where(crops[0].lungs, 1, -1).astype(np.float32), (700, 600))
    right, left, _ = lungs((700, 600))
    assert overlap(back, right | left) > 0.93


def test_only_the_region_of_the_lungs_is_shown() -> None:
    grey = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    both = np.zeros((64, 64), bool)
    both[20:40, 10:25] = both[20:40, 40:55] = True
    shown = prepared(grey, both)
    visible = visible_region(both)
    assert visible[30, 30]  # between the lungs
    assert not visible[:10].any()
    assert (shown[~visible] == 0.5).all()
    other = grey.copy()
    other[:10] = 1000  # a bright marker outside
    np.testing.assert_array_equal(prepared(other, both), shown)
