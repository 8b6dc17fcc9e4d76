"""Descriptors of masses whose shape, echoes and shadow are known."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest

from radviewer.ai.breast import lesion_of
from radviewer.ai.cards import Descriptor, DescriptorCard
from radviewer.ai.descriptors import MOST_SPREADS, Descriptors, contribution, described
from radviewer.ai.films import Placement
from radviewer.ai.lesion_ensemble import Judgement
from radviewer.ai.sonograms import Scan

SHAPE = (192, 256)


def _mass(height: float, width: float, ragged: float = 0.0, centre: tuple[float, float] = (80, 128)) -> np.ndarray:
    """A mass with half-axes `height` and `width`; its border goes in and out by a part `ragged`."""
    rows, columns = np.indices(SHAPE, dtype=np.float32)
    y, x = (rows - centre[0]) / height, (columns - centre[1]) / width
    away = np.hypot(y, x) / (1 + ragged * np.sin(7 * np.arctan2(y, x)))
    return np.asarray(away < 1)


def _outline(mass: np.ndarray) -> np.ndarray:
    soft = cv2.GaussianBlur(mass.astype(np.float32), (0, 0), 2)
    return cv2.resize(soft, (SHAPE[1] // 2, SHAPE[0] // 2), interpolation=cv2.INTER_AREA) * 10 - 5


def _scan(grey: np.ndarray, inside: np.ndarray | None = None) -> Scan:
    return Scan(grey, np.ones(SHAPE, bool) if inside is None else inside, Placement(0, 0, 1, 1), SHAPE)


def _found(mass: np.ndarray, grey: np.ndarray | None = None, inside: np.ndarray | None = None) -> Descriptors:
    image = np.full(SHAPE, 0.5, np.float32) if grey is None else grey
    found = described(_outline(mass), _scan(image, inside))
    assert found is not None
    assert np.isfinite(found).all()
    return found


def test_the_card_knows_every_descriptor() -> None:
    assert get_args(Descriptor) == Descriptors._fields


def test_a_round_mass() -> None:
    found = _found(_mass(40, 40))
    assert found.depth_to_width == pytest.approx(1, abs=0.03)
    assert found.solidity == pytest.approx(1, abs=0.02)
    assert found.circularity == pytest.approx(1, abs=0.04)
    assert found.radial_variation < 0.02


def test_taller_than_wide() -> None:
    tall, flat = _found(_mass(60, 30)), _found(_mass(30, 60))
    assert tall.depth_to_width == pytest.approx(2, abs=0.08)
    assert flat.depth_to_width == pytest.approx(0.5, abs=0.02)
    for a, b in zip(tall[1:4], flat[1:4], strict=True):
        assert a == pytest.approx(b, abs=0.01)


def test_size_counts_little_for_shape() -> None:
    large, small = _found(_mass(60, 45)), _found(_mass(24, 18))
    for a, b in zip(large[:4], small[:4], strict=True):
        assert a == pytest.approx(b, abs=0.05)


def test_an_irregular_border() -> None:
    smooth, ragged = _found(_mass(45, 45)), _found(_mass(45, 45, ragged=0.25))
    assert ragged.solidity < smooth.solidity - 0.1
    assert ragged.circularity < smooth.circularity - 0.25
    assert ragged.radial_variation > smooth.radial_variation + 0.1


def test_echoes_margin_and_shadow() -> None:
    mass = _mass(30, 40)
    grey = np.full(SHAPE, 0.5, np.float32)
    grey[mass] = 0.2
    clear = _found(mass, grey)
    assert clear.echogenicity == pytest.approx(0.2 - grey.mean(), abs=0.02)
    assert clear.boundary_contrast == pytest.approx(0.3, abs=0.04)
    assert clear.posterior_echoes == pytest.approx(0, abs=0.01)
    blurred = _found(mass, cv2.GaussianBlur(grey, (0, 0), 6))
    assert blurred.sharpness < 0.5 * clear.sharpness
    below = ~mass
    below[:100], below[:, :88], below[:, 168:] = False, False, False
    shadowed, bright = np.where(below, np.float32(0.1), grey), np.where(below, np.float32(0.9), grey)
    assert _found(mass, shadowed).posterior_echoes == pytest.approx(-0.4, abs=0.02)
    assert _found(mass, bright).posterior_echoes == pytest.approx(0.4, abs=0.02)
    speckled = grey + np.random.default_rng(0).normal(0, 0.1, SHAPE).astype(np.float32)
    assert _found(mass, speckled).heterogeneity > clear.heterogeneity + 0.05


def test_holes_and_smaller_parts_count_nothing() -> None:
    mass = _mass(40, 50)
    alone = _found(mass)
    mass[75:85, 120:136] = False
    mass[170:185, 10:30] = True
    for a, b in zip(_found(mass), alone, strict=True):
        assert a == pytest.approx(b, abs=1e-5)


def test_what_lies_beside_the_scan_counts_nothing() -> None:
    mass, inside = _mass(40, 50), np.zeros(SHAPE, bool)
    inside[20:150, 60:200] = True
    grey = np.full(SHAPE, 0.5, np.float32)
    grey[mass] = 0.2
    dark, bright = np.where(inside, grey, 0), np.where(inside, grey, 1)
    here, there = _found(mass, dark.astype(np.float32), inside), _found(mass, bright.astype(np.float32), inside)
    assert here == pytest.approx(there, abs=1e-6)
    assert here.posterior_echoes == pytest.approx(0, abs=1e-6)
    assert here.echogenicity == pytest.approx(0.2 - grey[inside].mean(), abs=0.02)


@pytest.mark.parametrize("mass", [np.ones(SHAPE, bool), _mass(20, 20, centre=(190, 2)), _mass(7, 7), _mass(400, 2.5)])
def test_masses_at_the_edge_and_small_ones(mass: np.ndarray) -> None:
    found = described(_outline(mass), _scan(np.random.default_rng(1).random(SHAPE, np.float32)))
    assert found is not None
    assert np.isfinite(found).all()
    assert 0 < found.solidity <= 1


@pytest.mark.parametrize("mass", [np.zeros(SHAPE, bool), _mass(3, 3)])
def test_what_is_no_lesion_is_not_described(mass: np.ndarray) -> None:
    scan = _scan(np.zeros(SHAPE, np.float32))
    outline = _outline(mass)
    assert described(outline, scan) is None
    judgement = Judgement(
        outline, 0.0, np.zeros((24, 32), np.float32), 0.0, None, np.zeros((1, 320), np.float32), scan.placement
    )
    assert not lesion_of(judgement, SHAPE).any()


def test_the_part_that_is_shown_is_the_one_described() -> None:
    outline = np.full((96, 128), -5, np.float32)
    outline[20:30, 20:30] = 0.2  # after interpolation smaller than the other
    outline[60:69, 60:71] = 9
    found = described(outline, _scan(np.full(SHAPE, 0.5, np.float32)))
    assert found is not None
    assert found.depth_to_width == pytest.approx(1, abs=0.01)


def _card(**weights: float) -> DescriptorCard:
    terms = [{"name": name, "mean": 1.0, "spread": 0.5, "weight": weight} for name, weight in weights.items()]
    return DescriptorCard.model_validate({"intercept": -0.5, "terms": terms})


def test_what_descriptors_add() -> None:
    found = Descriptors(1.5, 0.5, 0, 0, 0, 0, 0, 0, 0)
    assert contribution(found, None) == 0
    assert contribution(found, _card(depth_to_width=0.4)) == pytest.approx(-0.5 + 0.4)
    assert contribution(found, _card(depth_to_width=0.4, solidity=-0.2)) == pytest.approx(-0.5 + 0.4 + 0.2)
    assert contribution(None, _card(depth_to_width=0.4)) == -0.5
    strange = found._replace(depth_to_width=80.0)
    assert contribution(strange, _card(depth_to_width=0.4)) == pytest.approx(-0.5 + 0.4 * MOST_SPREADS)


def test_a_descriptor_counts_once() -> None:
    terms = [{"name": "sharpness", "mean": 0, "spread": 1, "weight": 1}] * 2
    with pytest.raises(ValueError, match="named twice"):
        DescriptorCard.model_validate({"intercept": 0, "terms": terms})
