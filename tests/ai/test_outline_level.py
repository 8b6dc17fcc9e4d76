from __future__ import annotations

import numpy as np
import pytest

from radviewer.ai.outline_level import likeliest_level


def lesion(inside: float, rim: float, rim_cells: int = 400) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Cells of a lesion, of its rim, and many of none."""
    return np.concatenate([np.full(100, inside), np.full(rim_cells, rim), np.full(50_000, -9.0)]).astype(np.float32)


def test_a_certain_lesion_ends_near_even_odds() -> None:
    level = likeliest_level(np.linspace(-12, 12, 2001, dtype=np.float32))
    assert -0.7 < level < 0


def test_of_an_uncertain_lesion_more_is_outlined() -> None:
    cells = lesion(0.4, -0.6)  # the rim is a lesion in two of five cases
    assert (cells > likeliest_level(cells)).sum() == 500
    assert likeliest_level(lesion(8.0, -4.5)) > -2


@pytest.mark.parametrize("cells", [np.full(10, -1.0), np.zeros(10), np.full(10, -20.0), np.zeros(0)])
def test_nothing_is_outlined_where_no_cell_is_positive(cells: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    assert likeliest_level(cells.astype(np.float32)) == 0


def test_the_level_has_the_highest_expected_dice_of_all() -> None:
    rng = np.random.default_rng(3)
    cells = rng.normal(-2, 3, 5000).astype(np.float32)
    chance = 1 / (1 + np.exp(-cells.astype(np.float64) / 1.5))
    level = likeliest_level(cells)

    def expected(threshold: float) -> float:
        chosen = cells > threshold
        return float(2 * chance[chosen].sum() / (chosen.sum() + chance[cells > -6].sum()))

    assert expected(level) == pytest.approx(max(expected(t) for t in np.linspace(-2, 2, 401)), abs=1e-4)


def test_however_unsure_it_does_not_take_everything() -> None:
    cells = np.concatenate([np.full(3, 0.1), np.full(100_000, -3.0)]).astype(np.float32)
    assert likeliest_level(cells) >= -2
