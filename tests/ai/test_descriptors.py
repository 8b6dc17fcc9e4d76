"""Descriptors of masses whose shape, echoes and shadow are known."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest

from radviewer.ai.cards import Descriptor, DescriptorCard
from radviewer.ai.descriptors import MOST_SPREADS, Descriptors, described, verdict

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


def _found(mass: np.ndarray, grey: np.ndarray | None = None) -> Descriptors:
    image = np.full(SHAPE, 0.5, np.float32) if grey is None else grey
    found = described(_outline(mass), image)
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
    assert clear.halo == pytest.approx(0.3, abs=0.04)
    assert clear.posterior == pytest.approx(0, abs=0.01)
    blurred = _found(mass, cv2.GaussianBlur(grey, (0, 0), 6))
    assert blurred.sharpness < 0.5 * clear.sharpness
    below = ~mass
    below[:100], below[:, :88], below[:, 168:] = False, False, False
    shadowed, bright = np.where(below, np.float32(0.1), grey), np.where(below, np.float32(0.9), grey)
    assert _found(mass, shadowed).posterior == pytest.approx(-0.4, abs=0.02)
    assert _found(mass, bright).posterior == pytest.approx(0.4, abs=0.02)
    speckled = grey + np.random.default_rng(0).normal(0, 0.1, SHAPE).astype(np.float32)
    assert _found(mass, speckled).heterogeneity > clear.heterogeneity + 0.05


def test_holes_and_smaller_parts_count_nothing() -> None:
    mass = _mass(40, 50)
    alone = _found(mass)
    mass[75:85, 120:136] = False
    mass[170:185, 10:30] = True
    for a, b in zip(_found(mass), alone, strict=True):
        assert a == pytest.approx(b, abs=1e-5)


@pytest.mark.parametrize("mass", [np.ones(SHAPE, bool), _mass(20, 20, centre=(190, 2)), _mass(3, 3), _mass(400, 1.5)])
def test_masses_at_the_edge_and_tiny_ones(mass: np.ndarray) -> None:
    found = described(_outline(mass), np.random.default_rng(1).random(SHAPE, np.float32))
    assert found is None or np.isfinite(found).all()


def test_nothing_outlined() -> None:
    assert described(np.full((96, 128), -3, np.float32), np.zeros(SHAPE, np.float32)) is None


def _card(**weights: float) -> DescriptorCard:
    terms = [{"name": name, "mean": 1.0, "spread": 0.5, "weight": weight} for name, weight in weights.items()]
    return DescriptorCard.model_validate({"intercept": -0.5, "terms": terms})


def test_what_descriptors_add() -> None:
    found = Descriptors(1.5, 0.5, 0, 0, 0, 0, 0, 0, 0)
    assert verdict(found, None) == 0
    assert verdict(found, _card(depth_to_width=0.4)) == pytest.approx(-0.5 + 0.4)
    assert verdict(found, _card(depth_to_width=0.4, solidity=-0.2)) == pytest.approx(-0.5 + 0.4 + 0.2)
    assert verdict(None, _card(depth_to_width=0.4)) == -0.5
    strange = found._replace(depth_to_width=80.0)
    assert verdict(strange, _card(depth_to_width=0.4)) == pytest.approx(-0.5 + 0.4 * MOST_SPREADS)
